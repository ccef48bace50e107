"""From a frame to the boxes of what is in it, with OpenCV."""

from dataclasses import dataclass

import cv2
import numpy as np

from plankton_stream.domain import Box
from plankton_stream.images import Pixels


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How frames are cut.

    Attributes:
        noise_factor: a pixel belongs to an object when it differs from the background by more than
            this many standard deviations of the background's noise.
        min_contrast: and by more than this many grey levels.
        min_area_px: objects with fewer pixels are marine snow or noise.
        join_px: parts of one organism that are nearer than this are one object.
        margin_px: kept around each object.
    """

    noise_factor: float = 5.0
    min_contrast: float = 10.0
    min_area_px: int = 60
    join_px: int = 7
    margin_px: int = 3

    def boxes(self, pixels: Pixels) -> list[Box]:
        """Boxes of the objects in a bright or dark field frame, from top to bottom.

        Args:
            pixels: uint8, (height, width) grey or (height, width, 3) BGR.
        """
        grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        mask = self._mask(np.asarray(grey, np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        kept = [row for row in stats[1:count] if row[cv2.CC_STAT_AREA] >= self.min_area_px]
        return sorted((self._box(row, grey.shape) for row in kept), key=lambda box: (box.y, box.x))

    def _mask(self, grey: Pixels) -> Pixels:
        """uint8 (h, w), 255 where something is."""
        difference = np.asarray(cv2.absdiff(grey, background(grey)), np.uint8)
        threshold = max(self.min_contrast, self.noise_factor * noise(difference))
        _, mask = cv2.threshold(difference, threshold, 255, cv2.THRESH_BINARY)
        element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (self.join_px, self.join_px))
        return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, element), np.uint8)

    def _box(self, row: np.ndarray, shape: tuple[int, ...]) -> Box:
        x, y, width, height = (int(value) for value in row[:4])
        left, top = max(0, x - self.margin_px), max(0, y - self.margin_px)
        right = min(shape[1], x + width + self.margin_px)
        bottom = min(shape[0], y + height + self.margin_px)
        return Box(left, top, right - left, bottom - top)


_SHRINK = 8
_MEDIAN_PX = 31


def background(grey: Pixels) -> Pixels:
    """The uneven light without the objects: a wide median on an eighth of the resolution.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8 (h, w). Objects wider than half of the median's window (about 120 px) begin to count
        as background.
    """
    height, width = grey.shape
    small_size = (max(1, width // _SHRINK), max(1, height // _SHRINK))
    small = cv2.resize(grey, small_size, interpolation=cv2.INTER_AREA)
    blurred = cv2.medianBlur(small, _MEDIAN_PX)
    return np.asarray(
        cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
    )


def noise(difference: Pixels) -> float:
    """Standard deviation of the background's noise, grey levels.

    Args:
        difference: uint8 (h, w), how far each pixel is from the background. Objects fill a small
            part of it, so the median tells of the background only: for normal noise the median of
            |x| is 0.6745 sigma (Rousseeuw and Croux 1993).
    """
    sample = difference[::4, ::4]
    return float(np.median(sample)) / 0.6745
