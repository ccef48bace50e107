"""What streams does with label events: records in, records out. No I/O here.

    plankton.labels.v1 ─regroup─▶ labels-by-camera ─Tally─┬▶ plankton.labels.current.v1 (the state)
      (key image id)              (key camera id)         └▶ plankton.census.v1

A step may be given a record again, at any time: its effect is the same as the first time. It only
computes, so whatever a record makes it raise is the record's fault: a dead letter, at once.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import dead_letter
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.facts import (
    LabelApplied,
    LabelCurrent,
    LabelRetracted,
    fact_message,
    read_fact,
    read_label_event,
)
from streams.census import Cell, Census

log = logging.getLogger(__name__)

SOURCE = "/streams"

_ROOM_BYTES = 1024
"""What a record may grow by under another key, and on the wire."""


class Outgoing(NamedTuple):
    """A record to publish. `partition` is None where its key decides."""

    message: Message
    partition: int | None = None


def regroup(batch: Sequence[Received]) -> list[Outgoing]:
    """Pass label events on under their camera, so that one partition has all that is counted."""
    outgoing = []
    for received in batch:
        try:
            outgoing.append(Outgoing(_by_camera(received)))
        except Exception as error:  # noqa: BLE001  (see above)
            outgoing.append(_rejected(received, error))
    return outgoing


class Tally:
    """Takes label events into the census and says what changed."""

    def __init__(self, census: Census) -> None:
        self._census = census

    def __call__(self, batch: Sequence[Received]) -> list[Outgoing]:
        """The latest naming of each image of the batch, and the whole count of each of its cells.

        Both are published again for a duplicate: whoever did it first may not have got that far.
        """
        rejected: list[Outgoing] = []
        latest: dict[str, Outgoing] = {}
        cells: set[Cell] = set()
        for received in batch:
            try:
                current = _current(read_label_event(received))
                message = current_message(current)
                cells |= self._census.put(current)
            except Exception as error:  # noqa: BLE001  (see above)
                rejected.append(_rejected(received, error))
                continue
            if current.version >= self._census.version(current.image_id):
                # The state of an image lies where its camera's events lie, or a member of the
                # group could not recover what it counts.
                latest[current.image_id] = Outgoing(message, received.partition)
        return [*rejected, *latest.values(), *(self._counted(cell) for cell in cells)]

    def _counted(self, cell: Cell) -> Outgoing:
        counted = self._census.counted(cell)
        event_id = f"{counted.key}/{self._census.revision(cell)}"
        return Outgoing(fact_message(counted, event_id=event_id, source=SOURCE))


def current_message(current: LabelCurrent) -> Message:
    """The record of an image's latest naming; its event id is image id and version."""
    event_id = f"{current.image_id}/{current.version}"
    return fact_message(current, event_id=event_id, source=SOURCE)


def remember(census: Census, received: Received) -> None:
    """Take in a record of the state that was published before this process started.

    A record that cannot be taken in is logged and passed over: recovery must not stop at it.
    """
    try:
        fact = read_fact(received)
        if isinstance(fact, LabelCurrent):
            census.put(fact)
    except RejectedError as error:
        log.error("%s is not a naming, passed over: %s", received.origin, error)  # noqa: TRY400
    except Exception:
        log.exception("%s passed over", received.origin)


def _by_camera(received: Received) -> Message:
    camera = read_label_event(received).capture.camera
    message = Message(topics.LABELS_BY_CAMERA.name, camera, received.value, received.headers)
    if message.size > topics.MAX_RECORD_BYTES - _ROOM_BYTES:
        raise RejectedError(f"{message.size} bytes are too many to pass on")
    return message


def _current(event: LabelApplied | LabelRetracted) -> LabelCurrent:
    return LabelCurrent(
        image_id=event.image_id,
        version=event.version,
        naming=event.after,
        who=event.who,
        at=event.at,
        capture=event.capture,
    )


def _rejected(received: Received, error: Exception) -> Outgoing:
    cause = str(error)
    if not isinstance(error, RejectedError):
        cause = f"unexpected {type(error).__name__}: {error}"
        log.error("%s cannot be processed", received.origin, exc_info=error)
    log.warning("%s: dead letter: %s", received.origin, cause)
    return Outgoing(dead_letter(received, cause=cause, consumer=SOURCE))
