"""Places and times that a file can say but a camera cannot have seen.

What a file says in so many words, a column of a table, is refused with its line, so that somebody
puts it right. What was read between the lines, a file's name or EXIF data of a camera whose clock
was never set, is left out: the picture is worth more than its time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from plankton_stream.domain import Capture
from plankton_stream.events.envelope import now

EARLIEST = datetime(1901, 1, 1, tzinfo=UTC)
"""Scans of nets from the early twentieth century exist; 1900 is what an empty cell becomes."""

_AHEAD = timedelta(days=1)
"""Clocks and time zones are wrong by hours."""


def implausible_time(time: datetime) -> str | None:
    """What is wrong with a time of capture, if anything."""
    if time < EARLIEST:
        return f"{time:%Y-%m-%d} is before {EARLIEST.year}: is it an empty cell or an unset clock?"
    if time > now() + _AHEAD:
        return f"{time.isoformat()} lies in the future"
    return None


def implausible(capture: Capture) -> Iterator[tuple[str, str]]:
    """Fields of a capture that cannot be right, each with what is wrong with it.

    Ranges (latitude, depth, ...) are those of `Capture` itself.
    """
    if capture.captured_at and (problem := implausible_time(capture.captured_at)):
        yield "captured_at", problem
    position = (capture.latitude, capture.longitude)
    if position == (0.0, 0.0):
        yield "latitude", "0, 0 is where instruments without a fix are; leave both empty"
    if None in position and position != (None, None):
        missing = "latitude" if capture.latitude is None else "longitude"
        yield missing, "a position needs both latitude and longitude"
