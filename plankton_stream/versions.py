"""Encoder versions: which vectors are searched, which are being made, which can come back.

A published version is a candidate until it has every image. Then it goes live, the live one is the
previous one, to which one can roll back, and the one before that is retired.
"""

from enum import StrEnum
from typing import Any

from pydantic import Field

from plankton_stream.domain import Record, UtcTime


class VersionState(StrEnum):
    """Where an encoder version is in its life."""

    CANDIDATE = "candidate"
    LIVE = "live"
    PREVIOUS = "previous"
    RETIRED = "retired"
    ABANDONED = "abandoned"
    FAILED = "failed"


ENDED = (VersionState.RETIRED, VersionState.ABANDONED, VersionState.FAILED)
"""States of versions whose vectors are given up."""


class EncoderSpec(Record):
    """How a version's encoder is loaded again; empty where that was never recorded."""

    name: str = Field(default="", description="Architecture, e.g. compact.")
    file: str = Field(default="", description="Its weights in the encoder store.")
    source: str = Field(default="", description="What was asked for: a name, or a file.")
    identity: dict[str, Any] = Field(
        default_factory=dict, description="All that makes its vectors comparable."
    )


class EncoderVersion(EncoderSpec):
    """One encoder version as the catalog knows it."""

    encoder: str = Field(description="Id of the version; changes with weights and preprocessing.")
    dimension: int = Field(description="Numbers in a vector.")
    state: VersionState
    filling: bool = Field(description="Images that it lacks are being embedded.")
    registered_at: UtcTime
    live_since: UtcTime | None = None
    who: str = Field(description="Who published it.")
    done: int = Field(default=0, description="Images that it has, when last looked.")
    total: int = Field(default=0, description="Images that there were then.")
    images_per_s: float | None = Field(default=None, description="How fast it is being filled.")
    failed: int = Field(default=0, description="Images that it can't have; dead letters say why.")
    reason: str | None = Field(default=None, description="Why it was given up.")
    dropped: bool = Field(default=False, description="Its vectors are gone.")

    @property
    def is_written(self) -> bool:
        """Whether every image has to get a vector of this version."""
        return self.filling or self.state is VersionState.LIVE

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is filled, at the present rate; None if that is not known."""
        if not self.filling or not self.images_per_s:
            return None
        return max(0, self.total - self.done - self.failed) / self.images_per_s
