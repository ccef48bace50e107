"""A connection to a Kafka cluster, and its records as the rest of the project knows them."""

import logging
import time
from typing import Any

from kafka import errors as kafka_errors

from plankton_stream.domain import from_microseconds
from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.events.envelope import Received

log = logging.getLogger(__name__)

CLOSE_MS = 2_000
"""A stop may wait for the broker this long, also if it has gone away."""


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


def poll(consumer: Any, timeout_s: float, bootstrap: str) -> list[Received]:
    """The next records; an error that lasts is reported once a time-out, not in a hot loop."""
    try:
        batches = consumer.poll(timeout_ms=int(timeout_s * 1000))
    except kafka_errors.KafkaError as error:
        log.warning("Kafka at %s: poll failed, trying again: %s", bootstrap, error)
        time.sleep(timeout_s)
        return []
    return [to_received(record) for records in batches.values() for record in records]


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
