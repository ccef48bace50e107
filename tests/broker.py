"""A broker of a test's own, to be switched off."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.events import topics
from tests.services import kafka_process, served, some_free_port


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
    admin.ensure_topics(topics.ALL)
    admin.close()
    yield broker
    broker.off()
