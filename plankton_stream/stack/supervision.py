"""supervisord as the parent of the stack's processes: it starts, restarts and stops them."""

import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.stack.home import Home
from plankton_stream.stack.process import Process, Stage, last_words, tethered

_LOG_BYTES = "20MB"
_LOG_BACKUPS = 2
# A part that ends within this long after its start failed: supervisord then waits 1, 2, 3 … s
# before the next try. One that worked for longer starts again at once.
_START_S = 5
_RETRIES = 1_000_000
_UP_WITHIN_S = 30.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Seen:
    """What supervisord says about one process.

    Attributes:
        name: of the process.
        state: supervisord's word in lower case: running, starting, backoff, stopping, stopped,
            exited, fatal.
        pid: 0 if it does not run.
        since: Unix time of its last start, s.
    """

    name: str
    state: str
    pid: int
    since: int

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self.pid != 0


class Supervisor:
    """The supervisord of one home, over its Unix socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def seen(self) -> list[Seen]:
        """All processes, as they are now.

        Raises:
            RetryableError: supervisord does not answer.
        """
        return [
            Seen(i["name"], i["statename"].lower(), i["pid"], i["start"])
            for i in self._call("getAllProcessInfo")
        ]

    def start(self, process: Process) -> None:
        """Start one process, without waiting for it."""
        self._call("startProcess", f"{_group(process.stage)}:{process.name}", False)

    def shut_down(self) -> None:
        """Stop everything, the last stage first, then supervisord itself; does not wait."""
        self._call("shutdown")

    def _call(self, what: str, *arguments: Any) -> Any:
        from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415  (the extra `local`)

        # A transport whose connection was refused once refuses for ever: one per call.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        server: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(server.supervisor, what)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise RetryableError(f"supervisord refused {what}: {fault.faultString}") from fault
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise RetryableError(f"supervisord at {self._socket} does not answer") from error
        finally:
            transport.close()


def spawn(
    home: Home, processes: Iterable[Process], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start supervisord for these processes, none of them started yet; wait until it answers.

    It is stopped, and stops them, when we die. It has its own session, so that Ctrl-C reaches us
    alone and everything stops in order.

    Raises:
        ConfigError: it does not come up.
    """
    config = home.run / "supervisord.conf"
    text = configuration(home, list(processes))
    config.touch(mode=0o600)
    config.write_text(text, encoding="utf-8")
    command = tethered(sys.executable, "-m", "supervisor.supervisord", "-c", str(config))
    complaints = home.log / "supervisord.err"
    with complaints.open("wb") as errors:
        run = subprocess.Popen(  # noqa: S603
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
    try:
        _await_answer(Supervisor(home.socket), run, complaints)
    except BaseException:
        run.terminate()
        run.wait()
        raise
    return run


def configuration(home: Home, processes: list[Process]) -> str:
    """Supervisord's configuration: groups, whose priority makes the order of a stop."""
    lines = [
        "; Written by `plankton up`, for supervisord.",
        "[unix_http_server]",
        f"file={_text(home.socket)}",
        "chmod=0600",
        "[supervisord]",
        f"logfile={_text(home.log / 'supervisord.log')}",
        f"pidfile={_text(home.run / 'supervisord.pid')}",
        "nodaemon=true",
        "silent=true",
        f"umask={_umask():03o}",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for process in processes:
        lines += _program(process, home)
    for group in dict.fromkeys(_group(stage) for stage in Stage):
        names = [process.name for process in processes if _group(process.stage) == group]
        priority = max(stage for stage in Stage if _group(stage) == group)
        if names:
            lines += [f"[group:{group}]", f"programs={','.join(names)}", f"priority={priority:d}"]
    return "\n".join(lines) + "\n"


def _program(process: Process, home: Home) -> list[str]:
    environment = ",".join(f'{key}="{_text(value)}"' for key, value in process.env.items())
    lines = [
        f"[program:{process.name}]",
        f"command={_text(shlex.join(process.tethered_argv))}",
        "autostart=false",
        "autorestart=true",
        f"startsecs={_START_S}",
        f"startretries={_RETRIES}",
        f"stopwaitsecs={process.stop_s:.0f}",
        # Whatever a process has started ends with it.
        "stopasgroup=true",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_text(home.log / process.name)}.log",
        f"stdout_logfile_maxbytes={_LOG_BYTES}",
        f"stdout_logfile_backups={_LOG_BACKUPS}",
    ]
    if process.cwd:
        lines.append(f"directory={_text(process.cwd)}")
    if environment:
        lines.append(f"environment={environment}")
    return lines


def _text(value: object) -> str:
    return str(value).replace("%", "%%")


def _group(stage: Stage) -> str:
    """The servers start one after the other but stop together: Milvus may take 10 s."""
    return "servers" if stage in {Stage.LOG, Stage.VECTORS} else stage.name.lower()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _await_answer(supervisor: Supervisor, run: "subprocess.Popen[bytes]", complaints: Path) -> None:
    deadline = time.monotonic() + _UP_WITHIN_S
    while True:
        try:
            supervisor.seen()
        except RetryableError as error:
            if run.poll() is not None or time.monotonic() > deadline:
                raise ConfigError(f"supervisord did not start. {last_words(complaints)}") from error
            time.sleep(_POLL_S)
        else:
            return
