"""Which of a camera's frames are missing, from the numbers of those that arrived."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class Gap(NamedTuple):
    """Numbers that did not arrive, from the first to the last, both included."""

    first: int
    last: int

    @property
    def frames(self) -> int:
        """How many they are."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        """As people read it: `21`, or `21…23`."""
        return f"{self.first}" if self.first == self.last else f"{self.first}…{self.last}"


def count(gaps: Iterable[Gap]) -> int:
    """How many frames are in gaps."""
    return sum(gap.frames for gap in gaps)


def up_to(gaps: Iterable[Gap], last: int) -> list[Gap]:
    """What of the gaps is at most this number."""
    return [Gap(gap.first, min(gap.last, last)) for gap in gaps if gap.first <= last]


class Arrived:
    """The numbers that arrived, in any order, also more than once.

    Kept as stretches without a gap, so a million frames of which none is missing are one entry.
    """

    def __init__(self, sequences: Iterable[int] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for sequence in sequences:
            self.add(sequence)

    def add(self, sequence: int) -> None:
        """Take in a number, from 1."""
        place = bisect_right(self._firsts, sequence)
        if place and sequence <= self._lasts[place - 1]:
            return
        joins_before = bool(place) and self._lasts[place - 1] == sequence - 1
        joins_after = place < len(self._firsts) and self._firsts[place] == sequence + 1
        if joins_before and joins_after:
            del self._firsts[place]
            del self._lasts[place - 1]
        elif joins_before:
            self._lasts[place - 1] = sequence
        elif joins_after:
            self._firsts[place] = sequence
        else:
            self._firsts.insert(place, sequence)
            self._lasts.insert(place, sequence)

    def gaps(self, *, first: int | None = None, last: int | None = None) -> list[Gap]:
        """What is missing, in order.

        Args:
            first: number that should have been the first; None: the smallest that arrived, because
                what came before may have been deleted by age.
            last: number that the camera gave last, as its status says; None: the largest.
        """
        if not self._firsts:
            return [Gap(first, last)] if first is not None and last is not None else []
        starts = [*self._firsts, max(last or 0, self._lasts[-1]) + 1]
        ends = [(first or self._firsts[0]) - 1, *self._lasts]
        return [
            Gap(end + 1, start - 1)
            for end, start in zip(ends, starts, strict=True)
            if start > end + 1
        ]

    @property
    def frames(self) -> int:
        """How many different numbers arrived."""
        return sum(last - first + 1 for first, last in zip(self._firsts, self._lasts, strict=True))
