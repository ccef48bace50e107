"""What an empty frame of a camera looks like now."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.images import Pixels

Levels = NDArray[np.float32]

SCALE = 2
"""Frames are compared at half their resolution: four pixels average out half of the noise."""

_FIRST_SHRINK = 8
_FIRST_MEDIAN_PX = 31
_LEAST_NOISE = 0.3  # grey levels: what rounding to 8 bits leaves of a noiseless background
_STILL = 3.0  # standard deviations: a pixel that changes by less between two frames is still
_LONGEST_STEP = 10.0  # standard deviations of a pixel's distance that count in a settled mean
_DARK = 64.0  # background's median grey level under which dividing would blow up the noise
_STRIDE = 8  # every so many pixels tell of the light and the noise


@dataclass(frozen=True, slots=True)
class Difference:
    """A frame against its background.

    Attributes:
        levels: float32 (h, w) or (h, w, 3) at half resolution, grey levels, negative where the
            frame is darker. `Background.learn` uses it up.
        noise: standard deviation of the background in it, grey levels.
    """

    levels: Levels
    noise: float


@dataclass(slots=True)
class Background:
    """The background of one camera, which follows the light.

    A running mean of the pixels that look as they did in the frame before. An organism that drifts
    by is at no place in two frames, so it leaves no trace; dirt that stays becomes background, and
    so does what was behind an organism that the first frame's guess took for light. Once the mean
    has settled, a pixel takes bounded steps: what sticks to the glass for some frames leaves no
    ghost when it is washed away; what stays becomes background in some hundred frames.

    Attributes:
        levels: float32 (h, w) or (h, w, 3) at half resolution, grey levels.
        frames: how many it was learned from.
    """

    levels: Levels
    frames: int = 0
    # Fresh memory for each frame would cost more than the arithmetic: the system clears it.
    _difference: Levels = field(init=False, repr=False)
    _before: Levels = field(init=False, repr=False)
    _step: Levels = field(init=False, repr=False)
    _has_before: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._difference, self._before, self._step = (np.empty_like(self.levels) for _ in range(3))

    @classmethod
    def first(cls, half: Pixels) -> "Background":
        """That of a camera's first frame: its uneven light, by a wide median that objects pass.

        Args:
            half: uint8 (h, w) or (h, w, 3). Objects wider than about 240 px of it begin to count
                as background, until the frames after them show what is behind.
        """
        height, width = half.shape[:2]
        size = (max(1, width // _FIRST_SHRINK), max(1, height // _FIRST_SHRINK))
        small = cv2.resize(half, size, interpolation=cv2.INTER_AREA)
        light = cv2.medianBlur(small, _FIRST_MEDIAN_PX)
        whole = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
        return cls(np.asarray(whole, np.float32))

    def difference(self, half: Pixels, illumination: str) -> Difference:
        """How far each pixel is from the background, with the flicker of the light taken out.

        Args:
            half: uint8, of the background's shape.
            illumination: `divide` gives the contrast as it would be under the median light (flat
                field: a shadow takes a share of the light); `subtract` the plain difference;
                `auto` divides, but subtracts where the background is dark.
        """
        some = self.levels[::_STRIDE, ::_STRIDE]
        flicker = float(np.median(half[::_STRIDE, ::_STRIDE] / np.maximum(some, 1)))
        level = float(np.median(some))
        if illumination == "auto":
            illumination = "subtract" if level < _DARK else "divide"
        # NumPy, not OpenCV, whose division and minimum with a number are ten times as slow.
        levels = self._difference
        if illumination == "divide" and flicker > 0:
            np.maximum(self.levels, 1.0, out=levels)
            np.divide(half, levels, out=levels)
            levels *= np.float32(level / flicker)
            levels -= np.float32(level)
        else:
            np.multiply(self.levels, np.float32(-flicker), out=levels)
            levels += half
        return Difference(levels, noise(levels))

    def learn(self, difference: Difference, memory_frames: int) -> None:
        """Move towards a frame.

        Args:
            difference: the last one; it is used up.
            memory_frames: frames that the mean runs over; at first as many as there were.
        """
        self.frames += 1
        levels, step = difference.levels, self._step
        if self._has_before:
            # Of two noisy frames: the difference has √2 times the noise of one.
            most = _STILL * np.sqrt(2) * difference.noise
            np.abs(np.subtract(levels, self._before, out=step), out=step)
            still = step < most
            np.multiply(levels, still, out=step)
            if self.frames > memory_frames:
                longest = np.float32(_LONGEST_STEP * difference.noise)
                np.clip(step, -longest, longest, out=step)
            step /= min(self.frames, memory_frames)
            self.levels += step
            levels -= step  # what it will be against the background as it is now
        self._difference, self._before = self._before, levels
        self._has_before = True


def noise(levels: Levels) -> float:
    """Standard deviation of the background's noise, grey levels.

    Args:
        levels: (h, w), how far each pixel is from the background. Objects fill a small part of it,
            so the median tells of the background only: for normal noise the median of |x| is
            0.6745 sigma (Rousseeuw and Croux 1993).
    """
    sample = np.abs(levels[::_STRIDE, ::_STRIDE])
    return max(_LEAST_NOISE, float(np.median(sample)) / 0.6745)


def halve(pixels: Pixels, *, colour: bool) -> Pixels:
    """A frame at the resolution at which it is compared.

    Args:
        pixels: uint8 (h, w) or (h, w, 3) BGR.
        colour: False turns colours into grey levels.

    Returns:
        uint8 of half the height and width, rounded down, at least 1.
    """
    if pixels.ndim == 3 and not colour:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    height, width = pixels.shape[:2]
    size = (max(1, width // SCALE), max(1, height // SCALE))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
