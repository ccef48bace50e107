"""Binary codes by a learned rotation: ITQ.

Gong & Lazebnik 2011, "Iterative quantization: a Procrustean approach to learning binary codes":
project onto the principal components, then turn them such that the signs say as much as they can.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ITERATIONS = 50  # as in the paper, unless it has settled before
_SETTLED = 1e-3  # share of bits that still change
_SEED = 2011


@dataclass(frozen=True)
class LearnedRotation:
    """A linear map whose signs are the code.

    Attributes:
        centre: (d,) mean of the vectors it was fitted on.
        planes: (d, bits) float32.
    """

    centre: NDArray[np.float32]
    planes: NDArray[np.float32]

    def codes(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Codes of (n, d) vectors, (n, bits / 8) uint8."""
        return np.packbits((vectors - self.centre) @ self.planes > 0, axis=1)


def fit(vectors: NDArray[np.float32], bits: int) -> LearnedRotation:
    """Learn codes from vectors that will not be judged.

    More bits than dimensions come from several rotations of all components, each learned from
    another random start: they settle in other places, so the bits are not the same ones twice.

    Args:
        vectors: (n, d) float32, better several times d of them.
        bits: a multiple of 8.
    """
    centre = vectors.mean(axis=0)
    centred = vectors - centre
    _, components = np.linalg.eigh(centred.T @ centred)  # ascending
    rng = np.random.default_rng(_SEED)
    planes, left = [], bits
    while left:
        width = min(left, vectors.shape[1])
        principal = components[:, ::-1][:, :width]
        planes.append(principal @ _rotation(centred @ principal, rng))
        left -= width
    return LearnedRotation(centre, np.concatenate(planes, axis=1).astype(np.float32))


def _rotation(projected: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The rotation that brings (n, c) projections closest to their own signs."""
    width = projected.shape[1]
    rotation = np.linalg.qr(rng.standard_normal((width, width)))[0].astype(np.float32)
    before = projected @ rotation > 0
    for _ in range(_ITERATIONS):
        signs = np.where(before, np.float32(1), np.float32(-1))
        left, _, right = np.linalg.svd(projected.T @ signs)
        rotation = left @ right
        after = projected @ rotation > 0
        if (before != after).mean() < _SETTLED:
            break
        before = after
    return rotation
