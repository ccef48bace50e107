"""Exact distances, and the two-stage search: codes find candidates, vectors put them in order."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from plankton_stream.codes import binary_codes, hamming_distances
from plankton_stream.ports import MAX_HITS, Hit, Metric, Vector

_CANDIDATES_PER_HIT = 4
"""Fewest candidates for each neighbour asked for; docs/measured.md shows what that finds."""


def first_stage(k: int, candidates: int) -> int:
    """Return how many candidates the codes shall find for k neighbours; `MAX_HITS` at most.

    Args:
        k: 1…`MAX_HITS`.
        candidates: fewest, however small k is.
    """
    return min(max(candidates, _CANDIDATES_PER_HIT * k), MAX_HITS)


def distances(vector: Vector, vectors: Vector, metric: Metric) -> NDArray[np.float64]:
    """Return the distances between a vector, (d,), and each of (n, d), all L2-normalised: (n,)."""
    if metric is Metric.HAMMING:
        (code,) = binary_codes(vector[np.newaxis])
        return hamming_distances(code, binary_codes(vectors)).astype(np.float64)
    # Rounding takes the cosine of a vector with itself a little past 1.
    cosine = np.maximum(0.0, 1.0 - (vectors @ vector).astype(np.float64))
    return cosine if metric is Metric.COSINE else np.sqrt(2.0 * cosine)


def nearest(
    vector: Vector, k: int, ids: Sequence[str], vectors: Vector, metric: Metric
) -> list[Hit]:
    """Return the k nearest of some images, nearest first; fewer if there are not as many.

    Args:
        vector: float32 (d,), L2-normalised.
        k: 1 or more.
        ids: of n images.
        vectors: theirs, float32 (n, d), L2-normalised.
        metric: of the distances.
    """
    far = distances(vector, vectors, metric)
    return [Hit(ids[row], float(far[row])) for row in np.argsort(far, kind="stable")[:k]]
