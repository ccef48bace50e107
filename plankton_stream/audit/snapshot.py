"""The log as an audit found it: what waits, what was given up, what cameras say of themselves.

What cameras say is read first: what they had sent by then is in the log that is looked at after it.
Then come the consumers' places. What a group had finished with has left its traces, so whatever has
none is lost, on a running system too. Everything is counted as it was at `taken_at`: what was done
later was waiting then.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import DEAD_LETTER
from plankton_stream.events.envelope import Received, now
from plankton_stream.events.facts import EmbeddingRequested, read_fact
from plankton_stream.events.health import CameraStatus
from plankton_stream.events.spans import Span
from plankton_stream.events.topics import Topic
from plankton_stream.ports import LogReader

Spans = dict[int, Span]


@dataclass(frozen=True)
class Given:
    """Records that workers gave up on.

    Attributes:
        origins: topic, partition and offset of each, with the cause.
        images: image ids of the ROIs among them, with the cause.
    """

    origins: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """The log at one moment.

    Attributes:
        taken_at: that moment; the places are of a moment after it.
        requests: vectors that were asked for and wait: encoder id and image id.
        statuses: each camera's last word, with when the log took it.
    """

    taken_at: datetime
    frames: Spans
    rois: Spans
    given_up: Given
    requests: frozenset[tuple[str, str]]
    statuses: dict[str, tuple[CameraStatus, datetime | None]]


def take(log: LogReader) -> Snapshot:
    """Look at the log.

    Raises:
        RetryableError: it does not answer.
    """
    statuses = _statuses(log)
    taken_at = now()
    frames = log.spans(topics.FRAMES, topics.SEGMENT_GROUP)
    rois = log.spans(topics.ROIS, topics.EMBED_GROUP)
    requests = log.spans(topics.REEMBED, topics.REEMBED_GROUP)
    waiting = read_ranges(log, topics.REEMBED, {n: span.waiting for n, span in requests.items()})
    return Snapshot(
        taken_at=taken_at,
        frames=frames,
        rois=rois,
        given_up=_given_up(log),
        requests=frozenset(_requests(waiting)),
        statuses=statuses,
    )


def read_all(log: LogReader, topic: Topic) -> Iterator[Received]:
    """All records that a topic holds now."""
    yield from read_ranges(log, topic, {n: span.done for n, span in log.spans(topic).items()})


def read_ranges(log: LogReader, topic: Topic, ranges: dict[int, range]) -> Iterator[Received]:
    """The records of a topic in ranges of offsets, by partition."""
    for page in log.read(topic, ranges):
        yield from page


def _given_up(log: LogReader) -> Given:
    found = Given()
    for record in read_all(log, topics.DEADLETTER):
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        if headers.get("ce_type") != DEAD_LETTER:
            continue
        origin, cause = headers.get("ce_subject", ""), headers.get("ce_cause", "")
        found.origins[origin] = cause
        if origin.startswith(f"{topics.ROIS.name}/"):
            found.images[headers.get("original_ce_subject", "")] = cause
    return found


def _requests(records: Iterator[Received]) -> Iterator[tuple[str, str]]:
    for record in records:
        try:
            fact = read_fact(record)
        except RejectedError:
            continue  # the worker will make a dead letter of it
        if isinstance(fact, EmbeddingRequested):
            yield fact.encoder, fact.image_id


def _statuses(log: LogReader) -> dict[str, tuple[CameraStatus, datetime | None]]:
    found: dict[str, tuple[CameraStatus, datetime | None]] = {}
    for record in read_all(log, topics.CAMERAS):
        try:
            fact = read_fact(record) if record.value else None
        except RejectedError:
            continue
        if isinstance(fact, CameraStatus):
            found[fact.camera] = fact, record.appended_at
    return found
