"""How many live cameras a running stack carries, and what limits it.

    PLANKTON_CAMERA_RATE=0 make run             # in one terminal
    python benchmarks/many_cameras.py           # in another: 20 cameras, 6 frames/s, 10 minutes

All cameras are threads of one process of their own, which publishes as `plankton camera` does, with
a spool each. The frames are drawn before the clock starts and then shown again and again, each with
a key and a time of its own: drawing costs more than everything behind it, and is not the subject. A
frame holds one specimen on average; with `--rois` cut-outs are published instead, as by an
instrument that cuts for itself.

It prints what was carried, the lag of the workers, the CPU of each part in cores, and compares for
each camera what was given, sent, cut, indexed and can be found in Milvus.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle
from typing import Any

import cv2
import psutil

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Capture, Frame, Roi, image_id
from plankton_stream.events import topics
from plankton_stream.events.envelope import now
from plankton_stream.ports import ImageFilter
from plankton_stream.settings import Settings, load_settings
from plankton_stream.stack.home import Home
from plankton_stream.stack.status import status
from producers.running import publish_camera
from producers.simulated.scene import SimulatedScene

WATCHED = ((topics.SEGMENT_GROUP, topics.FRAMES), (topics.EMBED_GROUP, topics.ROIS))
DRAWN = 60
LOOK_EVERY_S = 5.0
ALL_DONE_WITHIN_S = 3600.0
IDS_AT_ONCE = 10_000


# -- the cameras: a process of its own ---------------------------------------------------------


@dataclass
class Loop:
    """A live camera that shows the same pictures again and again.

    Attributes:
        over: set when it is to end; then what it has spooled is sent.
        given: frames so far.
    """

    camera: str
    pictures: list[bytes]
    as_rois: bool
    over: threading.Event
    keeps: bool = False
    idle_s: float = 1.0
    given: int = 0

    def __iter__(self) -> Iterator[Frame | Roi]:
        for number, data in zip(count(), cycle(self.pictures)):
            if self.over.is_set():
                return
            self.given += 1
            capture = Capture(camera=self.camera, captured_at=now(), live=True)
            if self.as_rois:
                yield Roi(capture, key(number), None, "image/jpeg", data)
            else:
                yield Frame(capture, key(number), "image/jpeg", data)


def key(number: int) -> str:
    """Names a frame."""
    return f"{number:07d}"


def drawn(as_rois: bool) -> list[bytes]:
    """Frames with one specimen on average, or the specimens cut out of such frames."""
    scene = SimulatedScene(7, 1280, 960, "bright", 1.0)
    pictures: list[bytes] = []
    for number in count():
        frame = scene.frame(number)
        shown = [frame.image]
        if as_rois:
            shown = [frame.image[t.y : t.y + t.height, t.x : t.x + t.width] for t in frame.truth]
        pictures += [
            cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            for pixels in shown
            if pixels.size
        ]
        if len(pictures) >= DRAWN:
            return pictures[:DRAWN]
    raise AssertionError


def run_cameras(names: list[str], rate_hz: float, as_rois: bool) -> None:
    """Publish all cameras until SIGTERM and all is sent; print what became of it as JSON."""
    settings, over, stop = load_settings(), threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    pictures = drawn(as_rois)
    topic = topics.ROIS if as_rois else topics.FRAMES
    told: dict[str, Any] = {}

    def publish(name: str) -> None:
        source = Loop(name, pictures, as_rois, over)
        totals = publish_camera(settings, source, topic, rate_hz, stop)
        told[name] = {
            "given": source.given,
            "seen": totals.seen,
            "sent": totals.sent,
            "dropped": {reason.value: n for reason, n in totals.dropped_because.items()},
        }

    threads = [threading.Thread(target=publish, args=(name,)) for name in names]
    print("drawn", flush=True)
    for thread in threads:
        thread.start()
        stop.wait(1 / rate_hz / len(names))  # not all at the same moment
    for thread in threads:
        thread.join()
    print(json.dumps(told), flush=True)


# -- the measurement ---------------------------------------------------------------------------


@dataclass
class Look:
    """The stack at one moment.

    Attributes:
        lag: records that wait, by consumer group.
        cpu_s: CPU time so far, by part.
    """

    at_s: float
    lag: dict[str, int]
    cpu_s: dict[str, float]
    frames: int
    images: int


class Observer:
    """Looks at a running stack."""

    def __init__(self, settings: Settings, cameras: int) -> None:
        self._admin = KafkaAdmin(settings.kafka_bootstrap)
        self.catalog = Catalog(settings.catalog_url)
        processes = status(Home.at(settings.home))["processes"]
        self._pids = {one["name"]: one["pid"] for one in processes} | {"cameras": cameras}

    def look(self) -> Look:
        """Count everything now."""
        return Look(
            at_s=time.monotonic(),
            lag={group: self._admin.lag(group, topic) for group, topic in WATCHED},
            cpu_s={name: cpu_s(pid) for name, pid in self._pids.items()},
            frames=self.catalog.cuts.count(),
            images=self.catalog.images.count(),
        )


def cpu_s(pid: int) -> float:
    """CPU time of a process and its children, s."""
    try:
        root = psutil.Process(pid)
        times = [one.cpu_times() for one in (root, *root.children(recursive=True))]
    except psutil.Error:
        return 0.0
    return float(sum(one.user + one.system for one in times))


def main() -> None:
    """Run it all."""
    given = arguments()
    names = [f"bench-{given.run}-{number:02d}" for number in range(given.cameras)]
    if given.role == "cameras":
        run_cameras(names, given.rate, given.rois)
        return
    settings = load_settings()
    command = [sys.executable, __file__, *sys.argv[1:], "--run", str(given.run)]
    cameras = subprocess.Popen([*command, "--role", "cameras"], stdout=subprocess.PIPE, text=True)
    assert cameras.stdout is not None
    assert cameras.stdout.readline() == "drawn\n"
    observer = Observer(settings, cameras.pid)
    looks = [observer.look()]
    until_s = looks[0].at_s + given.minutes * 60
    while time.monotonic() < until_s:
        time.sleep(min(LOOK_EVERY_S, max(0.0, until_s - time.monotonic())))
        looks.append(observer.look())
    cameras.send_signal(signal.SIGTERM)
    ended_s = time.monotonic()
    told = json.loads(cameras.stdout.read())  # when all that was spooled is sent
    wait_until_done(observer)
    drained_s = time.monotonic() - ended_s
    report(given, looks, drained_s, told)
    if not given.rois:
        compare(settings, observer.catalog, told)
    audit()


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=6.0, help="Frames a second and camera.")
    parser.add_argument("--rois", action="store_true", help="Publish cut-outs, not frames.")
    parser.add_argument("--run", type=int, default=int(time.time()), help=argparse.SUPPRESS)
    parser.add_argument("--role", default="observer", help=argparse.SUPPRESS)
    return parser.parse_args()


def wait_until_done(observer: Observer) -> None:
    """Return when nothing waits any more."""
    began_s = time.monotonic()
    while sum(observer.look().lag.values()):
        if time.monotonic() - began_s > ALL_DONE_WITHIN_S:
            print("still not done; the counts below are what they are now")
            break
        time.sleep(1.0)


def report(
    given: argparse.Namespace, looks: list[Look], drained_s: float, told: dict[str, Any]
) -> None:
    """Print what was carried, and what it took."""
    first, last = looks[0], looks[-1]
    span_s = last.at_s - first.at_s
    frames, images = last.frames - first.frames, last.images - first.images
    offered = given.cameras * given.rate
    print(f"\n{given.cameras} cameras, {offered:.0f} a second offered for {span_s:.0f} s")
    print(f"  seen {total(told, 'seen')}, sent {total(told, 'sent')}, dropped {dropped(told)}")
    print(
        f"  carried while they ran: {frames / span_s:.1f} frames/s, {images / span_s:.1f} images/s"
    )
    print("\nlag, records        at the end       peak")
    for group in first.lag:
        peak = max(look.lag[group] for look in looks)
        print(f"  {group:16} {last.lag[group]:12} {peak:10}")
    print(f"nothing waits {drained_s:.0f} s after the last frame\n")
    print("CPU, cores")
    used = {name: (last.cpu_s[name] - first.cpu_s[name]) / span_s for name in first.cpu_s}
    for name, cores in sorted(used.items(), key=lambda item: -item[1]):
        print(f"  {name:10} {cores:6.2f}")
    print(f"  {'all':10} {sum(used.values()):6.2f} of {psutil.cpu_count()}")
    carried = (images if given.rois else frames) / span_s
    if carried > 0.95 * offered:
        print("limit: not reached, the workers kept up")
    else:
        busiest = ", ".join(sorted(used, key=lambda name: -used[name])[:2])
        print(f"limit: {carried:.0f} of {offered:.0f} a second carried; most CPU: {busiest}")


def total(told: dict[str, Any], name: str) -> int:
    """A count of all cameras together."""
    return sum(one[name] for one in told.values())


def dropped(told: dict[str, Any]) -> dict[str, int]:
    """Frames that were lost, by reason."""
    reasons = {reason for one in told.values() for reason in one["dropped"]}
    return {r: sum(one["dropped"].get(r, 0) for one in told.values()) for r in sorted(reasons)}


def compare(settings: Settings, catalog: Catalog, told: dict[str, Any]) -> None:
    """For each camera: what was given beside what has arrived everywhere."""
    live = catalog.encoders.live()
    assert live is not None
    encoder, dimension = live
    index = MilvusIndex(settings.milvus_uri, encoder=encoder, dimension=dimension)
    columns = ("given", "sent", "cut", "rois", "indexed", "in milvus")
    print("\n" + f"{'camera':24}" + "".join(f"{name:>10}" for name in columns))
    complete = True
    for camera, one in told.items():
        cuts = [catalog.cuts.get(camera, key(number)) for number in range(one["given"])]
        found = [cut for cut in cuts if cut]
        ids = [image_id(c.capture, c.frame_key, box) for c in found for box in c.boxes]
        indexed = catalog.images.count(ImageFilter(camera=camera))
        batches = (ids[at : at + IDS_AT_ONCE] for at in range(0, len(ids), IDS_AT_ONCE))
        vectors = sum(len(index.known(batch)) for batch in batches)
        counts = (one["given"], one["sent"], len(found), len(ids), indexed, vectors)
        complete &= len(set(counts[:3])) == len(set(counts[3:])) == 1
        print(f"{camera:24}" + "".join(f"{number:10}" for number in counts))
    print("every frame that was given is accounted for" if complete else "SOMETHING IS MISSING")


def audit() -> None:
    """The project's own word on all cameras."""
    subprocess.run([sys.executable, "-m", "plankton_stream", "audit"], check=False)


if __name__ == "__main__":
    main()
