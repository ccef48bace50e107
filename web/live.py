"""What streams, cameras and workers last said, kept in memory from their topics."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from plankton_stream.alerts import OpenAlerts
from plankton_stream.errors import PlanktonError, RejectedError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import REPLAYED
from plankton_stream.events.envelope import Received, to_text
from plankton_stream.events.facts import CensusCounted, read_fact
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus

log = logging.getLogger(__name__)

FOLLOWED = (topics.CENSUS, topics.CAMERAS, topics.ALERTS, topics.DEADLETTER)
"""The topics that `Live` reads, from their first record."""

_POLL_S = 0.5
_LONGEST_WAIT_S = 5.0


class Reader(Protocol):
    """What following topics needs of the event log."""

    def poll(self, timeout_s: float, /) -> list[Received]:
        """The next records, none if none came in time."""

    def close(self) -> None:
        """Give up the connection."""


class Follower(Protocol):
    """What keeps itself current from records."""

    def take(self, received: Received, /) -> None:
        """Remember what a record says."""


class Live:
    """The latest census, camera states, alerts, dead letters; one thread writes, many read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._census: dict[str, CensusCounted] = {}
        self._cameras: dict[str, CameraStatus] = {}
        self._alerts = OpenAlerts()
        self._dead: Counter[str] = Counter()
        self._last_dead: dict[str, int] = {}

    def take(self, received: Received) -> None:
        """Remember what a record says; one that says nothing valid is skipped."""
        try:
            if received.topic == topics.DEADLETTER.name:
                headers = to_text(received.headers)
                if headers.get("ce_type") != REPLAYED:
                    self._count_dead(headers.get("ce_subject", ""))
            elif received.value:
                self._keep(received)
            else:
                self._forget(received)
        except RejectedError as error:
            log.warning("%s skipped: %s", received.origin, error)

    def census(self, camera: str | None = None) -> list[CensusCounted]:
        """Counts of the windows that have any, oldest first, unknown capture times last."""
        with self._lock:
            found = [
                counted
                for counted in self._census.values()
                if counted.counts and camera in (None, counted.camera)
            ]
        return sorted(found, key=_window)

    def cameras(self) -> dict[str, CameraStatus]:
        """What each camera last said about itself."""
        with self._lock:
            return dict(self._cameras)

    def alerts(self) -> list[AlertRaised]:
        """Open alerts, the oldest first."""
        with self._lock:
            return self._alerts.all()

    def dead_letters(self, topic: str | None = None) -> int:
        """Records that could never succeed, of one topic or of all."""
        with self._lock:
            return self._dead.total() if topic is None else self._dead[topic]

    def _keep(self, received: Received) -> None:
        fact = read_fact(received)
        with self._lock:
            if isinstance(fact, CensusCounted):
                self._census[fact.key] = fact
            elif isinstance(fact, CameraStatus):
                self._cameras[fact.key] = fact
            elif isinstance(fact, AlertRaised | AlertCleared):
                self._alerts.take(fact)

    def _forget(self, received: Received) -> None:
        key = (received.key or b"").decode(errors="replace")
        with self._lock:
            (self._census if received.topic == topics.CENSUS.name else self._cameras).pop(key, None)

    def _count_dead(self, origin: str) -> None:
        partition, _, offset = origin.rpartition("/")
        if not offset.isdecimal():
            raise RejectedError(f"ce_subject {origin!r} is not topic/partition/offset")
        with self._lock:
            # A worker that was restarted may give up on the same record again: an offset that is
            # not past the last one of its partition is counted already.
            if int(offset) > self._last_dead.get(partition, -1):
                self._last_dead[partition] = int(offset)
                self._dead[partition.rpartition("/")[0]] += 1


def _window(counted: CensusCounted) -> tuple[bool, float, str]:
    start = counted.window_start
    return start is None, start.timestamp() if start else 0.0, counted.camera


def follow(follower: Follower, open_reader: Callable[[], Reader], stop: threading.Event) -> None:
    """Read into `follower` until `stop` is set; waits for a log that is away, also at start.

    Args:
        follower: what is kept current.
        open_reader: connects and starts where the follower wants to. What is read twice does no
            harm.
        stop: ends the loop within about `_POLL_S`.
    """
    wait_s = _POLL_S
    while not stop.is_set():
        try:
            reader = open_reader()
        except PlanktonError as error:
            log.warning("live topics: %s; trying again in %.1f s", error, wait_s)
            stop.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            continue
        wait_s = _POLL_S
        _read(follower, reader, stop)


def _read(follower: Follower, reader: Reader, stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            for received in reader.poll(_POLL_S):
                follower.take(received)
    except Exception:  # the boundary of this thread: connect again
        log.exception("live topics: reading failed, connecting again")
        stop.wait(_POLL_S)
    finally:
        reader.close()
