"""The dead letters that the log keeps, and sending them back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from plankton_stream.errors import NotFoundError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import DEAD_LETTER, REPLAYED, replay
from plankton_stream.events.envelope import Received
from plankton_stream.ports import LogReader, Publisher

_FLUSH_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could never succeed, without its bytes.

    Attributes:
        offset: in the dead-letter topic: what `plankton deadletter` calls it by.
        origin: topic, partition and offset of the record.
        consumer: who gave up on it.
        at: when.
        replayed_at: when it was last sent back; None: never.
    """

    offset: int
    origin: str
    cause: str
    consumer: str
    at: str
    byte_size: int
    replayed_at: datetime | None = None

    @property
    def topic(self) -> str:
        """Where the record came from."""
        return self.origin.partition("/")[0]


def list_letters(log: LogReader, *, cause: str = "", topic: str = "") -> list[DeadLetter]:
    """All dead letters that match, the oldest first.

    Args:
        log: to read.
        cause: a part of the cause, in any case.
        topic: a part of the name of the topic that the record came from.
    """
    found: dict[str, DeadLetter] = {}
    replayed: dict[str, datetime | None] = {}
    for record in _records(log):
        headers = text_headers(record)
        if headers.get("ce_type") == REPLAYED:
            replayed[headers.get("ce_subject", "")] = record.appended_at
        elif headers.get("ce_type") == DEAD_LETTER:
            letter = _letter(record, headers)
            if cause.lower() in letter.cause.lower() and topic in letter.topic:
                found[record.origin] = letter
    return [replace(letter, replayed_at=replayed.get(origin)) for origin, letter in found.items()]


def get_letter(log: LogReader, offset: int) -> Received:
    """A dead letter with its bytes.

    Raises:
        NotFoundError: the log has none at this offset.
    """
    for record in _records(log, offset):
        if record.offset == offset and text_headers(record).get("ce_type") == DEAD_LETTER:
            return record
    raise NotFoundError(
        f"there is no dead letter at offset {offset}: `plankton deadletter list` names them"
    )


def send_back(log: LogReader, publisher: Publisher, offsets: Iterable[int]) -> int:
    """Send records back to the topics that they came from; returns how many.

    Harmless when repeated: every consumer knows what it has done before.

    Raises:
        NotFoundError: the log has no dead letter at one of the offsets; those before it are sent.
        RetryableError: the log does not answer.
    """
    sent = unconfirmed_bytes = 0
    for offset in offsets:
        record, note = replay(get_letter(log, offset))
        publisher.send(record)
        publisher.send(note)
        sent, unconfirmed_bytes = sent + 1, unconfirmed_bytes + record.size
        if unconfirmed_bytes > _FLUSH_BYTES:
            publisher.flush()
            unconfirmed_bytes = 0
    publisher.flush()
    return sent


def text_headers(record: Received) -> dict[str, str]:
    """Headers as text for a person; what is not UTF-8 is replaced."""
    return {name: value.decode(errors="replace") for name, value in record.headers}


def _records(log: LogReader, only: int | None = None) -> Iterator[Received]:
    ranges = {n: span.done for n, span in log.spans(topics.DEADLETTER).items()}
    if only is not None:
        ranges = {n: range(only, only + 1) for n, offsets in ranges.items() if only in offsets}
    for page in log.read(topics.DEADLETTER, ranges):
        yield from page


def _letter(record: Received, headers: dict[str, str]) -> DeadLetter:
    return DeadLetter(
        offset=record.offset,
        origin=headers.get("ce_subject", ""),
        cause=headers.get("ce_cause", ""),
        consumer=headers.get("ce_source", ""),
        at=headers.get("ce_time", ""),
        byte_size=len(record.value),
    )
