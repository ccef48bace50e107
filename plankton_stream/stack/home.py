"""The folder that holds all state of a local stack, and whose it is now."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plankton_stream.errors import ConfigError

_LEAST_FREE_MB = 1024
# A Unix socket's path has 107 characters; supervisord appends a dot and its pid for a moment.
_LONGEST_SOCKET_PATH = 96
# supervisord's configuration has no way to write these in every place a path goes.
_UNWRITABLE = frozenset("\"';#%\n\r")


@dataclass(frozen=True)
class Home:
    """The places under `PLANKTON_HOME`. `Home.made` is for who starts something there."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        """A home as it is, or is not: nothing is created.

        Raises:
            ConfigError: its path cannot be used.
        """
        home = cls(root.expanduser().resolve())
        _check_path(home)
        return home

    @classmethod
    def made(cls, root: Path) -> "Home":
        """A home to start something in, created if it is new.

        Raises:
            ConfigError: it cannot be written, its path cannot be used, or its disk is full.
        """
        home = cls.at(root)
        try:
            for folder in (home.root, home.run, home.log):
                folder.mkdir(parents=True, exist_ok=True)
            home.run.chmod(0o700)
            home.lock.touch()
        except OSError as error:
            raise _unwritable(home, error.strerror or str(error)) from error
        home.require_room()
        return home

    @property
    def run(self) -> Path:
        """Sockets, pids, what is running."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        """One log per process."""
        return self.root / "log"

    @property
    def kafka(self) -> Path:
        """The broker's configuration and data."""
        return self.root / "kafka"

    @property
    def milvus(self) -> Path:
        """The vector index's configuration and data."""
        return self.root / "milvus"

    @property
    def spool(self) -> Path:
        """A folder for each camera: what it saw and Kafka has not taken yet."""
        return self.root / "spool"

    @property
    def lock(self) -> Path:
        """Locked by the `plankton up` that has this home; holds its pid."""
        return self.run / "up.lock"

    @property
    def socket(self) -> Path:
        """Where supervisord listens."""
        return self.run / "supervisor.sock"

    @property
    def state(self) -> Path:
        """What `plankton up` has started, for `plankton status`."""
        return self.run / "state.json"

    def free_mb(self) -> int:
        """Free disk, MB; of the folder that it would be made in, if it is not there yet."""
        return shutil.disk_usage(self._existing()).free // 1_000_000

    def require_room(self) -> None:
        """Check that a stack could run here.

        Raises:
            ConfigError: the folder, or the one that it would be made in, cannot be written, or its
                disk is full.
        """
        if not os.access(self._existing(), os.W_OK | os.X_OK):
            raise _unwritable(self, "no permission")
        if self.free_mb() < _LEAST_FREE_MB:
            raise ConfigError(
                f"Only {self.free_mb()} MB are free on the disk of PLANKTON_HOME={self.root}; at "
                f"least {_LEAST_FREE_MB} MB are needed. Free some, or set PLANKTON_HOME to another "
                "disk."
            )

    def _existing(self) -> Path:
        return next(path for path in (self.root, *self.root.parents) if path.exists())

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replace the state file; a reader sees the old or the new one, never a part."""
        fresh = self.state.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1), encoding="utf-8")
        fresh.replace(self.state)

    def read_state(self) -> dict[str, Any]:
        """What the last `plankton up` wrote; empty if there was none."""
        try:
            state: dict[str, Any] = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state

    def owner(self) -> int | None:
        """Pid of the `plankton up` that runs on this home now, if one does."""
        try:
            with self.lock.open("r", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        except BlockingIOError:
            return _number(self.lock)
        except OSError:
            return None

    def supervisor(self) -> int | None:
        """Pid of the supervisord of this home, if it is alive; it can outlive `plankton up`."""
        import psutil  # noqa: PLC0415

        pid = _number(self.run / "supervisord.pid")
        try:
            command = psutil.Process(pid).cmdline() if pid else []
        except psutil.Error:
            return None
        # The pid may have gone to another program since.
        return pid if str(self.run / "supervisord.conf") in command else None


@contextmanager
def owned(home: Home) -> Iterator[None]:
    """Have a home to oneself while the block lasts. The system gives it back if we are killed.

    Raises:
        ConfigError: another `plankton up`, or what one left running, has it.
    """
    with home.lock.open("r+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(home, _number(home.lock)) from None
        leftover = home.supervisor()
        if leftover:
            raise _taken(home, leftover)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _taken(home: Home, pid: int | None) -> ConfigError:
    return ConfigError(
        f"A stack is running on {home.root} already, under pid {pid}: `plankton status` shows it, "
        "`plankton down` stops it. Set PLANKTON_HOME to another folder for a second one."
    )


def _unwritable(home: Home, why: str) -> ConfigError:
    return ConfigError(
        f"PLANKTON_HOME={home.root} is not writable: {why}. Set PLANKTON_HOME to a folder that is."
    )


def _check_path(home: Home) -> None:
    bad = sorted(_UNWRITABLE.intersection(str(home.root)))
    if bad:
        raise ConfigError(f"PLANKTON_HOME={home.root}: its path may not contain {bad[0]!r}.")
    longest = _LONGEST_SOCKET_PATH - len("/run/supervisor.sock")
    if len(os.fsencode(home.root)) > longest:
        raise ConfigError(
            f"PLANKTON_HOME={home.root}: the path is too long for a Unix socket in it; "
            f"{longest} characters are the most."
        )


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
