"""Runs one process of the stack without the rest: for tests and benchmarks."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from plankton_stream.errors import ConfigError
from plankton_stream.stack.process import Process

_POLL_S = 0.1
LOG_TAIL_LINES = 15


@contextmanager
def running(process: Process, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process until the block ends; enters the block when it is ready.

    Args:
        process: what to run.
        log: gets what it prints.

    Raises:
        ConfigError: it ended, or did not become ready in time; the message has its last words.
    """
    with log.open("ab") as output:
        run = subprocess.Popen(  # noqa: S603
            process.tethered_argv,
            env={**os.environ, **process.env},
            cwd=process.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_ready(process, run, log)
        yield run
    finally:
        run.terminate()
        with suppress(subprocess.TimeoutExpired):
            run.wait(process.stop_s)
        run.kill()
        run.wait()


def wait_ready(process: Process, run: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a process that was just started serves.

    Raises:
        ConfigError: see `running`.
    """
    deadline = time.monotonic() + process.start_s
    while not process.is_ready(run.pid):
        if run.poll() is not None:
            raise ConfigError(f"{process.name} ended with {run.returncode}. {last_words(log)}")
        if time.monotonic() > deadline:
            late = f"{process.name} was not ready within {process.start_s:.0f} s."
            raise ConfigError(f"{late} {last_words(log)}")
        time.sleep(_POLL_S)


def last_words(log: Path) -> str:
    """The end of a log, for a message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"It wrote no log ({log})."
    tail = [line for line in lines if line.strip()][-LOG_TAIL_LINES:]
    if not tail:
        return f"It has written nothing to {log} yet."
    return "\n  ".join([f"The end of {log}:", *tail])
