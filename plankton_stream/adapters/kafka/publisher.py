"""`Publisher` on Apache Kafka."""

import logging
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from kafka import KafkaProducer
from kafka import errors as kafka_errors

from plankton_stream.adapters.kafka.admin import KafkaAdmin
from plankton_stream.adapters.kafka.connecting import connect
from plankton_stream.backlog import BoundedPublisher
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.envelope import Message
from plankton_stream.events.topics import (
    CONSUMERS,
    MAX_DEAD_LETTER_BYTES,
    Topic,
    max_bytes,
    partition_cap_bytes,
)

if TYPE_CHECKING:  # loads NumPy, which an adapter of Kafka has no use for
    from plankton_stream.ports import Publisher

log = logging.getLogger(__name__)


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
