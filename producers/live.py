"""The loop of live cameras: one thread takes what the camera gives, another sends what is spooled.

So a camera is never kept waiting by Kafka: while that is away or slow, frames gather in the spool,
and what is taken meanwhile goes behind them. After a kill the spool is sent again from the last
confirmed frame on; a frame that Kafka had already has the same event id, so consumers know it.
"""

import logging
import threading
import time
from collections.abc import Callable

from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.health import DropReason
from plankton_stream.ports import Publisher
from plankton_stream.retrying import FIRST_PAUSE_S, LONGEST_PAUSE_S
from producers.delivery import deliver, to_message
from producers.pace import Pace
from producers.source import Item, Source
from producers.spool import Spool, Spooled
from producers.totals import Losses, Report, Totals

log = logging.getLogger(__name__)

_BATCH_ITEMS = 64
_BATCH_BYTES = 8 * 1024 * 1024
# How long a batch may take. If that is not enough, the next one is half as large, and a single
# frame gets more time: so a slow link makes progress, and a camera without Kafka says so soon.
_FLUSH_S = 10.0
_LONGEST_FLUSH_S = 60.0
_TELL_EVERY_S = 60.0
# A stop gives Kafka this long to take what is left; then it stays in the spool.
_STOP_S = 2.0


def publish_live(
    source: Source,
    connect: Callable[[], Publisher],
    spool: Spool,
    *,
    rate_hz: float = 0.0,
    stop: threading.Event,
) -> Totals:
    """Publish a camera until it ends and all is confirmed, or until `stop` is set.

    Args:
        source: what to publish.
        connect: the publisher; a `RetryableError` means that Kafka is away, and frames are spooled.
        spool: the camera's.
        rate_hz: ticks of the camera's clock a second; 0: whenever it gives a frame.
        stop: set it to end the loop; what is not confirmed stays in the spool.

    Returns:
        What became of the frames.
    """
    totals = Totals()
    report = Report(source.camera, totals, spool.numbers, spool, clock=time.monotonic)
    drain = Drain(connect, spool, totals, report)
    intake = Intake(source, spool, totals, Pace(rate_hz, time.monotonic, stop.wait))
    thread = threading.Thread(target=drain.run, args=(stop,), name="drain", daemon=True)
    thread.start()
    try:
        intake.run(stop, drain.wake)
    finally:
        drain.finish()
        while thread.is_alive() and not stop.is_set():
            thread.join(0.1)
        thread.join(_STOP_S)
    if drain.failure:
        raise drain.failure
    return totals


