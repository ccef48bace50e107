"""Projects hold samples, samples hold images; a sample that was deleted stays deleted."""

from dataclasses import dataclass

from pydantic import Field, TypeAdapter, ValidationError

from plankton_stream.domain import Capture, Record, Slug, UtcTime
from plankton_stream.errors import RejectedError
from plankton_stream.events.envelope import describe


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


def sample_of(text: str) -> str:
    """A sample's id as a person typed it.

    Raises:
        RejectedError: it can't be one.
    """
    try:
        sample: str = TypeAdapter(Slug).validate_python(text)
    except ValidationError as error:
        raise RejectedError(f"sample {text!r}: an id {_ALLOWED}") from error
    return sample


def project_of(key: str, name: str, note: str | None) -> Project:
    """A project as a person typed it.

    Raises:
        RejectedError: its key, name or note is not allowed.
    """
    try:
        return Project(project=key, name=name, note=note)
    except ValidationError as error:
        raise RejectedError(f"project {key!r}: {describe(error)}; a key {_ALLOWED}") from error


_ALLOWED = "is 1 to 64 lower-case letters, digits, '.', '_' and '-', a letter or digit first"
