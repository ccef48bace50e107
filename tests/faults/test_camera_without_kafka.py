"""A real camera process and a real broker that goes away and comes back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaReader
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import CameraStatus, read_fact
from plankton_stream.events.images import read_frame
from tests.services import kafka_process, served, some_free_port

pytestmark = [pytest.mark.services, pytest.mark.faults]

FILES = 400


class Broker:
    """A broker that can be switched off and on, and keeps its data."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, some_free_port()
        self._running = ExitStack()
        self.address = f"127.0.0.1:{self._port}"

    def on(self) -> None:
        log = self._folder / "kafka.log"
        process = kafka_process(self._folder, self._port)
        self._running.enter_context(served(lambda: process, log))

    def off(self) -> None:
        self._running.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    broker.on()
    admin = KafkaAdmin(broker.address)
    admin.ensure_topics([topics.FRAMES, topics.CAMERAS])
    admin.close()
    yield broker
    broker.off()


@contextmanager
def camera(broker: Broker, log: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output:
        run = subprocess.Popen(
            [sys.executable, "-c", "from plankton_stream.cli import main; main()", "camera",
             *arguments],
            env={**os.environ, "PLANKTON_KAFKA": broker.address},
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def records(broker: Broker, topic: topics.Topic) -> list[Received]:
    """All that the log keeps of a topic."""
    reader = KafkaReader(broker.address, [topic])
    found: list[Received] = []
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 3:
        batch = reader.poll(1.0)
        found += batch
        quiet_since = time.monotonic() if batch else quiet_since
    reader.close()
    return found


def wait_for(log: Path, text: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def wait_for_frames(broker: Broker, count: int, timeout_s: float = 60.0) -> None:
    admin = KafkaAdmin(broker.address)
    deadline = time.monotonic() + timeout_s
    while admin.records(topics.FRAMES) < count:
        assert time.monotonic() < deadline, f"fewer than {count} frames arrived"
        time.sleep(0.2)
    admin.close()


def statuses(broker: Broker) -> list[CameraStatus]:
    facts = [read_fact(record) for record in records(broker, topics.CAMERAS)]
    return [fact for fact in facts if isinstance(fact, CameraStatus)]


def test_a_folder_waits_for_kafka_and_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    picture = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()
    for number in range(FILES):
        (pictures / f"{number:04d}.png").write_bytes(picture)
    log = tmp_path / "camera.log"
    with camera(broker, log, "folder", str(pictures), "--rate", "40") as run:
        wait_for_frames(broker, 10)
        broker.off()
        wait_for(log, "waits")
        time.sleep(5)
        broker.on()
        assert run.wait(90) == 0, log.read_text()
    keys = {read_frame(record).frame_key for record in records(broker, topics.FRAMES)}
    assert keys == {f"{number:04d}.png" for number in range(FILES)}
    assert f"{FILES} files: {FILES} sent" in log.read_text()


def test_a_live_camera_counts_what_passes(broker: Broker, tmp_path: Path) -> None:
    log = tmp_path / "camera.log"
    with camera(broker, log, "simulated", "--width", "200", "--height", "150") as run:
        wait_for_frames(broker, 10)
        broker.off()
        wait_for(log, "drops what passes")
        time.sleep(5)
        broker.on()
        wait_for(log, "Kafka is back")
        wait_for_frames(broker, 30)
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 0, log.read_text()
    last = statuses(broker)[-1]
    keys = {read_frame(record).frame_key for record in records(broker, topics.FRAMES)}
    assert last.state == "stopped"
    assert len(keys) == last.sent  # what was confirmed is there
    assert last.dropped > 5 * 6 / 2
    assert last.seen == last.sent + last.dropped
