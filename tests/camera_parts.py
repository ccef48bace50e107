"""`plankton camera …`, run in-process on the in-memory log."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from plankton_stream.testing import MemoryLog, MemoryPublisher
from producers import commands, running


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[MemoryLog]:
    """What the commands publish; they run in an empty folder without a `.env`."""
    log = MemoryLog()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(running, "bounded_publisher", lambda *_, **__: MemoryPublisher(log))
    monkeypatch.setattr("plankton_stream.telemetry.start_logging", lambda _: None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield log
    for number, handler in handlers.items():
        signal.signal(number, handler)


def camera(*arguments: object) -> Result:
    return CliRunner().invoke(commands.app, [str(argument) for argument in arguments])
