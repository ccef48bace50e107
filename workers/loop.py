"""The loop that all consumer-group workers share: poll, handle, commit.

A batch is committed only after its effects are durable. A part that is down is retried with
back-off while the worker keeps its place and its membership in the group. An error that nobody
expected ends the process: nothing is committed, so the restarted worker does the batch again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.deadletters import dead_letter
from plankton_stream.events.envelope import Received
from plankton_stream.ports import Publisher, Subscriber
from plankton_stream.retrying import insist

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_POLL_S = 0.5
REST = 3
"""Times as long as something took that nobody waits for, the machine is left to people."""
_LONGEST_REST_S = 30.0
_GLANCE_S = 0.02
_OTHERS_EVERY = 10
"""Of this many turns one is the background's, however much is urgent: it must come to an end."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that can never succeed, and why."""

    record: Received
    cause: str


class Worker(Protocol):
    """What `consume` runs.

    Attributes:
        name: says in dead letters who gave up on a record, e.g. `/workers/embed`.
    """

    name: str

    def handle(self, batch: Sequence[Received]) -> None:
        """Make a batch's effects durable.

        Idempotent: it is called again with the same records when it raises `RetryableError`, and
        after a crash.
        """


def _nothing() -> None: ...


def consume(
    subscriber: Subscriber,
    worker: Worker,
    publisher: Publisher,
    stop: threading.Event,
    idle: Callable[[], object] = _nothing,
    *,
    clock_s: Callable[[], float] = time.monotonic,
) -> None:
    """Let a worker handle batches until `stop` is set; the batch at hand is finished first.

    Args:
        subscriber: closed on return.
        worker: handles the batches.
        publisher: for dead letters.
        stop: set it to end the loop.
        idle: called when nothing came for half a second, for a quarter of the time at most. Waits
            for parts that are away, too.
        clock_s: seconds that only grow.
    """
    rests_until_s = float("-inf")

    def step_when_idle() -> None:
        nonlocal rests_until_s
        began_s = clock_s()
        idle()
        rests_until_s = clock_s() + min(_LONGEST_REST_S, REST * (clock_s() - began_s))

    try:
        while not stop.is_set():
            batch = subscriber.poll(_POLL_S)
            step = partial(_handle, batch, worker, publisher)
            if batch and insist(step, stop, subscriber.keep_alive):
                insist(subscriber.commit, stop, subscriber.keep_alive)
            elif not batch and clock_s() >= rests_until_s:
                insist(step_when_idle, stop, subscriber.keep_alive)
    finally:
        subscriber.close()


@dataclass(frozen=True, slots=True)
class Queue:
    """What one of two queues is read with and done by.

    Attributes:
        full: records of a batch that says that more wait.
    """

    subscriber: Subscriber
    worker: Worker
    full: int


def consume_beside(
    urgent: Queue,
    background: Queue,
    publisher: Publisher,
    stop: threading.Event,
    *,
    may_work: Callable[[], bool],
) -> None:
    """Work on two queues in one thread: on the background's while nothing urgent waits.

    A batch of the background that can't be done now is kept, and tried again once a turn: it may
    wait for something that has nothing to do with the urgent queue.

    Args:
        urgent: is never kept waiting for longer than one batch of the background.
        background: gets every tenth turn even when the urgent queue is never empty.
        publisher: for dead letters.
        stop: set it to end the loop.
        may_work: whether the background's worker has what it needs; else it is left alone.
    """

    def keep_alive() -> None:
        urgent.subscriber.keep_alive()
        background.subscriber.keep_alive()

    def urgent_turn(timeout_s: float) -> int:
        batch = urgent.subscriber.poll(timeout_s)
        step = partial(_handle, batch, urgent.worker, publisher)
        if batch and insist(step, stop, keep_alive):
            insist(urgent.subscriber.commit, stop, keep_alive)
        return len(batch)

    behind = _Background(background, publisher)
    turns, busy = 0, False
    try:
        while not stop.is_set():
            turns += 1
            more_wait = urgent_turn(_GLANCE_S if busy else _POLL_S) >= urgent.full
            if not may_work():
                background.subscriber.keep_alive()
                busy = False
            elif not more_wait or turns % _OTHERS_EVERY == 0:
                busy = behind.turn()
    finally:
        urgent.subscriber.close()
        background.subscriber.close()


class _Background:
    """A queue whose batch waits, without being read on, until it can be done."""

    def __init__(self, queue: Queue, publisher: Publisher) -> None:
        self._queue, self._publisher = queue, publisher
        self._waiting: list[Received] = []

    def turn(self) -> bool:
        """Try the batch that waits, else read the next one; whether one was done."""
        subscriber = self._queue.subscriber
        is_retry = bool(self._waiting)
        if is_retry:
            subscriber.keep_alive()
        else:
            self._waiting = subscriber.poll(_GLANCE_S)
        if not self._waiting:
            return False
        try:
            _handle(self._waiting, self._queue.worker, self._publisher)
            subscriber.commit()
        except RetryableError as error:
            log.log(logging.DEBUG if is_retry else logging.WARNING, "trying again later: %s", error)
            return False
        self._waiting = []
        return True


def _handle(batch: Sequence[Received], worker: Worker, publisher: Publisher) -> None:
    try:
        worker.handle(batch)
    except RejectedError:
        # A part refused one of the records, and does not say which: one by one, it shows.
        rejections = []
        for record in batch:
            try:
                worker.handle([record])
            except RejectedError as error:
                rejections.append(Rejection(record, str(error)))
        publish_rejections(rejections, publisher, consumer=worker.name)
        publisher.flush()


def examine(
    batch: Iterable[Received], step: Callable[[Received], Result]
) -> tuple[list[Result], list[Rejection]]:
    """Run a step that only computes on each record; what it can't do is rejected.

    Args:
        batch: records.
        step: touches nothing outside the process, so that whatever it raises is the record's fault.
    """
    results: list[Result] = []
    rejections: list[Rejection] = []
    for record in batch:
        try:
            results.append(step(record))
        except RejectedError as error:
            rejections.append(Rejection(record, str(error)))
        except RetryableError:
            raise
        except Exception as error:  # one poisonous record must not stop the rest
            log.exception("%s can't be processed", record.origin)
            rejections.append(Rejection(record, f"unexpected {type(error).__name__}: {error}"))
    return results, rejections


def publish_rejections(
    rejections: Iterable[Rejection], publisher: Publisher, *, consumer: str
) -> None:
    """Send rejected records to the dead-letter topic; the caller flushes."""
    for rejection in rejections:
        log.warning("%s rejected: %.1000s", rejection.record.origin, rejection.cause)
        publisher.send(dead_letter(rejection.record, cause=rejection.cause, consumer=consumer))
