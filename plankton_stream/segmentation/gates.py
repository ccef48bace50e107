"""Which of the found objects become ROIs; what does not is counted by its reason."""

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from plankton_stream.domain import LeftOut
from plankton_stream.images import Pixels
from plankton_stream.segmentation.detection import Found, Rows
from plankton_stream.segmentation.measuring import sharpness
from plankton_stream.segmentation.parameters import Parameters

_SPECK_ESD_PX = 7.1  # what is smaller may be the dark spot of a faint organism
_AROUND = 4.0  # times the boxes in it: so much larger is a faint organism than its strong spots
_PART_OF = 0.5  # share of a box inside a larger one from which on it is a part of that organism


def keep_right_size(
    found: Found, parameters: Parameters, pixel_um: float | None, left_out: Counter[LeftOut]
) -> Found:
    """Objects whose equivalent spherical diameter is within all limits.

    Limits in µm hold where the pixel size is known.
    """
    esd_px = esd(found.areas_px)
    small = esd_px < parameters.min_esd_px
    large = esd_px > (parameters.max_esd_px or np.inf)
    if pixel_um is not None:
        small |= esd_px * pixel_um < (parameters.min_esd_um or 0)
        large |= esd_px * pixel_um > (parameters.max_esd_um or np.inf)
    left_out[LeftOut.TOO_SMALL] += int(small.sum())
    left_out[LeftOut.TOO_LARGE] += int((large & ~small).sum())
    return found[~(small | large)]


def no_specks(found: Found) -> Found:
    """Objects that are large enough to explain why the frame is rough around them."""
    return found[esd(found.areas_px) >= _SPECK_ESD_PX]


def keep_clear_of_border(
    found: Found, parameters: Parameters, shape: tuple[int, ...], left_out: Counter[LeftOut]
) -> Found:
    """Objects that are wholly inside the frame, if the others are to be dropped."""
    if parameters.border == "keep":
        return found
    height, width = shape[:2]
    left, top, right, bottom = found.boxes.T
    # Compared at half resolution: the last odd row and column belong to the edge.
    cut_off = (left <= 0) | (top <= 0) | (right >= width - 1) | (bottom >= height - 1)
    left_out[LeftOut.AT_BORDER] += int(cut_off.sum())
    return found[~cut_off]


def keep_sharp(
    found: Found, parameters: Parameters, pixels: Pixels, left_out: Counter[LeftOut]
) -> Found:
    """Objects that are in focus enough."""
    crops = (pixels[top:bottom, left:right] for left, top, right, bottom in found.boxes.tolist())
    sharp = np.array([sharpness(crop) >= parameters.min_sharpness for crop in crops], bool)
    left_out[LeftOut.BLURRED] += int((~sharp).sum())
    return found[sharp]


def keep_largest(found: Found, parameters: Parameters, left_out: Counter[LeftOut]) -> Found:
    """At most `max_rois` objects."""
    over = max(0, len(found) - parameters.max_rois)
    left_out[LeftOut.OVER_CAP] += over
    return found[_largest_first(found)[: parameters.max_rois]] if over else found


def merge_parts(found: Found) -> Found:
    """Objects without those that lie mostly in the box of a larger one: they are parts of it."""
    order = _largest_first(found)
    boxes = found.boxes[order]
    sizes = _areas(boxes)
    whole = np.ones(len(order), bool)
    for number in range(len(order) - 1):
        if whole[number]:
            rest = boxes[number + 1 :]
            whole[number + 1 :] &= _shared(rest, boxes[number]) < _PART_OF * sizes[number + 1 :]
    return found[order[whole]]


def apart(found: Found, taken: Found) -> Found:
    """Faint objects that the strong ones, `taken`, don't explain.

    One that shares a pixel's box with a strong one is the roughness of that one's edge; unless all
    that it touches are small spots in it: then they are parts of a pale organism.
    """
    free = np.ones(len(found), bool)
    sizes = _areas(taken.boxes)
    for number, (box, size) in enumerate(zip(found.boxes, _areas(found.boxes), strict=True)):
        shared = _shared(taken.boxes, box)
        touched = shared > 0
        spots = sizes[touched]
        is_around = bool((shared[touched] >= _PART_OF * spots).all())
        free[number] = is_around and size >= _AROUND * spots.sum()
    return found[free]


def with_margin(found: Found, margin_px: int, shape: tuple[int, ...]) -> Found:
    """Objects whose boxes are grown on all sides, within the frame."""
    height, width = shape[:2]
    grown = found.boxes + np.array([-margin_px, -margin_px, margin_px, margin_px])
    boxes = np.clip(grown, 0, [width, height, width, height]).astype(np.int64)
    return replace(found, boxes=boxes)


def esd(areas_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equivalent spherical diameter, px: of the circle with the same area."""
    return 2 * np.sqrt(areas_px / np.pi)


def _largest_first(found: Found) -> NDArray[np.int64]:
    return np.argsort(-_areas(found.boxes), kind="stable")


def _areas(boxes: Rows) -> NDArray[np.int64]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _shared(boxes: Rows, box: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixels that each of `boxes` shares with one box."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.int64)
