"""`plankton streams run` as a real process, and what it publishes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from plankton_stream.adapters.kafka import KafkaPublisher, KafkaReader
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.fact import Fact
from plankton_stream.stack.ready import READY_FILE
from tests.label_events import Counts, census_of, label_message
from tests.waiting import wait_until


class Worker:
    """One process of the streams role. Use it as a context: it never outlives its test."""

    def __init__(self, kafka: str, folder: Path) -> None:
        self._folder = folder
        self._ready = folder / "ready"
        self.log = folder / "streams.log"
        self._env = os.environ | {
            "PLANKTON_KAFKA": kafka,
            "PLANKTON_HOME": str(folder),
            READY_FILE: str(self._ready),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Worker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "plankton_stream", "streams", "run"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)

    def keep_running(self) -> bool:
        """Start it again if its watchdog has ended it, as the supervisor does."""
        if self._process is not None and self._process.poll() is not None:
            self.start()
        return True

    def wait_ready(self, timeout_s: float = 90) -> None:
        wait_until(
            lambda: self._ready.exists() and self.is_running,
            within_s=timeout_s,
            what="streams gets ready",
        )

    @property
    def is_running(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-4000:]
        return True

    def kill(self) -> None:
        """As `kill -9`: no last words."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, timeout_s: float = 30) -> int:
        """As SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout_s)


def publish(kafka: str, facts: list[Fact]) -> None:
    """Label events, in order, confirmed by the broker."""
    publisher = KafkaPublisher(kafka)
    try:
        for fact in facts:
            publisher.send(label_message(fact))
        publisher.flush()
    finally:
        publisher.close()


class Follower:
    """Reads a topic from its beginning and remembers all of it."""

    def __init__(self, kafka: str, topic: topics.Topic) -> None:
        self._reader = KafkaReader(kafka, [topic])
        self.records: list[Received] = []

    def latest(self) -> dict[str, Received]:
        """The last record of each key so far."""
        while batch := self._reader.poll(0.5):
            self.records += batch
        return {(record.key or b"").decode(): record for record in self.records}

    def close(self) -> None:
        self._reader.close()


def wait_for_census(
    follower: Follower,
    expected: Counts,
    *,
    prefix: str,
    timeout_s: float,
    meanwhile: Callable[[], bool] = lambda: True,
) -> None:
    """Until the published census of these cameras equals a recount."""

    def published() -> Counts:
        census = census_of(follower.latest())
        return {cell: counts for cell, counts in census.items() if cell[0].startswith(prefix)}

    wait_until(
        lambda: meanwhile() and published() == expected,
        within_s=timeout_s,
        what=lambda: f"the census is {published()}, a recount {expected}",
    )
