"""The main job as its users do it, on a running stack: a camera, search, labels in a browser."""

import json
import os
import re
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from confluent_kafka import Consumer

from plankton_stream.adapters.files import FileImageStore
from plankton_stream.adapters.kafka import KafkaPublisher
from plankton_stream.domain import Capture, Frame, Roi
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message
from plankton_stream.events.images import frame_message, roi_message
from plankton_stream.ports import ImageFilter
from tests.browser import expect
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = pytest.mark.services


def draw(folder: Path, count: int, seed: int) -> None:
    """Cut-outs of ellipses, no two alike."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = np.full((60, 80), 200, np.uint8)
        axes = (int(rng.integers(8, 35)), int(rng.integers(4, 25)))
        cv2.ellipse(pixels, (40, 30), axes, int(rng.integers(180)), 0, 360, 70, -1)
        noisy = np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255)
        cv2.imwrite(str(folder / f"{number:04d}.png"), noisy.astype(np.uint8))


@pytest.fixture(scope="module")
def archive(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Id of a camera whose 300 cut-outs are indexed, and were sent twice."""
    folder = tmp_path_factory.mktemp("archive")
    draw(folder, 300, seed=5)
    for _ in range(2):
        arguments = ["camera", "folder", str(folder), "--roi", "--again", "--camera", "archive"]
        run = stack.command(*arguments, stdout=subprocess.PIPE)
        out = run.communicate(timeout=120)[0].decode()
        assert run.returncode == 0
        assert "300 files of camera archive: 300 sent" in out
        wait_until(lambda: len(ids_of(stack, "archive")) >= 300, within_s=120, what=stack.logs)
    wait_until(
        lambda: stats(stack)["rois"] == stats(stack)["indexed"], within_s=60, what=stack.logs
    )
    return "archive"


def stats(stack: Stack) -> dict[str, Any]:
    status, found = stack.api("/api/v1/stats")
    assert status == 200, found
    return dict(found)


