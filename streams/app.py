"""The Faust app: two pumps and the table that the second one keeps.

The table is the census. Its changelog is a public topic, `plankton.labels.current.v1`: the latest
naming of each image is both what consumers want and all that a restart needs to count again.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import faust
from faust.types import TP, EventT

from plankton_stream.events import topics
from plankton_stream.settings import Settings
from streams.census import Census
from streams.pump import Pump, raw_topic, received
from streams.steps import Tally, regroup, remember

READ = (topics.LABELS, topics.LABELS_BY_CAMERA)
"""What the group reads, and its lag is measured on."""

NEEDED = (
    *READ, topics.LABELS_CURRENT, topics.CENSUS, topics.DEADLETTER, topics.CAMERAS, topics.ALERTS,
)  # fmt: skip
"""All topics that must exist."""

_SESSION_S = 10.0
_REBALANCE_S = 20.0
_REQUEST_S = 30.0
_DELIVERY_S = 60.0
_CHANGELOG_BUFFER = 100_000


@dataclass(slots=True)
class Streams:
    """The parts of the app that others look at.

    Attributes:
        partitions: what this process reads; all, until the group has dealt them.
    """

    app: faust.App
    census: Census
    pumps: tuple[Pump, ...]
    partitions: frozenset[TP] = frozenset(
        TP(topic.name, number) for topic in READ for number in range(topic.partitions)
    )

    @property
    def leads(self) -> bool:
        """Whether this process does what one process of the group has to do."""
        return TP(topics.LABELS.name, 0) in self.partitions

    @property
    def progress(self) -> int:
        """Rises with each record that is done, and while the state is being read."""
        return self.census.puts + sum(pump.done for pump in self.pumps)


class NamingTable(faust.Table):  # type: ignore[misc]  # Faust has no types that mypy reads
    """A Faust table whose store is the census: what recovery reads goes there, and is kept once."""

    def __init__(self, app: faust.App, census: Census, **options: Any) -> None:
        super().__init__(app, **options)
        self.census = census

    def apply_changelog_batch(self, batch: Iterable[EventT]) -> None:
        """Called by recovery with what was published before."""
        for event in batch:
            if event.message.value is not None:
                remember(self.census, received(event.message))


def create_streams(
    settings: Settings,
    *,
    on_assigned: Callable[[], None],
    on_recovered: Callable[[], Awaitable[None]],
) -> Streams:
    """Build the app; nothing is connected yet.

    Args:
        settings: of this process.
        on_assigned: called when the worker has been dealt its partitions, after every rebalance.
        on_recovered: called when it has their state too, which takes a while if that is large.
    """
    app = _app(settings)

    census = Census(settings.census_window_s)
    table = NamingTable(
        app,
        census,
        name="namings",
        partitions=topics.LABELS_CURRENT.partitions,
        changelog_topic=raw_topic(app, topics.LABELS_CURRENT, maxsize=_CHANGELOG_BUFFER),
        on_recover=on_recovered,
        key_type=bytes,
        value_type=bytes,
    )
    app.tables.add(table)
    pumps = (
        Pump(app, topics.LABELS, regroup),
        Pump(app, topics.LABELS_BY_CAMERA, Tally(census)),
    )
    streams = Streams(app, census, pumps)

    async def assigned(_: faust.App, dealt: Iterable[TP], **__: Any) -> None:
        names = {topic.name for topic in READ}
        streams.partitions = frozenset(tp for tp in dealt if tp.topic in names)
        on_assigned()

    app.on_partitions_assigned.connect(assigned, weak=False)
    return streams


def _app(settings: Settings) -> faust.App:
    datadir = settings.home.resolve() / "streams"
    datadir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        topics.STREAMS_GROUP,
        broker=[f"kafka://{host}" for host in settings.kafka_bootstrap.split(",")],
        datadir=datadir,
        store="memory://",
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        # A dead worker's partitions are with another, or with its successor, after this long.
        broker_session_timeout=_SESSION_S,
        broker_rebalance_timeout=_REBALANCE_S,
        broker_request_timeout=_REQUEST_S,
        producer_acks=-1,
        producer_request_timeout=_DELIVERY_S,
        # A dead letter of any record, and what the wire format adds.
        producer_max_request_size=topics.MAX_DEAD_LETTER_BYTES + 1024,
        stream_recovery_delay=0.0,
        topic_replication_factor=settings.replication,
        topic_allow_declare=False,  # they are all made before, as `topics` declares them
        topic_disable_leader=True,
        reply_create_topic=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
        autodiscover=False,
    )
