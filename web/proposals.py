"""What queues may be asked, and what they answer."""

from pydantic import Field

from plankton_stream.domain import Brief, ImageId, Record, Slug
from plankton_stream.predictions import Candidate, Prediction, Queue, Standing
from plankton_stream.votes import Voter
from web.queries import MAX_LABELLED, Filter, Query

MAX_GROUP = 200
"""Most images of a group that is grown at once: two pages of the bench."""


class QueueQuery(Filter):
    """A page of a queue; `taxon` is the one that is proposed, and `state` always unlabelled."""

    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(
        default=None,
        pattern=r"^-?[0-9.e+-]{1,40}~[0-9A-HJKMNP-TV-Z]{26}$",
        description="next_cursor of the page before.",
    )
    peek: bool = Field(
        default=False, description="Only look: nothing is kept for the page that asks."
    )


class GrowQuery(Query):
    """How large a group, and whom to leave out."""

    k: int = Field(default=60, ge=1, le=MAX_GROUP)
    taxon: Slug | None = Field(
        default=None, description="Leave out images that were rejected as this taxon."
    )


class RejectionBody(Query):
    """Images that are not of a taxon."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LABELLED)
    taxon: Slug = Field(description="Key of the taxon that they are not.")


class SkipBody(Query):
    """Seeds whose clusters are left for later."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LABELLED)


class CandidateView(Brief):
    """An unlabelled image, in brief, with what the machine thinks of it, and why.

    All that is known about it is at GET /api/v1/images/{image_id}. Who speaks for the proposal is
    asked for image by image: GET /api/v1/images/{image_id}/prediction.
    """

    predicted: Slug | None = Field(description="The proposed taxon; null: none so far.")
    score: float = Field(ge=0, le=1, description="Share of the neighbours' votes for it.")
    margin: float = Field(ge=0, le=1, description="Score less that of the runner-up.")
    nearest: float | None = Field(description="Cosine distance to the nearest validated image.")
    crowd: float = Field(ge=0, description="How densely unlabelled images lie around it.")
    why: str = Field(description="Why it is here, in words.")

    @classmethod
    def of_candidate(cls, candidate: Candidate, queue: Queue | None = None) -> "CandidateView":
        """The view of an image in a queue, or of a member of a group."""
        said = candidate.standing
        return cls(
            **candidate.image.__dict__,
            predicted=said.taxon if said else None,
            score=said.score if said else 0.0,
            margin=said.margin if said else 0.0,
            nearest=said.nearest if said else None,
            crowd=said.crowd if said else 0.0,
            why=_why(said, queue),
        )


class PredictionView(CandidateView):
    """The same with those who speak for it."""

    evidence: list[Voter] = Field(description="The nearest validated images that speak for it.")

    @classmethod
    def of_prediction(cls, image: Brief, said: Prediction | None) -> "PredictionView":
        """The view of one image."""
        view = CandidateView.of_candidate(Candidate(image, said))
        return cls.model_construct(**view.__dict__, evidence=list(said.evidence) if said else [])


class QueuePage(Record):
    """Some unlabelled images, the one most worth a look first."""

    images: list[CandidateView]
    next_cursor: str | None = Field(description="Of the next page; null at the end.")


class GroupView(Record):
    """Unlabelled look-alikes of a specimen, in the order in which they join its group."""

    images: list[CandidateView]


class ExpectedView(Record):
    """What waits under a proposed taxon."""

    taxon: Slug
    images: int = Field(description="Unlabelled images for which it is proposed.")
    expected: float = Field(description="Sum of their scores: about how many it is right for.")


class QueuesView(Record):
    """The queues, and what waits under each proposed taxon, most first."""

    queues: list[Queue]
    predicted: list[ExpectedView]


class Remembered(Record):
    """How many images were noted."""

    images: int


def _why(said: Standing | None, queue: Queue | None) -> str:
    if queue is Queue.NEWEST:
        return "arrived last"
    if said is None:
        return "nobody has voted on it yet"
    if queue is Queue.NOVEL:
        far = "nothing is named yet" if said.nearest is None else f"{said.nearest:.3f} away"
        return f"far from all that is named: {far}"
    if queue is Queue.CLUSTERS:
        return f"about {said.crowd:.0f} unlabelled images close by"
    if said.taxon is None:
        return "nothing that looks like it has a name yet"
    return f"{said.taxon} with {said.score:.0%} of the votes, {said.margin:.0%} ahead"
