"""What the local stack is made of: processes, each with a way to know that it serves."""

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from plankton_stream.stack import tether


class Stage(IntEnum):
    """Start order. A stop goes backwards, with the processes of one stage in parallel."""

    STORES = 1
    WORKERS = 2
    SOURCES = 3


@dataclass(frozen=True)
class Process:
    """One process of the stack.

    Attributes:
        name: in messages, of its log and in `plankton status`.
        argv: the command, its program by an absolute path.
        is_ready: whether it serves, given its pid; called several times a second, quick.
        stage: when it starts and stops.
        env: its own environment variables, besides what all processes get.
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
    stop_s: float = 10.0

    @property
    def tethered_argv(self) -> tuple[str, ...]:
        """The command, made to end with whoever started it."""
        return (sys.executable, "-I", "-S", tether.__file__, *self.argv)

    def __str__(self) -> str:
        return f"{self.name}: {shlex.join(self.argv)}"
