"""The real web server while pages follow events: others are answered, and it stops at once."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from plankton_stream.adapters.sql import upgrade
from plankton_stream.stack.ports import answers
from tests.services import some_free_port
from tests.waiting import wait_until

STREAMS = 3


class Server:
    """`plankton web run` without Kafka and Milvus, which it goes on looking for."""

    def __init__(self, folder: Path) -> None:
        self.port = some_free_port()
        upgrade(f"sqlite:///{folder / 'catalog.sqlite'}")
        settings = {
            "PLANKTON_HOME": str(folder), "PLANKTON_AUTH": "none",
            "PLANKTON_WEB_PORT": str(self.port), "PLANKTON_WEB_THREADS": "2",
            "PLANKTON_WEB_STREAMS": str(STREAMS), "PLANKTON_KAFKA": "127.0.0.1:9",
            "PLANKTON_MILVUS": "http://127.0.0.1:9",
        }  # fmt: skip
        self._log = folder / "web.log"
        with self._log.open("wb") as log:
            self.run = subprocess.Popen(
                [sys.executable, "-m", "plankton_stream", "web", "run"],
                env=os.environ | settings, stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        wait_until(
            lambda: answers("127.0.0.1", self.port), within_s=120,
            what=lambda: self._log.read_text()[-2000:],
        )  # fmt: skip

    def ask(self, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        return connection, connection.getresponse()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("web"))
    yield server
    server.run.kill()
    server.run.wait()


def test_streams_take_no_thread_from_requests_and_end_when_the_server_stops(
    server: Server,
) -> None:
    with ExitStack() as stack:
        streams = []
        for _ in range(STREAMS):
            connection, stream = server.ask("/api/v1/events")
            stack.enter_context(closing(connection))
            assert stream.status == 200
            assert stream.readline().startswith(b"retry:")
            streams.append(stream)
        connection, refused = server.ask("/api/v1/events")
        assert refused.status == 503
        connection.close()
        for _ in range(20):
            began_s = time.monotonic()
            connection, answer = server.ask("/healthz")
            assert answer.status == 200
            connection.close()
            assert time.monotonic() - began_s < 1.0
        server.run.send_signal(signal.SIGTERM)
        began_s = time.monotonic()
        for stream in streams:
            stream.read()  # to its end
        # They would go on for three seconds: as long as requests may take to finish.
        assert time.monotonic() - began_s < 2.0
        assert server.run.wait(30) == 0
