"""Supervision, with small Python processes in place of servers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.stack.home import Home
from plankton_stream.stack.process import Process, Stage, tethered
from plankton_stream.stack.ready import has_announced
from plankton_stream.stack.running import Stack
from plankton_stream.stack.status import status
from plankton_stream.stack.supervision import Supervisor
from tests.waiting import wait_until

# Announces itself like a role, and leaves a line when it is asked to stop.
_WORKER = """
import os, signal, sys, time
from plankton_stream.stack.ready import announce_ready
def stop(*_):
    with open(sys.argv[2], "a") as order: print(sys.argv[1], file=order)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
announce_ready()
print("working", flush=True)
while True: time.sleep(60)
"""


def _process(home: Home, name: str, stage: Stage, *, code: str = _WORKER) -> Process:
    ready = home.run / f"{name}.ready"
    program = home.root / f"{name}.py"
    program.write_text(code)
    return Process(
        name=name,
        argv=(sys.executable, str(program), name, str(home.root / "order")),
        is_ready=lambda pid: has_announced(ready, pid),
        stage=stage,
        env={"PLANKTON_READY_FILE": str(ready)},
        start_s=20.0,
    )


@contextmanager
def _stack(home: Home, *processes: Process) -> Iterator[tuple[Stack, list[str]]]:
    said: list[str] = []
    stack = Stack(home, processes, os.environ, {"web": "http://x"}, said.append)
    try:
        yield stack, said
    finally:
        stack.stop()


def _pids(home: Home) -> dict[str, int]:
    return {seen.name: seen.pid for seen in Supervisor(home.socket).seen()}


def test_stages_start_in_order_and_stop_backwards(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    log, one, two, source = (
        _process(home, "log", Stage.LOG),
        _process(home, "one", Stage.WORKERS),
        _process(home, "two", Stage.WORKERS),
        _process(home, "source", Stage.SOURCES),
    )
    with _stack(home, source, two, one, log) as (stack, said):
        assert status(home)["web"] == "http://x", "from the start"
        stack.start(*Stage)
        found = status(home)
        pids = _pids(home)
    ready = [line.split()[0] for line in said if " ready (" in line]
    assert ready[0] == "log"
    assert set(ready[1:3]) == {"one", "two"}
    assert ready[3] == "source"
    assert {one["name"]: one["state"] for one in found["processes"]} == dict.fromkeys(
        pids, "running"
    )
    assert found["web"] == "http://x"
    stopped = (tmp_path / "order").read_text().split()
    assert stopped[0] == "source"
    assert stopped[-1] == "log"
    assert not [pid for pid in pids.values() if psutil.pid_exists(pid)]
    assert status(home)["state"] == "stopped"


def test_a_crash_is_told_once_and_counted(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    with _stack(home, _process(home, "one", Stage.WORKERS)) as (stack, said):
        stack.start(Stage.WORKERS)
        first = _pids(home)["one"]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: _pids(home)["one"] not in {0, first}, within_s=20, what="it runs again")
        stack.note_restarts()
        stack.note_restarts()
        second = _pids(home)["one"]
        (told,) = [line for line in said if "started again" in line]
        assert "restart 1" in told
        assert str(second) in told
        wait_until(
            lambda: status(home)["processes"][0]["state"] == "running",
            within_s=20,
            what=lambda: str(status(home)),
        )
        assert status(home)["processes"][0]["restarts"] == 1


def test_a_process_that_fails_at_first_is_told_with_its_last_words(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    bad = _process(home, "bad", Stage.WORKERS, code="raise SystemExit('no such encoder')")
    with (
        _stack(home, bad) as (stack, _said),
        pytest.raises(ConfigError, match=r"(?s)bad did not start.*bad\.log.*no such encoder"),
    ):
        stack.start(Stage.WORKERS)


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    code = _WORKER.replace("SIGTERM, stop", "SIGTERM, signal.SIG_IGN")
    deaf = replace(_process(home, "deaf", Stage.WORKERS, code=code), stop_s=1.0)
    with _stack(home, deaf) as (stack, _said):
        stack.start(Stage.WORKERS)
        pid = _pids(home)["deaf"]
    assert not psutil.pid_exists(pid)


def test_all_end_when_supervisord_is_killed(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    with _stack(home, _process(home, "one", Stage.WORKERS)) as (stack, _said):
        stack.start(Stage.WORKERS)
        pid = _pids(home)["one"]
        supervisor = home.supervisor()
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        with pytest.raises(RetryableError, match=r"supervisord ended \(-9\)"):
            stack.watch()
    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_a_tethered_process_ends_with_its_parent() -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    # The child says when it is itself, past the tether: only then does it hang on its parent.
    sleeper = (sys.executable, "-c", "import time; print('on', flush=True); time.sleep(60)")
    command = [sys.executable, "-c", code, *tethered(*sleeper)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline() == "on\n"
        parent.kill()
    wait_until(lambda: not _lives(pid), within_s=20, what="the child has ended")


def _lives(pid: int) -> bool:
    """Whether a process runs; in a container nobody may reap it, so a zombie is dead."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
