"""Facts on how the parts are doing: cameras, and what needs a person."""

from enum import StrEnum

from pydantic import Field

from plankton_stream.domain import Slug, UtcTime
from plankton_stream.events import topics
from plankton_stream.events.fact import Fact


class DropReason(StrEnum):
    """Why a frame that a camera gave will not arrive."""

    LATE = "late"
    SPOOL_FULL = "spool-full"
    DISK = "disk"
    DAMAGED = "damaged"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


class CameraStatus(Fact):
    """How a camera is doing; totals count since its process started.

    `seen + recovered = sent + spooled + dropped`, but for what is on its way at this moment.
    """

    event_type = "plankton.camera.status.v1"
    topic = topics.CAMERAS

    camera: Slug
    at: UtcTime
    started_at: UtcTime
    state: str = Field(
        description="running, waiting (Kafka is away, or its consumers are behind) or stopped."
    )
    seen: int = Field(ge=0, description="Frames or ROIs that the source gave.")
    sent: int = Field(ge=0, description="Confirmed by Kafka, those that were recovered included.")
    dropped: int = Field(ge=0, description="Will not arrive; `dropped_because` says why.")
    rate_hz: float = Field(ge=0, description="Frames or ROIs sent a second, since the last status.")
    recovered: int = Field(default=0, ge=0, description="Found in the spool at the start.")
    spooled: int = Field(default=0, ge=0, description="On the camera's disk, not yet confirmed.")
    spool_bytes: int = Field(default=0, ge=0, description="What the spool takes.")
    spool_limit_bytes: int | None = Field(
        default=None, ge=0, description="The most they may take; None: this source needs no spool."
    )
    dropped_because: dict[str, int] = Field(
        default_factory=dict,
        description="Dropped by reason: late (the machine was too busy to take it), spool-full, "
        "disk (full or failing), damaged (on disk), refused (too large, empty), unreadable (the "
        "source's decoder gave none).",
    )
    gaps: int = Field(default=0, ge=0, description="Runs of numbers that will not arrive.")
    last_sequence: int = Field(default=0, ge=0, description="The number given last; 0: none yet.")
    lost_before: int = Field(
        default=0, ge=0, description="Numbers that were given up before its process started."
    )
    why: str | None = Field(default=None, description="Why it waits, for a person.")

    @property
    def key(self) -> str:
        """The camera id."""
        return self.camera


class _AlertEvent(Fact):
    """What alert events share."""

    topic = topics.ALERTS

    subject: str = Field(description="What it is about, e.g. `camera/sim-1`.")
    kind: str = Field(description="What is wrong with it, e.g. `silent`: one alert of each kind.")
    since: UtcTime = Field(description="When it began.")
    at: UtcTime
    what: str = Field(description="For a person: what is wrong, or how it ended.")

    @property
    def key(self) -> str:
        """The subject."""
        return self.subject


class AlertRaised(_AlertEvent):
    """Something needs a person. It is open until an `AlertCleared` of its subject and kind."""

    event_type = "plankton.alert.raised.v1"


class AlertCleared(_AlertEvent):
    """An alert's cause is gone."""

    event_type = "plankton.alert.cleared.v1"
