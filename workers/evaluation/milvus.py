"""Milvus' indexes among the search methods, on a server that runs, or on one started for it."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plankton_stream.adapters.milvus import ping
from plankton_stream.adapters.milvus.index import GRAPH, MIN_EF
from plankton_stream.adapters.milvus.trial import TrialCollection, TrialIndex
from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.settings import Settings
from plankton_stream.stack import vectors
from plankton_stream.stack.ports import free_ports
from plankton_stream.stack.process import Process, last_words
from plankton_stream.stack.toolchain import Say
from workers.evaluation.methods import Method

_FIRST_PORT = 29_530  # away from the stack's own Milvus, which may run beside
_POLL_S = 0.2
_FLOAT_BYTES = _LINK_BYTES = _ID_BYTES = 4

_LISTS = 128
_PROBED = 16

HNSW = TrialIndex("HNSW", GRAPH, lambda k: {"ef": max(k, MIN_EF)})
"""The graph, with the product's parameters."""

IVF = TrialIndex("IVF_FLAT", {"nlist": _LISTS}, lambda _: {"nprobe": _PROBED})
"""Vectors in clusters, of which the nearest are searched."""


@contextmanager
def milvus_methods(
    settings: Settings, gallery: NDArray[np.float32], say: Say
) -> Iterator[list[Method]]:
    """HNSW and IVF over a gallery in a real Milvus, for as long as the block runs.

    Args:
        settings: PLANKTON_MILVUS names the server; if empty, one is started in a temporary folder.
        gallery: (g, d) float32, unit length.
        say: gets one line of progress at a time.

    Raises:
        ConfigError: the embedded server is not here or does not start.
        RetryableError: the server does not answer.
    """
    width = gallery.shape[1] * _FLOAT_BYTES
    kinds = [
        # Below its few upper levels a graph of HNSW has 2·M links to a vector.
        (f"Milvus HNSW, M {GRAPH['M']}, ef {MIN_EF}", HNSW, width + 2 * GRAPH["M"] * _LINK_BYTES),
        (f"Milvus IVF_FLAT, {_PROBED} of {_LISTS} lists", IVF, width + _ID_BYTES),
    ]
    with ExitStack() as stack:
        uri = settings.milvus or stack.enter_context(_server(say))
        methods = []
        for name, index, size in kinds:
            trial = TrialCollection(uri, gallery, index, token=settings.milvus_token)
            methods.append(Method(name, "index", None, size, stack.enter_context(trial).search))
        yield methods


@contextmanager
def _server(say: Say) -> Iterator[str]:
    """URI of a Milvus that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="plankton-milvus-") as temporary:
        folder = Path(temporary)
        port = free_ports(1, start=_FIRST_PORT)[0]
        process = vectors.milvus(folder, port=port, programs=vectors.binaries(say))
        uri, log = f"http://127.0.0.1:{port}", folder / "milvus.log"
        say("milvus: starting a server for the comparison")
        with log.open("ab") as output:
            run = subprocess.Popen(  # noqa: S603
                process.tethered_argv, env={**os.environ, **process.env}, cwd=process.cwd,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            _wait_ready(process, run, uri, log)
            yield uri
        finally:
            run.terminate()
            with suppress(subprocess.TimeoutExpired):
                run.wait(process.stop_s)
            run.kill()
            run.wait()


def _wait_ready(process: Process, run: "subprocess.Popen[bytes]", uri: str, log: Path) -> None:
    deadline = time.monotonic() + process.start_s
    while not (process.is_ready(run.pid) and _answers(uri)):
        if run.poll() is not None or time.monotonic() > deadline:
            raise ConfigError(f"Milvus did not start. {last_words(log)}")
        time.sleep(_POLL_S)


def _answers(uri: str) -> bool:
    """Whether a client gets through: a busy machine's server is healthy a while before."""
    try:
        ping(uri)
    except RetryableError:
        return False
    return True
