"""What the app and its command are set up with, without Kafka."""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.settings import Settings
from streams import commands
from streams.app import NEEDED, Streams, create_streams
from streams.waiting import Waiting


async def nothing() -> None:
    pass


@pytest.fixture
def streams(tmp_path: Path) -> Streams:
    settings = Settings(home=tmp_path)
    return create_streams(settings, on_assigned=lambda: None, on_recovered=nothing)


def test_the_dead_letter_of_any_record_may_be_sent(streams: Streams) -> None:
    # The wire format adds a little to the record.
    assert streams.app.conf.producer_max_request_size == topics.MAX_DEAD_LETTER_BYTES + 1024


def test_what_waits_is_counted_where_this_process_reads(streams: Streams) -> None:
    everywhere = topics.LABELS.partitions + topics.LABELS_BY_CAMERA.partitions
    assert len(streams.partitions) == everywhere, "until it is known: a start may get stuck too"
    mine = TP(topics.LABELS.name, 2)
    dealt = {mine, TP(topics.LABELS_CURRENT.name, 2)}
    asyncio.run(streams.app.on_partitions_assigned.send(dealt))
    assert streams.partitions == {mine}
    asyncio.run(streams.app.on_partitions_assigned.send(set()))
    assert streams.partitions == frozenset()


def test_a_broker_that_is_away_does_not_say_what_waits() -> None:
    with pytest.raises(RetryableError, match="lag not read"):
        Waiting("127.0.0.1:1", lambda: [(topics.LABELS.name, 0)])()


def test_the_state_is_compacted_soon_because_a_start_reads_all_of_it() -> None:
    config = topics.LABELS_CURRENT.config
    assert config["cleanup.policy"] == "compact"
    assert int(config["max.compaction.lag.ms"]) == 60 * 60 * 1000


class NoBroker:
    """Instead of `KafkaAdmin`; refuses a number of times."""

    refusals = 0

    def __init__(self, _bootstrap: str) -> None:
        if self.refusals:
            type(self).refusals -= 1
            raise RetryableError("no Kafka broker answers")

    def ensure_topics(self, *_: Any, **__: Any) -> None:
        pass

    def close(self) -> None:
        pass


class Pauses(threading.Event):
    """Never set, remembers how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seen.append(timeout)
        return False


def test_the_pauses_grow_while_the_broker_is_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(commands, "KafkaAdmin", NoBroker)
    monkeypatch.setattr(NoBroker, "refusals", 6)
    pauses = Pauses()
    assert commands._wait_for_topics(Settings(home=tmp_path), NEEDED, pauses)
    assert pauses.seen == [0.5, 1, 2, 4, 8, 10]


def test_a_stop_ends_the_wait_for_the_broker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(commands, "KafkaAdmin", NoBroker)
    monkeypatch.setattr(NoBroker, "refusals", 1000)
    before = signal.getsignal(signal.SIGTERM)
    with commands._stop_on_signals() as stop:
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGTERM]).start()
        started = time.monotonic()
        assert not commands._wait_for_topics(Settings(home=tmp_path), NEEDED, stop)
        assert time.monotonic() - started < 10
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stop_that_comes_while_the_broker_answers_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stop = threading.Event()
    monkeypatch.setattr(commands, "KafkaAdmin", NoBroker)
    monkeypatch.setattr(NoBroker, "ensure_topics", lambda *_, **__: stop.set())
    assert not commands._wait_for_topics(Settings(home=tmp_path), NEEDED, stop)
