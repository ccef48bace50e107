"""How large an organism is, as a part of its vector.

The network sees every organism at the same size; what an expert sees first is lost. So a share of
the squared length of a vector says how large the organism is, such that the cosine of two vectors
falls smoothly as their sizes differ.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NOMINAL_UM = 10.0
"""Micrometres taken for a pixel where its size is unknown: sizes then compare within a camera."""

ABOVE_WATER = np.float32(12 / 255)
"""Contrast that sensor noise and JPEG artefacts stay below, share of full scale."""


def spread_px(contrast: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far organisms spread: four times the radius of gyration of their contrast.

    A disc of diameter d gives 1.4 d, a line of length l 1.15 l. Unlike the box of a ROI this does
    not change when the organism turns, and hardly with the margin that a segmenter leaves.

    Args:
        contrast: (n, side, side, 1) float32, background 0, organism positive.

    Returns:
        (n,) pixels of these squares, at least 1; the side where nothing stands out.
    """
    seen = np.maximum(contrast[..., 0] - ABOVE_WATER, 0)
    side = seen.shape[1]
    mass = seen.sum(axis=(1, 2), dtype=np.float64)
    at = np.arange(side, dtype=np.float64)
    variance = np.zeros(len(seen))
    for axis in (1, 2):
        profile = seen.sum(axis=3 - axis, dtype=np.float64) / np.maximum(mass, 1e-9)[:, None]
        mean = profile @ at
        variance += profile @ at**2 - mean**2
    spread = 4 * np.sqrt(np.maximum(variance, 0))
    return np.where(mass > 0, np.maximum(spread, 1.0), float(side))


def log2_size_um(
    spread: NDArray[np.float64], scale: NDArray[np.float64], pixel_um: Sequence[float | None]
) -> NDArray[np.float32]:
    """Return sizes in octaves, log2 of micrometres: (n,) float32.

    Args:
        spread: (n,) of `spread_px`.
        scale: (n,) pixels of the square for one of the image.
        pixel_um: n sizes of a pixel, None where unknown.
    """
    known = np.array([NOMINAL_UM if one is None else one for one in pixel_um])
    return np.asarray(np.log2(spread / scale * known), np.float32)


def waves(octaves: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return frequencies and amplitudes, (5,) each, of the vector that stands for a number.

    Cosines and sines at these frequencies, times the amplitudes, are a vector of unit length; the
    product of two of them is exp(-(difference / octaves)² / 2) within 0.002 for differences up to
    six times `octaves`: a sum over equal steps of the Gaussian's own Fourier integral. (Rahimi and
    Recht 2007, "Random features for large-scale kernel machines", draw the frequencies at random.)
    """
    steps = (np.arange(_WAVES) + 0.5) * _STEP
    power = np.exp(-(steps**2) / 2)
    amplitudes = np.sqrt(power / power.sum())
    return (steps / octaves).astype(np.float32), amplitudes.astype(np.float32)


_WAVES, _STEP = 5, 0.66  # the step with the smallest error up to six octaves

VALUE_DIMENSION = 2 * _WAVES
"""Length of the vector that stands for a number."""
