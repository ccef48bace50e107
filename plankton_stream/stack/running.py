"""The processes of one `plankton up`, from their start to their stop."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.stack.home import Home
from plankton_stream.stack.process import Process, Stage, last_words
from plankton_stream.stack.supervision import Seen, Supervisor, spawn
from plankton_stream.stack.toolchain import Say

_POLL_S = 0.2
_WATCH_S = 1.0
# More than the longest waits of a stop together (3 + 4 + 8 + 12 s).
_STOP_WITHIN_S = 35.0
_END_WITHIN_S = 10.0


class Stack:
    """Processes under a supervisord of their own.

    Args:
        home: where they live; owned by this process.
        processes: all of them, started later stage by stage.
        environment: what all of them get.
        urls: where the parts are, for the state file.
        say: gets one line of progress at a time.
    """

    def __init__(
        self,
        home: Home,
        processes: Iterable[Process],
        environment: Mapping[str, str],
        urls: Mapping[str, str],
        say: Say,
    ) -> None:
        self._home = home
        self._processes = {process.name: process for process in processes}
        self._urls = urls
        self._say = say
        self._pids: dict[str, int] = {}
        self._restarts: Counter[str] = Counter()
        self._write_state()
        self._run: subprocess.Popen[bytes] = spawn(home, self._processes.values(), environment)
        self._supervisor = Supervisor(home.socket)

    def start(self, *stages: Stage) -> None:
        """Start stages, each when the last is ready.

        Raises:
            ConfigError: a process ended or was not ready in time; has the end of its log.
        """
        for stage in stages:
            waiting = {p.name: p for p in self._processes.values() if p.stage == stage}
            if waiting:
                self._say(f"starting {', '.join(waiting)}")
            for process in waiting.values():
                self._supervisor.start(process)
            self._await(waiting)

    def watch(self) -> None:
        """Tell of every process that ended and was started again, until interrupted.

        Raises:
            RetryableError: supervisord itself is gone (and with it all processes).
        """
        while True:
            if self._run.poll() is not None:
                raise RetryableError(
                    f"supervisord ended ({self._run.returncode}), so everything was stopped; see "
                    f"{self._home.log / 'supervisord.log'}. Start again with `plankton up`."
                )
            self.note_restarts()
            time.sleep(_WATCH_S)

    def note_restarts(self) -> None:
        """Tell of, and count, the processes that have a new pid since the last look."""
        with suppress(RetryableError):  # supervisord may be busy: the next look tells
            for seen in self._supervisor.seen():
                if seen.is_alive and seen.pid != self._pids.get(seen.name):
                    self._note_restart(seen)

    def stop(self) -> None:
        """Stop everything, the last stage first; nothing is left when this returns."""
        with suppress(RetryableError):
            self._pids.update({seen.name: seen.pid for seen in self._supervisor.seen()})
        try:
            self._supervisor.shut_down()
        except RetryableError:
            self._run.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._run.wait(_STOP_WITHIN_S)
        self._end_what_is_left()
        for left in (self._home.socket, self._home.state, *self._home.run.glob("*.ready")):
            left.unlink(missing_ok=True)

    def _await(self, waiting: dict[str, Process]) -> None:
        began = time.monotonic()
        while waiting:
            for seen in self._supervisor.seen():
                process = waiting.get(seen.name)
                if process is None:
                    continue
                self._check_alive(seen)
                if process.is_ready(seen.pid):
                    del waiting[seen.name]
                    self._pids[seen.name] = seen.pid
                    self._write_state()
                    self._say(f"{seen.name} ready ({time.monotonic() - began:.1f} s)")
                elif time.monotonic() - began > process.start_s:
                    raise ConfigError(
                        f"{seen.name} was not ready within {process.start_s:.0f} s. "
                        f"{last_words(self._home.log / f'{seen.name}.log')}"
                    )
            time.sleep(_POLL_S if waiting else 0)

    def _check_alive(self, seen: Seen) -> None:
        """On its first start a process that ends has a reason that stays: say it, don't retry."""
        first = self._pids.setdefault(seen.name, seen.pid)
        if not seen.is_alive or seen.pid != first:
            raise ConfigError(
                f"{seen.name} did not start. {last_words(self._home.log / f'{seen.name}.log')}"
            )

    def _note_restart(self, seen: Seen) -> None:
        self._pids[seen.name] = seen.pid
        self._restarts[seen.name] += 1
        self._write_state()
        self._say(
            f"{seen.name} ended and was started again (restart {self._restarts[seen.name]}, "
            f"pid {seen.pid}); see {self._home.log / f'{seen.name}.log'}"
        )

    def _write_state(self) -> None:
        state: dict[str, Any] = {
            **self._urls,
            "pid": os.getpid(),
            "restarts": {name: self._restarts[name] for name in self._processes},
        }
        self._home.write_state(state)

    def _end_what_is_left(self) -> None:
        """Without its supervisord a process is on its way out (see `tether`); wait, then kill."""
        import psutil  # noqa: PLC0415

        left: list[psutil.Process] = []
        for pid in filter(None, self._pids.values()):
            with suppress(psutil.NoSuchProcess):
                left.append(psutil.Process(pid))
        for process in psutil.wait_procs(left, timeout=_END_WITHIN_S)[1]:
            self._say(f"pid {process.pid} did not stop: killing it")
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # each has a group of its own
        if self._run.poll() is None:
            self._run.kill()
        self._run.wait()
