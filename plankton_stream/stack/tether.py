"""`python tether.py COMMAND…` runs the command and has it stopped when its parent dies.

Without this, killing `plankton up` or a test run outright leaves a Java broker and a Milvus behind.
The kernel remembers the wish across `exec`, so nothing of this program stays. Run as a script, with
nothing imported but the standard library: it is on the way of every start. Linux only; elsewhere it
just runs the command, and `plankton down` cleans up.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Become `argv`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # Milvus 2.3 ends a clean stop with an abort: no need to keep a core file of that.
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    os.execv(argv[0], argv)  # noqa: S606  (no shell is what is wanted)


if __name__ == "__main__":
    main(sys.argv[1:])
