"""Limits how fast passwords can be guessed."""

import threading
import time
from collections import deque
from collections.abc import Callable

from web.problems import TooManyError

WINDOW_S = 300.0
"""How long a wrong password counts."""

_MOST_KEYS = 20_000


class Guesses:
    """Counts wrong passwords of the last minutes: by name and address, by address, by name.

    A name has the highest limit, so that a stranger can hardly lock its owner out, who comes from
    another address. In memory: one process serves, and a restart is nothing that a guesser can
    cause.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._at: dict[tuple[str, ...], deque[float]] = {}

    def begin(self, name: str, address: str) -> None:
        """Count a try before its password is looked at, so that many at once are not free.

        Raises:
            TooManyError: too many were wrong of late.
        """
        now = self._clock_s()
        with self._lock:
            if len(self._at) > _MOST_KEYS:
                self._forget(now)
            for key, most in _limits(name, address):
                recent = self._recent(key, now)
                if len(recent) >= most:
                    wait_s = int(recent[0] + WINDOW_S - now) + 1
                    raise TooManyError(
                        f"too many wrong passwords: try again in {wait_s} seconds", wait_s
                    )
            for key, _ in _limits(name, address):
                self._at.setdefault(key, deque()).append(now)

    def succeeded(self, name: str, address: str) -> None:
        """The password was right: what this person mistyped before is forgiven."""
        with self._lock:
            for key, _ in _limits(name, address):
                if self._at.get(key):
                    self._at[key].pop()
            self._at.pop(_limits(name, address)[0][0], None)

    def _recent(self, key: tuple[str, ...], now: float) -> deque[float]:
        times = self._at.get(key, deque())
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        return times

    def _forget(self, now: float) -> None:
        for key in list(self._at):
            if not self._recent(key, now):
                del self._at[key]


def _limits(name: str, address: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    return (("both", name, address), 5), (("address", address), 30), (("name", name), 100)
