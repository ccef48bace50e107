"""Where in a difference from the background something is: strong objects, and faint textured ones.

All of it works on arrays, not object by object: a frame may have thousands of specks.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.images import Pixels
from plankton_stream.segmentation.background import SCALE, Difference, Levels
from plankton_stream.segmentation.parameters import Parameters

Rows = NDArray[np.int64]
"""Rectangles, (n, 4): left, top, right, bottom in pixels of the frame, right and bottom outside."""

_BLOCK_PX = 4  # of the halved frame, 8 of the frame: texture is told from blocks of this side
_TEXTURE_STEP_PX = 2
_TEXTURE_GAIN = 6.0  # grey levels of 8 bits for one standard deviation of noise


@dataclass(frozen=True, slots=True)
class Found:
    """Objects before any of them is left out.

    Attributes:
        boxes: without margin.
        areas_px: float64 (n,), pixels of the frame.
        covered: share of the frame, 0…1, that differs from the background.
    """

    boxes: Rows
    areas_px: NDArray[np.float64]
    covered: float = 0.0

    def __len__(self) -> int:
        return len(self.areas_px)

    def __getitem__(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Found":
        return Found(self.boxes[which], self.areas_px[which], self.covered)

    def __add__(self, other: "Found") -> "Found":
        return Found(
            np.concatenate([self.boxes, other.boxes]),
            np.concatenate([self.areas_px, other.areas_px]),
            self.covered,
        )


def contrast(difference: Difference, field: str) -> Pixels:
    """How much each pixel counts as object, uint8 (h, w) grey levels; the strongest channel's."""
    if field == "auto":
        strength = cv2.convertScaleAbs(difference.levels)
    else:
        sign = -1.0 if field == "bright" else 1.0
        levels = difference.levels
        strength = cv2.addWeighted(levels, sign, levels, 0.0, 0.0, dtype=cv2.CV_8U)
    return _strongest(strength)


def low_threshold(noise: float, parameters: Parameters) -> float:
    """Grey levels above which a pixel belongs to an object, if it hangs together with a seed."""
    return max(parameters.min_contrast, parameters.noise_factor * noise)


def strong_objects(strength: Pixels, noise: float, parameters: Parameters) -> Found:
    """Connected pixels above a low threshold that hold one above a high threshold.

    Hysteresis (Canny 1986): the low threshold follows an organism into its pale parts, the high one
    keeps noise out. Both are grey levels and multiples of the noise, whichever is more.

    Args:
        strength: of `contrast`, at half resolution.
        noise: standard deviation of the background, grey levels.
        parameters: of the camera.
    """
    low = low_threshold(noise, parameters)
    high = max(parameters.seed_contrast, parameters.seed_noise_factor * noise)
    _, mask = cv2.threshold(strength, low, 255, cv2.THRESH_BINARY)
    grown, reach = _joined(np.asarray(mask, np.uint8), parameters.join_px)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    rows, columns = np.nonzero(mask)
    owner = labels[rows, columns]
    areas = np.bincount(owner, minlength=count)
    seeded = np.bincount(owner[strength[rows, columns] > high], minlength=count) > 0
    seeded[0] = False  # the background's label
    boxes = _corners(stats[seeded], reach, mask.shape) * SCALE
    return Found(boxes, areas[seeded] * float(SCALE**2), len(rows) / mask.size)


def faint_objects(difference: Difference, parameters: Parameters) -> Found:
    """Blocks of pixels that are rougher than the background: transparent and pale organisms.

    Brenner's gradient (Brenner et al. 1976), the difference of pixels two apart, averaged over
    blocks, where it is far steadier than any single pixel; a block counts when it is
    `texture_factor` times as rough as the median block. Slow changes of the light have no texture.
    """
    rough = _roughness(difference)
    usual = float(np.median(rough))
    _, mask = cv2.threshold(rough, parameters.texture_factor * usual, 255, cv2.THRESH_BINARY)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    block = SCALE * _BLOCK_PX
    areas = stats[1:count, cv2.CC_STAT_AREA] * float(block**2)
    boxes = _corners(stats[1:count], 0, mask.shape) * block
    return Found(boxes, areas)[areas >= parameters.min_texture_area_px]


def _roughness(difference: Difference) -> Pixels:
    """uint8, one value a block: mean step between pixels two apart, in units of the noise."""
    gain = _TEXTURE_GAIN / difference.noise
    levels = difference.levels
    signed = cv2.addWeighted(levels, gain, levels, 0.0, 128.0, dtype=cv2.CV_8U)
    step = _TEXTURE_STEP_PX
    here = signed[step:, step:]
    down, right = cv2.absdiff(here, signed[:-step, step:]), cv2.absdiff(here, signed[step:, :-step])
    steps = _strongest(cv2.max(down, right))
    # A step belongs to the pixel between the two, so that blocks lie where the frame has them.
    half = step // 2
    steps = cv2.copyMakeBorder(steps, half, half, half, half, cv2.BORDER_REPLICATE)
    height, width = (max(1, side // _BLOCK_PX) for side in levels.shape[:2])
    return np.asarray(cv2.resize(steps, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _strongest(pixels: Levels | Pixels) -> Pixels:
    """The largest channel of each pixel, uint8 (h, w)."""
    if pixels.ndim == 3:
        blue, green, red = cv2.split(pixels)
        pixels = cv2.max(cv2.max(blue, green), red)
    return np.asarray(pixels, np.uint8)


def _joined(mask: Pixels, join_px: int) -> tuple[Pixels, int]:
    """A mask grown so that parts with a gap up to `join_px` touch, and by how much it has grown."""
    reach = -(-join_px // (2 * SCALE))
    if not reach:
        return mask, 0
    side = 2 * reach + 1
    return np.asarray(cv2.dilate(mask, np.ones((side, side), np.uint8)), np.uint8), reach


def _corners(stats: NDArray[np.int32], reach: int, shape: tuple[int, ...]) -> Rows:
    """Rectangles of components that were grown by `reach`, as they were before."""
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    height, width = shape
    # A component that touches the edge could not grow beyond it.
    corners = (
        np.where(left > 0, left + reach, 0),
        np.where(top > 0, top + reach, 0),
        np.where(right < width, right - reach, width),
        np.where(bottom < height, bottom - reach, height),
    )
    return np.stack(corners, axis=1).astype(np.int64)
