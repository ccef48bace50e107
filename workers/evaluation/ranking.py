"""Exact rankings of a gallery, in pieces that fit into memory, with a fixed order among equals."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_PAIRS_AT_ONCE = 4_000_000  # about 120 MB with the keys and their partition
_STEPS = (
    2**20
)  # distances that differ by less than a millionth are equal: float32 sums know no more


def first_k(distances: NDArray[np.float32] | NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Columns of the k smallest distances of each row, smallest first.

    Among equal distances the lower column comes first, so a ranking is the same on every run.

    Args:
        distances: (q, g), floats of 0…100 or integers below 2³¹; +inf comes last.
        k: 1…g.

    Returns:
        (q, k) int64.
    """
    steps = distances
    if np.issubdtype(distances.dtype, np.floating):
        steps = np.rint(np.minimum(distances, 1000) * _STEPS).astype(np.int64)
    columns = np.arange(distances.shape[1], dtype=np.int64)
    keys = (np.asarray(steps, dtype=np.int64) << 32) | columns
    if k < keys.shape[1]:
        keys = np.partition(keys, k - 1, axis=1)[:, :k]
    return np.asarray(np.sort(keys, axis=1) & 0xFFFFFFFF, dtype=np.int64)


def nearest(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], k: int, *, within: bool = False
) -> NDArray[np.int64]:
    """The k gallery images with the smallest cosine distance (1 - cos) to each query.

    Args:
        queries: (q, d) float32, unit length.
        gallery: (g, d) float32, unit length.
        k: how many; fewer come back if the gallery is smaller.
        within: query i is gallery image i (or a changed copy of it), and does not find itself.

    Returns:
        (q, min(k, g)) int64, nearest first; `within` has one image less to find.
    """
    k = min(k, len(gallery) - within)
    found = np.empty((len(queries), k), dtype=np.int64)
    for rows in pieces(len(queries), len(gallery)):
        distances = 1 - queries[rows] @ gallery.T
        if within:
            own = np.arange(rows.start, rows.stop)
            distances[own - rows.start, own] = np.inf
        found[rows] = first_k(np.maximum(distances, 0), k)
    return found


def pieces(queries: int, gallery: int) -> Iterator[slice]:
    """Slices of the queries, such that one slice against the gallery fits into memory."""
    step = max(1, _PAIRS_AT_ONCE // max(1, gallery))
    for start in range(0, queries, step):
        yield slice(start, min(start + step, queries))
