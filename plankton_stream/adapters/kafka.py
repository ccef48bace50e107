"""The event log on Apache Kafka, through kafka-python: `Publisher`, `Subscriber` and admin."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec

from plankton_stream.backlog import BoundedPublisher
from plankton_stream.domain import from_microseconds
from plankton_stream.errors import ConfigError, RejectedError, RetryableError
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.spans import Span
from plankton_stream.events.topics import (
    CONSUMERS,
    MAX_DEAD_LETTER_BYTES,
    MAX_RECORD_BYTES,
    Topic,
    max_bytes,
    partition_cap_bytes,
)

if TYPE_CHECKING:  # loads NumPy, which an adapter of Kafka has no use for
    from plankton_stream.ports import Publisher

log = logging.getLogger(__name__)

_FETCH_BYTES = 32 * 1024 * 1024
_JOIN_MS = 5_000
# A stop may wait for the broker this long, also if it has gone away.
_ANSWER_MS = 5_000
_CLOSE_MS = 2_000


class KafkaPublisher:
    """`Publisher` on a Kafka cluster: idempotent producer, acks from all in-sync replicas."""

    def __init__(self, bootstrap: str, *, client_id: str = "plankton") -> None:
        self._bootstrap, self._client_id = bootstrap, client_id
        self._pending: deque[Any] = deque()
        self._producer = self._connected()

    def _connected(self) -> Any:
        return connect(
            KafkaProducer,
            self._bootstrap,
            client_id=self._client_id,
            acks="all",
            linger_ms=5,
            batch_size=256 * 1024,
            # The wire format adds a little to the record.
            max_request_size=MAX_DEAD_LETTER_BYTES + 1024,
            max_block_ms=10_000,
            # Images are compressed already.
            compression_type=None,
        )

    def send(self, message: Message) -> None:
        """See `Publisher.send`."""
        if message.size > max_bytes(message.topic):
            raise RejectedError(
                f"{message.topic} {message.key}: {message.size} bytes, allowed are "
                f"{max_bytes(message.topic)}"
            )
        if self._producer is None:
            self._producer = self._connected()
        try:
            future = self._producer.send(
                message.topic,
                key=message.key_bytes,
                value=message.value,
                headers=list(message.headers),
            )
        except kafka_errors.KafkaError as error:
            raise RetryableError(f"Kafka at {self._bootstrap} takes no records: {error}") from error
        self._pending.append(future)

    def flush(self, timeout_s: float = 30.0) -> None:
        """See `Publisher.flush`."""
        if self._producer is None:
            return
        try:
            self._producer.flush(timeout=timeout_s)
            while self._pending:
                self._pending.popleft().get(timeout=timeout_s)
        except kafka_errors.KafkaError as error:
            self._abandon()
            raise RetryableError(f"Kafka at {self._bootstrap} did not confirm: {error}") from error

    def _abandon(self) -> None:
        """Take back what is still under way; the next `send` connects afresh.

        Its caller sends all of it again. Left alone, the client would go on trying for two minutes:
        each try of the caller would add doubles, and those that expire one by one change the order.
        """
        producer, self._producer = self._producer, None
        self._pending.clear()
        producer._sender.force_close()  # `close` waits for a flush first, whatever its timeout
        with suppress(kafka_errors.KafkaError):
            producer.close(timeout=0)

    def close(self) -> None:
        """See `Publisher.close`."""
        if self._producer is None:
            return
        try:
            self._producer.close(timeout=2)
        except kafka_errors.KafkaError as error:
            log.warning("Kafka at %s: closed without its answer: %s", self._bootstrap, error)


class KafkaSubscriber:
    """`Subscriber` on a Kafka cluster: a member of a consumer group that commits by hand."""

    def __init__(
        self, bootstrap: str, topics: Sequence[Topic], *, group: str, max_records: int = 64
    ) -> None:
        self._bootstrap = bootstrap
        self._consumer = connect(
            KafkaConsumer,
            bootstrap,
            group_id=group,
            client_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=max_records,
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
            fetch_max_bytes=_FETCH_BYTES,
            # A dead worker's partitions are with another after this long.
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
        )
        self._consumer.subscribe([topic.name for topic in topics])

    def poll(self, timeout_s: float) -> list[Received]:
        """See `Subscriber.poll`."""
        try:
            self._rejoin()
        except kafka_errors.KafkaError as error:
            log.warning("Kafka at %s: joining the group failed: %s", self._bootstrap, error)
            time.sleep(timeout_s)
            return []
        return _poll(self._consumer, timeout_s, self._bootstrap)

    def commit(self) -> None:
        """See `Subscriber.commit`."""
        try:
            self._consumer.commit(timeout_ms=_ANSWER_MS)
        except (kafka_errors.CommitFailedError, kafka_errors.RebalanceInProgressError) as error:
            # The group moves these partitions to another member. It does the records again, which
            # is harmless because every effect is idempotent. Only a poll completes a rebalance:
            # trying the commit again would never succeed.
            log.warning("commit refused by a rebalance: %s", error)
        except kafka_errors.KafkaError as error:
            raise RetryableError(f"Kafka at {self._bootstrap}: commit failed: {error}") from error

    def keep_alive(self) -> None:
        """See `Subscriber.keep_alive`: polls with all partitions paused."""
        try:
            self._rejoin()
            self._consumer.pause(*self._consumer.assignment())
            # Partitions that are handed out during the poll are not paused: put their records back.
            for partition, records in self._consumer.poll(timeout_ms=0).items():
                self._consumer.seek(partition, records[0].offset)
        except kafka_errors.KafkaError as error:
            log.warning("Kafka at %s: heartbeat failed: %s", self._bootstrap, error)
        finally:
            self._consumer.resume(*self._consumer.paused())

    def _rejoin(self) -> None:
        """Complete a rebalance, if one is on.

        kafka-python 3.0.12 drops the outcome of a rebalance that ends between two polls. If it then
        thinks that it is a member, it gets no partitions and sends no heartbeats, for ever; if not,
        it starts the next rebalance. So this waits for the outcome, and asks again if it is lost.
        """
        coordinator = self._consumer._coordinator
        if coordinator.rejoining and not coordinator.need_rejoin():
            coordinator.request_rejoin()
        if coordinator.need_rejoin():
            coordinator.ensure_active_group(timeout_ms=_JOIN_MS)

    def close(self) -> None:
        """See `Subscriber.close`."""
        self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)


class KafkaReader:
    """Reads whole topics without a group: for views that start from the first record."""

    def __init__(self, bootstrap: str, topics: Sequence[Topic], *, from_end: bool = False) -> None:
        self._bootstrap = bootstrap
        self._consumer = connect(
            KafkaConsumer,
            bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
        )
        try:
            self._assign(topics, from_end=from_end)
        except (kafka_errors.KafkaError, AssertionError) as error:
            self.close()
            raise RetryableError(f"Kafka at {bootstrap}: topics not read: {error}") from error

    def _assign(self, topics: Sequence[Topic], *, from_end: bool) -> None:
        partitions = [
            TopicPartition(topic.name, number)
            for topic in topics
            for number in sorted(self._consumer.partitions_for_topic(topic.name) or ())
        ]
        self._consumer.assign(partitions)
        if from_end:
            self._consumer.seek_to_end()
        else:
            self._consumer.seek_to_beginning()

    def poll(self, timeout_s: float) -> list[Received]:
        """The next records, none if none came in time."""
        return _poll(self._consumer, timeout_s, self._bootstrap)

    def close(self) -> None:
        """Give up the connection."""
        self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)


class KafkaAdmin:
    """Creates topics and measures lag."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = connect(KafkaAdminClient, bootstrap, client_id="plankton-admin")

    def ping(self) -> None:
        """Ask the cluster anything.

        Raises:
            RetryableError: it does not answer.
        """
        self.topic_names()

    def topic_names(self) -> set[str]:
        """Names of the topics that exist."""
        return set(self._call("list topics", self._admin.list_topics))

    def ensure_topics(self, topics: Iterable[Topic], *, replication: int = 1) -> list[str]:
        """Create the topics that are missing; returns their names. Existing ones are left alone."""
        wanted_topics = list(topics)
        try:
            return self._create_missing(wanted_topics, replication)
        except RetryableError as error:
            if not isinstance(error.__cause__, kafka_errors.TopicAlreadyExistsError):
                raise
            # Another process made some at the same moment.
            return self._create_missing(wanted_topics, replication)

    def _create_missing(self, topics: list[Topic], replication: int) -> list[str]:
        have = self.topic_names()
        missing = [topic for topic in topics if topic.name not in have]
        wanted = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": replication,
                "configs": topic.config,
            }
            for topic in missing
        }
        if wanted:
            self._call("create topics", self._admin.create_topics, wanted)
        return [topic.name for topic in missing]

    def spans(self, topic: Topic, group: str = "") -> dict[int, Span]:
        """What each partition of a topic holds, see `LogReader.spans`."""
        partitions = self._partitions(topic)
        committed = self._places(group) if group else {}
        ends = self._offsets(partitions, OffsetSpec.LATEST)
        starts = self._offsets(partitions, OffsetSpec.EARLIEST)
        places = {
            # What was deleted by age before the group came to it is not waiting any more.
            p: max(starts[p], _place(committed.get(p), default=starts[p])) if group else ends[p]
            for p in partitions
        }
        return {p.partition: Span(starts[p], min(places[p], ends[p]), ends[p]) for p in partitions}

    def lag(self, group: str, topic: Topic) -> int:
        """Records of a topic that a consumer group has not finished with."""
        return sum(len(span.waiting) for span in self.spans(topic, group).values())

    def records(self, topic: Topic) -> int:
        """Records that the log keeps of a topic (an upper bound where it is compacted)."""
        return sum(len(span.done) for span in self.spans(topic).values())

    def _places(self, group: str) -> Any:
        return self._call("read a group's place", self._admin.list_group_offsets, group)[group]

    def _partitions(self, topic: Topic) -> list[TopicPartition]:
        (found,) = self._call("describe a topic", self._admin.describe_topics, [topic.name])
        return [TopicPartition(topic.name, p["partition_index"]) for p in found["partitions"]]

    def _offsets(
        self, partitions: list[TopicPartition], which: OffsetSpec
    ) -> dict[TopicPartition, int]:
        specs = dict.fromkeys(partitions, which)
        found = self._call("read offsets", self._admin.list_partition_offsets, specs)
        return {partition: offset.offset for partition, offset in found.items()}

    def close(self) -> None:
        """Give up the connection."""
        self._admin.close()

    def _call(self, what: str, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except kafka_errors.KafkaError as error:
            raise RetryableError(f"Kafka at {self._bootstrap}: {what} failed: {error}") from error


def _poll(consumer: Any, timeout_s: float, bootstrap: str) -> list[Received]:
    """The next records; an error that lasts is reported once a time-out, not in a hot loop."""
    try:
        batches = consumer.poll(timeout_ms=int(timeout_s * 1000))
    except kafka_errors.KafkaError as error:
        log.warning("Kafka at %s: poll failed, trying again: %s", bootstrap, error)
        time.sleep(timeout_s)
        return []
    return [to_received(record) for records in batches.values() for record in records]


def connect(client: Any, bootstrap: str, **options: Any) -> Any:
    """One of kafka-python's clients, connected.

    Raises:
        ConfigError: the addresses or the options are wrong.
        RetryableError: no broker answers.
    """
    try:
        return client(
            bootstrap_servers=bootstrap.split(","),
            # A broker that comes back is found again within this long.
            reconnect_backoff_max_ms=2_000,
            bootstrap_timeout_ms=5_000,
            **options,
        )
    except (kafka_errors.KafkaConfigurationError, ValueError) as error:
        raise ConfigError(f"Kafka at {bootstrap!r}: {error}") from error
    except kafka_errors.KafkaError as error:
        raise RetryableError(f"no Kafka broker answers at {bootstrap}: {error}") from error


def bounded_publisher(
    bootstrap: str, *topics: Topic, disk_mb: int, client_id: str = "plankton"
) -> "Publisher":
    """A publisher that waits while too much of an image topic is unread, see `BoundedPublisher`.

    Args:
        bootstrap: the cluster.
        topics: frames, ROIs, or both.
        disk_mb: the cap of each topic, MB; half of a partition's share may be unread.
        client_id: names the connection in the broker's log.
    """
    admin = KafkaAdmin(bootstrap)
    publisher: Publisher = KafkaPublisher(bootstrap, client_id=client_id)
    for topic in topics:
        publisher = BoundedPublisher(
            publisher,
            topic,
            unread=partial(admin.lag, CONSUMERS[topic.name], topic),
            limit_bytes=partition_cap_bytes(topic, disk_mb) // 2,
        )
    return publisher


def _place(committed: Any, *, default: int) -> int:
    """The offset a group goes on from; `default` where it has committed nothing yet."""
    return int(committed.offset) if committed is not None and committed.offset >= 0 else default


def to_received(record: Any) -> Received:
    """A record of kafka-python's as the rest of the project knows it."""
    return Received(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value or b"",
        headers=tuple((name, value or b"") for name, value in record.headers),
        appended_at=from_microseconds(record.timestamp * 1000),
    )
