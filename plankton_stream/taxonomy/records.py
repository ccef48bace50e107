"""What people do to the taxonomy, and how much hangs on each taxon."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import Field

from plankton_stream.domain import Name, Rank, Record, Slug, TaxonKind, UtcTime


class TaxonChange(Record):
    """What of a taxon is changed; a field that is not set stays as it is.

    `synonyms` are all that it has afterwards: one that is left out is removed.
    """

    name: Name | None = None
    rank: Rank | None = None
    parent: Slug | None = None
    aphia_id: int | None = Field(default=None, gt=0, lt=2**31, description="Id in WoRMS.")
    kind: TaxonKind | None = None
    synonyms: tuple[Name, ...] | None = Field(default=None, max_length=100)

    def given(self) -> dict[str, Any]:
        """The fields that are set. What every taxon has can't be taken away: null leaves it."""
        always = ("name", "kind", "synonyms")
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {n: v for n, v in values.items() if v is not None or n not in always}


class Did(StrEnum):
    """What somebody did to a taxon."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    MERGED = "merged"
    UNMERGED = "unmerged"


class TaxonEvent(Record):
    """One line of the history of the taxonomy: what of a taxon changed, and to what."""

    sequence: int
    taxon: Slug
    kind: Did
    who: str
    at: UtcTime
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    why: str | None = None


class TaxonCounts(Record):
    """Images under one taxon: those called by it, and those called by it or anything below it.

    `predicted` are names that a machine gave; `proposed` images have no name, only a vote.
    """

    taxon: Slug
    validated: int = 0
    dubious: int = 0
    predicted: int = 0
    proposed: int = 0
    validated_below: int = 0
    dubious_below: int = 0
    predicted_below: int = 0
    proposed_below: int = 0


@dataclass(frozen=True, slots=True)
class Merge:
    """One taxon that was merged into another, and how far it is.

    Attributes:
        action_id: of the labels that it gives.
        taxon: that is no longer given.
        target: that is given instead.
        who: merged them.
        labelled: images that got a new label by it.
        left: images and predictions that still have to follow.
        undone: it was taken back; `left` are then labels that still have to be.
    """

    action_id: str
    taxon: str
    target: str
    who: str
    labelled: int
    left: int
    undone: bool
