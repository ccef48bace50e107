"""Agreement between people, against published worked examples."""

import numpy as np
import pytest

from plankton_stream.review.agreement import (
    by_taxon,
    cohen,
    confusion,
    fleiss,
    fleiss_of_counts,
    share,
)

# Fleiss (1971), table 1: 30 patients, 6 psychiatrists, 5 diagnoses.
FLEISS_1971 = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006
10050 11040 03300 10050 02031 00501 30012 51000 02040 10203
00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
# 10 subjects, 14 raters, 5 categories: the worked example of Wikipedia's article on Fleiss' kappa.
FOURTEEN_RATERS = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip


def table(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array(rows, np.int64)


def test_cohen_1960_on_his_own_two_tables() -> None:
    # 200 cases; proportions .44 .05 .01 / .07 .20 .03 / .09 .05 .06.
    found = cohen(table((88, 10, 2), (14, 40, 6), (18, 10, 12)))
    assert found is not None
    assert (found.observed, found.expected) == (pytest.approx(0.70), pytest.approx(0.41))
    assert found.value == pytest.approx(0.492, abs=5e-4)
    # His own error, 0.055, leaves out what Fleiss, Cohen and Everitt found: statsmodels agrees.
    assert (found.low, found.high) == (
        pytest.approx(0.39156, abs=1e-5),
        pytest.approx(0.59149, abs=1e-5),
    )
    less_than_chance = cohen(table((50, 26, 24), (24, 4, 32), (6, 30, 4)))
    assert less_than_chance is not None
    assert less_than_chance.value == pytest.approx(-0.09, abs=5e-3)


def test_the_interval_of_fleiss_cohen_and_everitt() -> None:
    """The table of 100 diagnoses in Fleiss (1981), Statistical Methods, chapter 13."""
    found = cohen(table((75, 1, 4), (5, 4, 1), (0, 0, 10)))
    assert found is not None
    assert found.value == pytest.approx(0.676, abs=1e-3)
    assert (found.low, found.high) == (
        pytest.approx(0.5046, abs=5e-4),
        pytest.approx(0.8484, abs=5e-4),
    )


def test_fleiss_1971_on_his_own_table() -> None:
    given = np.array([[int(digit) for digit in row] for row in FLEISS_1971.split()], float)
    found = fleiss_of_counts(given)
    assert found.value == pytest.approx(0.430, abs=5e-4)
    assert (found.observed, found.expected) == (
        pytest.approx(0.5556, abs=1e-3),
        pytest.approx(0.2201, abs=1e-3),
    )


def test_fleiss_of_fourteen_raters() -> None:
    found = fleiss_of_counts(np.array(FOURTEEN_RATERS, float))
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.210 < found.high


def test_unequal_numbers_of_raters_count_each_image_once() -> None:
    """By hand: pairs agree 1, 1/3, 0; frequency a = (1 + 2/3 + 1/2) / 3."""
    found = fleiss([["a", "a"], ["a", "a", "b"], ["a", "b"], ["b"]])
    assert found is not None
    assert found.images == 3
    assert found.observed == pytest.approx((1 + 1 / 3 + 0) / 3)
    a = (1 + 2 / 3 + 1 / 2) / 3
    expected = a**2 + (1 - a) ** 2
    assert found.value == pytest.approx((found.observed - expected) / (1 - expected))


def test_the_interval_of_fleiss_is_near_that_of_the_jackknife() -> None:
    given = np.array([[int(digit) for digit in row] for row in FLEISS_1971.split()], float)
    whole, n = fleiss_of_counts(given), len(given)
    without = [fleiss_of_counts(np.delete(given, row, axis=0)).value for row in range(n)]
    error = np.std(np.array(without, float)) * np.sqrt(n - 1)
    assert whole.low is not None
    assert whole.high is not None
    assert whole.high - whole.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_what_no_kappa_can_tell() -> None:
    assert cohen(np.zeros((0, 0), np.int64)) is None
    assert fleiss([["a"], []]) is None
    same = cohen(table((9, 0), (0, 0)))
    assert same is not None
    assert (same.value, same.observed) == (None, 1.0)
    assert fleiss([["a", "a"]] * 3).value is None  # type: ignore[union-attr]
    perfect = cohen(table((5, 0), (0, 5)))
    assert perfect is not None
    assert (perfect.value, perfect.low, perfect.high) == (1.0, 1.0, 1.0)
    single = fleiss([["a", "b"]])
    assert single is not None
    assert (single.value, single.low) == (-1.0, None)


def test_a_share_has_wilsons_interval() -> None:
    found = share(8, 10)
    assert (found.low, found.high) == (
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )
    assert share(0, 0).share is None
    assert share(3, 3).high == pytest.approx(1.0)
    assert share(0, 3).low == pytest.approx(0.0)


def test_a_confusion_has_the_most_frequent_first_and_agreement_by_taxon() -> None:
    found = confusion([("a", "a"), ("a", "b"), ("b", "a"), ("a", "a"), ("c", "c")])
    assert found.taxa == ("a", "b", "c")
    assert found.counts.tolist() == [[2, 1, 0], [1, 0, 0], [0, 0, 1]]
    shares = {taxon: one.share for taxon, one in by_taxon(found).items()}
    assert shares == {"a": pytest.approx(4 / 6), "b": 0, "c": 1}
    assert confusion([]).taxa == ()
