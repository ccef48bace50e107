"""Answers that cost much, kept for a while: many pages cost as one, slow ones are made less."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_LEAST_S = 2.0
_TIMES = 20
"""An answer is kept for so many times as long as it took to make: a twentieth of a core at most."""
_MOST_ANSWERS = 16


@dataclass
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: Any = None
    until_s: float = float("-inf")


class Kept:
    """Remembers the last answers; safe for threads, of which one makes what several wait for."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer for a key: what was made a short while ago, or a new one.

        An error of `make` is raised and not kept.
        """
        entry = self._entry(key)
        with entry.lock:
            began_s = self._clock_s()
            if began_s >= entry.until_s:
                entry.answer = make()
                ended_s = self._clock_s()
                entry.until_s = ended_s + max(_LEAST_S, _TIMES * (ended_s - began_s))
            answer: Answer = entry.answer
            return answer

    def forget(self) -> None:
        """Make all anew when they are asked for next."""
        with self._lock:
            self._entries.clear()

    def _entry(self, key: Hashable) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > _MOST_ANSWERS:
                self._entries.popitem(last=False)
            return entry
