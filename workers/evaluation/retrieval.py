"""How well vectors find images of the same class.

A query is one image; the gallery is ranked; a gallery image is relevant if it has the query's
class. Figures are means over queries, so abundant classes weigh more; the means over classes give
each class the same weight.

Average precision at k is the sum of the precision at each relevant rank up to k, divided by
min(k, relevant images in the gallery), so that a perfect ranking scores 1 (Manning et al. 2008,
"Introduction to Information Retrieval", 8.4, cut at k).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workers.evaluation.ranking import nearest

DEPTH = 100
"""How deep rankings are judged."""


@dataclass(frozen=True)
class Judged:
    """Rankings of those queries that have at least one relevant image in the gallery.

    Attributes:
        queries: (q,) int64, which of the queries they are.
        classes: (q,) int64, their class.
        nearest: (q, k) int64, gallery images, nearest first.
        relevant: (q, k) bool, whether each is of the query's class.
        possible: (q,) int64, relevant images in the whole gallery, at least 1.
        left_out: queries without a relevant image, which nothing could find.
    """

    queries: NDArray[np.int64]
    classes: NDArray[np.int64]
    nearest: NDArray[np.int64]
    relevant: NDArray[np.bool_]
    possible: NDArray[np.int64]
    left_out: int

    @cached_property
    def average_precision(self) -> NDArray[np.float64]:
        """Average precision at 1…k, (q, k), 0..1."""
        ranks = np.arange(1, self.relevant.shape[1] + 1)
        precision = self.relevant.cumsum(axis=1) / ranks
        found = (precision * self.relevant).cumsum(axis=1)
        return np.asarray(found / np.minimum(self.possible[:, None], ranks), dtype=np.float64)

    def average_precision_at(self, k: int) -> NDArray[np.float64]:
        """Average precision at one depth, (q,); a smaller gallery ends the ranking earlier."""
        column: NDArray[np.float64] = self.average_precision[:, min(k, self.relevant.shape[1]) - 1]
        return column

    @property
    def precision_at_1(self) -> NDArray[np.float64]:
        """1 where the nearest image is of the query's class, else 0, (q,)."""
        return self.relevant[:, 0].astype(np.float64)

    @property
    def hit_at_5(self) -> NDArray[np.float64]:
        """1 where one of the nearest five is of the query's class, else 0, (q,)."""
        return np.asarray(self.relevant[:, :5].any(axis=1), dtype=np.float64)

    def members(self) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """Each class that has queries, and which rows are its own."""
        for name in np.unique(self.classes):
            yield int(name), self.classes == name


@dataclass(frozen=True)
class Retrieval:
    """Retrieval figures in short, all 0..1.

    Attributes:
        queries: how many queries had at least one relevant image in the gallery.
        precision_at_1: share of queries whose nearest image is of their class.
        hit_at_5: share of queries with an image of their class among the nearest five.
        map_at_10: mean average precision over the first ten.
        map_at_k: mean average precision over the first `k` images.
        k: how deep a ranking was judged.
        precision_at_1_by_class: mean over classes of `precision_at_1`.
        map_at_k_by_class: mean over classes of `map_at_k`.
    """

    queries: int
    precision_at_1: float
    hit_at_5: float
    map_at_10: float
    map_at_k: float
    k: int
    precision_at_1_by_class: float
    map_at_k_by_class: float

    def __str__(self) -> str:
        return (
            f"{self.queries} queries: P@1 {self.precision_at_1:.4f}, hit@5 {self.hit_at_5:.4f}, "
            f"mAP@10 {self.map_at_10:.4f}, mAP@{self.k} {self.map_at_k:.4f}; mean over classes: "
            f"P@1 {self.precision_at_1_by_class:.4f}, mAP@{self.k} {self.map_at_k_by_class:.4f}"
        )


def judge(
    found: NDArray[np.int64],
    query_classes: NDArray[np.int64],
    gallery_classes: NDArray[np.int64],
    *,
    within: bool = False,
) -> Judged:
    """Say which of the found images are relevant.

    Args:
        found: (q, k) gallery images of each query, nearest first; -1 where there are no more.
        query_classes: (q,) integers.
        gallery_classes: (g,) integers.
        within: the gallery holds each query too, and it was left out of `found`.
    """
    counts = np.bincount(gallery_classes, minlength=int(query_classes.max(initial=0)) + 1)
    possible = counts[query_classes] - within
    (answerable,) = np.nonzero(possible > 0)
    found, classes = found[answerable], query_classes[answerable]
    return Judged(
        queries=answerable,
        classes=classes,
        nearest=found,
        relevant=(gallery_classes[found] == classes[:, None]) & (found >= 0),
        possible=possible[answerable],
        left_out=len(query_classes) - len(answerable),
    )


def evaluate(
    query_vectors: NDArray[np.float32],
    query_classes: NDArray[np.int64],
    gallery_vectors: NDArray[np.float32],
    gallery_classes: NDArray[np.int64],
    k: int = DEPTH,
) -> Retrieval:
    """Rank the gallery for each query and judge the first k.

    Queries without a relevant image in the gallery are left out.

    Args:
        query_vectors: (q, d) float32, unit length.
        query_classes: (q,) integers.
        gallery_vectors: (g, d) float32, unit length. The queries must not be in it.
        gallery_classes: (g,) integers.
        k: depth; a smaller gallery lowers it.
    """
    found = nearest(query_vectors, gallery_vectors, k)
    return summary(judge(found, query_classes, gallery_classes))


def evaluate_within(
    vectors: NDArray[np.float32],
    classes: NDArray[np.int64],
    k: int = DEPTH,
    *,
    queries: NDArray[np.float32] | None = None,
) -> Retrieval:
    """Let each image search all the others of one set; otherwise as `evaluate`.

    Args:
        vectors: (n, d) float32, unit length.
        classes: (n,) integers.
        k: depth, lowered to n - 1.
        queries: (n, d) vectors of the same images, changed (turned, blurred): they search the
            images as they are. Without, the images search as they are too.
    """
    found = nearest(vectors if queries is None else queries, vectors, k, within=True)
    return summary(judge(found, classes, classes, within=True))


def summary(judged: Judged) -> Retrieval:
    """The means of judged rankings; NaN where no query could be judged."""
    first, average = judged.precision_at_1, judged.average_precision[:, -1]
    members = [rows for _, rows in judged.members()]
    return Retrieval(
        queries=len(first),
        precision_at_1=_mean(first),
        hit_at_5=_mean(judged.hit_at_5),
        map_at_10=_mean(judged.average_precision_at(10)),
        map_at_k=_mean(average),
        k=judged.relevant.shape[1],
        precision_at_1_by_class=_mean([first[rows].mean() for rows in members]),
        map_at_k_by_class=_mean([average[rows].mean() for rows in members]),
    )


def _mean(values: NDArray[np.float64] | list[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
