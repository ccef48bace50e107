"""Server-sent events: the news and the board as one stream of text."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from plankton_stream.errors import RetryableError
from web.board import Board, Reading
from web.news import News, Place, Told

MEDIA_TYPE = "text/event-stream"

_RETRY_MS = 1_000
_BEAT_S = 4.0
"""A page that hears nothing for three beats takes the stream for broken."""

_LOOK_S = 1.0
"""Counts and readings are told no more often."""

_GATHER_S = 0.1
"""What happens within this time of something else is told together with it."""

_LONGEST_S = 300.0
"""A page comes back after this long, and is asked again who it is."""


class Streams:
    """Who follows: each stream holds a thread of the server, so their number is limited."""

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._free = threading.BoundedSemaphore(limit)

    def enter(self) -> Callable[[], None]:
        """Take one of the streams.

        Returns:
            What gives it back; harmless when called again.

        Raises:
            RetryableError: all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise RetryableError(
                f"{self._limit} pages follow events already (PLANKTON_WEB_STREAMS): "
                "ask /api/v1/stats and /api/v1/images now and then instead"
            )
        left = threading.Event()

        def leave() -> None:
            if not left.is_set():
                left.set()
                self._free.release()

        return leave


def stream(
    news: News,
    board: Board,
    readings: Mapping[str, Reading],
    place: Place,
    *,
    longest_s: float = _LONGEST_S,
    clock_s: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Events as they happen, after a place, until the news end or `longest_s` has passed.

    `labels`, `images`, `predictions` and `resync` carry the place as their id, so that whoever
    comes back misses nothing; the readings come when they change, all of them at first.
    """
    yield f"retry: {_RETRY_MS}\n\n"
    shown: dict[str, str] = {}
    began_s = beat_s = clock_s()
    counted_s = -_LOOK_S
    while not news.closed.is_set() and clock_s() - began_s < longest_s:
        with_counts = clock_s() - counted_s >= _LOOK_S
        counted_s = clock_s() if with_counts else counted_s
        told = news.since(place, with_counts=with_counts)
        place = told.place
        yield from _told(told)
        for name, text in _changed(board, readings, shown):
            yield _event(name, text)
        if clock_s() - beat_s >= _BEAT_S:
            beat_s = clock_s()
            yield _event("beat", "{}")
        news.closed.wait(_GATHER_S)
        news.wait(place, _LOOK_S)


def _told(told: Told) -> Iterator[str]:
    if told.is_gap:
        yield _event("resync", "{}", told.place)
    if told.labels:
        yield _event("labels", f'{{"labels":[{",".join(told.labels)}]}}', told.place)
    if told.arrived_count:
        arrived = {"count": told.arrived_count, "image_ids": list(told.arrived)}
        yield _event("images", json.dumps(arrived), told.place)
    if told.predicted_count:
        yield _event("predictions", json.dumps({"count": told.predicted_count}), told.place)


def _changed(
    board: Board, readings: Mapping[str, Reading], shown: dict[str, str]
) -> Iterator[tuple[str, str]]:
    now = board.read(readings) | {"trouble": json.dumps({"detail": board.trouble})}
    for name, text in now.items():
        if shown.get(name) != text:
            shown[name] = text
            yield name, text


def _event(kind: str, data: str, place: Place | None = None) -> str:
    """One event; JSON has no line breaks of its own."""
    identity = "" if place is None else f"id: {place}\n"
    return f"event: {kind}\n{identity}data: {data}\n\n"
