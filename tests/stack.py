"""A whole local stack for tests: `plankton up` as its user runs it, on ports of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog
from plankton_stream.settings import Settings
from plankton_stream.stack.home import Home
from plankton_stream.stack.supervision import Supervisor
from tests.services import require_stack_programs, some_free_port
from tests.waiting import wait_until

UP_WITHIN_S = 300.0


class Stack:
    """A running `plankton up`.

    Attributes:
        env: environment that makes a `plankton` command speak to this stack.
        settings: the same, for the library's own classes.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        ports = {name: some_free_port() for name in ("kafka", "milvus", "embed", "web")}
        own = {f"PLANKTON_{name.upper()}_PORT": str(port) for name, port in ports.items()}
        self.env = {
            **os.environ,
            **own,
            "PLANKTON_HOME": str(home),
            "PLANKTON_AUTH": "none",
            "PLANKTON_CAMERA_RATE": "0",
            "PLANKTON_KAFKA_DISK_MB": "512",
            "PLANKTON_CENSUS_WINDOW_S": "60",
        }
        fields = {f"PLANKTON_{name.upper()}": name for name in Settings.model_fields}
        values = {fields[k]: v for k, v in self.env.items() if k in fields}
        self.settings = Settings.model_validate(values)
        self.log = home / "up.log"
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """`plankton up`, until it says that it is ready."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._up = self.command("up", stdout=log, stderr=subprocess.STDOUT)
        up = self._up

        def ready() -> bool:
            if up.poll() is not None:
                pytest.fail(f"`plankton up` ended:\n{self.log.read_text()}")
            return "\nReady: " in "\n" + self.log.read_text()

        wait_until(ready, within_s=UP_WITHIN_S, what=self.logs)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._up is not None
        self._up.send_signal(signal.SIGTERM)
        return self._up.wait(60)

    def command(self, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        """A `plankton` command that speaks to this stack."""
        return subprocess.Popen(
            [sys.executable, "-m", "plankton_stream", *arguments], env=self.env, **options
        )

    def connected(self, **more: str) -> dict[str, str]:
        """Environment of a process that finds the running parts by their URLs."""
        s = self.settings
        urls = {"KAFKA": s.kafka_bootstrap, "MILVUS": s.milvus_uri, "CATALOG": s.catalog_url}
        return self.env | {f"PLANKTON_{name}": url for name, url in urls.items()} | more

    def status(self) -> dict[str, Any]:
        """What `plankton status --json` says."""
        with self.command("status", "--json", stdout=subprocess.PIPE) as run:
            out = run.communicate(timeout=60)[0]
        found: dict[str, Any] = json.loads(out)
        return found

    def process(self, name: str) -> dict[str, Any]:
        """One process of the status."""
        return next(p for p in self.status()["processes"] if p["name"] == name)

    def kill(self, name: str) -> int:
        """`kill -9` of one part; returns the pid that is no more."""
        pid = int(self.process(name)["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def runs_again(self, name: str, after: int) -> None:
        """Wait until a killed part runs under another pid."""

        def restarted() -> bool:
            process = self.process(name)
            return process["state"] == "running" and process["pid"] not in (0, after)

        wait_until(restarted, within_s=UP_WITHIN_S, what=lambda: f"{name}: {self.status()}")

    def supervise(self, what: str, process: str) -> None:
        """Stop or start a part by hand: `stopProcess` or `startProcess`, with group and name."""
        Supervisor(Home(self.home).socket)._call(what, process, True)

    def api(
        self, path: str, *, method: str = "GET", body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """A call of the JSON API: status and decoded body; 503 while the page is away."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        request = urllib.request.Request(
            self.settings.web_url + path,
            method=method,
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except OSError as error:
            return 503, {"detail": str(error)}

    def catalog(self) -> Catalog:
        """The stack's catalog."""
        return Catalog(self.settings.catalog_url)

    def index(self) -> MilvusIndex:
        """The live index."""
        catalog = self.catalog()
        live = catalog.encoders.live()
        catalog.close()
        assert live is not None
        return MilvusIndex(self.settings.milvus_uri, encoder=live[0], dimension=live[1])

    def logs(self) -> str:
        """The end of every log, for a failing test's report."""
        files = [self.log, *sorted((self.home / "log").glob("*.log"))]
        ends = (
            f"== {f.name}\n{f.read_text(errors='replace')[-1500:]}" for f in files if f.exists()
        )
        return "\n".join(ends)


def new_stack() -> Stack:
    """A stack in a new folder, not yet started. The path is short: it holds a Unix socket."""
    return Stack(Path(tempfile.mkdtemp(prefix="plankton-")))


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A running stack for the tests of a file that need the whole; each brings its own camera id.

    Its dozen processes would go on beside all later files if it ended with the last of them.
    """
    require_stack_programs()
    stack = new_stack()
    try:
        stack.start()
        yield stack
    finally:
        assert stack.stop() == 0, stack.logs()
        shutil.rmtree(stack.home, ignore_errors=True)
