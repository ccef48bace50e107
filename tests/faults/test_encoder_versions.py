"""Another encoder is published on a running stack: search stays up, and no image is missing.

While all images are embedded again, images arrive, people search by image and by upload, an embed
worker and the worker that fills versions are killed. Afterwards the version before comes back.
"""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.domain import LabelState
from plankton_stream.ports import ImageFilter
from plankton_stream.versions import EncoderVersion, VersionState
from tests.services import some_free_port
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.faults]

IMAGES = 400
ARRIVING = 100
WITHIN_S = 240.0


def draw(folder: Path, count: int, seed: int) -> Path:
    """A new folder of cut-outs, no two alike."""
    folder.mkdir()
    dice = np.random.default_rng(seed)
    for number in range(count):
        pixels = np.full((48, 64), 200, np.uint8)
        axes = tuple(int(axis) for axis in dice.integers(5, 20, 2))
        cv2.ellipse(pixels, (32, 24), axes, int(dice.integers(180)), 0, 360, 60, -1)
        noisy = np.clip(pixels + dice.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:04d}.png"), noisy)
    return folder


def camera(stack: Stack, folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    """Sends a folder of cut-outs."""
    arguments = ("camera", "folder", str(folder), "--roi", "--once", "--camera", "versions")
    return stack.command(*arguments, *options, stdout=subprocess.DEVNULL)


def say(stack: Stack, *arguments: str) -> tuple[int, str]:
    """Exit code of a `plankton encoder` command, and what it said."""
    run = stack.command(
        "encoder", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )  # fmt: skip
    said = run.communicate(timeout=180)[0].decode()
    return run.returncode, said


def versions(stack: Stack) -> dict[str, EncoderVersion]:
    catalog = stack.catalog()
    found = {version.encoder: version for version in catalog.encoders.all()}
    catalog.close()
    return found


def live(stack: Stack) -> EncoderVersion:
    (found,) = (v for v in versions(stack).values() if v.state is VersionState.LIVE)
    return found


def index_of(stack: Stack, version: EncoderVersion) -> MilvusIndex:
    uri = stack.settings.milvus_uri
    return MilvusIndex(uri, encoder=version.encoder, dimension=version.dimension)


def goes_live(stack: Stack, encoder: str) -> None:
    def is_done() -> bool:
        found = live(stack)
        return found.encoder == encoder and not found.filling

    wait_until(is_done, within_s=WITHIN_S, what=lambda: f"{versions(stack)} {stack.logs()}")


def arrived(stack: Stack, count: int) -> None:
    catalog = stack.catalog()
    where = ImageFilter(camera="versions")
    wait_until(
        lambda: catalog.images.count(where) >= count, within_s=WITHIN_S, what=stack.logs
    )  # fmt: skip
    catalog.close()


def assert_whole(stack: Stack, version: EncoderVersion) -> None:
    """Every image of the catalog is in the version's index, once."""
    catalog, index = stack.catalog(), index_of(stack, version)

    def gaps() -> set[str]:
        return set(catalog.images.ids()) ^ set(index.ids())

    # What arrived while the versions were swapped may be a request that waits.
    wait_until(lambda: not gaps(), within_s=60, what=lambda: f"{gaps()}")
    assert set(Counter(index.ids()).values()) == {1}
    assert index.count() == catalog.images.count()
    catalog.close()


@contextmanager
def searches(stack: Stack, image_id: str, picture: bytes) -> Iterator[Counter[str]]:
    """People who search by an image and by an upload, without a pause: what they were told."""
    told: Counter[str] = Counter()
    stop = threading.Event()
    api = f"{stack.settings.web_url}/api/v1"

    def by_image() -> httpx.Response:
        return httpx.get(f"{api}/images/{image_id}/neighbours?k=20", timeout=30)

    def by_upload() -> httpx.Response:
        files = {"image": ("a.png", picture)}
        return httpx.post(f"{api}/search", data={"k": "20"}, files=files, timeout=30)

    def search() -> None:
        while not stop.is_set():
            for ask in (by_image, by_upload):
                answer = ask()
                found = len(answer.json()["neighbours"]) if answer.is_success else answer.text
                told[f"{ask.__name__}: {found}"] += 1
            stop.wait(0.05)

    thread = threading.Thread(target=search)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


@contextmanager
def second_embed_worker(stack: Stack, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Shares the work; its endpoint is not the page's, so that it can die."""
    ready = folder / "ready"
    port = str(some_free_port())
    env = stack.connected(PLANKTON_READY_FILE=str(ready), PLANKTON_EMBED_PORT=port)
    run = subprocess.Popen([sys.executable, "-m", "plankton_stream", "worker", "embed"], env=env)
    try:
        wait_until(ready.exists, within_s=180, what=stack.logs)
        yield run
    finally:
        run.kill()
        run.wait()


def test_search_stays_up_while_another_encoder_takes_over(stack: Stack, tmp_path: Path) -> None:
    old = live(stack)
    pictures = draw(tmp_path / "pictures", IMAGES, seed=1)
    assert camera(stack, pictures).wait(120) == 0
    arrived(stack, IMAGES)
    catalog = stack.catalog()
    page = catalog.images.page(ImageFilter(camera="versions"), limit=50).images
    named = [image.image_id for image in page]
    body = {"image_ids": named, "taxon": "copepod", "state": "validated"}
    assert stack.api("/api/v1/labels", method="POST", body=body, key="versions-1")[0] == 201
    upload = (pictures / "0000.png").read_bytes()
    with (
        second_embed_worker(stack, tmp_path) as second,
        searches(stack, named[0], upload) as told,
    ):
        code, said = say(stack, "publish", "compact", "--weights", "random")
        assert code == 0, said
        (new,) = (v for v in versions(stack).values() if v.filling)
        code, said = say(stack, "publish", "resnet50", "--weights", "random")
        assert code == 1
        assert new.encoder in said
        arriving = camera(stack, draw(tmp_path / "new", ARRIVING, seed=2), "--rate", "20")
        index = index_of(stack, new)
        wait_until(lambda: index.count() > 0, within_s=WITHIN_S, what=stack.logs)
        second.kill()
        pid = stack.kill("versions")
        assert live(stack).encoder == old.encoder
        assert arriving.wait(120) == 0
        stack.runs_again("versions", after=pid)
        goes_live(stack, new.encoder)
        arrived(stack, IMAGES + ARRIVING)
        # The page has followed: an upload is embedded by the new version.
        seen = sum(told.values())
        wait_until(lambda: sum(told.values()) > seen + 40, within_s=60, what=stack.logs)
    assert set(told) == {"by_image: 20", "by_upload: 20"}, told
    assert_whole(stack, new)
    assert {v.encoder: v.failed for v in versions(stack).values()}[new.encoder] == 0
    where = ImageFilter(camera="versions", taxon="copepod", state=LabelState.VALIDATED)
    vector = index.vector(named[0])
    assert vector is not None
    assert {hit.image_id for hit in index.search(vector, 100, where=where)} == set(named)
    roll_back(stack, old, new, tmp_path)
    catalog.close()


def roll_back(stack: Stack, old: EncoderVersion, new: EncoderVersion, folder: Path) -> None:
    """Back, with what came since, and forth again at once."""
    assert camera(stack, draw(folder / "late", ARRIVING, seed=3)).wait(120) == 0
    arrived(stack, IMAGES + 2 * ARRIVING)
    assert say(stack, "rollback")[0] == 0
    goes_live(stack, old.encoder)
    assert_whole(stack, old)
    assert say(stack, "rollback", "--now")[0] == 0
    assert live(stack).encoder == new.encoder
    goes_live(stack, new.encoder)
    assert_whole(stack, new)
    status, answer = stack.api("/api/v1/encoders")
    assert status == 200
    states = {one["encoder"]: one["state"] for one in answer["encoders"]}
    assert (states[new.encoder], states[old.encoder]) == ("live", "previous")
    assert stack.process("versions")["state"] == "running"
