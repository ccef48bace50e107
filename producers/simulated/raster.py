"""From a vector drawing to a small picture of optical densities."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.simulated.drawing import Drawing, Points

OVERSAMPLING = 3  # drawn this much larger, then averaged: strokes of a third of a pixel stay smooth
UNITS_PER_DENSITY = (
    80.0  # 8-bit steps for a density of 1; 255 steps reach 3.2, which passes 4 % light
)
_SHIFT = 4  # OpenCV's fixed-point coordinates: 1/16 of an oversampled pixel


@dataclass(frozen=True)
class Pose:
    """How a specimen lies before the lens.

    Attributes:
        length_px: of its body axis when seen from the side, in frame pixels.
        rotation: in the image plane, radians.
        tilt: of the body axis towards the lens, radians; foreshortens the length by its cosine.
        breadth: factor on the width: individuals differ, and a rolled body looks slimmer.
    """

    length_px: float
    rotation: float
    tilt: float = 0.0
    breadth: float = 1.0

    def placed(self, points: Points) -> Points:
        """The drawing's points in oversampled pixels."""
        scale = self.length_px * OVERSAMPLING
        x, y = points[:, 0] * np.cos(self.tilt) * scale, points[:, 1] * self.breadth * scale
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        return np.column_stack([x * cos - y * sin, x * sin + y * cos])


def rasterise(drawing: Drawing, pose: Pose, margin_px: int = 3) -> NDArray[np.float32]:
    """Draw the shapes anti-aliased.

    Args:
        drawing: what to draw; at least one shape.
        pose: its size and attitude.
        margin_px: empty frame pixels to leave around it, for a later blur.

    Returns:
        Optical densities, float32 (h, w), 0 to 3.2.
    """
    shapes = drawing.shapes
    starts = np.cumsum([0] + [len(shape.points) for shape in shapes[:-1]])
    points = pose.placed(np.vstack([shape.points for shape in shapes]))
    scale = pose.length_px * OVERSAMPLING
    reach = np.array([shape.width for shape in shapes])[:, None] * scale / 2 + 2
    low = np.floor(np.minimum.reduceat(points, starts) - reach).astype(int)
    high = np.ceil(np.maximum.reduceat(points, starts) + reach).astype(int)
    origin = low.min(axis=0) - margin_px * OVERSAMPLING
    size = high.max(axis=0) - origin + margin_px * OVERSAMPLING
    size += -size % OVERSAMPLING
    canvas = np.zeros((size[1], size[0]), np.uint8)
    fixed = np.rint((points - origin) * (1 << _SHIFT)).astype(np.int32)
    parts = np.split(fixed, starts[1:])
    for shape, corners, (x0, y0), (x1, y1) in zip(
        shapes, parts, (low - origin).tolist(), (high - origin).tolist(), strict=True
    ):
        local = corners - (x0 << _SHIFT, y0 << _SHIFT)
        _add(canvas[y0:y1, x0:x1], local.astype(np.int32), shape.density, shape.width * scale)
    width, height = (size // OVERSAMPLING).tolist()
    averaged = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return averaged.astype(np.float32) * np.float32(1 / UNITS_PER_DENSITY)


def _add(area: NDArray[np.uint8], corners: NDArray[np.int32], density: float, width: float) -> None:
    """Add one shape to its part of the canvas; a stroke thinner than a pixel gets fainter."""
    layer = np.zeros_like(area)
    strength = abs(density) * UNITS_PER_DENSITY
    if width:
        value = min(255, max(1, round(strength * min(1.0, width))))
        cv2.polylines(layer, [corners], False, value, max(1, round(width)), cv2.LINE_AA, _SHIFT)
    else:
        cv2.fillPoly(layer, [corners], min(255, round(strength)), cv2.LINE_AA, _SHIFT)
    (cv2.add if density > 0 else cv2.subtract)(area, layer, dst=area)
