"""What a spool costs a camera: ours, beside SQLite and beside a file for each frame.

    python benchmarks/spool.py [FOLDER]         # a folder on the disk to be measured

Each frame (220 kB, as the simulated camera's) is put in; then either taken out at once, as while
Kafka is well, or all of them at the end, as when it is back.
"""

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from plankton_stream.events.envelope import Message
from producers.spool import Spool

FRAMES = 2_000
DATA = os.urandom(220_000)
BATCH = 64

Pair = tuple[Callable[[int], object], Callable[[], int]]


def segments(folder: Path) -> Pair:
    """The project's spool."""
    spool = Spool(folder, limit_bytes=10**10)

    def take() -> int:
        batch = spool.batch(BATCH, 8 * 1024 * 1024)
        spool.confirm(batch)
        return len(batch)

    return lambda n: spool.append(n, Message("t", "k", DATA, ())), take


def sqlite(folder: Path) -> Pair:
    """A table in WAL mode, synchronous=NORMAL: as safe against a kill."""
    database = sqlite3.connect(folder / "spool.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE spool (number INTEGER PRIMARY KEY, body BLOB)")

    def take() -> int:
        rows = database.execute(f"SELECT * FROM spool ORDER BY number LIMIT {BATCH}").fetchall()
        if rows:
            database.execute("DELETE FROM spool WHERE number <= ?", (rows[-1][0],))
        return len(rows)

    return lambda n: database.execute("INSERT INTO spool VALUES (?, ?)", (n, DATA)), take


def files(folder: Path) -> Pair:
    """A file for each frame, renamed when it is whole."""

    def put(number: int) -> None:
        part = folder / "part"
        part.write_bytes(DATA)
        part.rename(folder / f"{number:012d}")

    def take() -> int:
        paths = sorted(folder.iterdir())[:BATCH]
        for path in paths:
            path.read_bytes()
            path.unlink()
        return len(paths)

    return put, take


def main() -> None:
    """Measure all three."""
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"{'':10}{'at once, CPU ms':>22}{'in, ms':>10}{'out, ms':>10}")
    for make in (segments, sqlite, files):
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            put, take = make(Path(folder))
            at_once = milliseconds(lambda: [(put(n), take()) for n in range(1, FRAMES + 1)])  # noqa: B023
            later = range(FRAMES + 1, 2 * FRAMES + 1)
            into = milliseconds(lambda: [put(n) for n in later])  # noqa: B023
            out = milliseconds(lambda: list(iter(take, 0)))  # noqa: B023
        print(f"{make.__name__:10}{at_once:22.2f}{into:10.2f}{out:10.2f}")


def milliseconds(work: Callable[[], object]) -> float:
    """CPU time per frame, the kernel's included: waiting depends on what else the machine does."""
    began_s = time.process_time()
    work()
    return (time.process_time() - began_s) / FRAMES * 1000


if __name__ == "__main__":
    main()
