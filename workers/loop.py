"""The loop that all consumer-group workers share: poll, handle, commit.

A batch is committed only after its effects are durable. A part that is down is retried with
back-off while the worker keeps its place and its membership in the group. An error that nobody
expected ends the process: nothing is committed, so the restarted worker does the batch again.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.deadletters import dead_letter
from plankton_stream.events.envelope import Received
from plankton_stream.ports import Publisher, Subscriber

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_POLL_S = 0.5
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that can never succeed, and why."""

    record: Received
    cause: str


def consume(
    subscriber: Subscriber, handle: Callable[[Sequence[Received]], None], stop: threading.Event
) -> None:
    """Handle batches until `stop` is set; the batch at hand is finished first.

    Args:
        subscriber: closed on return.
        handle: makes a batch's effects durable. Called again with the same batch when it raises
            `RetryableError`, so it must be idempotent.
        stop: set it to end the loop.
    """
    try:
        while not stop.is_set():
            batch = subscriber.poll(_POLL_S)
            if not batch:
                continue
            if insist(lambda: handle(batch), stop, subscriber.keep_alive):  # noqa: B023
                insist(subscriber.commit, stop, subscriber.keep_alive)
    finally:
        subscriber.close()


def insist(
    step: Callable[[], None], stop: threading.Event, meanwhile: Callable[[], None] = lambda: None
) -> bool:
    """Try a step until it succeeds, with growing pauses.

    Args:
        step: raises `RetryableError` while a part that it needs is down.
        stop: ends the trying.
        meanwhile: called after every pause.

    Returns:
        False if it was stopped before the step succeeded.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            step()
        except RetryableError as error:
            log.warning("trying again in %.1f s: %s", pause_s, error)
        else:
            return True
        if stop.wait(pause_s):
            return False
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        meanwhile()


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
        log.warning("%s rejected: %s", rejection.record.origin, rejection.cause)
        publisher.send(dead_letter(rejection.record, cause=rejection.cause, consumer=consumer))


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
