"""Retrieval figures, against rankings worked out by hand."""

import numpy as np
import pytest

from workers.evaluation import evaluate, evaluate_within, judge, ranking
from workers.evaluation.intervals import bootstrap
from workers.evaluation.ranking import first_k, nearest


def on_circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def test_a_perfect_ranking_scores_one() -> None:
    figures = evaluate(
        on_circle(0, 90), np.array([0, 1]), on_circle(1, 2, 89, 91), np.array([0, 0, 1, 1])
    )

    assert (figures.precision_at_1, figures.map_at_k) == (1, 1)


def test_average_precision_by_hand() -> None:
    # ranked: wrong, right, wrong, right -> (1/2 + 2/4) / 2
    figures = evaluate(
        on_circle(0), np.array([7]), on_circle(1, 2, 3, 4), np.array([8, 7, 8, 7]), k=4
    )

    assert figures.precision_at_1 == 0
    assert figures.map_at_k == pytest.approx(0.5)


def test_k_cuts_the_ranking_and_the_possible_hits() -> None:
    # three relevant, two judged: wrong, right -> (1/2) / 2
    figures = evaluate(
        on_circle(0), np.array([7]), on_circle(1, 2, 3, 4), np.array([8, 7, 7, 7]), k=2
    )

    assert figures.map_at_k == pytest.approx(0.25)


def test_an_image_does_not_find_itself() -> None:
    figures = evaluate_within(on_circle(0, 1, 50, 51), np.array([0, 1, 0, 1]))

    assert figures.precision_at_1 == 0


def test_queries_without_kin_are_left_out() -> None:
    figures = evaluate_within(on_circle(0, 1, 50), np.array([0, 0, 1]))

    assert figures.queries == 2
    assert figures.precision_at_1 == 1


def test_rare_classes_weigh_as_much_as_abundant_ones_by_class() -> None:
    gallery, classes = on_circle(0, 90), np.array([0, 0])
    figures = evaluate(
        on_circle(1, 2, 3, 89), np.array([0, 0, 0, 1]), np.r_[gallery, on_circle(170)],
        np.r_[classes, 1],
    )  # fmt: skip

    assert figures.precision_at_1 == pytest.approx(3 / 4)
    assert figures.precision_at_1_by_class == pytest.approx(1 / 2)


def test_hit_at_5_and_every_depth_by_hand() -> None:
    # ranked: wrong, wrong, right, wrong, wrong, right; three relevant in the gallery
    gallery = np.array([8, 8, 7, 8, 8, 7, 8, 8, 7])
    judged = judge(np.arange(6)[None], np.array([7]), gallery)

    expected = [0, 0, (1 / 3) / 3, (1 / 3) / 3, (1 / 3) / 3, (1 / 3 + 2 / 6) / 3]
    np.testing.assert_allclose(judged.average_precision[0], expected)
    assert judged.average_precision_at(100)[0] == pytest.approx(expected[-1])
    assert judged.hit_at_5[0] == 1
    assert judged.precision_at_1[0] == 0


def brute_force_map(vectors: np.ndarray, classes: np.ndarray, k: int) -> float:
    """The definition, image by image."""
    figures = []
    for query in range(len(vectors)):
        others = [row for row in range(len(vectors)) if row != query]
        others.sort(key=lambda row: (1 - float(vectors[query] @ vectors[row]), row))
        total = sum(classes[row] == classes[query] for row in others)
        hits, found = 0, 0.0
        for rank, row in enumerate(others[:k], 1):
            if classes[row] == classes[query]:
                hits += 1
                found += hits / rank
        if total:
            figures.append(found / min(k, total))
    return float(np.mean(figures))


@pytest.mark.parametrize("k", [1, 10, 100])
def test_figures_are_those_of_the_definition(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_PAIRS_AT_ONCE", 1_000)  # several pieces, the last one short
    rng = np.random.default_rng(k)
    vectors = rng.standard_normal((157, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    classes = rng.integers(0, 60, 157)  # some of them have one image

    figures = evaluate_within(vectors, classes, k)

    assert figures.map_at_k == pytest.approx(brute_force_map(vectors, classes, k))


def test_equal_distances_come_in_the_order_of_the_gallery() -> None:
    distances = np.zeros((3, 500), np.float32)
    distances[1, 400] = -0.0
    distances[2, :300] = 1e-9  # no more than rounding

    assert (first_k(distances, 5) == np.arange(5)).all()


def test_a_changed_query_does_not_find_itself_either() -> None:
    gallery = on_circle(0, 30, 90)

    assert nearest(on_circle(1, 31, 91), gallery, 2, within=True).tolist() == [
        [1, 2],
        [0, 2],
        [1, 0],
    ]
    changed = evaluate_within(gallery, np.array([0, 0, 1]), queries=on_circle(80, 0, 0))
    assert changed.precision_at_1 == pytest.approx(1 / 2)


def test_the_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    hits = (np.random.default_rng(0).random(4_000) < 0.3).astype(float)[:, None]

    (few,), (low, high) = bootstrap(hits[:100])[:1].T, bootstrap(hits[:100])[1:, 0]
    wide, narrow = high - low, np.ptp(bootstrap(hits)[1:])

    assert low < few[0] < high
    # A proportion's own: 2 · 1.96 · sqrt(p (1 - p) / n)
    assert narrow == pytest.approx(2 * 1.96 * np.sqrt(0.21 / 4_000), rel=0.1)
    assert wide > 4 * narrow
    np.testing.assert_array_equal(bootstrap(hits), bootstrap(hits))
