"""The loop of sources that keep their items: take some, publish them, have them confirmed.

While Kafka is away it tries again with growing pauses, and the source waits: nothing is lost.
After a restart or a repeated try Kafka may hold an item twice: its event id is the same, so
consumers know it again. Live cameras have a loop of their own, see `producers.live`.
"""

import logging
import threading
import time
from collections.abc import Callable

from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.envelope import Message
from plankton_stream.events.health import DropReason
from plankton_stream.ports import Publisher
from plankton_stream.retrying import FIRST_PAUSE_S, LONGEST_PAUSE_S
from producers.delivery import deliver, to_message
from producers.numbering import Numbers
from producers.pace import Pace
from producers.source import Item, Source
from producers.totals import Losses, Report, Totals

log = logging.getLogger(__name__)

_FLUSH_S = 10.0
# Unpaced sources are confirmed in batches: a flush for each small ROI would take most of the time.
_BATCH_ITEMS = 64
_BATCH_BYTES = 8 * 1024 * 1024


def publish(
    source: Source,
    publisher: Publisher,
    numbers: Numbers,
    *,
    rate_hz: float = 0.0,
    stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], bool] | None = None,
) -> Totals:
    """Publish a source until it ends or `stop` is set; confirms what was taken before it returns.

    Args:
        source: what to publish; it keeps what is not taken.
        publisher: where to.
        numbers: of the camera's items.
        rate_hz: items a second; 0: as fast as Kafka takes them.
        stop: set it to end the loop.
        clock: seconds, for tests.
        wait: waits some seconds and tells whether to stop, for tests.

    Returns:
        What became of the items. `seen - sent - dropped` were not confirmed when it was stopped.
    """
    pace = Pace(rate_hz, clock, wait or stop.wait)
    loop = _Loop(source, publisher, numbers, pace, stop=stop, clock=clock, wait=wait or stop.wait)
    loop.run()
    return loop.totals


class _Loop:
    """One run of `publish`."""

    def __init__(
        self,
        source: Source,
        publisher: Publisher,
        numbers: Numbers,
        pace: Pace,
        *,
        stop: threading.Event,
        clock: Callable[[], float],
        wait: Callable[[float], bool],
    ) -> None:
        self.totals = Totals()
        self._source, self._publisher, self._numbers, self._pace = source, publisher, numbers, pace
        self._stop, self._clock, self._wait = stop, clock, wait
        self._report = Report(source.camera, self.totals, numbers, clock=clock)
        self._losses = Losses(source)
        self._pending: list[tuple[int, Message]] = []
        self._away_since: float | None = None

    def run(self) -> None:
        items = iter(self._source)
        self._report.publish(self._publisher, "running")
        while True:
            self._count_losses()
            self._pace.tick()
            if self._stop.is_set():
                break
            try:
                item = next(items)
            except StopIteration:
                break
            self._take(item)
            if item is None or self._is_batch_full():
                self._deliver()
            if self._report.is_due:
                self._report.publish(self._publisher, "running")
            if item is None and self._wait(self._source.idle_s):
                break
        self._count_losses()
        if self._away_since is None:  # else the last try was a moment ago
            self._deliver()
        if self._away_since is None:
            self._report.publish(self._publisher, "stopped")

    def _take(self, item: Item | None) -> None:
        if item is None:
            return
        self.totals.seen += 1
        sequence = self._numbers.next()
        try:
            self._pending.append((sequence, to_message(item, sequence)))
        except RejectedError as error:
            self._refuse(sequence, item.frame_key, error)

    def _count_losses(self) -> None:
        # They get no number: the next run over the same archive would give them others.
        self._losses.count(self.totals, self._numbers.place.given + 1)

    def _refuse(self, sequence: int, name: str, error: RejectedError) -> None:
        self.totals.drop(DropReason.REFUSED, sequence)
        self._numbers.lose()
        log.error("%s: %s is not sent: %s", self._source.camera, name, error)

    def _is_batch_full(self) -> bool:
        if self._pace.period_s:  # paced: each item as soon as it is there
            return True
        size = sum(len(message.value) for _, message in self._pending)
        return len(self._pending) >= _BATCH_ITEMS or size >= _BATCH_BYTES

    def _deliver(self) -> None:
        """Send what is pending and have it confirmed, however long that takes; or until stopped."""
        pause_s = FIRST_PAUSE_S
        while self._pending:
            try:
                self._send_pending()
            except RetryableError as error:
                self._wait_for_kafka(error, pause_s)
                if self._stop.is_set():
                    return
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        if self._away_since is not None:
            away_s = self._clock() - self._away_since
            self._away_since = None
            log.warning("%s: Kafka is back after %.1f s", self._source.camera, away_s)
            self._report.publish(self._publisher, "running")

    def _send_pending(self) -> None:
        messages = [message for _, message in self._pending]
        delivery = deliver(self._publisher, messages, timeout_s=_FLUSH_S)
        for place, error in delivery.refused.items():
            sequence, message = self._pending[place]
            self._refuse(sequence, message.key, error)
        self.totals.sent += delivery.sent
        if delivery.done:
            self._numbers.confirm(self._pending[delivery.done - 1][0])
        del self._pending[: delivery.done]
        if delivery.trouble:
            raise delivery.trouble

    def _wait_for_kafka(self, error: RetryableError, pause_s: float) -> None:
        log.warning("%s waits: %s; trying again in %.1f s", self._source.camera, error, pause_s)
        if self._away_since is None:
            self._away_since = self._clock()
        if self._report.is_due:
            # Arrives if only the images' topic is in trouble; else when Kafka is back. It is not
            # waited for: that would keep the images waiting longer.
            self._report.publish(self._publisher, "waiting", why=str(error), confirm=False)
        self._wait(pause_s)
