"""Gaps in the numbers of a camera's frames."""

import random

import pytest

from plankton_stream.gaps import Arrived, Gap, count, up_to


@pytest.mark.parametrize(
    ("sequences", "gaps"),
    [
        ([], []),
        ([5], []),
        ([1, 2, 3], []),
        ([1, 2, 5, 6, 8], [Gap(3, 4), Gap(7, 7)]),
        ([8, 1, 5, 2, 6, 5, 1], [Gap(3, 4), Gap(7, 7)]),
    ],
)
def test_gaps_lie_between_what_arrived(sequences: list[int], gaps: list[Gap]) -> None:
    assert Arrived(sequences).gaps() == gaps


def test_the_ends_are_known_from_elsewhere() -> None:
    arrived = Arrived([3, 4])
    assert arrived.gaps(first=1, last=6) == [Gap(1, 2), Gap(5, 6)]
    assert arrived.gaps(last=2) == []
    assert Arrived().gaps(first=1, last=3) == [Gap(1, 3)]
    assert Gap(5, 6).frames == 2


def test_gaps_up_to_a_number() -> None:
    gaps = [Gap(3, 4), Gap(7, 9), Gap(12, 12)]
    assert up_to(gaps, 8) == [Gap(3, 4), Gap(7, 8)]
    assert (up_to(gaps, 2), up_to(gaps, 99)) == ([], gaps)
    assert (count(gaps), count([])) == (6, 0)
    assert [str(gap) for gap in gaps] == ["3…4", "7…9", "12"]


def test_it_equals_a_set_for_any_order_and_stays_small() -> None:
    rng = random.Random(1)
    numbers = [rng.randint(1, 300) for _ in range(400)]
    arrived = Arrived(numbers)
    missing = {n for gap in arrived.gaps(first=1, last=300) for n in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, 301)) - set(numbers)
    assert arrived.frames == len(set(numbers))
    rest = list(missing)
    rng.shuffle(rest)
    for number in rest:
        arrived.add(number)
    assert (arrived.gaps(first=1, last=300), arrived.frames) == ([], 300)
    assert len(arrived._firsts) == 1
