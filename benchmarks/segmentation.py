"""How well and how fast frames are cut.

`python benchmarks/segmentation.py` draws frames; with FlowCam frames beside their true boxes in
`$PLANKTON_TEST_DATA/flowcam_frames` (`boxes.csv`: frame,…,x,y,width,height) it measures those too.
A box is right when it is matched, one to one, to a true one with IoU of at least 0.5.
"""

import argparse
import csv
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from plankton_stream.domain import Box
from plankton_stream.images import Pixels, decode
from plankton_stream.segmentation import Segmenter
from producers.simulated.scene import SimulatedScene

Frames = Iterable[tuple[str, Pixels]]
Truth = dict[str, list[Box]]

_FULL_SIZE = (1920, 1200)


def main() -> None:
    """Print recall and precision, then the speed on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100, help="drawn for each field and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102])
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    folder = Path(os.environ.get("PLANKTON_TEST_DATA", "absent"), "flowcam_frames")
    if (folder / "boxes.csv").exists():
        _flowcam(folder)
    else:
        print("FlowCam: no frames in $PLANKTON_TEST_DATA/flowcam_frames")
    for field in ("bright", "dark"):
        for seed in arguments.seeds:
            _simulated(field, seed, arguments.frames)
    files = sorted(folder.glob("*.jpg"))
    encoded = [path.read_bytes() for path in files] or _drawn_jpegs(40)
    _speed(encoded)


def scores(truth: Truth, found: Truth) -> tuple[float, float]:
    """Recall and precision, 0…1."""
    hits = sum(matches(boxes, found.get(frame, [])) for frame, boxes in truth.items())
    wanted, given = (sum(map(len, boxes.values())) for boxes in (truth, found))
    return hits / max(1, wanted), hits / max(1, given)


def matches(truth: Sequence[Box], found: Sequence[Box]) -> int:
    """Pairs of true and found boxes with IoU of at least 0.5, best pairs first, each box once."""
    pairs = sorted(
        ((iou(a, b), i, j) for i, a in enumerate(truth) for j, b in enumerate(found)), reverse=True
    )
    used: tuple[set[int], set[int]] = (set(), set())
    for value, i, j in pairs:
        if value >= 0.5 and i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
    return len(used[0])


def iou(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    shared = max(0, width) * max(0, height)
    return shared / (a.width * a.height + b.width * b.height - shared)


def read_truth(folder: Path) -> Truth:
    """True boxes by frame, of `boxes.csv`."""
    truth: Truth = defaultdict(list)
    with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            truth[row["frame"]].append(Box(*(int(row[k]) for k in ("x", "y", "width", "height"))))
    return truth


def _flowcam(folder: Path) -> None:
    truth = read_truth(folder)
    frames = ((p.name, decode(p.read_bytes(), "image/jpeg")) for p in sorted(folder.glob("*.jpg")))
    found = _cut(frames)
    names = sorted(found)
    halves = {"all": names, "even (tuned on)": names[::2], "odd": names[1::2]}
    for label, some in halves.items():
        part = [{name: boxes.get(name, []) for name in some} for boxes in (truth, found)]
        _print(f"FlowCam, {label}", len(some), *part)


def _simulated(field: str, seed: int, count: int) -> None:
    scene = SimulatedScene(seed, field=field)  # type: ignore[arg-type]
    drawn = [scene.frame(number) for number in range(count)]
    truth = {
        str(n): [Box(s.x, s.y, s.width, s.height) for s in frame.truth]
        for n, frame in enumerate(drawn)
    }
    found = _cut((str(n), frame.image) for n, frame in enumerate(drawn))
    _print(f"simulated, {field}, seed {seed}", count, truth, found)


def _cut(frames: Frames) -> Truth:
    segmenter = Segmenter()
    return {name: list(segmenter.segment(pixels).boxes) for name, pixels in frames}


def _print(what: str, frames: int, truth: Truth, found: Truth) -> None:
    recall, precision = scores(truth, found)
    boxes = sum(map(len, truth.values()))
    print(
        f"{what}: {frames} frames, {boxes} boxes, recall {recall:.4f}, precision {precision:.4f}",
        flush=True,
    )


def _speed(encoded: Sequence[bytes]) -> None:
    """Frames a second on one core, by the CPU time, which other processes don't change."""
    segmenter = Segmenter()
    decoding, cutting, wall = [], [], []
    for data in encoded:
        begin = time.process_time()
        pixels = decode(data, "image/jpeg")
        decoded, at = time.process_time(), time.perf_counter()
        segmenter.segment(pixels)
        cutting.append(time.process_time() - decoded)
        wall.append(time.perf_counter() - at)
        decoding.append(decoded - begin)
    cut, decode_s = np.mean(cutting), np.mean(decoding)
    height, width = pixels.shape[:2]
    print(f"{len(encoded)} JPEG frames of {width} x {height}, one thread, mean CPU time:")
    print(f"  cutting alone      {1e3 * cut:6.2f} ms, {1 / cut:6.1f} frames/s")
    print(f"  decoding alone     {1e3 * decode_s:6.2f} ms")
    both = cut + decode_s
    print(f"  decoding, cutting  {1e3 * both:6.2f} ms, {1 / both:6.1f} frames/s")
    print(f"  cutting, by the clock (other processes too) {1e3 * np.mean(wall):.2f} ms")


def _drawn_jpegs(count: int) -> list[bytes]:
    scene = SimulatedScene(1, *_FULL_SIZE)
    return [cv2.imencode(".jpg", scene.frame(n).image)[1].tobytes() for n in range(count)]


if __name__ == "__main__":
    main()
