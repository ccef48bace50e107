"""`plankton streams run`: the live census, until SIGTERM or Ctrl-C."""

import logging
import time
from typing import TYPE_CHECKING

import typer

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.settings import Settings, load_settings
from plankton_stream.stack.ready import announce_ready
from plankton_stream.telemetry import start_logging
from streams.sparing import tell_sparingly

if TYPE_CHECKING:
    from streams.app import Streams

log = logging.getLogger(__name__)

app = typer.Typer(no_args_is_help=True, help="The live census and the latest label of each image.")

_PAUSE_S = 2.0
_SAY_EVERY_S = 30.0


@app.callback()
def _room() -> None:
    """Keep `run` a sub-command although it is the only one."""


@app.command()
def run() -> None:
    """Keep the census and the latest labels up to date; several share the work."""
    from streams.app import NEEDED, create_streams

    settings = load_settings()
    start_logging(settings)
    _quieten(settings)
    tell_sparingly()
    _wait_for_topics(settings, NEEDED)

    async def recovered() -> None:
        log.info("the state of %d images is here", len(streams.census))

    streams = create_streams(settings, on_assigned=announce_ready, on_recovered=recovered)
    _serve(settings, streams)


def _serve(settings: Settings, streams: "Streams") -> None:
    import faust

    from streams.app import READ
    from streams.watchdog import guard

    guard(_Waiting(settings.kafka_bootstrap, READ), lambda: streams.progress)
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


def _wait_for_topics(settings: Settings, needed: tuple[topics.Topic, ...]) -> None:
    """Make the topics that are missing, as soon as a broker answers."""
    said_at = -_SAY_EVERY_S
    while True:
        try:
            admin = KafkaAdmin(settings.kafka_bootstrap)
            try:
                admin.ensure_topics(needed, replication=settings.replication)
            finally:
                admin.close()
        except RetryableError as error:
            if time.monotonic() - said_at >= _SAY_EVERY_S:
                said_at = time.monotonic()
                log.warning("waiting: %s", error)
            time.sleep(_PAUSE_S)
        else:
            return


class _Waiting:
    """Asks the broker how many records the group has not done; connects when first asked."""

    def __init__(self, bootstrap: str, read: tuple[topics.Topic, ...]) -> None:
        self._bootstrap = bootstrap
        self._read = read
        self._admin: KafkaAdmin | None = None

    def __call__(self) -> int:
        if self._admin is None:
            self._admin = KafkaAdmin(self._bootstrap)
        return sum(self._admin.lag(topics.STREAMS_GROUP, topic) for topic in self._read)
