"""The production server: gunicorn with one worker process and many threads.

One process, because totals, census and lag are kept in its memory; threads, because requests wait
for Milvus, SQL and files. Clients own threads and sockets, so they are made after the fork.
"""

import gc
import signal
import threading
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from plankton_stream.addresses import host_port
from plankton_stream.settings import Settings
from plankton_stream.stack.ready import announce_ready
from plankton_stream.telemetry import start_logging
from web import security
from web.app import create_app
from web.wiring import connect

_FINISH_S = 3
"""How long requests that were begun may take after SIGTERM."""


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, told what to do by settings instead of a file."""

    def __init__(self, settings: Settings) -> None:
        # Checked before anything is started: a worker that fails is only restarted.
        security.require_safe(settings)
        self._settings = settings
        self._stop = threading.Event()
        start_logging(settings)
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks for its options."""
        options: dict[str, Any] = {
            "bind": host_port(self._settings.web_host, self._settings.web_port),
            "worker_class": "gthread",
            "workers": 1,
            # A page that follows events holds a thread all the time: there are as many more, so
            # that requests never wait for one.
            "threads": self._settings.web_threads + self._settings.web_streams,
            "graceful_timeout": _FINISH_S,
            "keepalive": 15,
            "loglevel": self._settings.log_level.lower(),
            # It would listen on a socket in the user's home.
            "control_socket_disable": True,
            "post_worker_init": self._begin,
            "worker_exit": self._end,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application; gunicorn calls this in the worker, after the fork."""
        return create_app(connect(self._settings, self._stop), self._settings)

    def _begin(self, worker: Any) -> None:
        finish: Any = signal.getsignal(signal.SIGTERM)

        def end(number: int, frame: Any) -> None:
            # Streams would go on for as long as requests may take to finish.
            self._stop.set()
            finish(number, frame)

        signal.signal(signal.SIGTERM, end)
        signal.siginterrupt(signal.SIGTERM, False)
        # What is there now stays: the collector halts all requests, and needn't look at it again.
        gc.collect()
        gc.freeze()
        announce_ready(worker.ppid)  # who was started is gunicorn's master, this is its child

    def _end(self, _arbiter: object, _worker: object) -> None:
        self._stop.set()
