"""Working through an archive: what is known is left out, and a bar shows how far it is."""

import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from producers.archive import Archive
from producers.journal import Journal
from producers.source import Item, lost_of
from producers.totals import Totals

_LOOK_EVERY_S = 0.2


class Backfill:
    """An archive as a `Source` that leaves out what its journal knows, with a bar on a terminal."""

    keeps = True

    def __init__(self, archive: Archive, journal: Journal) -> None:
        self.camera = archive.camera
        self.idle_s = archive.idle_s
        self.lost = lost_of(archive)  # grows with the archive's
        self._archive, self._journal = archive, journal

    def __iter__(self) -> Iterator[Item | None]:
        """See `Source`."""
        items = self._journal.unsent(self._archive)
        if self._archive.total and sys.stderr.isatty():
            return self._with_bar(items)
        return items

    def _with_bar(self, items: Iterator[Item | None]) -> Iterator[Item | None]:
        taken, began, looked = 0, time.monotonic(), 0.0
        with _bar() as bar:
            task = bar.add_task(self.camera, total=self._archive.total, rate="")
            for item in items:
                yield item
                taken += item is not None
                now = time.monotonic()
                if now - looked > _LOOK_EVERY_S:
                    looked, rate = now, f"{taken / max(now - began, 1e-3):.0f} images/s"
                    bar.update(task, completed=self._archive.done, rate=rate)
            bar.update(task, completed=self._archive.total)


def _bar() -> Progress:
    # On stderr: what a command prints is for programs too.
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    return Progress(*columns, console=Console(stderr=True))


def summary(archive: Archive, journal: Journal, totals: Totals, seconds: float) -> str:
    """One line on what became of an archive's files and images."""
    counts = archive.counts
    not_sent = {
        "known already": journal.skipped,
        "skipped (no images)": counts["skipped"],
        "unreadable": counts["unreadable"],
        "refused": counts["refused"] + totals.refused,
        "not decoded": counts["missed"],
        "ROIs refused": counts["rois_refused"],
        "not confirmed": totals.seen - totals.sent - totals.dropped,
    }
    rest = "".join(f", {number} {what}" for what, number in not_sent.items() if number)
    files = sum(counts[name] for name in ("taken", "skipped", "unreadable", "refused"))
    unit = archive.unit.removesuffix("s") if files == 1 else archive.unit
    per_s = totals.sent / seconds if seconds > 0 else 0.0
    what = f"{files} {unit} of camera {archive.camera}"
    return f"{what}: {totals.sent} sent{rest}; {seconds:.1f} s, {per_s:.1f} images/s"


def is_complete(archive: Archive, totals: Totals) -> bool:
    """Whether all that the archive has is in Kafka."""
    counts = archive.counts
    left = counts["unreadable"] + counts["refused"] + counts["rois_refused"]
    return not left and totals.seen == totals.sent
