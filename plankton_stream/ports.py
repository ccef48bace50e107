"""The seams of the system: what the rooms ask of the event log, the vector index and the rest.

Each protocol has two implementations, the real one in `adapters` and an in-memory one in
`testing`; one contract suite (tests/contract) runs over both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from plankton_stream.domain import Capture, Image, LabelState, Naming
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.spans import Span
from plankton_stream.events.topics import Topic

Vector = NDArray[np.float32]


class Publisher(Protocol):
    """Writes records to the event log. Create one per process, after any fork."""

    def send(self, message: Message) -> None:
        """Queue a record; `flush` tells whether it arrived.

        Raises:
            RejectedError: it is larger than the log takes.
            RetryableError: the queue is full because the log does not take records now.
        """

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until all that was sent is durable.

        Raises:
            RetryableError: some of it is not. Send all since the last good flush again; consumers
                recognise the double by its `ce_id`.
        """

    def close(self) -> None:
        """Give up the connection; what was not flushed may be lost."""


class Subscriber(Protocol):
    """Reads topics as a member of a consumer group and remembers the group's place."""

    def poll(self, timeout_s: float) -> list[Received]:
        """The next records, none if none came in time. Also keeps the membership alive."""

    def commit(self) -> None:
        """Everything polled so far is done with: a restart goes on after it.

        Raises:
            RetryableError: the log does not answer; the place is kept, call again.
        """

    def keep_alive(self) -> None:
        """Stay a member while the last batch is still being worked on; reads nothing."""

    def close(self) -> None:
        """Leave the group without committing."""


class LogReader(Protocol):
    """Reads parts of topics, to look back: belongs to no group and changes nobody's place."""

    def spans(self, topic: Topic, group: str = "") -> dict[int, Span]:
        """What each partition of a topic holds now.

        Args:
            topic: one that exists, else there are no partitions.
            group: whose place is wanted; empty: the place is the end.

        Raises:
            RetryableError: the log does not answer.
        """

    def read(self, topic: Topic, ranges: Mapping[int, range]) -> Iterator[list[Received]]:
        """The records of a topic in ranges of offsets, by partition; in order within one.

        Records that were deleted meanwhile, by age or by compaction, are left out.

        Raises:
            RetryableError: the log does not answer.
        """

    def close(self) -> None:
        """Give up the connections."""


