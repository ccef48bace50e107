"""What became of a source's items, and how the camera tells it."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from plankton_stream.domain import new_id
from plankton_stream.errors import RetryableError
from plankton_stream.events.envelope import Message, now
from plankton_stream.events.facts import fact_message
from plankton_stream.events.health import CameraStatus, DropReason
from plankton_stream.ports import Publisher
from producers.numbering import Numbers
from producers.source import Source, lost_of
from producers.spool import Spool

log = logging.getLogger(__name__)

STATUS_EVERY_S = 5.0
_CONFIRM_S = 2.0


@dataclass
class Totals:
    """What became of a source's items since the start; threads may share it.

    Attributes:
        seen: given by the source, or passed a live camera untaken.
        sent: confirmed by Kafka, what an earlier process left in the spool included.
        dropped_because: lost, by reason.
        gaps: runs of numbers that were lost.
    """

    seen: int = 0
    sent: int = 0
    dropped_because: Counter[DropReason] = field(default_factory=Counter)
    gaps: int = 0
    _lost_to: int = field(default=-2, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def drop(self, reason: DropReason, first: int, count: int = 1) -> None:
        """Count items that are lost: so many, from this number on."""
        with self._lock:
            self.dropped_because[reason] += count
            self.gaps += first != self._lost_to + 1
            self._lost_to = first + count - 1

    @property
    def dropped(self) -> int:
        """Items that are lost."""
        return self.dropped_because.total()

    @property
    def refused(self) -> int:
        """Of the dropped, those that can never be sent (too large, empty)."""
        return self.dropped_because[DropReason.REFUSED]


class Losses:
    """What a source says that it could not give: its attribute `lost`, if it has one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._told: Counter[DropReason] = Counter()

    def count(self, totals: Totals, next_number: int) -> int:
        """Count what was lost since the last call as seen and dropped.

        Args:
            totals: of the source.
            next_number: that the next item would get.

        Returns:
            How many they are.
        """
        lost = Counter(lost_of(self._source))
        new, self._told = lost - self._told, lost
        for reason, count in new.items():
            totals.seen += count
            totals.drop(reason, next_number, count)
        return new.total()


class Report:
    """Publishes a camera's status every few seconds.

    Attributes:
        camera: its id.
    """

    def __init__(
        self,
        camera: str,
        totals: Totals,
        numbers: Numbers,
        spool: Spool | None = None,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.camera, self._totals = camera, totals
        self._numbers, self._spool, self._clock = numbers, spool, clock
        self._started_at = now()
        self._lost_before = numbers.place.lost
        self._last_s, self._last_sent, self._last_dropped = clock(), 0, 0

    @property
    def is_due(self) -> bool:
        """Whether the last status is old."""
        return self._clock() - self._last_s >= STATUS_EVERY_S

    @property
    def due_in_s(self) -> float:
        """Seconds until it is."""
        return max(0.0, STATUS_EVERY_S - (self._clock() - self._last_s))

    def publish(
        self, publisher: Publisher, state: str, *, why: str | None = None, confirm: bool = True
    ) -> None:
        """Say how the camera is doing; a status that gets lost is replaced by the next one.

        Args:
            publisher: where to.
            state: see `CameraStatus`.
            why: why it waits.
            confirm: wait until the status is durable.
        """
        message = self._message(state, why)
        try:
            publisher.send(message)
            if confirm:
                publisher.flush(_CONFIRM_S)
        except RetryableError as error:
            log.warning("%s: status not published: %s", self.camera, error)

    def _message(self, state: str, why: str | None) -> Message:
        elapsed_s = self._clock() - self._last_s
        # Before the counts, which another thread raises: they then cover all up to this number.
        last_sequence = self._numbers.place.given
        sent, dropped = self._totals.sent, self._totals.dropped
        because = {reason.value: n for reason, n in self._totals.dropped_because.items()}
        if dropped > self._last_dropped:
            told = ", ".join(f"{reason} {count}" for reason, count in because.items())
            new = dropped - self._last_dropped
            log.warning("%s: %d dropped, %d in all (%s)", self.camera, new, dropped, told)
        spool = self._spool
        status = CameraStatus(
            camera=self.camera,
            at=now(),
            started_at=self._started_at,
            state=state,
            seen=self._totals.seen,
            sent=sent,
            dropped=dropped,
            rate_hz=(sent - self._last_sent) / elapsed_s if elapsed_s > 0 else 0.0,
            recovered=spool.recovered if spool else 0,
            spooled=spool.count if spool else 0,
            spool_bytes=spool.size_bytes if spool else 0,
            spool_limit_bytes=spool.limit_bytes if spool else None,
            dropped_because=because,
            gaps=self._totals.gaps,
            last_sequence=last_sequence,
            lost_before=self._lost_before,
            why=why,
        )
        self._last_s, self._last_sent, self._last_dropped = self._clock(), sent, dropped
        return fact_message(status, event_id=new_id(), source=f"/cameras/{self.camera}")
