"""What blind opinions say about people: who agrees with whom, with themselves, with the truth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from plankton_stream.review.agreement import (
    Confusion,
    Kappa,
    Share,
    by_taxon,
    cohen,
    confusion,
    fleiss,
    share,
)
from plankton_stream.review.records import Opinion, OpinionKind

Names = tuple[str, str]
"""What an image is called by the row and by the column of a matrix."""


class Compared(StrEnum):
    """What a confusion matrix compares; rows first."""

    PEOPLE = "people"
    """One person with another."""

    SELF = "self"
    """What somebody called an image first, with what they called it later."""

    REFERENCE = "reference"
    """The truth with what somebody called it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people on the images that both named, in the order of their names."""

    first: str
    second: str
    agreed: int
    kappa: Kappa


@dataclass(frozen=True, slots=True)
class Member:
    """One person.

    Attributes:
        others: how often they agree with somebody else, of all pairs of names.
        itself: with themselves.
        itself_kappa: the same beyond chance; None where they were never shown an image again.
        truth: with the references.
    """

    who: str
    others: Share
    itself: Share
    itself_kappa: Kappa | None
    truth: Share


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix with its kappa and the agreement on each taxon."""

    found: Confusion
    kappa: Kappa | None
    taxa: Mapping[str, Share]


class Panel:
    """Everybody's opinions, and the labels that they were compared with.

    A person counts once an image: with the label that was compared, or with the opinion. What was
    said again to the same image, and the truth of references, are kept apart.
    """

    def __init__(self, opinions: Iterable[Opinion]) -> None:
        self._opinions = list(opinions)
        self._named: dict[str, dict[str, str]] = defaultdict(dict)
        for one in self._opinions:
            if one.kind is OpinionKind.SELF:
                continue
            named = self._named[one.image_id]
            if one.kind is OpinionKind.SECOND and one.compared_who is not None:
                named.setdefault(one.compared_who, one.compared_taxon)
            named.setdefault(one.who, one.taxon)

    @property
    def people(self) -> list[str]:
        """Everybody who named an image that is compared, by name."""
        named = {who for names in self._named.values() for who in names}
        return sorted(named | {one.who for one in self._opinions})

    def together(self) -> Kappa | None:
        """Fleiss' kappa of all, on the images that at least two named."""
        return fleiss([list(names.values()) for names in self._named.values()])

    def pairs(self) -> list[Pair]:
        """All pairs of people who named a common image, by how many they have in common."""
        both: dict[Names, list[Names]] = defaultdict(list)
        for names in self._named.values():
            for first, second in combinations(sorted(names), 2):
                both[first, second].append((names[first], names[second]))
        found = []
        for (first, second), given in both.items():
            kappa = cohen(confusion(given).counts)
            if kappa is not None:
                found.append(Pair(first, second, sum(a == b for a, b in given), kappa))
        return sorted(found, key=lambda pair: (-pair.kappa.images, pair.first, pair.second))

    def members(self) -> list[Member]:
        """Each person, by name."""
        others: dict[str, list[bool]] = defaultdict(list)
        for names in self._named.values():
            for first, second in combinations(names, 2):
                for who in (first, second):
                    others[who].append(names[first] == names[second])
        return [self._member(who, others[who]) for who in self.people]

    def matrix(
        self, compared: Compared, first: str | None = None, second: str | None = None
    ) -> Matrix:
        """Who calls what how.

        Args:
            compared: what rows and columns are.
            first: whose names the rows are, of people; None: of whoever labelled it first.
            second: whose names the columns are; None: everybody else's. For `SELF` and `REFERENCE`
                it is the person; None: all.
        """
        found = confusion(self._given(compared, first, second))
        return Matrix(found, cohen(found.counts), by_taxon(found))

    def _given(self, compared: Compared, first: str | None, second: str | None) -> Sequence[Names]:
        if compared is Compared.PEOPLE and first is not None:
            return [
                (names[first], taxon)
                for names in self._named.values()
                for who, taxon in names.items()
                if first in names and who != first and second in (None, who)
            ]
        kind = {
            Compared.PEOPLE: OpinionKind.SECOND,
            Compared.SELF: OpinionKind.SELF,
            Compared.REFERENCE: OpinionKind.REFERENCE,
        }[compared]
        return [
            (one.compared_taxon, one.taxon)
            for one in self._opinions
            if one.kind is kind and second in (None, one.who)
        ]

    def _member(self, who: str, others: list[bool]) -> Member:
        again = self._given(Compared.SELF, None, who)
        truths = self._given(Compared.REFERENCE, None, who)
        return Member(
            who=who,
            others=share(sum(others), len(others)),
            itself=share(sum(a == b for a, b in again), len(again)),
            itself_kappa=cohen(confusion(again).counts),
            truth=share(sum(a == b for a, b in truths), len(truths)),
        )
