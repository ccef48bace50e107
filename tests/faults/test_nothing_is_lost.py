"""Real parts are killed or away while images and labels flow: nothing is lost, nothing doubled.

Every test lets 2,000 images of its own camera flow through the running stack, labels some on the
way, breaks one part, and afterwards compares catalog, index, image store, label topic and census.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.adapters.files import FileImageStore
from plankton_stream.adapters.kafka import KafkaReader
from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import LabelState
from plankton_stream.events import topics
from plankton_stream.events.facts import CensusCounted, LabelApplied, LabelRetracted, read_fact
from plankton_stream.ports import ImageFilter
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.faults]

ROOT = Path(__file__).parents[2]
IMAGES = 2_000
OBJECTS_PER_FRAME = 8
AWAY_S = 30.0


@pytest.fixture(scope="session")
def rois(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 small cut-outs, no two alike."""
    folder = tmp_path_factory.mktemp("rois")
    rng = np.random.default_rng(1)
    for number in range(IMAGES):
        pixels = np.full((48, 64), 200, np.uint8)
        axes = tuple(int(a) for a in rng.integers(5, 20, 2))
        cv2.ellipse(pixels, (32, 24), axes, int(rng.integers(180)), 0, 360, 60, -1)
        noisy = np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:05d}.png"), noisy)
    return folder


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """250 frames with eight discs each."""
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(2)
    for number in range(IMAGES // OBJECTS_PER_FRAME):
        pixels = np.full((300, 600), 200, np.uint8)
        for place in range(OBJECTS_PER_FRAME):
            centre = (75 + 150 * (place % 4), 75 + 150 * (place // 4))
            cv2.circle(pixels, centre, int(rng.integers(10, 30)), 60, -1)
        cv2.imwrite(str(folder / f"{number:05d}.png"), pixels)
    return folder


class Expert:
    """Labels what arrives from one camera until it is stopped; remembers what was confirmed."""

    def __init__(self, stack: Stack, camera: str) -> None:
        self._stack, self._camera = stack, camera
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.named: dict[str, str | None] = {}

    def _work(self) -> None:
        turn = 0
        while not self._stop.wait(0.5):
            query = f"/api/v1/images?camera={self._camera}&state=unlabelled&limit=20"
            status, page = self._stack.api(query)
            ids = [image["image_id"] for image in page["images"]] if status == 200 else []
            if ids:
                turn += 1
                self._label(ids, "copepod", f"{self._camera}-{turn}")
                if turn % 3 == 0:
                    self._label(ids[:5], "detritus", f"{self._camera}-{turn}-again")
                if turn % 3 == 1:
                    self._take_back(ids[0])

    def _label(self, ids: list[str], taxon: str, key: str) -> None:
        body = {"image_ids": ids, "taxon": taxon, "state": "validated"}
        if self._insist("/api/v1/labels", method="POST", body=body, key=key)[0] == 201:
            self.named |= dict.fromkeys(ids, taxon)

    def _take_back(self, image_id: str) -> None:
        status, image = self._insist(f"/api/v1/images/{image_id}")
        if status == 200 and image["label_id"]:
            done, _ = self._insist(f"/api/v1/labels/{image['label_id']}", method="DELETE")
            if done == 200:
                self.named[image_id] = None

    def _insist(self, path: str, **call: object) -> tuple[int, dict]:  # type: ignore[type-arg]
        """Ask again while a part is away, as the page does."""
        while True:
            answer = self._stack.api(path, **call)  # type: ignore[arg-type]
            if answer[0] != 503 or self._stop.wait(0.5):
                return answer

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)


@contextmanager
def flow(
    stack: Stack, folder: Path, camera: str, *options: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A folder camera and an expert at work; on leaving, both have finished."""
    expert = Expert(stack, camera)
    expert.start()
    run = start_camera(stack, folder, camera, *options)
    try:
        yield run
        assert run.wait(300) in (0, -signal.SIGKILL)
        arrived(stack, camera, IMAGES)
    finally:
        run.kill()
        expert.stop()
    assert_whole(stack, camera, expert.named)


def start_camera(
    stack: Stack, folder: Path, camera: str, *options: str
) -> "subprocess.Popen[bytes]":
    arguments = ("camera", "folder", str(folder), "--once", "--camera", camera, *options)
    return subprocess.Popen(
        [sys.executable, "-m", "plankton_stream", *arguments], env=stack.connected()
    )


def arrived(stack: Stack, camera: str, count: int) -> None:
    catalog = stack.catalog()
    try:
        wait_until(
            lambda: catalog.images.count(ImageFilter(camera=camera)) >= count,
            within_s=240,
            what=lambda: (
                f"{catalog.images.count(ImageFilter(camera=camera))} of {count} images; "
                + stack.logs()
            ),
        )
    finally:
        catalog.close()


def assert_whole(stack: Stack, camera: str, named: dict[str, str | None]) -> None:
    """Every image everywhere once, every label kept and published, the census a recount."""
    catalog = stack.catalog()
    try:
        assert catalog.images.count(ImageFilter(camera=camera)) == IMAGES
        assert named, "the expert had nothing to label: the test shows less than it should"
        images = catalog.images.get(list(named))
        assert {i: image.naming.taxon for i, image in images.items()} == named
        wait_until(lambda: catalog.outbox.count() == 0, within_s=60, what="the outbox is not empty")
        assert_same_everywhere(stack, catalog)
        assert_labels_published(stack, catalog, camera)
        assert_labels_in_index(stack, catalog, camera)
        assert_census_is_a_recount(stack, catalog, camera)
    finally:
        catalog.close()
    states = {p["name"]: p["state"] for p in stack.status()["processes"]}
    assert set(states.values()) == {"running"}, states


def assert_same_everywhere(stack: Stack, catalog: Catalog) -> None:
    index = stack.index()
    store = FileImageStore(stack.settings.images_url)
    in_catalog = set(catalog.images.ids())
    in_index = Counter(index.ids())
    assert set(in_index) == in_catalog
    assert set(in_index.values()) == {1}
    assert index.count() == len(in_catalog)
    assert set(store.ids()) == in_catalog


def read_all(stack: Stack, topic: topics.Topic) -> list:  # type: ignore[type-arg]
    reader = KafkaReader(stack.settings.kafka_bootstrap, [topic])
    records = []
    try:
        while batch := reader.poll(2.0):
            records += batch
    finally:
        reader.close()
    return records


def assert_labels_published(stack: Stack, catalog: Catalog, camera: str) -> None:
    versions: dict[str, set[int]] = defaultdict(set)
    order: dict[str, list[int]] = defaultdict(list)
    for record in read_all(stack, topics.LABELS):
        event = read_fact(record)
        assert isinstance(event, LabelApplied | LabelRetracted)
        if event.capture.camera == camera:
            if event.version not in versions[event.image_id]:
                order[event.image_id].append(event.version)
            versions[event.image_id].add(event.version)
    labelled = (i for i in all_images(catalog, ImageFilter(camera=camera)) if i.label_version)
    expected = {image.image_id: image.label_version for image in labelled}
    assert {i: set(range(1, last + 1)) for i, last in expected.items()} == versions
    assert all(seen == sorted(seen) for seen in order.values()), "label events out of order"


def assert_labels_in_index(stack: Stack, catalog: Catalog, camera: str) -> None:
    index = stack.index()
    some = index.vector(next(iter(catalog.images.ids())))
    assert some is not None
    for taxon in ("copepod", "detritus"):
        where = ImageFilter(camera=camera, taxon=taxon)

        def same(where: ImageFilter = where) -> bool:
            found = {hit.image_id for hit in index.search(some, 10_000, where=where)}
            return found == {i.image_id for i in all_images(catalog, where)}

        wait_until(same, within_s=60, what=f"{taxon} of {camera} in the index")


def all_images(catalog: Catalog, where: ImageFilter) -> list:  # type: ignore[type-arg]
    found, cursor = [], None
    while True:
        page = catalog.images.page(where, limit=1000, cursor=cursor)
        found += page.images
        cursor = page.next_cursor
        if cursor is None:
            return found


def assert_census_is_a_recount(stack: Stack, catalog: Catalog, camera: str) -> None:
    where = ImageFilter(camera=camera, state=LabelState.VALIDATED)
    recount = Counter(image.naming.taxon for image in all_images(catalog, where))

    def census() -> Counter[str]:
        latest = {}
        for record in read_all(stack, topics.CENSUS):
            fact = read_fact(record)
            assert isinstance(fact, CensusCounted)
            if fact.camera == camera:
                latest[fact.key] = fact.counts
        total: Counter[str] = Counter()
        for counts in latest.values():
            total.update(counts)
        return total

    wait_until(lambda: census() == recount, within_s=240, what=lambda: f"{census()} != {recount}")


@pytest.mark.parametrize("victim", ["embed", "relay", "streams"])
def test_a_killed_part_is_restarted_and_nothing_is_lost(
    stack: Stack, rois: Path, victim: str
) -> None:
    camera = f"kill-{victim}"
    with flow(stack, rois, camera, "--roi"):
        arrived(stack, camera, 200)
        pid = stack.kill(victim)
        stack.runs_again(victim, after=pid)


def test_a_killed_segment_worker_cuts_every_frame_once(stack: Stack, frames: Path) -> None:
    with flow(stack, frames, "kill-segment"):
        arrived(stack, "kill-segment", 200)
        pid = stack.kill("segment")
        stack.runs_again("segment", after=pid)


def test_a_killed_camera_that_is_started_again_sends_what_is_missing(
    stack: Stack, rois: Path
) -> None:
    with flow(stack, rois, "kill-camera", "--roi") as run:
        arrived(stack, "kill-camera", 100)
        run.kill()
        assert start_camera(stack, rois, "kill-camera", "--roi").wait(300) == 0


def test_an_embed_worker_killed_between_index_and_commit(
    stack: Stack, rois: Path, tmp_path: Path
) -> None:
    """A second worker joins the group and dies at the worst moment: its share is done again."""
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "tests.faults.dying_embed_worker"]
    dying = subprocess.Popen(command, cwd=ROOT, env=stack.connected(PLANKTON_READY_FILE=str(ready)))
    try:
        wait_until(ready.exists, within_s=180, what=stack.logs)
        # Slowly, so that it has joined the group before all is done.
        with flow(stack, rois, "kill-between", "--roi", "--rate", "100"):
            assert dying.wait(240) == -signal.SIGKILL
    finally:
        dying.kill()


@pytest.mark.parametrize("part", ["kafka", "milvus"])
def test_a_part_that_is_away_for_half_a_minute(stack: Stack, rois: Path, part: str) -> None:
    camera = f"away-{part}"
    with flow(stack, rois, camera, "--roi"):
        arrived(stack, camera, 100)
        stack.supervise("stopProcess", f"servers:{part}")
        stay_away(AWAY_S, lambda: stack.process(part)["state"])
        stack.supervise("startProcess", f"servers:{part}")


def stay_away(seconds: float, state: Callable[[], str]) -> None:
    """Let a part be away for a while, and see that nobody starts it meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert state() == "stopped"
        time.sleep(1)


def test_the_simulated_camera_is_restarted_and_sends_new_frames(stack: Stack) -> None:
    """A live camera that dies goes on with other frames: no identity is used twice."""
    camera = "kill-live"
    arguments = ["camera", "simulated", "--camera", camera, "--rate", "6", "--seed", "3"]
    command = [sys.executable, "-m", "plankton_stream", *arguments]
    catalog = stack.catalog()

    def starts() -> Counter[str]:
        """Images of each start of the camera, by the part of the frame key that it shares."""
        images = all_images(catalog, ImageFilter(camera=camera))
        return Counter(image.frame_key.rpartition("-")[0] for image in images)

    def are_seen(number: int) -> bool:
        return len(starts()) == number and min(starts().values()) > 20

    try:
        for number in (1, 2):
            run = subprocess.Popen(command, env=stack.connected())
            wait_until(lambda: are_seen(number), within_s=300, what=stack.logs)  # noqa: B023
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
    finally:
        catalog.close()
