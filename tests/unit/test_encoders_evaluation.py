"""Retrieval figures, against rankings worked out by hand."""

import numpy as np
import pytest

from workers.evaluation import evaluate, evaluate_within


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
