"""How a process of the local stack tells `plankton up` that it serves."""

import os
from pathlib import Path

READY_FILE = "PLANKTON_READY_FILE"
"""Variable that `plankton up` sets for each process; it is no setting, nobody else needs it."""


def announce_ready(pid: int | None = None) -> None:
    """Tell whoever started this process that it is in its loop; does nothing without a listener.

    Args:
        pid: the process that was started, where a child of it serves. None: this process.
    """
    path = os.environ.get(READY_FILE)
    if path:
        Path(path).write_text(str(pid or os.getpid()), encoding="ascii")


def has_announced(path: Path, pid: int) -> bool:
    """Whether the process with this pid, not a predecessor of it, has announced itself."""
    try:
        return path.read_text(encoding="ascii") == str(pid)
    except OSError:
        return False
