"""`Publisher` and `Subscriber`: one suite over Kafka and the in-memory log."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import KafkaAdminClient

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaPublisher, KafkaReader, KafkaSubscriber
from plankton_stream.domain import new_id
from plankton_stream.errors import ConfigError, RejectedError, RetryableError
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.topics import MAX_RECORD_BYTES, Topic
from plankton_stream.ports import Publisher, Subscriber
from plankton_stream.testing import MemoryLog, MemoryPublisher, MemorySubscriber
from tests.waiting import wait_until

DEADLINE_S = 30.0
NOBODY = "127.0.0.1:1"


@dataclass
class Log:
    """An event log with one empty topic, and the power to make it refuse records."""

    topic: Topic
    publisher: Callable[[], Publisher]
    subscriber: Callable[..., Subscriber]
    set_available: Callable[[bool], None]
    opened: list[Any] = field(default_factory=list)

    def publish(self, *messages: Message) -> None:
        publisher = self.publisher()
        for message in messages:
            publisher.send(message)
        publisher.flush()

    def message(self, number: int, *, key: str = "k", value: bytes | None = None) -> Message:
        headers = (("ce_id", str(number).encode()), ("ce_camera", b"sim-1"))
        return Message(self.topic.name, key, value or str(number).encode(), headers)


def memory_log() -> Log:
    log = MemoryLog()
    topic = Topic("t", "any", 1, "a test's")

    def subscriber(group: str = "g", max_records: int = 64) -> Subscriber:
        return MemorySubscriber(log, [topic], group=group, max_records=max_records)

    return Log(
        topic, lambda: MemoryPublisher(log), subscriber, lambda yes: setattr(log, "available", yes)
    )


def kafka_log(bootstrap: str, partitions: int = 3) -> Log:
    config = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    topic = Topic(f"t-{new_id()}", "any", partitions, "a test's", config)
    create(bootstrap, topic)
    opened: list[Any] = []

    def keep(client: Any) -> Any:
        opened.append(client)
        return client

    def subscriber(group: str = "g", max_records: int = 64) -> Subscriber:
        name = f"{group}-{topic.name}"
        return keep(KafkaSubscriber(bootstrap, [topic], group=name, max_records=max_records))

    def set_available(yes: bool) -> None:
        # A broker without the topic takes no records for it, like one that is away.
        if yes:
            create(bootstrap, topic)
            return
        client = KafkaAdminClient(bootstrap_servers=bootstrap)
        client.delete_topics([topic.name])
        client.close()

    return Log(topic, lambda: keep(KafkaPublisher(bootstrap)), subscriber, set_available, opened)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.services)])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    if request.param == "memory":
        yield memory_log()
        return
    log = kafka_log(request.getfixturevalue("kafka"))
    yield log
    for client in log.opened:
        client.close()


def create(bootstrap: str, topic: Topic) -> None:
    admin = KafkaAdmin(bootstrap)
    admin.ensure_topics([topic])
    admin.close()


def read(subscriber: Any, count: int) -> list[Received]:
    """Poll until so many records are there."""
    found: list[Received] = []

    def enough() -> bool:
        found.extend(subscriber.poll(0.2))
        return len(found) >= count

    wait_until(enough, within_s=DEADLINE_S, what=lambda: f"{len(found)} of {count} records")
    return found


def numbers(records: list[Received]) -> list[int]:
    return [int(record.value) for record in records]


def test_records_of_a_key_keep_their_order_bytes_and_headers(log: Log) -> None:
    sent = [log.message(n, key=f"k{n % 3}") for n in range(60)]
    log.publish(*sent)
    records = read(log.subscriber(), 60)
    assert sorted(numbers(records)) == list(range(60))
    for key in (b"k0", b"k1", b"k2"):
        own = [n for n, r in zip(numbers(records), records, strict=True) if r.key == key]
        assert own == sorted(own)
        assert len(own) == 20
    by_number = {int(record.value): record for record in records}
    assert all(by_number[n].headers == message.headers for n, message in enumerate(sent))
    assert len({record.origin for record in records}) == 60


def test_a_batch_is_never_larger_than_asked_for(log: Log) -> None:
    log.publish(*(log.message(n) for n in range(20)))
    subscriber = log.subscriber(max_records=7)
    found: list[Received] = []

    def polled_all() -> bool:
        batch = subscriber.poll(0.2)
        assert len(batch) <= 7
        found.extend(batch)
        return len(found) >= 20

    wait_until(polled_all, within_s=DEADLINE_S, what=lambda: str(numbers(found)))
    assert numbers(found) == list(range(20))


def test_a_new_member_goes_on_after_what_was_committed(log: Log) -> None:
    log.publish(*(log.message(n) for n in range(10)))
    first = log.subscriber(max_records=4)
    done = numbers(read(first, 4))
    first.commit()
    read(first, 2)  # polled, not committed: somebody has to do it again
    first.close()
    rest = numbers(read(log.subscriber(), 6))
    assert done + rest == list(range(10))


def test_what_was_not_committed_is_seen_again_and_groups_do_not_share_their_place(log: Log) -> None:
    log.publish(*(log.message(n) for n in range(5)))
    first = log.subscriber()
    assert numbers(read(first, 5)) == list(range(5))
    first.close()
    again = log.subscriber()
    assert numbers(read(again, 5)) == list(range(5))
    again.commit()
    assert numbers(read(log.subscriber(group="other"), 5)) == list(range(5))


def test_keep_alive_loses_and_skips_nothing(log: Log) -> None:
    """Also before the first poll, when partitions are handed out while it runs."""
    subscriber = log.subscriber(max_records=3)
    log.publish(*(log.message(n, key=f"k{n}") for n in range(30)))
    for _ in range(50):
        subscriber.keep_alive()
    found: list[int] = []
    while len(found) < 30 and (batch := read(subscriber, 1)):
        found += numbers(batch)
        for _ in range(5):
            subscriber.keep_alive()
        subscriber.commit()
    assert sorted(found) == list(range(30))
    subscriber.close()
    log.publish(log.message(99))
    assert numbers(read(log.subscriber(), 1)) == [99]


def test_keep_alive_commits_nothing_that_was_not_polled(log: Log) -> None:
    log.publish(*(log.message(n) for n in range(8)))
    subscriber = log.subscriber(max_records=2)
    done = numbers(read(subscriber, 2))
    for _ in range(20):
        subscriber.keep_alive()
    subscriber.commit()
    subscriber.close()
    assert done + numbers(read(log.subscriber(), 6)) == list(range(8))


def test_a_record_that_is_too_large_is_rejected_and_the_next_one_arrives(log: Log) -> None:
    publisher = log.publisher()
    with pytest.raises(RejectedError, match=log.topic.name):
        publisher.send(log.message(1, value=b"0" * (MAX_RECORD_BYTES + 1)))
    publisher.send(log.message(2))
    publisher.flush()
    assert numbers(read(log.subscriber(), 1)) == [2]


def test_a_record_of_the_largest_size_travels(log: Log) -> None:
    value = b"7" * (MAX_RECORD_BYTES - 4096)
    log.publish(log.message(1, value=value))
    (record,) = read(log.subscriber(), 1)
    assert record.value == value


def test_flush_tells_that_the_log_takes_no_records_and_sending_again_helps(log: Log) -> None:
    publisher = log.publisher()
    publisher.send(log.message(1))
    publisher.flush()
    log.set_available(False)
    with pytest.raises(RetryableError):  # noqa: PT012  (which of the two tells may differ)
        publisher.send(log.message(2))
        publisher.flush(timeout_s=1)
    log.set_available(True)
    publisher.send(log.message(2))
    publisher.flush()
    assert numbers(read(log.subscriber(), 1))[-1] == 2


def test_flush_of_nothing_waits_for_nothing(log: Log) -> None:
    publisher = log.publisher()
    log.set_available(False)
    publisher.flush(timeout_s=1)


@pytest.mark.services
def test_a_second_member_takes_over_half_and_no_record_is_lost(kafka: str) -> None:
    """The first one is mid-batch, kept alive, when the group hands partitions out anew."""
    log = kafka_log(kafka, partitions=4)
    log.publish(*(log.message(n, key=f"k{n}") for n in range(200)))
    seen: set[int] = set()
    first = log.subscriber(max_records=10)
    seen.update(numbers(read(first, 10)))
    second = log.subscriber(max_records=10)
    took: set[int] = set()

    def joined() -> bool:
        first.keep_alive()
        took.update(numbers(second.poll(0.05)))
        return bool(took)

    def all_seen() -> bool:
        for member, records in ((first, seen), (second, took)):
            records.update(numbers(member.poll(0.05)))
            member.keep_alive()
            member.commit()
        return len(seen | took) >= 200

    wait_until(joined, within_s=DEADLINE_S, what="the second member gets a partition")
    first.commit()
    wait_until(all_seen, within_s=DEADLINE_S, what=lambda: f"all of {sorted(seen | took)}")
    assert seen | took == set(range(200))
    first.commit()
    second.commit()
    first.close()
    second.close()
    log.publish(log.message(999))
    admin = KafkaAdmin(kafka)
    assert admin.lag(f"g-{log.topic.name}", log.topic) == 1
    admin.close()


@pytest.mark.services
def test_lag_counts_what_a_group_has_not_finished_with(kafka: str) -> None:
    log = kafka_log(kafka)
    group = f"g-{log.topic.name}"
    log.publish(*(log.message(n, key=f"k{n}") for n in range(12)))
    admin = KafkaAdmin(kafka)
    assert admin.lag(group, log.topic) == 12, "a group that never came has all before it"
    assert admin.records(log.topic) == 12
    subscriber = log.subscriber(max_records=100)
    read(subscriber, 12)
    assert admin.lag(group, log.topic) == 12
    subscriber.commit()
    assert admin.lag(group, log.topic) == 0
    subscriber.close()
    admin.close()


@pytest.mark.services
def test_topics_are_created_once_with_their_settings(kafka: str) -> None:
    topic = Topic(f"t-{new_id()}", "any", 2, "a test's", {"retention.ms": "12345"})
    admin = KafkaAdmin(kafka)
    assert admin.ensure_topics([topic]) == [topic.name]
    assert admin.ensure_topics([topic]) == []
    assert topic.name in admin.topic_names()
    admin.close()


@pytest.mark.services
def test_topics_that_another_process_makes_at_the_same_moment_are_left_alone(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Topic(f"plankton.race-{new_id().lower()}.v1", "a key", 1, "") for _ in "ab")
    admin = KafkaAdmin(kafka)
    seen = admin.topic_names()
    admin.ensure_topics([first])
    names = admin.topic_names
    # Metadata lag behind what was just made, for as long as they like.
    monkeypatch.setattr(admin, "topic_names", lambda: seen)

    assert admin.ensure_topics([first, second]) == [second.name]

    assert {first.name, second.name} <= names()
    admin.close()


@pytest.mark.services
def test_a_reader_sees_the_topic_from_its_first_record_or_only_what_is_new(kafka: str) -> None:
    log = kafka_log(kafka)
    log.publish(*(log.message(n, key=f"k{n}") for n in range(6)))
    whole = KafkaReader(kafka, [log.topic])
    assert sorted(numbers(read(whole, 6))) == list(range(6))
    tail = KafkaReader(kafka, [log.topic], from_end=True)
    tail.poll(0.2)
    log.publish(log.message(6))
    assert numbers(read(tail, 1)) == [6]
    whole.close()
    tail.close()


@pytest.mark.parametrize("client", [KafkaPublisher, KafkaAdmin])
def test_a_log_that_is_away_is_named(client: Any) -> None:
    with pytest.raises(RetryableError, match=NOBODY):
        client(NOBODY)


def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        KafkaPublisher("nonsense:port")
