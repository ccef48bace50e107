"""What the suites of the vector index share."""

from collections.abc import Callable

import numpy as np

from plankton_stream.codes import binary_codes, hamming_distances
from plankton_stream.domain import Image
from plankton_stream.ports import ImageFilter, Metric, Vector, VectorIndex
from tests.waiting import wait_until

DEADLINE_S = 20.0
DIMENSION = 16
CANDIDATES = 4
"""Of the indexes that search in two stages: as few as one neighbour needs."""


def until(true: Callable[[], bool]) -> None:
    """Wait until a write can be found."""
    wait_until(true, within_s=DEADLINE_S, what="it can be found")


def found(
    index: VectorIndex, vector: Vector, where: ImageFilter, k: int = 500,
    metric: Metric = Metric.COSINE,
) -> list[str]:  # fmt: skip
    return [hit.image_id for hit in index.search(vector, k, where=where, metric=metric)]


def put(index: VectorIndex, images: list[Image], vectors: Vector) -> None:
    """Write, and wait until all can be found."""
    own = ImageFilter(sample=images[0].capture.sample)
    index.upsert(images, vectors)
    for metric in (Metric.COSINE, Metric.HAMMING):
        until(lambda by=metric: len(found(index, vectors[0], own, metric=by)) == len(images))


def exact_distances(vector: Vector, vectors: Vector, metric: Metric) -> np.ndarray:
    cosine = np.maximum(0, 1 - vectors @ vector)
    return {
        Metric.COSINE: cosine,
        Metric.L2: np.sqrt(2 * cosine),
        Metric.HAMMING: hamming_distances(binary_codes(vector[None])[0], binary_codes(vectors)),
    }[metric]
