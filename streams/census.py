"""The census: validated images per taxon, camera and window of capture time. No I/O here.

Nothing is counted up or down by an event as such: the counts are an aggregate of the latest naming
of each image, and an event only replaces that naming if its version is newer. So duplicates,
replays and a restart from the changelog all end in the same counts.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from plankton_stream.domain import Capture, LabelState, from_microseconds, to_microseconds
from plankton_stream.events.envelope import now
from plankton_stream.events.facts import CensusCounted, LabelCurrent

_EARLIEST = to_microseconds(datetime.min.replace(tzinfo=UTC))


class Cell(NamedTuple):
    """What is counted together. `window_start` is None where the capture time is unknown."""

    camera: str
    window_start: datetime | None


class _Known(NamedTuple):
    """What the census keeps of an image; `taxon` is None where the image does not count."""

    version: int
    cell: Cell
    taxon: str | None


class Census:
    """Counts of all images that it was told of.

    One entry per labelled image (about 220 bytes) is all that it keeps.
    """

    def __init__(self, window_s: int) -> None:
        self.puts = 0
        self._window_s = window_s
        self._known: dict[str, _Known] = {}
        self._counts: dict[Cell, Counter[str]] = defaultdict(Counter)
        self._revisions: Counter[Cell] = Counter()
        self._cells: dict[Cell, Cell] = {}

    def put(self, current: LabelCurrent) -> set[Cell]:
        """Take in the naming of an image unless a newer one is known.

        Returns:
            The cells to publish: the image's own also when nothing changed, because whoever
            published the change may have died before it arrived.
        """
        self.puts += 1
        new = _Known(current.version, self.cell(current.capture), _counted_taxon(current))
        old = self._known.get(current.image_id)
        if old is not None and old.version >= new.version:
            return {old.cell}
        self._known[current.image_id] = new
        self._add(new, 1)
        if old is None:
            return {new.cell}
        self._add(old, -1)
        return {old.cell, new.cell}

    def version(self, image_id: str) -> int:
        """The newest version known of an image's naming; 0 for an image never labelled."""
        known = self._known.get(image_id)
        return 0 if known is None else known.version

    def cell(self, capture: Capture) -> Cell:
        """The cell that an image belongs to."""
        cell = Cell(capture.camera, self._window_start(capture.captured_at))
        return self._cells.setdefault(cell, cell)  # one object for all its images

    def revision(self, cell: Cell) -> int:
        """The sum of its images' versions: rises with each change, and replays do not move it."""
        return self._revisions[cell]

    def counted(self, cell: Cell) -> CensusCounted:
        """The whole count of a cell."""
        return CensusCounted(
            camera=cell.camera,
            window_start=cell.window_start,
            window_s=self._window_s,
            counts=dict(sorted(self._counts[cell].items())),
            updated_at=now(),
        )

    def cells(self) -> Iterator[Cell]:
        """All cells that have or had an image."""
        yield from list(self._counts)

    def __len__(self) -> int:
        return len(self._known)

    def _add(self, known: _Known, sign: int) -> None:
        self._revisions[known.cell] += sign * known.version
        counts = self._counts[known.cell]
        if known.taxon is not None:
            counts[known.taxon] += sign
            if not counts[known.taxon]:
                del counts[known.taxon]

    def _window_start(self, captured_at: datetime | None) -> datetime | None:
        if captured_at is None:
            return None
        microseconds = to_microseconds(captured_at)
        start = microseconds - microseconds % (self._window_s * 1_000_000)
        return from_microseconds(max(start, _EARLIEST))  # the calendar's first window is short


def _counted_taxon(current: LabelCurrent) -> str | None:
    """Only validated names count: predictions and doubts are not observations."""
    naming = current.naming
    if naming.state is not LabelState.VALIDATED or naming.taxon is None:
        return None
    return sys.intern(naming.taxon)
