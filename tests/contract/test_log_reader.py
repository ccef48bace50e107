"""`LogReader`: one suite over Kafka and the in-memory log."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from plankton_stream.adapters.kafka import KafkaLogReader
from plankton_stream.events.envelope import Message, now
from plankton_stream.events.topics import Topic
from plankton_stream.ports import LogReader
from plankton_stream.retrying import wait_for
from plankton_stream.testing import MemoryLogReader, MemoryPublisher
from tests.contract.test_log import Log, kafka_log, memory_log, numbers, read

GROUP = "g"


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.services)])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    is_memory = request.param == "memory"
    log = memory_log() if is_memory else kafka_log(request.getfixturevalue("kafka"))
    yield log
    for client in log.opened:
        client.close()


@pytest.fixture
def reader(request: pytest.FixtureRequest, log: Log) -> Iterator[LogReader]:
    publisher = log.publisher()
    if isinstance(publisher, MemoryPublisher):
        yield MemoryLogReader(publisher._log)
        return
    reader = KafkaLogReader(request.getfixturevalue("kafka"))
    # A new broker finds out who coordinates groups when it is first asked.
    wait_for(lambda: reader.spans(log.topic, GROUP), threading.Event())
    yield reader
    reader.close()


def group(log: Log) -> str:
    return GROUP if log.topic.name == "t" else f"{GROUP}-{log.topic.name}"


def test_spans_tell_what_a_group_has_finished_with(log: Log, reader: LogReader) -> None:
    log.publish(*(log.message(n, key=f"k{n}") for n in range(20)))
    subscriber = log.subscriber()
    read(subscriber, 20)
    subscriber.commit()
    log.publish(*(log.message(n, key=f"k{n}") for n in range(20, 25)))
    spans = reader.spans(log.topic, group(log)).values()
    assert sum(len(span.done) for span in spans) == 20
    assert sum(len(span.waiting) for span in spans) == 5
    assert sum(len(span.done) for span in reader.spans(log.topic).values()) == 25


def test_ranges_are_read_whole_and_nothing_else(log: Log, reader: LogReader) -> None:
    before = now()
    log.publish(*(log.message(n, key=f"k{n}") for n in range(30)))
    subscriber = log.subscriber()
    read(subscriber, 30)
    subscriber.commit()
    log.publish(*(log.message(n, key=f"k{n}") for n in range(30, 40)))
    spans = reader.spans(log.topic, group(log))
    done = list(reader.read(log.topic, {n: span.done for n, span in spans.items()}))
    waiting = list(reader.read(log.topic, {n: span.waiting for n, span in spans.items()}))
    assert sorted(numbers([record for page in done for record in page])) == list(range(30))
    records = [record for page in waiting for record in page]
    assert sorted(numbers(records)) == list(range(30, 40))
    taken = [record.appended_at for record in records if record.appended_at]
    assert len(taken) == 10
    assert all(abs(at - before) < timedelta(minutes=5) for at in taken)
    assert list(reader.read(log.topic, {n: range(0) for n in spans})) == []


def test_a_topic_that_is_not_there_has_no_partitions(reader: LogReader) -> None:
    assert reader.spans(Topic("nobody-made-it", "any", 1, "a test's"), GROUP) == {}


def test_a_record_that_is_sent_again_has_its_own_key_whatever_it_was(
    log: Log, reader: LogReader
) -> None:
    odd = b"\xff\x00".decode(errors="surrogateescape")
    log.publish(Message(log.topic.name, odd, b"1", ()))
    spans = {n: span.done for n, span in reader.spans(log.topic).items()}
    (page,) = reader.read(log.topic, spans)
    assert [record.key for record in page] == [b"\xff\x00"]
