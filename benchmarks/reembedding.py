"""Another encoder takes over a running stack: how long it takes, what is lost.

    PLANKTON_CAMERA_RATE=0 make run             # in one terminal
    python benchmarks/reembedding.py            # in another: 10,000 drawn cut-outs, or a FOLDER

It sends the cut-outs, lets a simulated camera send 6 frames a second, searches by image and by
upload without a pause, and measures that for a while. Then it publishes an encoder (by default the
compact one with random weights: the work is the same), kills a second embed worker and the versions
worker in the middle (kill -9), waits until the new version is live, counts what is missing in it,
and rolls back.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from main_job import get, ingest

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog
from plankton_stream.settings import Settings, load_settings
from plankton_stream.stack.ports import free_ports
from plankton_stream.versions import EncoderVersion, VersionState

PLANKTON = (sys.executable, "-m", "plankton_stream")
BEFORE_S = 30.0
FRAMES_PER_S = 6


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=10_000, help="Drawn cut-outs, without FOLDER.")
    parser.add_argument("--encoder", default="compact")
    parser.add_argument("--weights", default="random")
    given = parser.parse_args()
    settings = load_settings()
    camera = f"bench-{int(time.time())}"
    with tempfile.TemporaryDirectory(prefix="plankton-bench-") as temporary:
        folder = given.folder or drawn(Path(temporary) / "drawn", given.count)
        ingest(f"{settings.web_url}/api/v1", folder, camera)
        second = embed_worker(settings, Path(temporary))
        live = subprocess.Popen(
            [
                *PLANKTON,
                "camera",
                "simulated",
                "--camera",
                "bench-live",
                "--rate",
                str(FRAMES_PER_S),
            ]
        )
        try:
            take_over(settings, camera, given, second)
        finally:
            live.kill()
            second.kill()


def take_over(
    settings: Settings, camera: str, given: argparse.Namespace, second: "subprocess.Popen[bytes]"
) -> None:
    """Publish, kill, wait, count, and roll back."""
    catalog = Catalog(settings.catalog_url)
    searches = Searches(f"{settings.web_url}/api/v1", camera)
    try:
        time.sleep(BEFORE_S)
        searches.report("before")
        old = one(catalog, is_live)
        start = time.perf_counter()
        published = [*PLANKTON, "encoder", "publish", given.encoder, "--weights", given.weights]
        subprocess.run(published, check=True)
        new = one(catalog, lambda v: v.filling)
        index = index_of(settings, new)
        until(lambda: index.count() > catalog.images.count() / 3)
        second.kill()
        os.kill(pid_of("versions"), signal.SIGKILL)
        print(f"kill -9 of an embed worker and the versions worker at {index.count()} images")
        until(lambda: is_live(one(catalog, lambda v: v.encoder == new.encoder)))
        seconds = time.perf_counter() - start
        done = catalog.images.count()
        print(f"{new.encoder} live after {seconds:.0f} s: {done / seconds:.0f} of {done} images/s")
        searches.report("during")
        count_missing(catalog, index)
        start = time.perf_counter()
        subprocess.run([*PLANKTON, "encoder", "rollback"], check=True)
        until(lambda: is_live(one(catalog, lambda v: v.encoder == old.encoder)))
        print(f"rolled back after {time.perf_counter() - start:.1f} s")
        searches.report("roll back")
        count_missing(catalog, index_of(settings, old))
    finally:
        searches.stop()


class Searches:
    """One person who searches by image and by upload, again and again."""

    def __init__(self, api: str, camera: str) -> None:
        image_id = get(f"{api}/images?camera={camera}&limit=1")["images"][0]["image_id"]
        self._api, self._image_id = api, image_id
        self._picture = httpx.get(f"{api}/images/{image_id}/content").content
        self._stop = threading.Event()
        self._times_s: list[float] = []
        self._failed: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        by_image = f"{self._api}/images/{self._image_id}/neighbours?k=100"
        calls: list[Callable[[], httpx.Response]] = [
            lambda: httpx.get(by_image, timeout=30),
            lambda: httpx.post(
                f"{self._api}/search", files={"image": ("a", self._picture)}, timeout=30
            ),
        ]
        while not self._stop.wait(0.02):
            for call in calls:
                start = time.perf_counter()
                try:
                    answer = call()
                except httpx.HTTPError as error:  # refused, broken off, or not within 30 s
                    self._failed[f"{type(error).__name__}: {error}"] += 1
                    continue
                finally:
                    self._times_s.append(time.perf_counter() - start)
                if not answer.is_success or len(answer.json()["neighbours"]) < 100:
                    self._failed[answer.text[:200]] += 1

    def report(self, phase: str) -> None:
        """Print what happened since the last report."""
        times_ms, self._times_s = [1000 * s for s in self._times_s], []
        failed, self._failed = self._failed, Counter()
        cuts = statistics.quantiles(times_ms, n=20)
        print(
            f"searches {phase}: {len(times_ms)}, failed {failed.total()}, p50 {cuts[9]:.0f} ms, "
            f"p95 {cuts[18]:.0f} ms, longest {max(times_ms):.0f} ms"
        )
        for text, count in failed.items():
            print(f"    {count} x {text}")

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()


def count_missing(catalog: Catalog, index: MilvusIndex) -> None:
    """Print how many images of the catalog the index lacks; those of this moment get a second."""
    ids = set(catalog.images.ids())
    time.sleep(1.0)
    found = Counter(index.ids())
    print(f"{index.encoder}: {len(ids - set(found))} of {len(ids)} images are missing")
    print(f"    {sum(count > 1 for count in found.values())} are there twice")


def one(catalog: Catalog, which: Callable[[EncoderVersion], bool]) -> EncoderVersion:
    """The one version of which something is true."""
    (found,) = (version for version in catalog.encoders.all() if which(version))
    return found


def is_live(version: EncoderVersion) -> bool:
    """Whether it is searched now."""
    return version.state is VersionState.LIVE


def index_of(settings: Settings, version: EncoderVersion) -> MilvusIndex:
    """A version's index."""
    return MilvusIndex(
        settings.milvus_uri,
        encoder=version.encoder,
        dimension=version.dimension,
        token=settings.milvus_token,
    )


