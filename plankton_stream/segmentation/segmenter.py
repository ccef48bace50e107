"""A camera's segmentation: frame in, boxes and measurements out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from plankton_stream.domain import Box, LeftOut, Measurements
from plankton_stream.images import Pixels
from plankton_stream.segmentation import gates
from plankton_stream.segmentation.background import SCALE, Background, Difference, halve
from plankton_stream.segmentation.detection import (
    Found,
    contrast,
    faint_objects,
    low_threshold,
    strong_objects,
)
from plankton_stream.segmentation.measuring import measure
from plankton_stream.segmentation.parameters import Parameters

_ANOTHER_SCENE = 0.5  # share of a frame that differs from which on it is another scene


@dataclass(frozen=True, slots=True)
class Segmented:
    """What is in a frame.

    Attributes:
        boxes: from top to bottom.
        left_out: objects that became no box, by reason; none of a reason is not mentioned.
        strength: how much each pixel counts as object, uint8 at half resolution, grey levels.
        threshold: grey levels above which a pixel is object.
        pixel_um: side of the frame's pixels, µm, None if not known.
    """

    boxes: tuple[Box, ...]
    left_out: Mapping[LeftOut, int]
    strength: Pixels = field(repr=False)
    threshold: float
    pixel_um: float | None

    def measure(self, pixels: Pixels, box: Box) -> Measurements:
        """Measurements of the ROI in a box.

        Args:
            pixels: of the frame.
            box: one of `boxes`, or one that was decided before; inside the frame.
        """
        x, y, width, height = box
        right, bottom = -(-(x + width) // SCALE), -(-(y + height) // SCALE)
        part = self.strength[y // SCALE : bottom, x // SCALE : right]
        if not part.size:  # the last odd row or column
            part = self.strength[-1:, -1:]
        difference = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
        crop = pixels[y : y + height, x : x + width]
        return measure(crop, np.asarray(difference, np.uint8), self.threshold, self.pixel_um)


class Segmenter:
    """Cuts the frames of one camera, one after the other; not to be shared between threads.

    Attributes:
        background: what an empty frame looks like, None before the first one.
    """

    def __init__(
        self, parameters: Parameters | None = None, background: Background | None = None
    ) -> None:
        self._parameters = parameters or Parameters()
        self.background = background

    def segment(self, pixels: Pixels, pixel_um: float | None = None) -> Segmented:
        """The objects in a frame; the background learns from it.

        Args:
            pixels: uint8, (h, w) grey or (h, w, 3) BGR.
            pixel_um: side of a pixel, µm, if the frame tells it.
        """
        own, left_out = self._parameters, Counter[LeftOut]()
        pixel_um = pixel_um or own.pixel_size_um
        half = halve(pixels, colour=own.colour)
        background, difference, strength, strong = self._compare(half)
        found = self._allowed(strong, pixels.shape, pixel_um, left_out)
        found = gates.with_margin(found, own.margin_px, pixels.shape)
        if own.texture_factor:
            # Also from what was left out, which must not come back as a faint object.
            seen = gates.with_margin(gates.no_specks(strong), own.margin_px, pixels.shape)
            faint = gates.apart(faint_objects(difference, own), seen)
            found += self._allowed(faint, pixels.shape, pixel_um, left_out)
        background.learn(difference, own.memory_frames)
        found = gates.merge_parts(found)
        if own.min_sharpness:
            found = gates.keep_sharp(found, own, pixels, left_out)
        found = gates.keep_largest(found, own, left_out)
        return Segmented(
            boxes=tuple(sorted(map(_box, found.boxes.tolist()), key=lambda box: (box.y, box.x))),
            left_out={why: number for why, number in sorted(left_out.items()) if number},
            strength=strength,
            threshold=low_threshold(difference.noise, own),
            pixel_um=pixel_um,
        )

    def _allowed(
        self,
        found: Found,
        shape: tuple[int, ...],
        pixel_um: float | None,
        left_out: Counter[LeftOut],
    ) -> Found:
        found = gates.keep_right_size(found, self._parameters, pixel_um, left_out)
        return gates.keep_clear_of_border(found, self._parameters, shape, left_out)

    def _compare(self, half: Pixels) -> tuple[Background, Difference, Pixels, Found]:
        """A frame against the background, which begins anew with another size or another scene."""
        background = self.background
        if background is not None and background.levels.shape == half.shape:
            compared = self._found(background, half)
            if compared[-1].covered <= _ANOTHER_SCENE:
                return compared
        self.background = Background.first(half)
        return self._found(self.background, half)

    def _found(
        self, background: Background, half: Pixels
    ) -> tuple[Background, Difference, Pixels, Found]:
        difference = background.difference(half, self._parameters.illumination)
        strength = contrast(difference, self._parameters.field)
        found = strong_objects(strength, difference.noise, self._parameters)
        return background, difference, strength, found


def _box(row: list[int]) -> Box:
    left, top, right, bottom = row
    return Box(left, top, right - left, bottom - top)
