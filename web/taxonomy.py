"""What may be asked of the taxonomy, and what it answers."""

from typing import Any

from pydantic import Field

from plankton_stream.domain import Record, Slug, Taxon, UtcTime
from plankton_stream.taxonomy.records import Did, Merge, TaxonCounts, TaxonEvent
from web.queries import Query


class Taxa(Record):
    """The names that can be given."""

    taxa: list[Taxon]
    merged: dict[Slug, Slug] = Field(
        description="Keys that were merged into others, each with the valid one: labels of before "
        "name them."
    )


class MergeBody(Query):
    """Which taxon is valid instead."""

    into: Slug = Field(description="Key of the valid taxon.")


class MergeView(Record):
    """A merge, or the undoing of one; while something is left, the same request goes on."""

    taxon: Slug
    into: Slug
    action_id: str = Field(description="Of the labels that it gave.")
    labelled: int = Field(description="Images that it labelled so far.")
    left: int = Field(description="Images and proposals that still have to follow.")
    undone: bool

    @classmethod
    def of(cls, merge: Merge) -> "MergeView":
        """The view of a merge."""
        return cls(
            taxon=merge.taxon, into=merge.target, action_id=merge.action_id,
            labelled=merge.labelled, left=merge.left, undone=merge.undone,
        )  # fmt: skip


class Counts(Record):
    """Images under taxa; those without any are left out."""

    counts: list[TaxonCounts]


class ChangesQuery(Query):
    """A page of the history of the taxonomy."""

    taxon: Slug | None = Field(default=None, description="Key; else of all taxa.")
    limit: int = Field(default=100, ge=1, le=1_000)
    before: int | None = Field(
        default=None, ge=1, lt=2**63, description="`sequence` of the last one of the page before."
    )


class ChangeView(Record):
    """One line of the history of the taxonomy."""

    sequence: int
    taxon: Slug
    kind: Did
    who: str
    at: UtcTime
    before: dict[str, Any] | None = Field(description="What changed, as it was.")
    after: dict[str, Any] | None = Field(description="What changed, as it became.")
    why: str | None

    @classmethod
    def of(cls, event: TaxonEvent) -> "ChangeView":
        """The view of a line."""
        return cls(**event.model_dump())


class Changes(Record):
    """What was done to the taxonomy, last first."""

    changes: list[ChangeView]