def embed_worker(settings: Settings, folder: Path) -> "subprocess.Popen[bytes]":
    """A second one, which shares the work and can be killed: uploads go to the first."""
    ready = folder / "ready"
    (port,) = free_ports(1, start=settings.embed_port + 100)
    own = {"PLANKTON_READY_FILE": str(ready), "PLANKTON_EMBED_PORT": str(port)}
    run = subprocess.Popen([*PLANKTON, "worker", "embed"], env=os.environ | own)
    until(ready.exists)
    return run


def pid_of(process: str) -> int:
    """Pid of a process of the running stack."""
    said = subprocess.run([*PLANKTON, "status", "--json"], capture_output=True, check=True).stdout
    processes: list[dict[str, Any]] = json.loads(said)["processes"]
    return next(int(p["pid"]) for p in processes if p["name"] == process)


def drawn(folder: Path, count: int) -> Path:
    """A folder of ellipses, no two alike."""
    folder.mkdir()
    dice = np.random.default_rng(1)
    for number in range(count):
        pixels = np.full((64, 80), 200, np.uint8)
        axes = tuple(int(axis) for axis in dice.integers(5, 28, 2))
        cv2.ellipse(pixels, (40, 32), axes, int(dice.integers(180)), 0, 360, 60, -1)
        noisy = np.clip(pixels + dice.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:06d}.png"), noisy)
    return folder


def until(true: Callable[[], bool]) -> None:
    """Wait for something, however long it takes."""
    while not true():
        time.sleep(0.2)


if __name__ == "__main__":
    main()
