"""What the machine proposes: flooding `labels` with it would drown what people said."""

from pydantic import Field

from plankton_stream.domain import ImageId, Slug, UtcTime
from plankton_stream.events import topics
from plankton_stream.events.fact import Fact
from plankton_stream.votes import Voter


class ImagePredicted(Fact):
    """The machine proposes a name for an unlabelled image, or changes its mind."""

    event_type = "plankton.image.predicted.v1"
    topic = topics.PREDICTIONS

    image_id: ImageId
    taxon: Slug
    score: float = Field(ge=0, le=1, description="Share of the votes for the taxon.")
    margin: float = Field(ge=0, le=1, description="Score less that of the runner-up.")
    evidence: tuple[Voter, ...] = Field(description="Validated images that speak for it.")
    encoder: str = Field(description="Id of the version whose vectors were compared.")
    at: UtcTime

    @property
    def key(self) -> str:
        """The image id."""
        return self.image_id
