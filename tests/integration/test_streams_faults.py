"""The streams process is killed, and its broker goes away, while label events flow."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.events import topics
from tests.label_events import Labelling
from tests.services import kafka_process, served, some_free_port
from tests.streams_worker import Follower, Worker, publish, wait_for_census
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.faults]

AWAY_S = 30


@pytest.fixture
def broker(tmp_path: Path) -> tuple[Path, int]:
    """Where a broker of this test's own keeps its data, and its port."""
    folder = tmp_path / "kafka"
    folder.mkdir()
    return folder, some_free_port()


@contextmanager
def running(broker: tuple[Path, int]) -> Iterator[str]:
    folder, port = broker
    with served(lambda: kafka_process(folder, port), folder / "kafka.log"):
        bootstrap = f"127.0.0.1:{port}"
        admin = KafkaAdmin(bootstrap)
        admin.ensure_topics(topics.ALL)
        admin.close()
        yield bootstrap


def recount(kafka: str, labelling: Labelling, worker: Worker) -> None:
    """Until census and recount agree, with the worker supervised as it is in the stack."""
    follower = Follower(kafka, topics.CENSUS)
    try:
        wait_for_census(
            follower,
            labelling.counts(),
            prefix="",
            timeout_s=360,
            meanwhile=worker.keep_running,
        )
    finally:
        follower.close()


def test_killed_again_and_again_while_events_flow(broker: tuple[Path, int], tmp_path: Path) -> None:
    labelling = Labelling(seed=11)
    events = list(labelling.events(images=400, changes=1600))
    flowing = threading.Event()

    def flow(kafka: str) -> None:
        dice = random.Random(12)
        for start in range(0, len(events), 20):
            publish(kafka, events[start : start + 20])
            if dice.random() < 0.3:  # the relay repeats itself
                publish(kafka, events[max(0, start - 60) : start + 20])
        flowing.set()

    with running(broker) as kafka, Worker(kafka, tmp_path) as worker:
        worker.wait_ready()
        thread = threading.Thread(target=flow, args=(kafka,))
        thread.start()
        dice = random.Random(13)
        for _ in range(4):
            # Some real work, and then the end in the midst of it.
            done = _done(kafka) + dice.randrange(30)
            wait_until(lambda done=done: _done(kafka) > done, within_s=60, what="work goes on")  # type: ignore[misc]
            worker.kill()
            worker.start()
        thread.join(120)
        assert flowing.is_set()
        recount(kafka, labelling, worker)


def _done(kafka: str) -> int:
    admin = KafkaAdmin(kafka)
    try:
        return admin.records(topics.CENSUS)
    finally:
        admin.close()


def test_the_broker_goes_away_and_comes_back(broker: tuple[Path, int], tmp_path: Path) -> None:
    labelling = Labelling(seed=21)
    events = list(labelling.events(images=200, changes=800))
    with Worker(f"127.0.0.1:{broker[1]}", tmp_path) as worker:  # it waits for its broker
        with running(broker) as kafka:
            worker.wait_ready()
            publish(kafka, events[:500])
        away = time.monotonic() + AWAY_S
        wait_until(
            lambda: worker.is_running and time.monotonic() > away,
            within_s=AWAY_S + 5,
            what="time goes by",
        )
        with running(broker) as kafka:
            publish(kafka, events[500:])
            recount(kafka, labelling, worker)
            assert worker.is_running, "it ran on without a hand"
