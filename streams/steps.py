"""What streams does with label events: records in, records out. No I/O here.

    plankton.labels.v1 ─regroup─▶ labels-by-camera ─Tally─┬▶ plankton.labels.current.v1 (the state)
      (key image id)              (key camera id)         └▶ plankton.census.v1

A step may be given a record again, at any time: its effect is the same as the first time.
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
)
from streams.census import Cell, Census

log = logging.getLogger(__name__)

SOURCE = "/streams"

LabelEvent = LabelApplied | LabelRetracted


class Outgoing(NamedTuple):
    """A record to publish. `partition` is None where its key decides."""

    message: Message
    partition: int | None = None


def regroup(batch: Sequence[Received]) -> list[Outgoing]:
    """Pass label events on under their camera, so that one partition has all that is counted."""
    outgoing = []
    for received in batch:
        try:
            event = _label_event(received)
        except RejectedError as error:
            outgoing.append(_rejected(received, error))
        else:
            key = event.capture.camera
            topic = topics.LABELS_BY_CAMERA.name
            message = Message(topic, key, received.value, received.headers)
            outgoing.append(Outgoing(message))
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
                current = _current(_label_event(received))
            except RejectedError as error:
                rejected.append(_rejected(received, error))
                continue
            cells |= self._census.put(current)
            if current.version >= self._census.version(current.image_id):
                # The state of an image lies where its camera's events lie, or a member of the
                # group could not recover what it counts.
                latest[current.image_id] = Outgoing(current_message(current), received.partition)
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

    A record that is none of ours is logged and passed over: recovery must not stop at it.
    """
    try:
        fact = read_fact(received)
    except RejectedError as error:
        log.error("%s is not a naming, passed over: %s", received.origin, error)  # noqa: TRY400
        return
    if isinstance(fact, LabelCurrent):
        census.put(fact)


def _current(event: LabelEvent) -> LabelCurrent:
    return LabelCurrent(
        image_id=event.image_id,
        version=event.version,
        naming=event.after,
        who=event.who,
        at=event.at,
        capture=event.capture,
    )


def _label_event(received: Received) -> LabelEvent:
    fact = read_fact(received)
    if not isinstance(fact, LabelApplied | LabelRetracted):
        raise RejectedError(f"event type {fact.event_type!r}: this consumer reads label events")
    return fact


def _rejected(received: Received, error: RejectedError) -> Outgoing:
    log.warning("%s: dead letter: %s", received.origin, error)
    return Outgoing(dead_letter(received, cause=str(error), consumer=SOURCE))
