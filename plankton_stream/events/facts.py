"""Events that are facts in JSON: indexed, labelled, counted, how a camera is doing.

Each class is one event type; its JSON Schema lies in `schemas/` and may only grow: a field that
consumers rely on is never removed, renamed or re-typed within a version.
"""

from pydantic import Field, ValidationError

from plankton_stream.domain import (
    Capture,
    ImageId,
    LabelSource,
    LabelState,
    Naming,
    Slug,
    UtcTime,
)
from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.envelope import (
    JSON,
    Envelope,
    Message,
    Received,
    describe,
    now,
    read_envelope,
    to_headers,
    to_text,
)
from plankton_stream.events.fact import Fact
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus
from plankton_stream.events.prediction import ImagePredicted
from plankton_stream.events.taxon import TaxonChanged


class EmbeddingRequested(Fact):
    """An encoder version lacks the vector of an image. Harmless when it comes again."""

    event_type = "plankton.embedding.requested.v1"
    topic = topics.REEMBED

    image_id: ImageId
    encoder: str = Field(description="Id of the encoder version.")

    @property
    def key(self) -> str:
        """The image id."""
        return self.image_id


class ImageIndexed(Fact):
    """An image became searchable. Published again if the image is embedded again."""

    event_type = "plankton.image.indexed.v1"
    topic = topics.INDEXED

    image_id: ImageId
    capture: Capture
    frame_key: str
    encoder: str
    indexed_at: UtcTime

    @property
    def key(self) -> str:
        """The image id."""
        return self.image_id


class ImageDeleted(Fact):
    """An image was deleted for good: its bytes, its vectors, its labels."""

    event_type = "plankton.image.deleted.v1"
    topic = topics.INDEXED

    image_id: ImageId
    capture: Capture
    frame_key: str
    who: str
    why: str | None = None
    at: UtcTime

    @property
    def key(self) -> str:
        """The image id."""
        return self.image_id


class _LabelEvent(Fact):
    """What label events share: enough that a consumer needs nothing else."""

    image_id: ImageId
    version: int = Field(
        ge=1,
        description="Counts the changes of this image's naming: a consumer that has seen a version "
        "ignores it and all before it.",
    )
    label_id: str
    action_id: str = Field(description="Labels set or taken back together share it.")
    taxon: Slug = Field(description="The taxon of the label that is applied or retracted.")
    state: LabelState
    source: LabelSource
    who: str
    at: UtcTime
    why: str | None = None
    before: Naming = Field(description="What the image was called before this event.")
    after: Naming = Field(description="What it is called from now on.")
    capture: Capture

    @property
    def key(self) -> str:
        """The image id."""
        return self.image_id


class LabelApplied(_LabelEvent):
    """Somebody gave an image a name."""

    event_type = "plankton.label.applied.v1"
    topic = topics.LABELS


class LabelRetracted(_LabelEvent):
    """Somebody took a label back; the label before it, if any, holds again."""

    event_type = "plankton.label.retracted.v1"
    topic = topics.LABELS


class LabelCurrent(Fact):
    """The latest naming of an image; one record per image survives compaction."""

    event_type = "plankton.label.current.v1"
    topic = topics.LABELS_CURRENT

    image_id: ImageId
    version: int
    naming: Naming
    who: str
    at: UtcTime
    capture: Capture

    @property
    def key(self) -> str:
        """The image id."""
        return self.image_id


class CensusCounted(Fact):
    """Validated images per taxon of one camera in one window of capture time.

    Each event carries the whole count and replaces the one before it for its key.
    """

    event_type = "plankton.census.counted.v1"
    topic = topics.CENSUS

    camera: Slug
    window_start: UtcTime | None = Field(description="None: the capture time is unknown.")
    window_s: int = Field(gt=0)
    counts: dict[Slug, int] = Field(
        description="Images by taxon key; a taxon with none is left out."
    )
    updated_at: UtcTime

    @property
    def key(self) -> str:
        """`camera|window start`, the latter `unknown` where the capture time is."""
        start = self.window_start.isoformat() if self.window_start else "unknown"
        return f"{self.camera}|{start}"


FACTS: dict[str, type[Fact]] = {
    fact.event_type: fact
    for fact in (
        EmbeddingRequested,
        ImageIndexed,
        ImageDeleted,
        LabelApplied,
        LabelRetracted,
        LabelCurrent,
        ImagePredicted,
        TaxonChanged,
        CameraStatus,
        CensusCounted,
        AlertRaised,
        AlertCleared,
    )
}


def fact_message(fact: Fact, *, event_id: str, source: str) -> Message:
    """The record that publishes a fact.

    Args:
        fact: what happened.
        event_id: the same when the same event is published again, so that consumers can tell.
        source: who says so, e.g. `/workers/embed`.
    """
    envelope = Envelope(
        id=event_id,
        type=fact.event_type,
        source=source,
        time=now(),
        subject=fact.key,
        content_type=JSON,
    )
    return Message(
        topic=fact.topic.name,
        key=fact.key,
        value=fact.model_dump_json().encode(),
        headers=to_headers(envelope),
    )


def read_fact(received: Received) -> Fact:
    """The fact in a record.

    Raises:
        RejectedError: wrong headers, an unknown event type or version, or JSON that does not fit.
    """
    envelope = read_envelope(to_text(received.headers))
    fact = FACTS.get(envelope.type)
    if fact is None:
        raise RejectedError(
            f"event type {envelope.type!r} is unknown: known are {', '.join(FACTS)}"
        )
    if envelope.content_type != JSON:
        raise RejectedError(f"content type {envelope.content_type!r}: a fact is {JSON}")
    try:
        # A newer publisher may have added fields: a consumer that does not know them reads on.
        return fact.model_validate_json(received.value, extra="ignore")
    except ValidationError as error:
        raise RejectedError(f"{envelope.type}: {describe(error)}") from error


def embedding_request(image_id: str, encoder: str, *, source: str) -> Message:
    """The record that asks for an image's vector of an encoder version."""
    fact = EmbeddingRequested(image_id=image_id, encoder=encoder)
    return fact_message(fact, event_id=f"{image_id}/{encoder}", source=source)


def read_embedding_request(received: Received) -> EmbeddingRequested:
    """The request in a record.

    Raises:
        RejectedError: see `read_fact`; or it is another fact.
    """
    fact = read_fact(received)
    if not isinstance(fact, EmbeddingRequested):
        raise RejectedError(f"event type {fact.event_type!r}: this consumer reads requests")
    return fact


def read_label_event(received: Received) -> LabelApplied | LabelRetracted:
    """The label event in a record.

    Raises:
        RejectedError: see `read_fact`; or it is another fact.
    """
    fact = read_fact(received)
    if not isinstance(fact, LabelApplied | LabelRetracted):
        raise RejectedError(f"event type {fact.event_type!r}: this consumer reads label events")
    return fact
