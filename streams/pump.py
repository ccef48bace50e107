"""Moves records through a step: read by Faust, delivered, and only then done with.

Why not an agent that works on the event itself: Faust acknowledges a record when the agent lets go
of it, whatever became of it (an exception, a cancelled task, a rebalance). So its topics are
declared without acknowledgement, the agent only hands records over, and the pump commits.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import faust
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from faust.exceptions import ProducerSendError
from faust.types import TP, EventT, StreamT

from plankton_stream.events.envelope import Received
from plankton_stream.events.topics import Topic
from streams.places import Places
from streams.steps import Outgoing
from streams.watchdog import PATIENCE_S, give_up

log = logging.getLogger(__name__)

Step = Callable[[Sequence[Received]], list[Outgoing]]

_AWAY = (KafkaError, ProducerSendError, TimeoutError)
"""What a broker that is away, or just back, makes of a request."""

_MOST_RECORDS = 500
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


class Pump:
    """One topic, one step. Records of a partition stay in order."""

    def __init__(self, app: faust.App, topic: Topic, step: Step) -> None:
        self.done = 0
        self._app = app
        self._topic = topic
        self._step = step
        self._inbox: asyncio.Queue[EventT] = asyncio.Queue(maxsize=_MOST_RECORDS)
        self._places: Places[TP] = Places()
        self._generation = -1
        app.agent(raw_topic(app, topic, maxsize=_MOST_RECORDS), name=topic.name)(self._collect)
        app.task(self._work)

    async def _collect(self, stream: StreamT[bytes]) -> None:
        async for event in stream.events():
            await self._inbox.put(event)

    async def _work(self) -> None:
        while not self._app.should_stop:
            batch = [await self._inbox.get()]
            while len(batch) < _MOST_RECORDS and not self._inbox.empty():
                batch.append(self._inbox.get_nowait())
            await self._insist(batch)

    async def _insist(self, batch: list[EventT]) -> None:
        """Handle a batch until it works, or until the group has dealt the partitions again."""
        pause_s = _FIRST_PAUSE_S
        while True:
            batch = [event for event in batch if self._is_ours(event)]
            if not batch:
                return
            try:
                await self._handle(batch)
            except _AWAY as error:
                log.warning("%s: trying again in %.1f s: %r", self._topic.name, pause_s, error)
            except Exception:  # nothing may end the pump: the records are still to be done
                log.exception("%s: trying again in %.1f s", self._topic.name, pause_s)
            else:
                self.done += len(batch)
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _is_ours(self, event: EventT) -> bool:
        """False for what was read before a rebalance: its new reader gets it again."""
        return bool(event.message.generation_id == self._app.consumer_generation_id)

    async def _handle(self, batch: Sequence[EventT]) -> None:
        await self._find_places(batch)
        await self._deliver(self._step([received(event.message) for event in batch]))
        for event in batch:
            self._places.done(event.message.tp, event.message.offset)
        if self._places.oldest_hole_s() > PATIENCE_S:
            give_up(f"{self._topic.name}: a record was skipped")
        await self._commit({event.message.tp for event in batch})

    async def _deliver(self, outgoing: Sequence[Outgoing]) -> None:
        """Publish records and wait until the broker has confirmed all of them."""
        producer = await self._app.maybe_start_producer()
        confirmations = [
            await producer.send(
                message.topic, message.key.encode(), message.value,
                partition, None, list(message.headers),
            )
            for message, partition in outgoing
        ]  # fmt: skip
        await asyncio.gather(*confirmations)

    async def _find_places(self, batch: Sequence[EventT]) -> None:
        """Ask the broker where the group stands, once for each partition and generation."""
        generation = batch[-1].message.generation_id
        if generation != self._generation:
            self._places.forget()
            self._generation = generation
        for partition in {event.message.tp for event in batch}:
            if partition not in self._places:
                earliest = (await self._app.consumer.earliest_offsets(partition))[partition]
                committed = await self._committed(partition)
                self._places.start(partition, max(earliest or 0, committed or 0))

    async def _committed(self, partition: TP) -> int | None:
        # Faust has no public way to read or write the place of a group.
        thread: Any = self._app.consumer._thread
        offset: int | None = await thread.call_thread(thread._consumer.committed, partition)
        return offset

    async def _commit(self, partitions: set[TP]) -> None:
        """A restart goes on after these records. Partitions that moved away are left out."""
        places = {partition: self._places.next(partition) for partition in partitions}
        await self._app.consumer._commit(places)


def raw_topic(app: faust.App, topic: Topic, *, maxsize: int) -> faust.TopicT:
    """A topic whose records come as they are, and which Faust never commits."""
    return app.topic(
        topic.name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=topic.partitions,
        acks=False,
        allow_empty=True,
        maxsize=maxsize,
    )


def received(message: Any) -> Received:
    """A record as the event contracts know it."""
    return Received(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value or b"",
        headers=tuple((name, value or b"") for name, value in message.headers or ()),
    )
