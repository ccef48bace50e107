"""The nouns of review: opinions, disputes, what waits for a decision."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from plankton_stream.domain import Image, ImageId, Name, Record, Slug, UtcTime


class OpinionKind(StrEnum):
    """What a blind opinion is compared with; whoever gives it is not told."""

    SECOND = "second"
    """With the name that somebody else gave."""

    SELF = "self"
    """With the name that the same person gave a while ago."""

    REFERENCE = "reference"
    """With the known truth."""


class Opinion(Record):
    """What somebody called an image without having seen its name."""

    opinion_id: str
    image_id: ImageId
    who: Name
    taxon: Slug
    kind: OpinionKind
    at: UtcTime
    note: str | None = None
    compared_taxon: Slug = Field(description="What it was called then, or the known truth.")
    compared_who: Name | None = Field(description="Who had called it so; null for a truth.")

    @property
    def agrees(self) -> bool:
        """Whether it is the name that it is compared with."""
        return self.taxon == self.compared_taxon


class Dispute(Record):
    """Somebody's objection to an image's name. It is open until it is withdrawn or settled."""

    dispute_id: str
    image_id: ImageId
    who: Name
    at: UtcTime
    taxon: Slug | None = Field(default=None, description="What it should be called instead.")
    note: str | None = None
    opinion_id: str | None = Field(
        default=None, description="The blind opinion that differed, where one opened it."
    )
    settled_by: Name | None = None
    settled_at: UtcTime | None = None


class Reference(Record):
    """An image whose name is known, to measure people with."""

    image_id: ImageId
    taxon: Slug
    who: Name
    at: UtcTime
    note: str | None = None


class Shares(Record):
    """How much is looked at twice, per cent."""

    second_percent: float = Field(
        default=0, ge=0, le=100, description="Of validated images: offered to somebody else."
    )
    self_percent: float = Field(
        default=0, ge=0, le=100, description="Of them: offered to the same person again."
    )
    self_after_days: float = Field(
        default=14, ge=0, le=3_650, description="How long after the first label."
    )
    reference_percent: float = Field(
        default=0, ge=0, le=90, description="Of what is handed out: images of known truth."
    )


class CaseKind(StrEnum):
    """Why an image waits for a reviewer."""

    DISPUTED = "disputed"
    DUBIOUS = "dubious"


class VoiceKind(StrEnum):
    """How somebody came to say what an image is."""

    LABEL = "label"
    SECOND = "second"
    SELF = "self"
    DISPUTE = "dispute"


class Voice(Record):
    """What one person says about an image."""

    kind: VoiceKind
    who: Name
    at: UtcTime
    taxon: Slug | None = Field(description="Null: an objection that names nothing better.")
    state: str | None = Field(default=None, description="Of a label: validated, dubious.")
    note: str | None = None
    stands: bool = Field(default=False, description="It is the label that holds now.")


@dataclass(frozen=True, slots=True)
class Case:
    """An image that waits for a reviewer, with all that was said about it, first one first.

    Attributes:
        since: when its oldest open dispute was opened, or when it was called dubious.
    """

    image: Image
    kind: CaseKind
    since: UtcTime
    voices: list[Voice]
    disputes: list[Dispute]


@dataclass(frozen=True, slots=True)
class Cases:
    """A page of cases, the one that waits longest first; `next_cursor` is None at the end."""

    found: list[Case]
    next_cursor: str | None
