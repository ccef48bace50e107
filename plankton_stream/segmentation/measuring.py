"""What a biologist measures on a ROI, by OpenCV."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.domain import Measurements
from plankton_stream.images import Pixels


def measure(
    crop: Pixels, difference: Pixels, threshold: float, pixel_um: float | None
) -> Measurements:
    """Size, shape, grey and sharpness of the organism in a box.

    Args:
        crop: uint8 (h, w) or (h, w, 3), the ROI.
        difference: uint8 (h, w), how far each pixel is from the background, grey levels.
        threshold: grey levels above which a pixel is organism; the brightest fifth where none is.
        pixel_um: side of a pixel, µm, if it is known.
    """
    mask = _mask(difference, threshold)
    points = cv2.findNonZero(mask)
    area = float(len(points))
    major, minor = _axes(mask, area)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = _hull_area(points)
    grey = _grey(crop)
    lengths = {
        "esd": 2 * np.sqrt(area / np.pi),
        "major": major,
        "minor": minor,
        "perimeter": sum(cv2.arcLength(outline, closed=True) for outline in outlines),
    }
    values = {f"{name}_px": float(length) for name, length in lengths.items()}
    if pixel_um is not None:
        values |= {f"{name}_um": float(length * pixel_um) for name, length in lengths.items()}
        values["area_um2"] = area * pixel_um**2
    values = {name: round(value, 3) for name, value in values.items()}
    return Measurements(
        area_px=area,
        solidity=round(min(1.0, area / hull), 4),
        mean_grey=round(cv2.mean(grey, mask)[0], 2),
        sharpness=round(sharpness(grey), 2),
        **values,
    )


def sharpness(crop: Pixels) -> float:
    """Standard deviation of the Laplacian, grey levels: the more, the sharper.

    The focus measure of Pech-Pacheco et al. (2000), of which it is the square root.

    Args:
        crop: uint8 (h, w) or (h, w, 3).
    """
    _, deviation = cv2.meanStdDev(cv2.Laplacian(_grey(crop), cv2.CV_16S))
    return float(deviation[0, 0])


def _grey(crop: Pixels) -> Pixels:
    return crop if crop.ndim == 2 else np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.uint8)


def _mask(difference: Pixels, threshold: float) -> Pixels:
    """uint8 (h, w), 255 where the organism is; never empty."""
    _, mask = cv2.threshold(difference, threshold, 255, cv2.THRESH_BINARY)
    if not cv2.countNonZero(mask):  # a faint object: no pixel of it is strong
        mask = np.where(difference >= np.quantile(difference, 0.8), 255, 0)
    return np.asarray(mask, np.uint8)


def _axes(mask: Pixels, area: float) -> tuple[float, float]:
    """Major and minor axis, px, of the ellipse with the same second moments (as ImageJ has it)."""
    moments = cv2.moments(mask, binaryImage=True)
    # A pixel is a square, not a point: its own second moment is 1/12.
    xx, yy = moments["mu20"] / area + 1 / 12, moments["mu02"] / area + 1 / 12
    xy = moments["mu11"] / area
    middle, spread = (xx + yy) / 2, float(np.hypot((xx - yy) / 2, xy))
    return 4 * float(np.sqrt(middle + spread)), 4 * float(np.sqrt(max(0.0, middle - spread)))


def _hull_area(points: NDArray[Any]) -> float:
    """Area of the convex hull of whole pixels, px²: of their corners, not of their middles."""
    corners = np.concatenate([points + step for step in ([0, 0], [0, 1], [1, 0], [1, 1])])
    return float(cv2.contourArea(cv2.convexHull(corners.astype(np.int32))))
