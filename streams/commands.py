"""`plankton streams run`: the live census, until SIGTERM or Ctrl-C."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.priorities import step_back
from plankton_stream.settings import Settings
from plankton_stream.stack.ready import announce_ready
from plankton_stream.telemetry import start_command
from streams.sparing import tell_sparingly

if TYPE_CHECKING:
    from streams.app import Streams

log = logging.getLogger(__name__)

app = typer.Typer(no_args_is_help=True, help="The live census and the latest label of each image.")

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_SAY_EVERY_S = 30.0


@app.callback()
def _room() -> None:
    """Keep `run` a sub-command although it is the only one."""


@app.command()
def run() -> None:
    """Keep the census and the latest labels up to date; several share the work."""
    from streams.app import NEEDED, create_streams

    settings = start_command()
    step_back()
    _quieten(settings)
    tell_sparingly()
    with _stop_on_signals() as stop:
        if not _wait_for_topics(settings, NEEDED, stop):
            return

    async def recovered() -> None:
        log.info("the state of %d images is here", len(streams.census))

    streams = create_streams(settings, on_assigned=announce_ready, on_recovered=recovered)
    _serve(settings, streams)


def _serve(settings: Settings, streams: "Streams") -> None:
    import faust

    from streams import alerting
    from streams.waiting import Waiting
    from streams.watchdog import guard

    waiting = Waiting(settings.kafka_bootstrap, lambda: streams.partitions)
    guard(waiting, lambda: streams.progress)
    alerting.start(settings, lambda: streams.leads)
    worker = faust.Worker(
        streams.app, loglevel=settings.log_level, override_logging=False, quiet=True
    )
    worker.spinner = None  # it writes escape sequences into the log
    worker.execute_from_commandline()


def _quieten(settings: Settings) -> None:
    """Faust tells of every step of every rebalance at INFO; kafka-python errs while it waits."""
    if settings.log_level != "DEBUG":
        for chatty in ("faust", "mode", "aiokafka", "streams.app"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        logging.getLogger("kafka").setLevel(logging.CRITICAL)


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; afterwards they do what they did before."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for_topics(
    settings: Settings, needed: tuple[topics.Topic, ...], stop: threading.Event
) -> bool:
    """Make the topics that are missing, as soon as a broker answers; False if stopped before."""
    said_at = -_SAY_EVERY_S
    pause_s = _FIRST_PAUSE_S
    while not stop.is_set():
        try:
            _ensure_topics(settings, needed)
        except RetryableError as error:
            if time.monotonic() - said_at >= _SAY_EVERY_S:
                said_at = time.monotonic()
                log.warning("waiting: %s", error)
            stop.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            break
    return not stop.is_set()


def _ensure_topics(settings: Settings, needed: tuple[topics.Topic, ...]) -> None:
    admin = KafkaAdmin(settings.kafka_bootstrap)
    try:
        admin.ensure_topics(needed, replication=settings.replication)
    finally:
        admin.close()