def ids_of(stack: Stack, camera: str, **more: str) -> list[str]:
    """Ids of a camera's images, by all pages of the API."""
    found, cursor = [], None
    while True:
        query = {"camera": camera, "limit": "100", **more} | ({"cursor": cursor} if cursor else {})
        status, page = stack.api(f"/api/v1/images?{httpx.QueryParams(query)}")
        assert status == 200, page
        found += [image["image_id"] for image in page["images"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_an_archive_sent_twice_is_everywhere_once(stack: Stack, archive: str) -> None:
    ids = ids_of(stack, archive)
    assert len(ids) == len(set(ids)) == 300
    index = stack.index()
    vector = index.vector(ids[0])
    assert vector is not None
    where = ImageFilter(camera=archive)
    wait_until(  # the last rows can be searched about 0.2 s after they were written
        lambda: {hit.image_id for hit in index.search(vector, 1000, where=where)} == set(ids),
        within_s=10,
        what="all of the archive in the index, and nothing else",
    )
    assert set(ids) <= set(FileImageStore(stack.settings.images_url).ids())


def test_everything_that_a_live_camera_sees_becomes_searchable(stack: Stack) -> None:
    before = stats(stack)
    options = ["--camera", "live-1", "--rate", "6", "--seed", "11", "--frames", "30"]
    run = stack.command("camera", "simulated", *options)
    assert run.wait(180) == 0

    def settled() -> bool:
        now = stats(stack)
        cut = now["frames"] >= before["frames"] + 20  # a busy machine may miss some ticks
        return cut and now["rois"] == now["indexed"] and not any(now["lag"].values())

    wait_until(settled, within_s=120, what=lambda: f"{before} {stats(stack)} {stack.logs()}")
    after = stats(stack)
    assert after["indexed"] - before["indexed"] == len(ids_of(stack, "live-1")) > 0
    assert 0 < after["capture_to_searchable_s"]["p50"] <= after["capture_to_searchable_s"]["p95"]
    image = stack.api(f"/api/v1/images/{ids_of(stack, 'live-1')[0]}")[1]
    assert image["captured_at"] < image["indexed_at"]


@pytest.mark.parametrize("metric", ["cosine", "l2", "hamming"])
def test_neighbours_come_in_rank_order_with_their_metadata(
    stack: Stack, archive: str, metric: str
) -> None:
    image_id = ids_of(stack, archive)[0]
    query = f"k=100&metric={metric}&camera={archive}"
    status, found = stack.api(f"/api/v1/images/{image_id}/neighbours?{query}")
    assert status == 200
    neighbours = found["neighbours"]
    assert len(neighbours) == 100
    assert image_id not in {n["image_id"] for n in neighbours}
    distances = [n["distance"] for n in neighbours]
    assert distances == sorted(distances)
    assert all(n["camera"] == archive and n["width_px"] == 80 for n in neighbours)


def test_an_uploaded_image_finds_itself(stack: Stack, archive: str) -> None:
    image_id = ids_of(stack, archive)[7]
    url = stack.settings.web_url
    content = httpx.get(f"{url}/api/v1/images/{image_id}/content")
    assert content.headers["content-type"] == "image/png"
    files = {"image": ("query.png", content.content, "image/png")}
    found = httpx.post(f"{url}/api/v1/search", files=files, timeout=60)
    assert found.status_code == 200
    nearest = found.json()["neighbours"][0]
    assert nearest["image_id"] == image_id
    assert nearest["distance"] == pytest.approx(0, abs=1e-4)


def test_bad_input_becomes_dead_letters_and_the_partition_moves_on(stack: Stack) -> None:
    before = stats(stack)["dead_letters"]
    good = cv2.imencode(".png", np.full((20, 20), 90, np.uint8))[1].tobytes()
    capture = Capture(camera="bad-input")
    frame = frame_message(Frame(capture, "f", "image/png", b"\x89PNG\r\n\x1a\ntruncated"))
    roi = roi_message(Roi(capture, "r", None, "image/png", good))
    text = Message(roi.topic, roi.key, b"this is no image", roi.headers)
    bare = Message(roi.topic, "no-headers", good, ())
    future = tuple(
        (name, b"plankton.roi.cut.v2" if name == "ce_type" else value)
        for name, value in roi.headers
    )
    publisher = KafkaPublisher(stack.settings.kafka_bootstrap)
    for message in (frame, text, bare, Message(roi.topic, roi.key, good, future), roi):
        publisher.send(message)
    publisher.flush()
    publisher.close()
    wait_until(lambda: ids_of(stack, "bad-input"), within_s=60, what=stack.logs)
    wait_until(
        lambda: stats(stack)["dead_letters"] == before + 4,
        within_s=60,
        what=lambda: f"dead letters {before} → {stats(stack)['dead_letters']}",
    )


@pytest.mark.browser
def test_a_label_set_in_the_browser_reaches_subscribers_once_and_the_census(
    stack: Stack, archive: str, browser: Any
) -> None:
    page = browser.new_page(base_url=stack.settings.web_url)
    page.goto(f"/?camera={archive}")
    tiles = page.locator("#grid .tile")
    expect(tiles.first).to_be_visible()
    for place in (0, 1):
        tiles.nth(place).hover()
        tiles.nth(place).locator(".pick").click()
    chosen = {tiles.nth(place).get_attribute("data-id") for place in (0, 1)}
    page.keyboard.press("l")
    page.keyboard.type("copepod")
    expect(page.locator("#names li").first).to_have_text(re.compile("opepod"))
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("2 images labelled")

    events = labels_by_another_client(stack, chosen)
    assert sorted(event["image_id"] for event in events) == sorted(chosen)
    assert {event["after"]["taxon"] for event in events} == {"copepod"}
    wait_until(
        lambda: counted(stack, archive).get("copepod") == 2,
        within_s=60,
        what=lambda: str(stack.api("/api/v1/census")),
    )
    page.goto("/census")
    expect(page.locator("main")).to_contain_text("copepod", ignore_case=True)
    page.close()


def labels_by_another_client(stack: Stack, chosen: set[str | None]) -> list[dict[str, Any]]:
    """Label events of some images, read with librdkafka until it has seen the end of the topic."""
    consumer = Consumer(
        {
            "bootstrap.servers": stack.settings.kafka_bootstrap,
            "group.id": f"somebody-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topics.LABELS.name])
    found: list[dict[str, Any]] = []

    def read() -> bool:
        message = consumer.poll(1.0)
        if message is not None and message.error() is None:
            event = json.loads(message.value())
            found.extend([event] if event["image_id"] in chosen else [])
        # All there, and a second of silence in which a double would have come.
        return message is None and {e["image_id"] for e in found} >= chosen

    try:
        wait_until(read, within_s=60, what=lambda: f"label events: {found}")
    finally:
        consumer.close()
    return found


def counted(stack: Stack, camera: str) -> dict[str, int]:
    """The census of a camera, over all its windows."""
    total: dict[str, int] = {}
    for window in stack.api(f"/api/v1/census?camera={camera}")[1]["windows"]:
        for taxon, images in window["counts"].items():
            total[taxon] = total.get(taxon, 0) + images
    return total


def test_one_request_labels_many_or_none(stack: Stack, archive: str) -> None:
    ids = ids_of(stack, archive)[10:20]
    body = {"image_ids": [*ids, "01ARZ3NDEKTSV4RRFFQ69G5FAV"], "taxon": "copepod"}
    status, problem = stack.api(
        "/api/v1/labels", method="POST", body=body | {"state": "validated"}, key="none-of-these"
    )
    assert status == 404
    assert "01ARZ3NDEKTSV4RRFFQ69G5FAV" in problem["detail"]
    images = [stack.api(f"/api/v1/images/{image_id}")[1] for image_id in ids]
    assert {image["state"] for image in images} == {"unlabelled"}


def test_what_is_taken_back_gives_way_to_the_label_before(stack: Stack, archive: str) -> None:
    (image_id,) = ids_of(stack, archive)[30:31]
    actions = []
    for taxon in ("copepod", "detritus"):
        body = {"image_ids": [image_id], "taxon": taxon, "state": "validated"}
        status, done = stack.api("/api/v1/labels", method="POST", body=body, key=f"{taxon}-first")
        assert status == 201
        actions.append(done)
    label_id = actions[1]["labels"][0]["label_id"]
    assert stack.api(f"/api/v1/labels/{label_id}", method="DELETE")[0] == 200
    assert stack.api(f"/api/v1/images/{image_id}")[1]["taxon"] == "copepod"
    assert stack.api(f"/api/v1/actions/{actions[0]['action_id']}", method="DELETE")[0] == 200
    assert stack.api(f"/api/v1/images/{image_id}")[1]["state"] == "unlabelled"
    wait_until(
        lambda: image_id not in ids_of(stack, archive, state="validated"), within_s=10, what="label"
    )


def test_tail_prints_labels_as_they_come(stack: Stack, archive: str) -> None:
    run = stack.command("tail", "labels", "--from-start", stdout=subprocess.PIPE)
    assert run.stdout is not None
    image_id = ids_of(stack, archive)[40]
    body = {"image_ids": [image_id], "taxon": "diatom", "state": "validated"}
    assert stack.api("/api/v1/labels", method="POST", body=body, key="for-tail")[0] == 201
    try:
        for line in run.stdout:
            if image_id.encode() in line:
                assert b"diatom" in line
                break
    finally:
        os.kill(run.pid, signal.SIGINT)
        assert run.wait(30) == 0
