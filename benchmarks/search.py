"""The ways to search, side by side: what they find, how fast, and what Milvus keeps in memory.

    python benchmarks/search.py [--images 100000] [--vectors FILE.npz] [--queries 100]

Starts a Milvus server of its own in a temporary folder and fills it with synthetic clustered
vectors, or with those of a file (`vectors`, float32 (n, d), L2-normalised). The truth is the exact
cosine, by NumPy; recall@k is the share of the k truly nearest among the first k found. Memory is
the server's own (anonymous) and that of files it has mapped, after a restart and all searches.
"""

import re
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer
from pymilvus import MilvusClient

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.codes import BITS
from plankton_stream.domain import Capture, Image, image_id
from plankton_stream.errors import RetryableError
from plankton_stream.ports import Metric, Vector
from plankton_stream.stack import vectors as milvus
from plankton_stream.stack.ports import free_ports

ENCODER = "benchmark"
AT = datetime(2026, 6, 1, tzinfo=UTC)
PATIENCE_S = 3_600.0
T = TypeVar("T")


def main(
    *,
    images: Annotated[int, typer.Option(help="How many synthetic vectors.")] = 100_000,
    vectors: Annotated[Path | None, typer.Option(help="An .npz with `vectors` instead.")] = None,
    queries: Annotated[int, typer.Option(help="How many of them are searched for.")] = 100,
) -> None:
    """Print a table of methods, and the server's memory in each layout."""
    stored = clustered(images) if vectors is None else np.load(vectors)["vectors"]
    asked = np.random.default_rng(1).choice(len(stored), queries, replace=False)
    names = [image(number).image_id for number in range(len(stored))]
    truth = np.argsort(-(stored[asked] @ stored.T), axis=1, kind="stable")[:, :100]
    dimension = stored.shape[1]
    graph, code = 4 * dimension + 4 * 2 * 16, BITS // 8  # HNSW: 2 · M links at the lowest level
    print(f"{len(stored):,} vectors of {dimension}")
    print("| method | recall@10 | recall@100 | k = 10, ms | k = 100, ms | bytes an image |")
    print("|---|---|---|---|---|---|")
    notes = []
    for kept, candidates, ways in (
        ("in memory", 0, [("cosine, HNSW", Metric.COSINE, 0, graph),
                          ("hamming", Metric.HAMMING, 0, code)]),
        ("on disk", 1_000, [(f"two stages, {n}", Metric.COSINE, n, code)
                            for n in (200, 1_000, 4_000)]),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="plankton-benchmark-") as name:
            with running(Path(name)) as (uri, pid):
                notes.append(f"an empty server: {memory(pid)}")
                notes.append(f"vectors {kept}: {fill(uri, stored, candidates)}")
            with running(Path(name)) as (uri, pid):
                for label, metric, least, held in ways:
                    index = opened(uri, dimension, least)
                    found = measured(index, stored[asked], metric, names, truth)
                    print(f"| {label} | {found} | {held} |", flush=True)
                    index.close()
                notes.append(f"searched so: {memory(pid)}")
    print("\n".join(notes))


def clustered(number: int, dimension: int = 256) -> Vector:
    """Unit vectors around 500 centres, spread in 32 directions; float32 (number, dimension)."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(500, dimension)).astype(np.float32)
    directions = rng.normal(size=(32, dimension)).astype(np.float32) / np.sqrt(32)
    spread = rng.normal(size=(number, 32)).astype(np.float32) @ directions
    some = centres[rng.integers(500, size=number)] + spread
    return np.asarray(some / np.linalg.norm(some, axis=1, keepdims=True))


def image(number: int) -> Image:
    """Image number so-and-so."""
    capture = Capture(camera="benchmark", captured_at=AT)
    return Image(
        image_id=image_id(capture, str(number), None), capture=capture, frame_key=str(number),
        content_type="image/png", byte_size=1, sha256="0" * 64, width_px=1, height_px=1,
        encoder=ENCODER, indexed_at=AT,
    )  # fmt: skip


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, int]]:
    """A Milvus server on a folder: its URI and pid."""
    (port,) = free_ports(1, start=25_000)
    process = milvus.milvus(folder, port=port, programs=milvus.binaries(print))
    with (folder / "milvus.log").open("ab") as output:
        run = subprocess.Popen(
            process.argv, env=dict(process.env), cwd=process.cwd, stdout=output, stderr=output
        )
    try:
        patiently(lambda: process.is_ready(run.pid) or None)
        yield f"http://127.0.0.1:{port}", run.pid
    finally:
        run.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            run.wait(process.stop_s)
        run.kill()
        run.wait()


def fill(uri: str, stored: Vector, candidates: int) -> str:
    """Write all vectors, flushed and indexed as on a server that runs for long; how fast."""
    index = opened(uri, stored.shape[1], candidates)
    start = time.perf_counter()
    for first in range(0, len(stored), 10_000):
        rows = range(first, min(first + 10_000, len(stored)))
        index.upsert([image(row) for row in rows], stored[rows.start : rows.stop])
    written_s = time.perf_counter() - start
    index.close()
    client = MilvusClient(uri=uri)
    for name in client.list_collections():
        client.flush(name)
        (made,) = client.list_indexes(name)
        patiently(partial(_is_built, client, name, made))
    client.close()
    indexed_s = time.perf_counter() - start
    rate = len(stored) / written_s
    return f"{rate:,.0f} images/s written with codes, all indexed after {indexed_s:.0f} s"


def opened(uri: str, dimension: int, candidates: int) -> MilvusIndex:
    """The index, when Milvus has it ready."""

    def attempt() -> MilvusIndex | None:
        with suppress(RetryableError):
            return MilvusIndex(uri, encoder=ENCODER, dimension=dimension, candidates=candidates)
        return None

    return patiently(attempt)


def measured(
    index: MilvusIndex, asked: Vector, metric: Metric, names: list[str], truth: np.ndarray
) -> str:
    """Recall and milliseconds (median) of a way to search, as cells of the table."""
    recalls, times = [], []
    for k in (10, 100):
        spent, shares = [], []
        patiently(partial(_finds, index, asked[0], k, metric))
        for vector, nearest in zip(asked, truth, strict=True):
            start = time.perf_counter()
            hits = index.search(vector, k, metric=metric)
            spent.append(1_000 * (time.perf_counter() - start))
            true = {names[row] for row in nearest[:k]}
            shares.append(len(true & {hit.image_id for hit in hits}) / k)
        recalls.append(f"{statistics.mean(shares):.3f}")
        times.append(f"{statistics.median(spent):.1f}")
    return " | ".join([*recalls, *times])


def memory(pid: int) -> str:
    """What a process holds: its own memory, and files that it has mapped."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    own, files = (
        int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) // 1_024
        for name in ("RssAnon", "RssFile")
    )
    return f"{own} MB of its own, {files} MB of files"


def _is_built(client: MilvusClient, collection: str, index: str) -> bool | None:
    return client.describe_index(collection, index)["pending_index_rows"] == 0 or None


def _finds(index: MilvusIndex, vector: Vector, k: int, metric: Metric) -> bool | None:
    return len(index.search(vector, k, metric=metric)) == k or None


def patiently(attempt: Callable[[], T | None]) -> T:
    """What an attempt gives as soon as it gives something."""
    deadline = time.monotonic() + PATIENCE_S
    while (result := attempt()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Milvus was not ready within {PATIENCE_S:.0f} s")
        time.sleep(0.5)
    return result


if __name__ == "__main__":
    typer.run(main)
