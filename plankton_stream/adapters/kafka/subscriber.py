"""`Subscriber` on Apache Kafka, and a reader of whole topics."""

import logging
import time
from collections.abc import Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from plankton_stream.adapters.kafka.connecting import CLOSE_MS, connect, poll
from plankton_stream.errors import RetryableError
from plankton_stream.events.envelope import Received
from plankton_stream.events.topics import MAX_RECORD_BYTES, Topic

log = logging.getLogger(__name__)

_FETCH_BYTES = 32 * 1024 * 1024
_JOIN_MS = 5_000
_ANSWER_MS = 5_000  # a stop may wait for the broker this long, also if it has gone away


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
        return poll(self._consumer, timeout_s, self._bootstrap)

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
        self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)


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
        return poll(self._consumer, timeout_s, self._bootstrap)

    def close(self) -> None:
        """Give up the connection."""
        self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
