"""Kafka goes away, and the camera is killed while it sends what it spooled meanwhile.

Kafka is away for some seconds; for a whole minute:

    TEST_AWAY_S=60 pytest tests/faults/test_spool.py
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaReader
from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import Frame, image_id
from plankton_stream.events import topics
from plankton_stream.events.images import read_frame
from tests.broker import Broker
from tests.faults.light_workers import light_workers
from tests.faults.logbook_camera import RATE_HZ
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.faults]

ROOT = Path(__file__).parents[2]
CAMERA = "kill-draining"
AWAY_S = float(os.environ.get("TEST_AWAY_S", "8"))
FRAMES = int((AWAY_S + 8) * RATE_HZ)


@contextmanager
def camera(broker: Broker, folder: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.faults.logbook_camera", CAMERA]
    where = {"PLANKTON_KAFKA": broker.address, "PLANKTON_HOME": str(folder)} | environment
    with (folder / "camera.log").open("ab") as log:
        run = subprocess.Popen(
            [*command, str(folder / "logbook"), str(FRAMES)],
            cwd=ROOT, env=os.environ | where, stderr=log,
        )  # fmt: skip
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def test_killed_while_it_drains_every_frame_arrives_once_and_in_order(
    broker: Broker, milvus: str, tmp_path: Path
) -> None:
    log, catalog_url = tmp_path / "camera.log", f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(catalog_url)
    with light_workers(broker.address, milvus, catalog_url) as index:
        # Said when the first of what was spooled is confirmed.
        with camera(broker, tmp_path, KILLED_WHEN="Kafka takes frames again") as run:
            wait_until(lambda: given(tmp_path) > 20, within_s=60, what=log.read_text)
            broker.off()
            until = time.monotonic() + AWAY_S
            wait_until(lambda: time.monotonic() > until, within_s=AWAY_S + 9, what="time stands")
            broker.on()
            assert run.wait(90) == -signal.SIGKILL, log.read_text()
        spool = tmp_path / "spool" / CAMERA
        waiting = sum(path.stat().st_size for path in spool.glob("*.frames"))
        assert waiting > 0, "all was sent before the kill: the test shows less than it should"
        with camera(broker, tmp_path) as run:
            assert run.wait(FRAMES / RATE_HZ + 60) == 0, log.read_text()
        frames = on_topic(broker)
        assert_all_given_are_there(frames)
        assert_in_order(frames)
        assert_indexed_once(Catalog(catalog_url), index, frames)


def given(folder: Path) -> int:
    book = folder / "logbook"
    return len(book.read_text().splitlines()) if book.exists() else 0


def on_topic(broker: Broker) -> list[Frame]:
    """The camera's frames as the topic has them, each time it has them."""
    reader = KafkaReader(broker.address, [topics.FRAMES])
    frames: list[Frame] = []

    def read() -> None:
        frames.extend(read_frame(r) for r in reader.poll(1.0) if r.key == CAMERA.encode())

    def last_is_there() -> bool:
        read()
        return any(frame.frame_key == f"{FRAMES - 1:06d}" for frame in frames)

    try:
        wait_until(last_is_there, within_s=60, what=lambda: f"{len(frames)} frames on the topic")
        read()
    finally:
        reader.close()
    return frames


def assert_all_given_are_there(frames: list[Frame]) -> None:
    """All but the one, at most, that the camera had given but nobody had accepted at the kill."""
    missing = {f"{number:06d}" for number in range(FRAMES)} - {f.frame_key for f in frames}
    assert len(missing) <= 1, sorted(missing)


def assert_in_order(frames: list[Frame]) -> None:
    """A frame may come again, with the same number, but none comes after a later one first."""
    firsts = list({frame.frame_key: frame.sequence or 0 for frame in reversed(frames)}.items())
    firsts.sort(key=lambda item: item[1])
    arrived = list(dict.fromkeys(frame.frame_key for frame in frames))
    assert [key for key, _ in firsts] == arrived == sorted(arrived)
    assert all(dict(firsts)[frame.frame_key] == frame.sequence for frame in frames)


def assert_indexed_once(catalog: Catalog, index: MilvusIndex, frames: list[Frame]) -> None:
    """Each frame was cut once, each of its ROIs is in catalog and index once, and nothing else."""
    keys = {frame.frame_key for frame in frames}
    wait_until(
        lambda: catalog.cuts.count() == len(keys), within_s=90,
        what=lambda: f"{catalog.cuts.count()} of {len(keys)} frames cut",
    )  # fmt: skip
    expected = expected_images(catalog, keys)
    assert len(expected) > 0.9 * len(keys), "too few of the discs were found"
    wait_until(
        lambda: catalog.images.count() == len(expected), within_s=90,
        what=lambda: f"{catalog.images.count()} of {len(expected)} images",
    )  # fmt: skip
    assert set(catalog.images.ids()) == expected
    assert Counter(index.ids()) == dict.fromkeys(expected, 1)
    assert index.count() == len(expected)
    catalog.close()


def expected_images(catalog: Catalog, keys: set[str]) -> set[str]:
    cuts = [cut for key in keys if (cut := catalog.cuts.get(CAMERA, key))]
    return {image_id(cut.capture, cut.frame_key, box) for cut in cuts for box in cut.boxes}
