"""Where in a difference from the background something is: strong objects, and faint textured ones.

All of it works on arrays, not object by object: a frame may have thousands of specks.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.images import Pixels
from plankton_stream.segmentation.background import SCALE, Difference
from plankton_stream.segmentation.parameters import Parameters

Rows = NDArray[np.int64]
"""Rectangles, (n, 4): left, top, right, bottom in pixels of the frame, right and bottom outside."""

Indices = NDArray[np.intp]

_BLOCK_PX = 4  # of the halved frame, 8 of the frame: texture is told from blocks of this side
_TEXTURE_STEP_PX = 2
_TEXTURE_GAIN = 24.0  # grey levels of 8 bits for one standard deviation: a speck saturates at five


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
    return _strongest(_uint8(strength))


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
    _, mask = cv2.threshold(strength, low, 1, cv2.THRESH_BINARY)
    points = np.flatnonzero(mask.view(np.bool_))
    count, labels = cv2.connectedComponents(_joined(_uint8(mask), parameters.join_px))
    owner = labels.ravel()[points]
    seeded = np.bincount(owner[strength.ravel()[points] > high], minlength=count) > 0
    areas = np.bincount(owner, minlength=count).astype(np.float64) * SCALE**2
    boxes = _bounds(points, owner, count, mask.shape[1]) * SCALE
    return Found(boxes, areas, len(points) / mask.size)[seeded]


def faint_objects(difference: Difference, parameters: Parameters) -> Found:
    """Blocks of pixels that are rougher than the background: transparent and pale organisms.

    Brenner's gradient (Brenner et al. 1976), the difference of pixels two apart, averaged over
    blocks, where it is far steadier than any single pixel; a block counts when it is
    `texture_factor` times as rough as the median block. Slow changes of the light have no texture.
    """
    if min(difference.levels.shape[:2]) < 2 * _BLOCK_PX:  # no room to tell what is usual
        return Found(np.zeros((0, 4), np.int64), np.zeros(0))
    rough = _roughness(difference)
    usual = float(np.median(rough))
    _, mask = cv2.threshold(rough, parameters.texture_factor * usual, 1, cv2.THRESH_BINARY)
    points = np.flatnonzero(mask)
    count, labels = cv2.connectedComponents(_uint8(mask))
    owner = labels.ravel()[points]
    block = SCALE * _BLOCK_PX
    areas = np.bincount(owner, minlength=count).astype(np.float64) * block**2
    boxes = _bounds(points, owner, count, mask.shape[1]) * block
    large = areas >= max(1.0, parameters.min_texture_area_px)
    return Found(boxes, areas)[large]


def _roughness(difference: Difference) -> Pixels:
    """uint8, one value a block: mean step between pixels two apart, in units of the noise."""
    gain = _TEXTURE_GAIN / difference.noise
    levels = difference.levels
    signed = cv2.addWeighted(levels, gain, levels, 0.0, 128.0, dtype=cv2.CV_8U)
    step = _TEXTURE_STEP_PX
    here = signed[step:, step:]
    down, right = cv2.absdiff(here, signed[:-step, step:]), cv2.absdiff(here, signed[step:, :-step])
    steps = _strongest(_uint8(cv2.max(down, right)))
    # A step belongs to the pixel between the two, so that blocks lie where the frame has them.
    half = step // 2
    whole = cv2.copyMakeBorder(steps, half, half, half, half, cv2.BORDER_REPLICATE)
    height, width = (max(1, side // _BLOCK_PX) for side in levels.shape[:2])
    return _uint8(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))


def _strongest(pixels: Pixels) -> Pixels:
    """The largest channel of each pixel, uint8 (h, w)."""
    if pixels.ndim == 2:
        return pixels
    blue, green, red = cv2.split(pixels)
    return _uint8(cv2.max(cv2.max(blue, green), red))


def _joined(mask: Pixels, join_px: int) -> Pixels:
    """A mask grown so that parts with a gap up to `join_px` touch."""
    reach = -(-join_px // (2 * SCALE))
    side = 2 * reach + 1
    return _uint8(cv2.dilate(mask, np.ones((side, side), np.uint8))) if reach else mask


def _bounds(points: Indices, owner: NDArray[Any], count: int, width: int) -> Rows:
    """Rectangles around the pixels of each component; of 0, the background, it means nothing.

    Args:
        points: indices of pixels in the flattened mask.
        owner: (n,), component of each, 0…count-1.
        count: of components.
        width: of the mask.
    """
    y, x = np.divmod(points, width)
    bounds = np.zeros((count, 4), np.int64)
    bounds[:, :2] = np.iinfo(np.int64).max // 4
    np.minimum.at(bounds[:, 0], owner, x)
    np.minimum.at(bounds[:, 1], owner, y)
    np.maximum.at(bounds[:, 2], owner, x + 1)
    np.maximum.at(bounds[:, 3], owner, y + 1)
    return bounds


def _uint8(pixels: NDArray[Any]) -> Pixels:
    """What OpenCV gives, by its type."""
    return np.asarray(pixels, np.uint8)
