"""Publishes alerts on silent cameras, in a thread of the streams process.

Not in Faust's tables: all that it needs to know are two small topics, which it reads from their
start, and the clock has to go on when no record comes.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Protocol

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaPublisher, KafkaReader
from plankton_stream.errors import PlanktonError, RejectedError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import read_fact
from plankton_stream.ports import Publisher
from plankton_stream.settings import Settings
from streams.silence import Silence, to_message

log = logging.getLogger(__name__)

FOLLOWED = (topics.CAMERAS, topics.ALERTS)

_POLL_S = 1.0
_PAUSE_S = 5.0
_PING_EVERY = 5  # polls
_HELD_UP_S = 5.0


class Reader(Protocol):
    """What following topics needs of the event log."""

    def poll(self, timeout_s: float, /) -> list[Received]:
        """The next records, none if none came in time."""


class Alerting:
    """One look at the cameras after the other."""

    def __init__(
        self,
        silence: Silence,
        reader: Reader,
        publisher: Publisher,
        *,
        ping: Callable[[], None],
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked yet.

        Args:
            silence: fresh; learns everything from the reader.
            reader: of `FOLLOWED` from their first record.
            publisher: for alerts.
            ping: raises a `RetryableError` while the log is away.
            leads: whether this process publishes; the others listen, to be ready.
            clock: seconds, for tests.
        """
        self._silence, self._reader, self._publisher = silence, reader, publisher
        self._ping, self._leads = ping, leads
        self._clock, self._last_step_s = clock, clock()
        self._quiet_polls = 0

    def step(self) -> None:
        """Listen for a moment, then say what has changed.

        Raises:
            RetryableError: an alert could not be published; the next step does it.
        """
        records = self._reader.poll(_POLL_S)
        if self._clock() - self._last_step_s > _HELD_UP_S:  # we, or the log, were held up
            self._silence.rest()
        self._last_step_s = self._clock()
        for record in records:
            try:
                self._silence.take(read_fact(record))
            except RejectedError as error:
                log.warning("%s skipped: %s", record.origin, error)
        self._quiet_polls = 0 if records else self._quiet_polls + 1
        if self._quiet_polls and self._quiet_polls % _PING_EVERY == 0:
            self._listen_for_the_log()
        elif not records and self._leads():
            # Only after all that was said: what is due may have been published already.
            self._publish()

    def _listen_for_the_log(self) -> None:
        try:
            self._ping()
        except RetryableError as error:
            log.warning("no camera can be heard: %s", error)
            self._silence.rest()

    def _publish(self) -> None:
        changes = self._silence.changes()
        for event in changes:
            log.warning("%s: %s", event.subject, event.what)
            self._publisher.send(to_message(event))
        if changes:
            self._publisher.flush()
        for event in changes:
            self._silence.take(event)


def start(settings: Settings, leads: Callable[[], bool]) -> None:
    """Watch the cameras from a thread of its own until the process ends."""
    arguments = (settings, leads)
    threading.Thread(target=_watch, args=arguments, name="alerting", daemon=True).start()


def _watch(settings: Settings, leads: Callable[[], bool]) -> None:
    while True:
        try:
            _follow(settings, leads)
        except PlanktonError as error:
            log.warning("cameras are not watched: %s; trying again in %.0f s", error, _PAUSE_S)
        except Exception:  # the boundary of this thread: connect again
            log.exception("cameras are not watched; trying again in %.0f s", _PAUSE_S)
        time.sleep(_PAUSE_S)


def _follow(settings: Settings, leads: Callable[[], bool]) -> None:
    bootstrap = settings.kafka_bootstrap
    with (
        closing(KafkaAdmin(bootstrap)) as admin,
        closing(KafkaPublisher(bootstrap, client_id="plankton-alerts")) as publisher,
        closing(KafkaReader(bootstrap, FOLLOWED)) as reader,
    ):
        silence = Silence(settings.camera_silent_s)
        alerting = Alerting(silence, reader, publisher, ping=admin.ping, leads=leads)
        while True:
            alerting.step()
