"""A real camera process and a real broker that goes away and comes back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaPublisher, KafkaReader
from plankton_stream.domain import Capture, Frame
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import read_fact
from plankton_stream.events.health import CameraStatus
from plankton_stream.events.images import frame_message, read_frame
from tests.broker import Broker
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.faults]

FILES = 400


@contextmanager
def camera(broker: Broker, log: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output:
        run = subprocess.Popen(
            [sys.executable, "-c", "from plankton_stream.cli import main; main()", "camera",
             *arguments],
            env={
                **os.environ, "PLANKTON_KAFKA": broker.address,
                "PLANKTON_HOME": str(log.parent / "home"),
            },
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def records(broker: Broker, topic: topics.Topic) -> list[Received]:
    """All that the log keeps of a topic."""
    count = arrived(broker, topic)
    reader = KafkaReader(broker.address, [topic])
    found: list[Received] = []

    def is_all() -> bool:
        found.extend(reader.poll(1.0))
        return len(found) >= count

    wait_until(is_all, within_s=60, what=lambda: f"{len(found)} of {count} {topic.name}")
    reader.close()
    return found


def arrived(broker: Broker, topic: topics.Topic) -> int:
    admin = KafkaAdmin(broker.address)
    try:
        return admin.records(topic)
    finally:
        admin.close()


def wait_for(log: Path, text: str, *, times: int = 1) -> None:
    wait_until(lambda: log.read_text().count(text) >= times, within_s=60, what=log.read_text)


def in_spool(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.frames"))


def wait_for_frames(broker: Broker, count: int) -> None:
    wait_until(lambda: arrived(broker, topics.FRAMES) >= count, within_s=60, what=f"{count} frames")


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
        wait_for(log, "waits", times=3)
        broker.on()
        assert run.wait(90) == 0, log.read_text()
    keys = {read_frame(record).frame_key for record in records(broker, topics.FRAMES)}
    assert keys == {f"{number:04d}.png" for number in range(FILES)}
    assert f"{FILES} files of camera pictures: {FILES} sent" in log.read_text()


def test_a_live_camera_spools_and_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    log = tmp_path / "camera.log"
    with camera(broker, log, "simulated", "--width", "200", "--height", "150") as run:
        wait_for_frames(broker, 10)
        broker.off()
        wait_for(log, "frames stay in the spool")
        spooled = tmp_path / "home" / "spool" / "sim-1"
        wait_until(lambda: in_spool(spooled) > 100_000, within_s=60, what="nothing is spooled")
        broker.on()
        wait_for(log, "Kafka takes frames again")
        wait_until(lambda: in_spool(spooled) < 20_000, within_s=60, what="the spool is not drained")
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 0, log.read_text()
    last = statuses(broker)[-1]
    numbers = [read_frame(record).sequence or 0 for record in records(broker, topics.FRAMES)]
    once = list(dict.fromkeys(numbers))
    assert len(numbers) - len(once) <= 64, "more doubles than one batch: old tries still go on"
    assert once == sorted(once)
    # A busy machine may be too slow to take a frame; it says so, and nothing else is missing.
    assert last.dropped_because.keys() <= {"late"}
    assert (len(once), last.last_sequence) == (last.sent, last.seen)
    assert (last.seen, last.spooled, last.state) == (last.sent + last.dropped, 0, "stopped")


def test_a_try_that_failed_does_not_go_on_behind_the_next(broker: Broker) -> None:
    """Else each try adds a double, and what expires one by one comes out of order."""
    publisher = KafkaPublisher(broker.address)
    message = frame_message(Frame(Capture(camera="cam-1"), "0001", "image/png", b"image"))

    def sent(within_s: float = 10.0) -> bool:
        try:
            publisher.send(message)
            publisher.flush(within_s)
        except RetryableError:
            return False
        return True

    assert sent()
    broker.off()
    assert not any(sent(within_s=1.0) for _ in range(3))
    broker.on()
    wait_until(sent, within_s=60, what="not sent after Kafka was back")
    publisher.close()
    assert arrived(broker, topics.FRAMES) == 2
