"""Which bins of a folder that an instrument writes into are whole.

An instrument writes a bin for as long as it looks at a sample, with pauses as long as nothing
triggers it, and nothing in the files says that it has ended. The next bin does.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from plankton_stream.errors import RejectedError
from producers.ifcb.bins import read_targets
from producers.ifcb.names import read_name

SETTLE_S = 60.0
"""A bin that has not changed for so long has ended, if there is no later one that says so."""

_REASONS = 2  # of the three: settled, a later bin, whole

_SUFFIXES = (".adc", ".hdr", ".roi")

Stamp = tuple[tuple[int, int] | None, ...]  # of each file: size and time of last change


class Growing:
    """Remembers when bins changed last.

    A bin is given once, when it has not changed between two looks and two of three hold: it has not
    changed for `settle_s`; a later bin is there; it is whole, with three files and all bytes that
    its `.adc` names. So one that stays broken is given too, and refused by who reads it.
    """

    def __init__(self, settle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_s, self._clock = settle_s, clock
        self._seen: dict[Path, tuple[Stamp, float]] = {}
        self._given: set[Path] = set()

    def whole(self, adcs: Sequence[Path]) -> Iterator[Path]:
        """Look again.

        Args:
            adcs: all that there are now, in the order of their names, which is that of time.
        """
        for place, adc in enumerate(adcs):
            if adc in self._given:
                continue
            stamp, now_s = _stamp(adc), self._clock()
            before, since_s = self._seen.get(adc, (None, now_s))
            if before != stamp:
                self._seen[adc] = stamp, now_s
                continue
            reasons = (now_s - since_s >= self._settle_s, place < len(adcs) - 1, _is_whole(adc))
            if sum(reasons) >= _REASONS:
                del self._seen[adc]
                self._given.add(adc)
                yield adc


def _stamp(adc: Path) -> Stamp:
    stamps: list[tuple[int, int] | None] = []
    for suffix in _SUFFIXES:
        try:
            status = adc.with_suffix(suffix).stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((status.st_size, status.st_mtime_ns))
    return tuple(stamps)


def _is_whole(adc: Path) -> bool:
    """Whether all files are there, with all bytes that the table names."""
    _, header, pixels = _stamp(adc)
    if header is None or pixels is None:
        return False
    try:
        targets = read_targets(adc, read_name(adc.stem))
    except RejectedError:
        return False
    ends = [target.start + target.box.width * target.box.height for target in targets if target.box]
    return pixels[0] >= max(ends, default=0)
