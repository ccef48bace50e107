"""How many candidates a two-stage search asks for, and how hits are put in order."""

import numpy as np
import pytest

from plankton_stream.ports import MAX_HITS, Metric
from plankton_stream.ranking import distances, first_stage, nearest


@pytest.mark.parametrize(
    ("k", "candidates", "wanted"),
    [
        (10, 1_000, 1_000),
        (250, 1_000, 1_000),
        (1_000, 1_000, 4_000),
        (10_000, 1_000, MAX_HITS),
        (1, 1, 4),
        (MAX_HITS, MAX_HITS, MAX_HITS),
    ],
)
def test_candidates_grow_with_k_up_to_what_milvus_finds(
    k: int, candidates: int, wanted: int
) -> None:
    assert first_stage(k, candidates) == wanted


def test_the_nearest_come_first_and_equal_ones_keep_their_order() -> None:
    vectors = np.float32([[0, 1], [1, 0], [0.6, 0.8], [1, 0]])
    hits = nearest(np.float32([1, 0]), 3, ["a", "b", "c", "d"], vectors, Metric.COSINE)
    assert [hit.image_id for hit in hits] == ["b", "d", "c"]
    assert [hit.distance for hit in hits] == pytest.approx([0, 0, 0.4], abs=1e-6)


def test_rounding_makes_no_negative_distance() -> None:
    vector = np.float32([1.0001, 0])
    for metric in Metric:
        assert distances(vector, vector[None], metric)[0] == 0
