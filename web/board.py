"""How things stand, asked once a while for all pages that follow it."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic import BaseModel

from plankton_stream.errors import RetryableError


class Reading(NamedTuple):
    """Something that has a present state.

    Attributes:
        ask: gives it.
        every_s: it is asked no more often than this.
    """

    ask: Callable[[], BaseModel]
    every_s: float


class Board:
    """The last readings as JSON, however many read the board."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._asked_s: dict[str, float] = {}
        self._texts: dict[str, str] = {}
        self.trouble: str | None = None

    def read(self, readings: Mapping[str, Reading]) -> dict[str, str]:
        """The present states as JSON objects, by name.

        What can't be read now stays as it was last known, and `trouble` says why.
        """
        with self._lock:
            now_s = self._clock_s()
            due = [
                name
                for name, reading in readings.items()
                if now_s - self._asked_s.get(name, -reading.every_s) >= reading.every_s
            ]
            if due:
                self._ask({name: readings[name] for name in due}, now_s)
            return {name: self._texts[name] for name in readings if name in self._texts}

    def _ask(self, due: Mapping[str, Reading], now_s: float) -> None:
        trouble = None
        for name, reading in due.items():
            self._asked_s[name] = now_s
            try:
                self._texts[name] = reading.ask().model_dump_json()
            except RetryableError as error:
                trouble = str(error)
        self.trouble = trouble
