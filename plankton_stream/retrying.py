"""Waiting for parts that are down: growing pauses, until they are back or we are to stop."""

import logging
import signal
import threading
from collections.abc import Callable
from typing import TypeVar

from plankton_stream.errors import RetryableError

log = logging.getLogger(__name__)

Part = TypeVar("Part")

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


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
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            step()
        except RetryableError as error:
            log.warning("trying again in %.1f s: %s", pause_s, error)
        else:
            return True
        if stop.wait(pause_s):
            return False
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        meanwhile()


def wait_for(part: Callable[[], Part], stop: threading.Event) -> Part:
    """A part as soon as it can be had.

    Raises:
        SystemExit: it was stopped before that.
    """
    found: list[Part] = []
    if not insist(lambda: found.append(part()), stop):
        raise SystemExit(1)
    return found[0]


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
