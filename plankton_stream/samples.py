"""Projects hold samples, samples hold images; a sample that was deleted stays deleted."""

from dataclasses import dataclass

from pydantic import Field

from plankton_stream.domain import Capture, Record, Slug, UtcTime


class Project(Record):
    """A study, a cruise, a time series: what a lab keeps its samples by."""

    project: Slug
    name: str = Field(min_length=1, max_length=200)
    note: str | None = Field(default=None, max_length=10_000)


class Sample(Record):
    """A sample with what there is of it now."""

    sample: Slug
    name: str = Field(description="The sample's id where nobody gave a name.")
    project: Slug | None = None
    note: str | None = None
    images: int = 0
    labelled: int = 0
    image_bytes: int = 0


class Deletion(Record):
    """The record that a sample was deleted: it stays for ever."""

    deletion_id: str
    sample: Slug
    camera: Slug | None = Field(description="None: of every camera.")
    who: str
    why: str | None
    at: UtcTime
    ended_at: UtcTime | None = Field(description="None: it was broken off, and can go on.")
    frames: int = Field(description="Frames whose outcome was deleted.")
    images: int
    labels: int
    image_bytes: int


@dataclass(frozen=True, slots=True)
class DeletedSamples:
    """The samples that must not be indexed again.

    Attributes:
        pairs: sample and camera; camera None: of every camera.
    """

    pairs: frozenset[tuple[str, str | None]] = frozenset()

    def covers(self, capture: Capture) -> bool:
        """Whether what was captured belongs to a sample that was deleted."""
        return self.has(capture.sample, capture.camera)

    def has(self, sample: str | None, camera: str) -> bool:
        """Whether a camera's part of a sample was deleted."""
        return sample is not None and not self.pairs.isdisjoint({(sample, None), (sample, camera)})
