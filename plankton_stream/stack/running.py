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
from plankton_stream.stack.launch import last_words
from plankton_stream.stack.process import Process, Stage
from plankton_stream.stack.supervision import Seen, Supervisor, spawn
from plankton_stream.stack.toolchain import Say

_POLL_S = 0.2
_WATCH_S = 1.0
# More than the stages' longest waits together (7 + 7 + 8 + 4 + 3 s).
_STOP_WITHIN_S = 35.0


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
            with suppress(RetryableError):  # it may be busy; the next look tells
                self._note_restarts(self._supervisor.seen())
            time.sleep(_WATCH_S)

    def stop(self) -> None:
        """Stop everything, the last stage first; nothing is left when this returns."""
        with suppress(RetryableError):
            self._pids.update({seen.name: seen.pid for seen in self._supervisor.seen()})
        try:
            self._supervisor.shut_down()
        except RetryableError:
            self._run.terminate()
        try:
            self._run.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._kill_all()
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

    def _note_restarts(self, all_seen: list[Seen]) -> None:
        restarted = [s for s in all_seen if s.is_alive and s.pid != self._pids.get(s.name)]
        for seen in restarted:
            self._pids[seen.name] = seen.pid
            self._restarts[seen.name] += 1
            log = self._home.log / f"{seen.name}.log"
            self._say(
                f"{seen.name} ended and was started again "
                f"(restart {self._restarts[seen.name]}, pid {seen.pid}); see {log}"
            )
        if restarted:
            self._write_state()

    def _write_state(self) -> None:
        state: dict[str, Any] = {
            **self._urls,
            "pid": os.getpid(),
            "restarts": {name: self._restarts[name] for name in self._processes},
        }
        self._home.write_state(state)

    def _kill_all(self) -> None:
        self._say(f"not stopped within {_STOP_WITHIN_S:.0f} s: killing what is left")
        for pid in self._pids.values():
            with suppress(ProcessLookupError):
                if pid:
                    os.killpg(pid, signal.SIGKILL)  # supervisord gives each a group of its own
        self._run.kill()
        self._run.wait()
