"""`plankton up` with a real Kafka and a real Milvus, and the commands around it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.adapters.milvus import MilvusIndex, ping
from plankton_stream.adapters.sql import Catalog
from plankton_stream.events.topics import ALL
from tests.contract.conftest import an_image
from tests.services import require_stack_programs, some_free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.services

# `plankton up` without its Python processes: those have tests of their own.
_STORES_ONLY = """
from plankton_stream.cli import main
from plankton_stream.stack import parts
parts.ROLES = ()
main()
"""

_VECTOR = np.float32([1, 0, 0, 0])


class Console:
    """A terminal on one home: runs `plankton` there."""

    def __init__(self, home: Path) -> None:
        self.kafka_port, self.milvus_port, web = (some_free_port() for _ in range(3))
        self._out = home.parent / "up.out"
        self.environment = {
            **os.environ,
            "PLANKTON_HOME": str(home),
            "PLANKTON_KAFKA_PORT": str(self.kafka_port),
            "PLANKTON_KAFKA_HEAP_MB": "256",
            "PLANKTON_MILVUS_PORT": str(self.milvus_port),
            "PLANKTON_WEB_PORT": str(web),
        }
        self.catalog_url = f"sqlite:///{home / 'catalog.sqlite'}"
        self.ready_line = f"Ready: http://127.0.0.1:{web}"

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", _STORES_ONLY, *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def up(self) -> "subprocess.Popen[bytes]":
        with self._out.open("wb") as out:
            command = [sys.executable, "-c", _STORES_ONLY, "up"]
            started = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )
        wait_until(
            lambda: self.ready_line in self.said() or started.poll() is not None,
            within_s=300,
            what=self.said,
        )
        assert started.poll() is None, self.said()
        return started

    def said(self) -> str:
        return self._out.read_text()

    def status(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.run("status", "--json").stdout)
        return found

    def pids(self) -> dict[str, int]:
        return {one["name"]: one["pid"] for one in self.status()["processes"]}  # type: ignore[attr-defined]


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    require_stack_programs()
    console = Console(tmp_path / "home")
    yield console
    console.run("down")


def test_from_up_to_down_and_up_again(console: Console) -> None:
    up = console.up()
    assert console.said().count("Ready:") == 1
    pids = console.pids()
    assert set(pids) == {"kafka", "milvus"}
    _serves(console)

    again = console.run("up")
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert f"under pid {up.pid}" in again.stderr
    assert "plankton down" in again.stderr

    os.kill(pids["kafka"], signal.SIGKILL)
    restarted = "kafka ended and was started again (restart 1"
    wait_until(lambda: restarted in console.said(), within_s=30, what=console.said)
    assert console.pids()["milvus"] == pids["milvus"]

    encoder = ("test-encoder", 4)
    _index_one(console, encoder)
    family = [process.pid for process in psutil.Process(up.pid).children(recursive=True)]
    up.send_signal(signal.SIGTERM)
    assert up.wait(60) == 0, console.said()
    assert not [pid for pid in family if psutil.pid_exists(pid)]
    stopped = console.run("status", "--json")
    assert stopped.returncode == 1
    assert json.loads(stopped.stdout)["state"] == "stopped"

    # What was kept is there again; and killing `plankton up` outright leaves nothing behind.
    up = console.up()
    assert "topics ready (0 new)" in console.said()
    _serves(console)
    index = _index(console, encoder)
    assert index.count() == len(index.search(_VECTOR, 1)) == 1, "searchable as soon as it is ready"
    index.close()
    family = [process.pid for process in psutil.Process(up.pid).children(recursive=True)]
    assert len(family) >= 3
    up.kill()
    up.wait()
    assert console.run("down").returncode == 0
    wait_until(
        lambda: not [pid for pid in family if psutil.pid_exists(pid)],
        within_s=30,
        what="all are gone",
    )


def test_a_busy_port_starts_nothing(console: Console, kafka: str) -> None:
    port = kafka.rpartition(":")[2]
    console.environment["PLANKTON_KAFKA_PORT"] = port
    run = console.run("up")
    assert run.returncode == 1
    assert f"Port {port} is in use by java" in run.stderr
    assert "PLANKTON_KAFKA_PORT" in run.stderr
    assert console.run("doctor").returncode == 1


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("PLANKTON_KAFKA", "127.0.0.1:9"),
        ("PLANKTON_MILVUS", "http://127.0.0.1:9"),
    ],
)
def test_a_part_that_is_given_must_be_there(console: Console, setting: str, url: str) -> None:
    console.environment[setting] = url
    run = console.run("up")
    assert run.returncode == 1
    assert f"{setting}={url} cannot be used" in run.stderr
    assert run.stderr.count("\n") == 1


def test_an_unreachable_catalog_hides_its_password(
    console: Console, kafka: str, milvus: str
) -> None:
    url = "postgresql+psycopg://me:s3cret@127.0.0.1:9/db"
    console.environment |= {
        "PLANKTON_KAFKA": kafka,
        "PLANKTON_MILVUS": milvus,
        "PLANKTON_CATALOG": url,
    }
    run = console.run("up")
    assert run.returncode == 1
    assert "PLANKTON_CATALOG=postgresql+psycopg://me:***@127.0.0.1:9/db cannot" in run.stderr
    assert "s3cret" not in run.stderr + run.stdout


def _index(console: Console, encoder: tuple[str, int]) -> MilvusIndex:
    name, dimension = encoder
    uri = f"http://127.0.0.1:{console.milvus_port}"
    return MilvusIndex(uri, encoder=name, dimension=dimension)


def _index_one(console: Console, encoder: tuple[str, int]) -> None:
    catalog = Catalog(console.catalog_url)
    catalog.encoders.claim(*encoder)
    catalog.close()
    index = _index(console, encoder)
    index.upsert([an_image(1)], _VECTOR[None])
    assert index.count() == 1
    index.close()


def _serves(console: Console) -> None:
    admin = KafkaAdmin(f"127.0.0.1:{console.kafka_port}")
    assert {topic.name for topic in ALL} <= admin.topic_names()
    admin.close()
    ping(f"http://127.0.0.1:{console.milvus_port}")
