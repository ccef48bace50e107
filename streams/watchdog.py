"""Ends a process that has silently stopped working, so that its supervisor starts a new one.

Consumers that keep their membership but never get another record are a known failure of Faust and
aiokafka. Only the broker can tell: records wait, and none of them is being done.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

from plankton_stream.errors import RetryableError

log = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""Longest time without progress while records wait. Well above a start (about 10 s) and a
rebalance after a crash (10 s session, 20 s rebalance)."""

_EVERY_S = 5.0


class Watchdog:
    """Decides whether work stands still."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._progress = -1
        self._since: float | None = None

    def is_stuck(self, *, waiting: int, progress: int, at_s: float) -> bool:
        """Look once.

        Args:
            waiting: records that are not done with.
            progress: any number that changes with each record done.
            at_s: a monotonic clock's time.
        """
        if not waiting or progress != self._progress or self._since is None:
            self._progress, self._since = progress, at_s
            return False
        return at_s - self._since >= self._patience_s

    def rest(self) -> None:
        """Nothing can be told now: start counting from the next look."""
        self._since = None


def guard(
    waiting: Callable[[], int], progress: Callable[[], int], *, patience_s: float = PATIENCE_S
) -> None:
    """Watch from a thread of its own, which a blocked event loop does not stop.

    Args:
        waiting: asks the broker how many records wait; a `RetryableError` means that the broker is
            away, which is no fault of this process.
        progress: see `Watchdog.is_stuck`.
        patience_s: see `PATIENCE_S`.
    """
    arguments = (waiting, progress, patience_s)
    threading.Thread(target=_watch, args=arguments, name="watchdog", daemon=True).start()


def give_up(reason: str) -> None:
    """End the process at once; what was not finished is done again after the restart."""
    log.critical("%s; ending, so that a fresh process goes on", reason)
    logging.shutdown()
    os._exit(1)


def _watch(waiting: Callable[[], int], progress: Callable[[], int], patience_s: float) -> None:
    dog = Watchdog(patience_s)
    while True:
        time.sleep(min(_EVERY_S, patience_s / 2))
        try:
            records = waiting()
        except RetryableError:
            dog.rest()
            continue
        except Exception:  # a watchdog that dies guards nothing
            log.exception("the lag cannot be read")
            dog.rest()
            continue
        if dog.is_stuck(waiting=records, progress=progress(), at_s=time.monotonic()):
            give_up(f"{records} records wait and none was done for {patience_s:.0f} s")