class Metric(StrEnum):
    """Distances; smaller is nearer. Vectors are L2-normalised.

    cosine = 1 - cos (0…2), l2 = Euclidean, not squared = sqrt(2 - 2·cos) (0…2), hamming = differing
    bits of the vectors' binary codes (0…256), see `codes`.
    """

    COSINE = "cosine"
    L2 = "l2"
    HAMMING = "hamming"


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Which images; None leaves a condition out. An image with an unknown value matches none.

    Attributes:
        project: of this project: what its sample was put into, else what its camera said.
        project_gained: samples that were put into the project, see `Samples.resolved`: an index
            has what a camera said when the image was indexed.
        project_lost: samples that were put into another one.
        taxa: called by any of these, as `taxon` is by one.
        after: captured at this moment or later.
        before: captured earlier than this moment.
        depth_min_m: at this depth or deeper.
        depth_max_m: at this depth or shallower.
        latitude_min: at this latitude or north of it, degrees.
        latitude_max: at this latitude or south of it.
        longitude_min: at this longitude or east of it.
        longitude_max: at this longitude or west of it. Less than `longitude_min`: the box lies
            across the antimeridian.
    """

    camera: str | None = None
    instrument: str | None = None
    project: str | None = None
    project_gained: frozenset[str] = frozenset()
    project_lost: frozenset[str] = frozenset()
    sample: str | None = None
    state: LabelState | None = None
    taxon: str | None = None
    taxa: tuple[str, ...] | None = None
    after: datetime | None = None
    before: datetime | None = None
    depth_min_m: float | None = None
    depth_max_m: float | None = None
    latitude_min: float | None = None
    latitude_max: float | None = None
    longitude_min: float | None = None
    longitude_max: float | None = None

    @property
    def crosses_antimeridian(self) -> bool:
        """Whether the position box goes on from 180° to -180°."""
        west, east = self.longitude_min, self.longitude_max
        return west is not None and east is not None and west > east

    def matches(self, image: Image) -> bool:
        """Whether an image fulfils all conditions; the reference for SQL and Milvus."""
        capture, naming = image.capture, image.naming
        return (
            self.camera in (None, capture.camera)
            and self.instrument in (None, capture.instrument)
            and self._is_of_project(capture)
            and self.sample in (None, capture.sample)
            and self.state in (None, naming.state)
            and self.taxon in (None, naming.taxon)
            and (self.taxa is None or naming.taxon in self.taxa)
            and _at_least(capture.captured_at, self.after)
            and (self.before is None or _earlier(capture.captured_at, self.before))
            and _at_least(capture.depth_m, self.depth_min_m)
            and _at_most(capture.depth_m, self.depth_max_m)
            and _at_least(capture.latitude, self.latitude_min)
            and _at_most(capture.latitude, self.latitude_max)
            and self._is_between(capture.longitude)
        )

    def _is_of_project(self, capture: Capture) -> bool:
        if self.project is None or capture.sample in self.project_gained:
            return True
        return capture.project == self.project and capture.sample not in self.project_lost

    def _is_between(self, longitude: float | None) -> bool:
        east_of = _at_least(longitude, self.longitude_min)
        west_of = _at_most(longitude, self.longitude_max)
        return (east_of or west_of) if self.crosses_antimeridian else (east_of and west_of)


def _at_least(value: Any, bound: Any) -> bool:
    return bound is None or (value is not None and value >= bound)


def _at_most(value: Any, bound: Any) -> bool:
    return bound is None or (value is not None and value <= bound)


def _earlier(value: datetime | None, bound: datetime) -> bool:
    return value is not None and value < bound


ANY_IMAGE = ImageFilter()


@dataclass(frozen=True, slots=True)
class Hit:
    """An image found by search, with its distance to the query."""

    image_id: str
    distance: float


class VectorIndex(Protocol):
    """Vectors of one encoder version with the fields that searches filter by.

    The index makes the binary codes for Hamming distances itself: whoever writes gives vectors.

    Attributes:
        encoder: the version's id; a query vector must be of the same one.
    """

    encoder: str

    def upsert(self, images: Sequence[Image], vectors: Vector) -> None:
        """Add or replace images; durable on return, found by `search` about 0.2 s later.

        Args:
            images: each id at most once.
            vectors: float32 (n, d), L2-normalised, in the order of `images`.

        Raises:
            RetryableError: the index does not answer. Nothing or part of it was written; the same
                call again is safe.
        """

    def rename(self, images: Sequence[Image]) -> None:
        """Bring the label fields of images that are in the index up to date; skip the others."""

    def vector(self, image_id: str) -> Vector | None:
        """The vector of an image, float32 (d,); None if it is not in the index."""

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """The vectors of images, float32 (d,) each, by id; those not in the index are left out."""

    def search_many(
        self, vectors: Vector, k: int, *, where: ImageFilter = ANY_IMAGE
    ) -> list[list[Hit]]:
        """As `search` by cosine distance, for each of (n, d) vectors."""

    def search(
        self,
        vector: Vector,
        k: int,
        *,
        where: ImageFilter = ANY_IMAGE,
        metric: Metric = Metric.COSINE,
    ) -> list[Hit]:
        """The k nearest images that match, nearest first; fewer if there are not as many.

        Args:
            vector: float32 (d,), L2-normalised.
            k: 1…`MAX_HITS`.
            where: only images that match.
            metric: of the distances.
        """

    def count(self) -> int:
        """Images in the index, including what was written just now."""

    def ids(self, where: ImageFilter = ANY_IMAGE) -> Iterator[str]:
        """The ids of all images that match, in no particular order."""

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of at most `MAX_HITS` image ids that are in the index, also written just now."""

    def namings(self, ids: Sequence[str]) -> dict[str, Naming]:
        """What the index calls those of at most `MAX_HITS` images that it has now, by id."""

    def remove(self, ids: Sequence[str]) -> None:
        """Delete images, at most `MAX_HITS`; those that are not there are skipped.

        Durable on return; `search` and `known` may give them for another 0.2 s.
        """

    def drop(self) -> None:
        """Give up all vectors of this version for good; harmless when repeated."""


MAX_HITS = 16_384
"""Milvus' own limit for one search."""


class ImageStore(Protocol):
    """Image bytes by image id."""

    def put(self, image_id: str, content_type: str, data: bytes) -> None:
        """Store an image, whole or not at all; storing it again replaces it.

        Raises:
            RetryableError: the store does not take it now (away, full).
        """

    def get(self, image_id: str, content_type: str) -> bytes:
        """The bytes of an image.

        Raises:
            NotFoundError: the store does not have it.
            RetryableError: the store does not answer.
        """

    def size(self, image_id: str, content_type: str) -> int | None:
        """How many bytes the store has of an image, without reading them; None: it has none.

        Raises:
            RetryableError: the store does not answer.
        """

    def remove(self, image_id: str, content_type: str) -> None:
        """Delete an image; harmless if it is not there.

        Raises:
            RetryableError: the store does not answer.
        """

    def ids(self) -> Iterator[str]:
        """All image ids, in no particular order."""


class QueryEncoder(Protocol):
    """Turns an uploaded image into a vector without loading a network in this process."""

    def encode(
        self, data: bytes, content_type: str, encoder: str, *, pixel_size_um: float | None = None
    ) -> Vector:
        """The image's vector, float32 (d,), L2-normalised, of exactly this encoder version.

        Args:
            data: the image as its file holds it.
            content_type: of the data.
            encoder: id of the version, that of the index which is going to be searched.
            pixel_size_um: micrometres; None where unknown.

        Raises:
            RejectedError: the bytes are not a readable image.
            RetryableError: no embed worker answers, or it has not got this version at hand.
        """
