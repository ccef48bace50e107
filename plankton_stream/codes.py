"""Binary codes of vectors: a few bytes whose Hamming distance estimates the angle.

Each bit says on which side of a hyperplane through the origin a vector lies. Two vectors at angle θ
differ in a bit with probability θ/π (Charikar 2002, "Similarity estimation techniques from rounding
algorithms"); hyperplanes that are orthogonal to one another estimate it with less variance (Ji et
al. 2012, "Super-bit locality-sensitive hashing").
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BITS = 256
"""Length of the codes that the product stores: 32 bytes an image."""

_SEED = 20020519  # part of the meaning of every stored code: never changes


def binary_codes(vectors: NDArray[np.float32], bits: int = BITS) -> NDArray[np.uint8]:
    """Return the codes of vectors; the same vector always gets the same code.

    Args:
        vectors: (n, d) float32, of any length but zero.
        bits: a multiple of 8.

    Returns:
        (n, bits / 8) uint8, eight bits a byte, the first bit the most significant.
    """
    planes = hyperplanes(vectors.shape[1], bits)
    return np.packbits(vectors @ planes > 0, axis=1)


def hamming_distances(code: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return in how many bits a code, (b,) uint8, differs from each of (n, b): (n,)."""
    return np.asarray(np.bitwise_count(code ^ codes).sum(axis=1), np.int64)


@lru_cache(maxsize=16)
def hyperplanes(dimension: int, bits: int) -> NDArray[np.float32]:
    """Return the normals of random hyperplanes, (dimension, bits) float32 of unit length.

    They are orthogonal in groups of at most `dimension`. Not to be written to.
    """
    rng = np.random.default_rng(_SEED)
    groups = []
    for start in range(0, bits, dimension):
        normals, _ = np.linalg.qr(rng.standard_normal((dimension, min(dimension, bits - start))))
        groups.append(normals)
    planes = np.concatenate(groups, axis=1).astype(np.float32)
    planes.flags.writeable = False
    return planes
