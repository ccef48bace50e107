"""What the local stack is made of: processes, each with a way to know that it serves."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from plankton_stream.stack import tether

_LOG_TAIL_LINES = 15


class Stage(IntEnum):
    """Start order: each stage when the last is ready, the processes of one stage together.

    A stop goes backwards, so that sources end before what takes their frames; the servers, LOG and
    VECTORS, end together.
    """

    LOG = 1
    VECTORS = 2
    WORKERS = 3
    WEB = 4
    SOURCES = 5


@dataclass(frozen=True)
class Process:
    """One process of the stack.

    Attributes:
        name: in messages, of its log and in `plankton status`.
        argv: the command, its program by an absolute path.
        is_ready: whether it serves, given its pid; called several times a second, quick.
        stage: when it starts and stops.
        env: its own environment variables, besides what all processes get; no secrets.
        cwd: working directory; none: that of `plankton up`.
        start_s: longest wait until it is ready.
        stop_s: longest wait between asking it to stop and killing it.
    """

    name: str
    argv: tuple[str, ...]
    is_ready: Callable[[int], bool] = field(repr=False)
    stage: Stage = Stage.WORKERS
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    start_s: float = 60.0
    stop_s: float = 8.0

    @property
    def tethered_argv(self) -> tuple[str, ...]:
        """The command, made to end with whoever starts it."""
        return tethered(*self.argv)


def tethered(*argv: str) -> tuple[str, ...]:
    """A command that is stopped when its parent dies; see `tether`."""
    return (sys.executable, "-I", "-S", tether.__file__, *argv)


def last_words(log: Path) -> str:
    """The end of a log, for a message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"It wrote no log ({log})."
    tail = [line for line in lines if line.strip()][-_LOG_TAIL_LINES:]
    if not tail:
        return f"It has written nothing to {log} yet."
    return "\n  ".join([f"The end of {log}:", *tail])
