"""How fast the main job is, measured through its own API on a running stack.

    make run                                   # in one terminal; PLANKTON_CAMERA_RATE=0 is fairer
    python benchmarks/main_job.py FOLDER       # in another: a folder of cut-outs (PNG, JPEG, TIFF)

It sends the folder as a new camera and prints images a second from the first file sent to the last
one searchable, then the time of neighbour queries beside the same answer put together naively, one
metadata request per hit (for k up to 1,000).
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plankton_stream.adapters.embedding import HttpQueryEncoder
from plankton_stream.settings import load_settings

REPEATS = 5


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    settings = load_settings()
    api = f"{settings.web_url}/api/v1"
    camera = f"bench-{int(time.time())}"
    ingest(api, folder, camera)
    image_id = get(f"{api}/images?camera={camera}&limit=1")["images"][0]["image_id"]
    for k in (1, 100, 1_000, 10_000):
        neighbours(api, image_id, k)
    with urllib.request.urlopen(f"{api}/images/{image_id}/content") as response:
        content, content_type = response.read(), response.headers["Content-Type"]
    encoder = HttpQueryEncoder(settings.embed_endpoint)
    versions = get(f"{api}/encoders")["encoders"]
    (live,) = (one["encoder"] for one in versions if one["state"] == "live")
    seconds, _ = median_s(lambda: encoder.encode(content, content_type, live))
    print(f"query image embedded by the worker's endpoint: {seconds * 1000:.1f} ms (median)")
    print(f"capture to searchable, s: {get(f'{api}/stats')['capture_to_searchable_s']}")


def ingest(api: str, folder: Path, camera: str) -> None:
    """Send a folder and wait until all of it can be searched."""
    before = get(f"{api}/stats")["indexed"]
    start = time.perf_counter()
    command = [sys.executable, "-m", "plankton_stream", "camera", "folder", str(folder)]
    subprocess.run([*command, "--roi", "--again", "--camera", camera], check=True)
    sent_s = time.perf_counter() - start
    count = sum(1 for path in folder.rglob("*") if path.suffix.lower() in {".png", ".jpg", ".tif"})
    while get(f"{api}/stats")["indexed"] < before + count:
        time.sleep(0.2)
    seconds = time.perf_counter() - start
    print(f"ingest: {count} images, sent in {sent_s:.1f} s, searchable after {seconds:.1f} s")
    print(f"        {count / seconds:.0f} images/s")


def neighbours(api: str, image_id: str, k: int) -> None:
    """Time one query size, and the naive way beside it."""
    url = f"{api}/images/{image_id}/neighbours?k={k}"
    seconds, found = median_s(lambda: get(url)["neighbours"])
    line = f"k={k}: {len(found)} neighbours in {seconds * 1000:.0f} ms (median of {REPEATS})"
    if k <= 1_000:
        start = time.perf_counter()
        for neighbour in found:
            get(f"{api}/images/{neighbour['image_id']}")
        naive = seconds + time.perf_counter() - start
        line += f"; one request per hit takes {naive / seconds:.1f} times as long"
    print(line)


def median_s(call: Callable[[], Any]) -> tuple[float, Any]:
    """Median seconds of a call, after one to warm up, and what it gave."""
    result = call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def get(url: str) -> Any:
    """A JSON answer."""
    with urllib.request.urlopen(url) as response:
        return json.load(response)


if __name__ == "__main__":
    main()
