"""The loop that all cameras share: take an item, publish it, have it confirmed, tell how it goes.

While Kafka is away it tries again with growing pauses. What it holds then is sent as soon as Kafka
is back; a folder waits meanwhile and loses nothing, of a live camera the frames that pass are
counted as dropped and announced. After a restart or a repeated try Kafka may hold an item twice:
its event id is the same, so consumers know it again.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from plankton_stream.domain import Frame, new_id
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.envelope import Message, now
from plankton_stream.events.facts import CameraStatus, fact_message
from plankton_stream.events.images import frame_message, roi_message
from plankton_stream.ports import Publisher
from producers.source import Item, Source

log = logging.getLogger(__name__)

STATUS_EVERY_S = 5.0
_IDLE_S = 1.0  # between two looks at a source that has nothing now
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
# Unpaced sources are confirmed in batches: a flush for each small ROI would take most of the time.
_BATCH_ITEMS = 64
_BATCH_BYTES = 8 * 1024 * 1024


@dataclass
class Totals:
    """What became of a source's items since the start.

    Attributes:
        seen: given by the source, or passed a live camera untaken.
        sent: of those, confirmed by Kafka.
        dropped: of those, lost: they passed while Kafka was away or the machine was busy, or they
            were refused.
        refused: of the dropped, those that can never be sent (too large, empty).
    """

    seen: int = 0
    sent: int = 0
    dropped: int = 0
    refused: int = 0


def publish(
    source: Source,
    publisher: Publisher,
    *,
    rate_hz: float = 0.0,
    stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], bool] | None = None,
) -> Totals:
    """Publish a source until it ends or `stop` is set; confirms what was taken before it returns.

    Args:
        source: what to publish.
        publisher: where to.
        rate_hz: items a second; 0: as fast as Kafka takes them.
        stop: set it to end the loop.
        clock: seconds, for tests.
        wait: waits some seconds and tells whether to stop, for tests.

    Returns:
        What became of the items. `seen - sent - dropped` were not confirmed when it was stopped.
    """
    loop = _Loop(source, publisher, rate_hz=rate_hz, stop=stop, clock=clock, wait=wait or stop.wait)
    loop.run()
    return loop.totals


class _Loop:
    """One run of `publish`."""

    def __init__(
        self,
        source: Source,
        publisher: Publisher,
        *,
        rate_hz: float,
        stop: threading.Event,
        clock: Callable[[], float],
        wait: Callable[[float], bool],
    ) -> None:
        self.totals = Totals()
        self._source, self._publisher = source, publisher
        self._period_s = 1 / rate_hz if rate_hz else 0.0
        self._stop, self._clock, self._wait = stop, clock, wait
        # A live camera is asked to stop within a few seconds; an archive may take its time.
        self._flush_s = 10.0 if source.keeps else 2.0
        self._pending: list[Message] = []
        self._started_at: datetime = now()
        self._next_tick = self._last_status = clock()
        self._announced = Totals()
        self._away = False

    def run(self) -> None:
        items = iter(self._source)
        self._report("running")
        while not self._pace():
            try:
                item = next(items)
            except StopIteration:
                break
            self._take(item)
            if item is None or self._is_batch_full():
                self._deliver()
            if self._clock() - self._last_status >= STATUS_EVERY_S:
                self._report("running")
            if item is None and self._wait(_IDLE_S):
                break
        if not self._away:  # else the last try was a moment ago
            self._deliver()
        if not self._away:
            self._report("stopped")

    def _pace(self) -> bool:
        """Wait for the camera's next tick; True if the loop is to stop."""
        if self._period_s:
            early_s = self._next_tick - self._clock()
            if early_s > 0:
                self._wait(early_s)
            self._count_passed()
            self._next_tick += self._period_s
        return self._stop.is_set()

    def _count_passed(self) -> None:
        """Whole periods by which the loop is late are frames that nobody took."""
        late_s = self._clock() - self._next_tick
        if late_s < self._period_s:
            return
        passed = int(late_s / self._period_s)
        self._next_tick += passed * self._period_s
        if not self._source.keeps:
            self.totals.seen += passed
            self.totals.dropped += passed

    def _take(self, item: Item | None) -> None:
        if item is None:
            return
        self.totals.seen += 1
        try:
            message = frame_message(item) if isinstance(item, Frame) else roi_message(item)
        except RejectedError as error:
            self._refuse(item.frame_key, error)
        else:
            self._pending.append(message)

    def _refuse(self, name: str, error: RejectedError) -> None:
        self.totals.dropped += 1
        self.totals.refused += 1
        log.error("%s: %s is not sent: %s", self._source.camera, name, error)

    def _is_batch_full(self) -> bool:
        if self._period_s:  # paced: each item as soon as it is there
            return True
        size = sum(len(message.value) for message in self._pending)
        return len(self._pending) >= _BATCH_ITEMS or size >= _BATCH_BYTES

    def _deliver(self) -> None:
        """Send what is pending and have it confirmed, however long that takes; or until stopped."""
        pause_s, since = _FIRST_PAUSE_S, self._clock()
        while self._pending:
            try:
                self._send_pending()
            except RetryableError as error:
                self._wait_for_kafka(error, pause_s)
                if self._stop.is_set():
                    return
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        if self._away:
            self._away = False
            log.warning(
                "%s: Kafka is back after %.1f s", self._source.camera, self._clock() - since
            )
            if self._period_s:
                self._count_passed()
            self._report("running")

    def _send_pending(self) -> None:
        for message in list(self._pending):
            try:
                self._publisher.send(message)
            except RejectedError as error:
                self._pending.remove(message)
                self._refuse(message.key, error)
        self._publisher.flush(self._flush_s)
        self.totals.sent += len(self._pending)
        self._pending.clear()

    def _wait_for_kafka(self, error: RetryableError, pause_s: float) -> None:
        verb = "waits" if self._source.keeps else "drops what passes"
        log.warning("%s %s: %s; trying again in %.1f s", self._source.camera, verb, error, pause_s)
        self._away = True
        if self._clock() - self._last_status >= STATUS_EVERY_S:
            # Arrives if only the images' topic is in trouble; else when Kafka is back. It is not
            # waited for: that would keep the images waiting longer.
            self._report("waiting", confirm=False)
        self._wait(pause_s)

    def _report(self, state: str, *, confirm: bool = True) -> None:
        """Publish how the camera is doing; a status that gets lost is replaced by the next one."""
        elapsed_s = self._clock() - self._last_status
        sent = self.totals.sent - self._announced.sent
        status = CameraStatus(
            camera=self._source.camera,
            at=now(),
            started_at=self._started_at,
            state=state,
            seen=self.totals.seen,
            sent=self.totals.sent,
            dropped=self.totals.dropped,
            rate_hz=sent / elapsed_s if elapsed_s > 0 else 0.0,
        )
        dropped = self.totals.dropped - self._announced.dropped
        if dropped:
            log.warning("%s: %d dropped, %d in all", status.camera, dropped, status.dropped)
        self._announced = Totals(sent=status.sent, dropped=status.dropped)
        self._last_status = self._clock()
        message = fact_message(status, event_id=new_id(), source=f"/cameras/{status.camera}")
        try:
            self._publisher.send(message)
            if confirm:
                self._publisher.flush(self._flush_s)
        except RetryableError as error:
            log.warning("%s: status not published: %s", status.camera, error)