class Intake:
    """Takes what the camera gives into the spool."""

    def __init__(self, source: Source, spool: Spool, totals: Totals, pace: Pace) -> None:
        self._source, self._spool, self._totals, self._pace = source, spool, totals, pace
        self._losses = Losses(source)
        self._dropping: DropReason | None = None

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Take until the source ends or is to stop; `wake` is set when something is spooled."""
        items = iter(self._source)
        while True:
            passed = self._pace.tick()
            if stop.is_set():
                return
            try:
                item = next(items)
            except StopIteration:
                self._skip_losses()
                return
            self._skip_losses()
            self.take(item, passed)
            wake.set()
            if item is None and stop.wait(self._source.idle_s):
                return

    def take(self, item: Item | None, passed: int = 0) -> None:
        """Spool an item, after so many frames that nobody took."""
        numbers = self._spool.numbers
        if passed:
            self._totals.seen += passed
            self._totals.drop(DropReason.LATE, numbers.place.given + 1, passed)
            numbers.skip(passed)
        if item is not None:
            self._totals.seen += 1
            sequence = numbers.next()
            reason = self._accept(item, sequence)
            if reason:
                self._totals.drop(reason, sequence)
                numbers.lose()
            self._announce(reason)
        self._spool.sync()

    def _skip_losses(self) -> None:
        numbers = self._spool.numbers
        if lost := self._losses.count(self._totals, numbers.place.given + 1):
            numbers.skip(lost)
            self._spool.sync()

    def _accept(self, item: Item, sequence: int) -> DropReason | None:
        try:
            message = to_message(item, sequence)
        except RejectedError as error:
            log.error("%s: %s is not sent: %s", self._source.camera, item.frame_key, error)  # noqa: TRY400
            return DropReason.REFUSED
        return self._spool.append(sequence, message)

    def _announce(self, reason: DropReason | None) -> None:
        """Say once when frames begin to get lost, and when they no longer do."""
        if reason in (self._dropping, DropReason.REFUSED):
            return
        self._dropping = reason
        if reason is DropReason.SPOOL_FULL:
            log.error(
                "%s: the spool is full (%d MB, PLANKTON_SPOOL_MB): what comes now is dropped, what "
                "is in it is kept",
                self._source.camera, self._spool.limit_bytes // 1_000_000,
            )  # fmt: skip
        elif reason is None:
            log.warning("%s: the spool takes frames again", self._source.camera)


class Drain:
    """Sends what is in the spool, the oldest first, and tells how the camera is doing.

    Attributes:
        wake: set when there may be something to send.
        failure: what ended it, if it was not meant to end.
    """

    def __init__(
        self, connect: Callable[[], Publisher], spool: Spool, totals: Totals, report: Report
    ) -> None:
        self.wake = threading.Event()
        self._connect, self._spool, self._totals, self._report = connect, spool, totals, report
        self._publisher: Publisher | None = None
        self._most, self._flush_s = _BATCH_ITEMS, _FLUSH_S
        self._pause_s = FIRST_PAUSE_S
        self._away_since: float | None = None
        self._is_told, self._told_at_s = False, -_TELL_EVERY_S
        self.failure: Exception | None = None
        self._no_more = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Send until no more comes and all is sent, or until stopped while Kafka is away."""
        try:
            while True:
                nothing_waits = self.step()
                if nothing_waits and self._no_more.is_set():
                    break
                if self._away_since is None:
                    self.wake.wait(self._report.due_in_s if nothing_waits else 0)
                elif stop.wait(self._pause_s):
                    break
            self._close()
        except Exception as error:  # noqa: BLE001  (`publish_live` raises it)
            self.failure = error
            stop.set()

    def finish(self) -> None:
        """No more is going to be spooled."""
        self._no_more.set()
        self.wake.set()

    def step(self) -> bool:
        """Send one batch if Kafka takes it; returns whether nothing waits any more."""
        self.wake.clear()
        try:
            if self._publisher is None:
                self._publisher = self._connect()
                self._report.publish(self._publisher, "running")
            self._send(self._publisher, self._spool.batch(self._most, _BATCH_BYTES))
        except RetryableError as error:
            self._wait_for_kafka(error)
            return False
        self._go_on(self._publisher)
        return self._spool.count == 0

    def _send(self, publisher: Publisher, batch: list[Spooled]) -> None:
        sound = [place for place, one in enumerate(batch) if one.message]
        messages = [one.message for one in batch if one.message]
        try:
            delivery = deliver(publisher, messages, timeout_s=self._flush_s)
        except RetryableError:
            self._ask_less()
            raise
        done = batch[: sound[delivery.done]] if delivery.done < len(sound) else batch
        refused = {sound[place]: error for place, error in delivery.refused.items()}
        for place, one in enumerate(done):
            if one.message is None:
                self._totals.drop(DropReason.DAMAGED, one.sequence or 0)
            elif place in refused:
                self._totals.drop(DropReason.REFUSED, one.sequence or 0)
                log.error("%s is not sent: %s", one.message.key, refused[place])
        self._totals.sent += delivery.sent
        if given_up := len(refused) + sum(one.message is None for one in done):
            self._spool.numbers.lose(given_up)
        self._spool.confirm(done)
        if delivery.sent:
            self._pause_s = FIRST_PAUSE_S
        if delivery.trouble:
            raise delivery.trouble

    def _ask_less(self) -> None:
        """The link may be too slow for such a batch."""
        if self._most == 1:
            self._flush_s = min(2 * self._flush_s, _LONGEST_FLUSH_S)
        self._most = max(1, self._most // 2)

    def _wait_for_kafka(self, error: RetryableError) -> None:
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        begins = self._away_since is None
        if begins:
            self._away_since = time.monotonic()
            # While the workers are behind, this happens every few seconds.
            self._is_told = self._away_since - self._told_at_s >= _TELL_EVERY_S
            if self._is_told:
                self._told_at_s = self._away_since
                log.warning("%s: frames stay in the spool: %s", self._report.camera, error)
        if self._publisher and (begins or self._report.is_due):
            self._report.publish(self._publisher, "waiting", why=str(error))

    def _go_on(self, publisher: Publisher) -> None:
        self._most = min(_BATCH_ITEMS, 2 * self._most)
        if self._most == _BATCH_ITEMS:
            self._flush_s = _FLUSH_S
        self._pause_s = FIRST_PAUSE_S
        if self._away_since is not None:
            away_s, self._away_since = time.monotonic() - self._away_since, None
            if self._is_told:
                log.warning(
                    "%s: Kafka takes frames again after %.1f s, %d wait in the spool",
                    self._report.camera, away_s, self._spool.count,
                )  # fmt: skip
            self._report.publish(publisher, "running")
        elif self._report.is_due:
            self._report.publish(publisher, "running")

    def _close(self) -> None:
        if self._publisher is None:
            return
        if self._away_since is None:
            self._report.publish(self._publisher, "stopped")
        self._publisher.close()
