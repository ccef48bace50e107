"""The disk budget of a home: what each part takes, how fast it grows, and when it is spent."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plankton_stream.stack.home import Home

PARTS = ("images", "kafka", "milvus", "catalog", "encoders", "spool", "log")
"""What is measured: folders of a home, and the catalog's files."""

WARN_SHARE = 0.9
"""More than this of the budget is a warning."""
WARN_LEFT_S = 24 * 60 * 60.0
"""Less than this until it is spent, at the present rate, is one as well: time to react."""

_LOOK_EVERY_S = 60.0
_MOST_OF_THE_TIME = 50
"""A look may take a fiftieth of the time: there can be a million files."""
_KEPT_S = 24 * 60 * 60.0
_KEPT_LOOKS = 300
_LEAST_SPAN_S = 600.0
"""A rate over less than this says little: a new stack fills its files in steps."""
_WARN_AGAIN_S = 60 * 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """The disk at one moment: Unix time in s, and bytes by part."""

    at_s: float
    parts: Mapping[str, int]

    @property
    def used_bytes(self) -> int:
        """What all parts take."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a home stands against its budget.

    Attributes:
        budget_bytes: what it may take: the setting, or all that the disk has if that is less.
        bytes_per_day: how fast it grew over the last day, or since there are looks; None if they
            span less than ten minutes.
        seconds_left: until the budget is spent at that rate; None if it does not grow.
    """

    at_s: float
    parts: dict[str, int]
    used_bytes: int
    budget_bytes: int
    bytes_per_day: float | None
    seconds_left: float | None

    @property
    def warning(self) -> str | None:
        """What to say before the budget is spent; None while there is room."""
        share = self.used_bytes / max(1, self.budget_bytes)
        soon = self.seconds_left is not None and self.seconds_left < WARN_LEFT_S
        if share <= WARN_SHARE and not soon:
            return None
        return f"{self.line()}: delete a sample, lower PLANKTON_KAFKA_DISK_MB, or add a disk"

    def line(self) -> str:
        """The outlook for people."""
        share = self.used_bytes / max(1, self.budget_bytes)
        largest = sorted(self.parts.items(), key=lambda part: -part[1])
        parts = ", ".join(f"{name} {size / 1e9:.2f}" for name, size in largest if size >= 5e6)
        growth = "" if self.bytes_per_day is None else f"; {self.bytes_per_day / 1e9:+.2f} GB a day"
        left = "" if self.seconds_left is None else f", full in {_duration(self.seconds_left)}"
        return (
            f"{self.used_bytes / 1e9:.2f} of {self.budget_bytes / 1e9:.2f} GB ({share:.0%})"
            f"{f' ({parts})' if parts else ''}{growth}{left}"
        )

    def as_json(self) -> dict[str, Any]:
        """The outlook for scripts."""
        return asdict(self) | {"warning": self.warning}


def look(home: Home) -> Look:
    """Measure what each part takes on the disk; what is made or deleted meanwhile does no harm."""
    found = {name: _folder_bytes(home.root / name) for name in PARTS if name != "catalog"}
    found["catalog"] = sum(_file_bytes(path) for path in home.root.glob("catalog.sqlite*"))
    return Look(time.time(), found)


def outlook(looks: list[Look], *, budget_mb: int, free_bytes: int) -> Outlook:
    """What looks, the oldest first and at least one, say of the budget.

    Args:
        looks: at most of the last day.
        budget_mb: of the setting; 0: all of the disk.
        free_bytes: what the disk has left.
    """
    first, last = looks[0], looks[-1]
    whole_disk = last.used_bytes + free_bytes
    budget = min(budget_mb * 1_000_000 or whole_disk, whole_disk)
    span_s = last.at_s - first.at_s
    rate = (last.used_bytes - first.used_bytes) / span_s if span_s >= _LEAST_SPAN_S else None
    left_s = max(0.0, (budget - last.used_bytes) / rate) if rate and rate > 0 else None
    return Outlook(
        at_s=last.at_s, parts=dict(last.parts), used_bytes=last.used_bytes, budget_bytes=budget,
        bytes_per_day=None if rate is None else rate * 86_400, seconds_left=left_s,
    )  # fmt: skip


def read_outlook(home: Home, budget_mb: int) -> Outlook | None:
    """What `DiskWatch` saw last; None if it never looked."""
    looks = _read(home)
    if not looks:
        return None
    return outlook(looks, budget_mb=budget_mb, free_bytes=_free_bytes(home))


class DiskWatch:
    """Looks at a home's disk once a minute, keeps a day of looks, and warns in time."""

    def __init__(
        self, home: Home, budget_mb: int, warn: Callable[[str], None],
        tell: Callable[[Outlook], None] = lambda _outlook: None,
    ) -> None:  # fmt: skip
        """Read the looks of the last day.

        Args:
            home: whose disk it is.
            budget_mb: of the setting; 0: all of the disk.
            warn: gets a line once an hour while room is short.
            tell: gets every look's outlook.
        """
        self._home, self._budget_mb, self._warn, self._tell = home, budget_mb, warn, tell
        self._looks = _read(home)
        self._warned_s = -_WARN_AGAIN_S

    def run(self, stop: threading.Event) -> None:
        """Look until `stop` is set."""
        while True:
            began_s = time.monotonic()
            self.step()
            took_s = time.monotonic() - began_s
            if stop.wait(max(_LOOK_EVERY_S, _MOST_OF_THE_TIME * took_s)):
                return

    def step(self) -> Outlook:
        """One look, written down; a warning is said once an hour."""
        self._looks = _thinned([*self._looks, look(self._home)])
        _write(self._home, self._looks)
        found = outlook(self._looks, budget_mb=self._budget_mb, free_bytes=_free_bytes(self._home))
        if found.warning is None:
            self._warned_s = -_WARN_AGAIN_S
        elif time.monotonic() - self._warned_s >= _WARN_AGAIN_S:
            self._warned_s = time.monotonic()
            self._warn(f"disk: {found.warning}")
        self._tell(found)
        return found


def _thinned(looks: list[Look]) -> list[Look]:
    """Those of the last day; every second one is dropped when they are too many."""
    kept = [one for one in looks if looks[-1].at_s - one.at_s <= _KEPT_S]
    return kept if len(kept) <= _KEPT_LOOKS else [*kept[:-1:2], kept[-1]]


def _folder_bytes(folder: Path) -> int:
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        # Blocks, not length: Kafka reserves its index files and leaves them empty.
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:  # gone meanwhile
            continue
    return total


def _file_bytes(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0


def _free_bytes(home: Home) -> int:
    return shutil.disk_usage(home.root).free


def _path(home: Home) -> Path:
    return home.root / "disk.json"


def _read(home: Home) -> list[Look]:
    try:
        found = json.loads(_path(home).read_text(encoding="utf-8"))
        return [Look(float(at_s), dict(parts)) for at_s, parts in found]
    except (OSError, ValueError, TypeError):
        return []


def _write(home: Home, looks: list[Look]) -> None:
    fresh = _path(home).with_suffix(".new")
    try:
        fresh.write_text(json.dumps([[one.at_s, one.parts] for one in looks]), encoding="utf-8")
        fresh.replace(_path(home))
    except OSError:  # the disk is full: the warning matters more than the history
        fresh.unlink(missing_ok=True)


def _duration(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
