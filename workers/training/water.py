"""What water, light and sensor do to a picture, on its contrast.

Each function draws from `rng` whether and how much, and returns a picture of the same shape. Their
ranges and sources are in `Changes`.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workers.training.changes import REFERENCE_PX, Changes

Contrast = NDArray[np.float32]
"""How far each pixel is from the background: (side, side) or (side, side, channels) float32, in
shares of full scale, about -1..1; the background is 0."""


def turbidity(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Attenuate the organism and lay a veil of backscatter over the picture."""
    if rng.random() >= changes.turbidity:
        return x
    seen = np.exp(-rng.uniform(0, changes.attenuation))
    veil = rng.uniform(0, changes.veil) * _slope(x.shape[0], rng)
    return x * np.float32(seen) + _spread(veil, x)


def gaussian_blur(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Blur with a Gaussian of any width in the range, small ones more often."""
    if rng.random() >= changes.blur:
        return x
    lowest, highest = np.log(changes.blur_px)
    return _blurred(x, float(np.exp(rng.uniform(lowest, highest))) * _unit(x))


def defocus(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Blur with a disc, as a lens out of focus does."""
    if rng.random() >= changes.defocus:
        return x
    radius = rng.uniform(0.5, changes.defocus_px) * _unit(x)
    reach = np.arange(-int(np.ceil(radius)), int(np.ceil(radius)) + 1)
    # The share of each pixel within the disc, by its distance: a soft edge of one pixel.
    disc = np.clip(radius + 0.5 - np.hypot(*np.meshgrid(reach, reach)), 0, 1)
    return _filtered(x, disc)


def motion(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Smear along a straight line in any direction."""
    if rng.random() >= changes.motion:
        return x
    length = rng.uniform(1, max(1.0, changes.motion_px)) * _unit(x)
    side = 2 * int(np.ceil(length / 2)) + 1
    line = np.zeros((side, side), np.float32)
    angle = rng.uniform(0, np.pi)
    half = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = [tuple(round(float(v)) for v in side // 2 + sign * half) for sign in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 1.0)
    return _filtered(x, line)


def marine_snow(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Strew soft flakes, brighter or darker than the water."""
    if rng.random() >= changes.marine_snow:
        return x
    side = x.shape[0]
    flakes = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(1, changes.flakes + 1))):
        at = tuple(int(v) for v in rng.integers(0, side, 2))
        radius = max(1, round(rng.uniform(0.5, 2.0) * _unit(x)))
        cv2.circle(flakes, at, radius, float(rng.uniform(-0.2, 0.5)), -1)
    return x + _spread(_blurred(flakes, 0.6 * _unit(x)), x)


def uneven_light(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Light that falls off to one side or away from the beam's axis."""
    if rng.random() >= changes.uneven_light:
        return x
    side = x.shape[0]
    lost = _slope(side, rng) if rng.random() < 0.5 else _cone(side, rng)
    gain = 1 - rng.uniform(0, changes.light_fall) * lost
    # The background was subtracted as one number; what is left of it follows the light.
    rest = rng.uniform(0, _BACKGROUND) * (gain - gain.mean())
    return x * _spread(gain, x) + _spread(rest, x)


_BACKGROUND = 0.3  # share of full scale; backgrounds of bright-field cameras, seen inverted


def exposure(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Another contrast and level."""
    gain = changes.contrast ** rng.uniform(-1, 1)
    level = rng.uniform(-changes.brightness, changes.brightness)
    return x * np.float32(gain) + np.float32(level)


def sensor_noise(x: Contrast, changes: Changes, rng: Generator) -> Contrast:
    """Noise of the read-out, and of the photons where there is light."""
    if rng.random() >= changes.noise:
        return x
    read, shot = rng.uniform(0, changes.noise_level, 2).astype(np.float32)
    deviation = np.sqrt(read**2 + shot**2 * np.clip(x, 0, 1))
    return np.asarray(x + deviation * rng.standard_normal(x.shape, dtype=np.float32), np.float32)


WATER: tuple[Callable[[Contrast, Changes, Generator], Contrast], ...] = (
    turbidity, gaussian_blur, defocus, motion, marine_snow, uneven_light, exposure, sensor_noise,
)  # fmt: skip
"""In the order in which light meets them."""


def _unit(x: Contrast) -> float:
    """Pixels of this picture for one of a picture of `REFERENCE_PX`."""
    return float(x.shape[0] / REFERENCE_PX)


def _slope(side: int, rng: Generator) -> NDArray[np.float32]:
    """A plane from 0 to 1 across the picture, in any direction: (side, side)."""
    across = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    x, y = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    plane = (across[None] * x + across[:, None] * y) / (abs(x) + abs(y)) + np.float32(0.5)
    return np.asarray(plane, np.float32)


def _cone(side: int, rng: Generator) -> NDArray[np.float32]:
    """What a beam leaves dark: 0 on its axis, towards 1 away from it: (side, side)."""
    column, row = rng.uniform(0.2, 0.8, 2).astype(np.float32)
    across = np.linspace(0, 1, side, dtype=np.float32)
    squared = (across[None] - column) ** 2 + (across[:, None] - row) ** 2
    return np.asarray(1 - np.exp(-squared / (2 * 0.5**2)), np.float32)


def _spread(plane: NDArray[np.float32], x: Contrast) -> NDArray[np.float32]:
    """A plane (side, side) in the shape of a picture with or without channels."""
    plane = np.asarray(plane, np.float32)
    return plane if x.ndim == 2 else plane[..., None]


def _blurred(x: Contrast, deviation_px: float) -> Contrast:
    return np.asarray(cv2.GaussianBlur(x, (0, 0), deviation_px), np.float32)


def _filtered(x: Contrast, kernel: NDArray[np.generic]) -> Contrast:
    """Correlate with a kernel that is made to sum to 1."""
    weights = np.asarray(kernel / kernel.sum(), np.float32)
    return np.asarray(cv2.filter2D(x, -1, weights, borderType=cv2.BORDER_REPLICATE), np.float32)
