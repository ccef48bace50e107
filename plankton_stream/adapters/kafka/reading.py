"""`LogReader` on Apache Kafka: parts of topics, read once, without a consumer group."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from plankton_stream.adapters.kafka.admin import KafkaAdmin
from plankton_stream.adapters.kafka.connecting import CLOSE_MS, connect, to_received
from plankton_stream.errors import RetryableError
from plankton_stream.events.envelope import Received
from plankton_stream.events.spans import Span
from plankton_stream.events.topics import MAX_DEAD_LETTER_BYTES, Topic

_POLL_MS = 500
_PATIENCE_S = 30.0
_FETCH_BYTES = 16 * 1024 * 1024


class KafkaLogReader:
    """`LogReader` on a Kafka cluster."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = KafkaAdmin(bootstrap)

    def spans(self, topic: Topic, group: str = "") -> dict[int, Span]:
        """See `LogReader.spans`."""
        if topic.name not in self._admin.topic_names():
            return {}
        return self._admin.spans(topic, group)

    def read(self, topic: Topic, ranges: Mapping[int, range]) -> Iterator[list[Received]]:
        """See `LogReader.read`."""
        wanted = {TopicPartition(topic.name, n): r for n, r in ranges.items() if len(r)}
        if not wanted:
            return
        consumer = connect(
            KafkaConsumer,
            self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=MAX_DEAD_LETTER_BYTES,
            fetch_max_bytes=_FETCH_BYTES,
        )
        try:
            yield from self._read(consumer, wanted)
        except kafka_errors.KafkaError as error:
            raise RetryableError(f"Kafka at {self._bootstrap}: not read: {error}") from error
        finally:
            consumer.close(autocommit=False, timeout_ms=CLOSE_MS)

    def close(self) -> None:
        """See `LogReader.close`."""
        self._admin.close()

    def _read(self, consumer: Any, wanted: dict[TopicPartition, range]) -> Iterator[list[Received]]:
        consumer.assign(list(wanted))
        for partition, offsets in wanted.items():
            consumer.seek(partition, offsets.start)
        heard_s = time.monotonic()
        while wanted:
            batches = consumer.poll(timeout_ms=_POLL_MS)
            if batches:
                heard_s = time.monotonic()
                yield [
                    to_received(record)
                    for partition, records in batches.items()
                    for record in records
                    if record.offset in wanted.get(partition, ())
                ]
            for partition in [p for p, r in wanted.items() if consumer.position(p) >= r.stop]:
                consumer.pause(partition)
                del wanted[partition]
            if time.monotonic() - heard_s > _PATIENCE_S:
                raise RetryableError(
                    f"Kafka at {self._bootstrap} stopped answering while topic "
                    f"{next(iter(wanted)).topic} was read"
                )
