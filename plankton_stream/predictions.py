"""What the machine thinks of an image: stored and published apart from what people say."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from plankton_stream.domain import Brief, ImageId, Record, Slug, UtcTime
from plankton_stream.votes import Voter


class Standing(Record):
    """How the last vote on an unlabelled image ended; see `votes` for the measures."""

    image_id: ImageId
    taxon: Slug | None = Field(description="Null: nobody may speak for it yet.")
    score: float = Field(ge=0, le=1, description="Share of the votes for the taxon.")
    margin: float = Field(ge=0, le=1, description="Score less that of the runner-up.")
    nearest: float | None = Field(
        description="Cosine distance to the nearest validated image; null: there is none."
    )
    crowd: float = Field(ge=0, description="How densely unlabelled images lie around it.")
    encoder: str = Field(description="Id of the version whose vectors were compared.")
    voted_at: UtcTime


class Prediction(Standing):
    """The same with those who spoke for it; lists leave them out, they weigh most."""

    evidence: tuple[Voter, ...] = Field(description="The nearest that speak for the taxon.")


class Queue(StrEnum):
    """Orders in which unlabelled images are worth a look."""

    NEWEST = "newest"
    PREDICTED = "predicted"
    DOUBTFUL = "doubtful"
    UNCERTAIN = "uncertain"
    NOVEL = "novel"
    RARE = "rare"
    CLUSTERS = "clusters"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An unlabelled image in a queue; `standing` is None until the first vote."""

    image: Brief
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """A page of a queue; `next_cursor` is None at the end."""

    found: list[Candidate]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """How much waits under one proposed taxon.

    Attributes:
        images: unlabelled images for which it is proposed.
        expected: the sum of their scores: about how many it is right for.
    """

    taxon: str
    images: int
    expected: float
