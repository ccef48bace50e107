"""How well vectors find images of the same class.

A query is one image; the gallery is ranked by cosine; a gallery image is relevant if it has the
query's class. Figures are means over queries, so abundant classes weigh more; `by_class` is the
mean over classes of the class's own mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROWS_AT_ONCE = 512  # 512 queries against 20,000 images: 40 MB of cosines


@dataclass(frozen=True)
class Retrieval:
    """Retrieval figures, all 0..1.

    Attributes:
        queries: how many queries had at least one relevant image in the gallery.
        precision_at_1: share of queries whose nearest image is of their class.
        map_at_k: mean average precision over the first `k` images.
        k: how deep a ranking was judged.
        precision_at_1_by_class: mean over classes of `precision_at_1`.
        map_at_k_by_class: mean over classes of `map_at_k`.
    """

    queries: int
    precision_at_1: float
    map_at_k: float
    k: int
    precision_at_1_by_class: float
    map_at_k_by_class: float

    def __str__(self) -> str:
        return (
            f"{self.queries} queries: P@1 {self.precision_at_1:.4f}, "
            f"mAP@{self.k} {self.map_at_k:.4f}; mean over classes: "
            f"P@1 {self.precision_at_1_by_class:.4f}, mAP@{self.k} {self.map_at_k_by_class:.4f}"
        )


def evaluate(
    query_vectors: NDArray[np.float32],
    query_classes: NDArray[np.int64],
    gallery_vectors: NDArray[np.float32],
    gallery_classes: NDArray[np.int64],
    k: int = 100,
) -> Retrieval:
    """Rank the gallery for each query and judge the first k.

    Average precision at k is the sum of the precision at each relevant rank up to k, divided by
    min(k, relevant images in the gallery), so that a perfect ranking scores 1 (Manning et al.
    2008, "Introduction to Information Retrieval", 8.4, cut at k). Queries without a relevant image
    in the gallery are left out.

    Args:
        query_vectors: (q, d) float32, unit length.
        query_classes: (q,) integers.
        gallery_vectors: (g, d) float32, unit length. The queries must not be in it.
        gallery_classes: (g,) integers.
        k: depth, at most g.
    """
    return _figures(query_vectors, query_classes, gallery_vectors, gallery_classes, k, within=False)


def evaluate_within(
    vectors: NDArray[np.float32], classes: NDArray[np.int64], k: int = 100
) -> Retrieval:
    """Let each image search all the others of one set; otherwise as `evaluate`."""
    return _figures(vectors, classes, vectors, classes, k, within=True)


def _figures(
    queries: NDArray[np.float32],
    query_classes: NDArray[np.int64],
    gallery: NDArray[np.float32],
    gallery_classes: NDArray[np.int64],
    k: int,
    *,
    within: bool,
) -> Retrieval:
    k = min(k, len(gallery) - within)
    first, average = np.empty(len(queries)), np.empty(len(queries))
    for start in range(0, len(queries), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        cosine = queries[rows] @ gallery.T
        if within:  # an image does not find itself
            cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = -np.inf
        nearest = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(cosine, nearest, axis=1), axis=1, kind="stable")
        ranked = np.take_along_axis(nearest, order, axis=1)
        relevant = gallery_classes[ranked] == query_classes[rows, None]
        total = (gallery_classes[None] == query_classes[rows, None]).sum(axis=1) - within
        first[rows] = np.where(total > 0, relevant[:, 0], np.nan)
        average[rows] = _average_precision(relevant, total)
    answerable = ~np.isnan(first)
    first, average, known = first[answerable], average[answerable], query_classes[answerable]
    members = [known == each for each in np.unique(known)]
    return Retrieval(
        queries=len(first),
        precision_at_1=float(first.mean()),
        map_at_k=float(average.mean()),
        k=k,
        precision_at_1_by_class=float(np.mean([first[rows].mean() for rows in members])),
        map_at_k_by_class=float(np.mean([average[rows].mean() for rows in members])),
    )


def _average_precision(
    relevant: NDArray[np.bool_], total: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Average precision of (q, k) ranked hits, `total` (q,) being the gallery's relevant images."""
    ranks = np.arange(1, relevant.shape[1] + 1)
    precision = relevant.cumsum(axis=1) / ranks
    possible = np.minimum(total, relevant.shape[1])
    found = (precision * relevant).sum(axis=1)
    return np.asarray(found / np.maximum(possible, 1), dtype=np.float64)
