"""Segmentation on drawn frames: what is cut, what is left out and counted, what is learned."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.segmentation import iou, read_truth, scores
from plankton_stream.domain import Box, LeftOut
from plankton_stream.images import decode
from plankton_stream.segmentation import (
    Background,
    CameraParameters,
    CameraSegmenters,
    Parameters,
    Segmenter,
)
from producers.simulated.scene import Field, SimulatedScene

Disc = tuple[int, int, int]
WATER, BODY = 200, 80


def frame(
    *discs: Disc,
    seed: int = 0,
    water: int = WATER,
    body: int = BODY,
    size: tuple[int, int] = (480, 640),
) -> np.ndarray:
    """A noisy frame in uneven light with discs (x, y, radius)."""
    height, width = size
    light = np.linspace(0.8, 1.0, width)[None, :] * np.ones((height, 1))
    clean = (light * water).astype(np.float32)
    for x, y, radius in discs:
        cv2.circle(clean, (x, y), radius, float(body), -1, cv2.LINE_AA)
    noise = np.random.default_rng(seed).normal(0, 1.5, size)
    return np.clip(clean + noise, 0, 255).astype(np.uint8)


def around(disc: Disc, margin_px: int = 4) -> Box:
    x, y, radius = disc
    side = 2 * (radius + margin_px) + 1
    return Box(x - radius - margin_px, y - radius - margin_px, side, side)


def cut(pixels: np.ndarray, **parameters: object) -> tuple[tuple[Box, ...], dict[LeftOut, int]]:
    found = Segmenter(Parameters.model_validate(parameters)).segment(pixels)
    return found.boxes, dict(found.left_out)


TWO = ((100, 90, 20), (400, 300, 12))


def assert_found(boxes: tuple[Box, ...], *discs: Disc) -> None:
    assert len(boxes) == len(discs), boxes
    for disc in discs:
        assert max(iou(around(disc), box) for box in boxes) > 0.7, (disc, boxes)


def test_the_first_frame_is_cut_already() -> None:
    assert_found(cut(frame(*TWO))[0], *TWO)


@pytest.mark.parametrize("field", ["auto", "dark"])
def test_a_dark_field(field: str) -> None:
    assert_found(cut(frame(*TWO, water=15, body=90), field=field)[0], *TWO)


def test_a_field_that_is_set_ignores_the_other_contrast() -> None:
    assert cut(frame(*TWO), field="dark", texture_factor=0)[0] == ()
    assert cut(frame(*TWO, water=15, body=90), field="bright", texture_factor=0)[0] == ()


def test_colour_is_seen_where_grey_levels_are_alike() -> None:
    pixels = np.full((480, 640, 3), 120, np.uint8)
    cv2.circle(pixels, (100, 90), 20, (120, 94, 172), -1)  # less green, more red: grey stays 120
    assert abs(int(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[90, 100]) - 120) <= 1
    assert_found(cut(pixels)[0], (100, 90, 20))
    assert cut(pixels, colour=False)[0] == ()


def test_an_empty_frame_has_nothing() -> None:
    segmenter = Segmenter()
    for seed in range(5):
        found = segmenter.segment(frame(seed=seed))
        assert (found.boxes, found.left_out) == ((), {})


def test_size_limits_in_px_count_what_they_drop() -> None:
    discs = ((100, 90, 4), (250, 90, 15), (400, 300, 60))
    boxes, left_out = cut(frame(*discs), min_esd_px=15, max_esd_px=60)
    assert_found(boxes, discs[1])
    assert left_out == {LeftOut.TOO_SMALL: 1, LeftOut.TOO_LARGE: 1}


def test_size_limits_in_um_hold_where_the_pixel_size_is_known() -> None:
    segmenter = Segmenter(Parameters(min_esd_um=300))
    pixels = frame(*TWO)
    assert len(segmenter.segment(pixels).boxes) == 2
    found = segmenter.segment(pixels, pixel_um=10)  # 400 and 240 µm
    assert_found(found.boxes, TWO[0])
    assert found.left_out == {LeftOut.TOO_SMALL: 1}


def test_what_touches_the_border_is_kept_or_dropped_and_counted() -> None:
    discs = ((0, 90, 20), (639, 300, 20), (300, 479, 20), (300, 200, 20))
    assert len(cut(frame(*discs))[0]) == 4
    boxes, left_out = cut(frame(*discs), border="drop")
    assert_found(boxes, discs[3])
    assert left_out == {LeftOut.AT_BORDER: 3}


def test_over_the_cap_the_largest_are_kept_and_the_rest_counted() -> None:
    discs = tuple((60 + 100 * i, 100, 8 + 3 * i) for i in range(5))
    boxes, left_out = cut(frame(*discs), max_rois=2)
    assert_found(boxes, *discs[3:])
    assert left_out == {LeftOut.OVER_CAP: 3}


def test_five_thousand_specks_are_a_frame_like_any_other() -> None:
    size = (1200, 1920)
    specks = tuple((13 + 25 * (i % 75), 9 + 17 * (i // 75), 5) for i in range(5000))
    boxes, left_out = cut(frame(*specks, size=size))
    assert len(boxes) == 500
    assert left_out == {LeftOut.OVER_CAP: 4500}


def test_blurred_objects_are_dropped_only_when_asked() -> None:
    pixels = frame((450, 300, 25))
    pixels[:, :300] = cv2.GaussianBlur(frame((120, 90, 25)), (0, 0), 6)[:, :300]
    assert len(cut(pixels, texture_factor=0)[0]) == 2
    boxes, left_out = cut(pixels, texture_factor=0, min_sharpness=5)
    assert_found(boxes, (450, 300, 25))
    assert left_out == {LeftOut.BLURRED: 1}


def test_parts_with_a_small_gap_are_one_organism() -> None:
    discs = ((100, 90, 12), (132, 90, 12))  # 7 px apart
    assert len(cut(frame(*discs))[0]) == 2
    (box,), _ = cut(frame(*discs), join_px=10)
    assert iou(box, Box(84, 74, 65, 33)) > 0.8


def test_what_lies_in_the_box_of_a_larger_one_is_a_part_of_it() -> None:
    pixels = frame()
    cv2.circle(pixels, (200, 200), 60, BODY, 3)
    cv2.circle(pixels, (200, 200), 10, BODY, -1)
    assert_found(cut(pixels)[0], (200, 200, 61))


def test_a_pale_body_is_followed_from_its_dark_seed_and_is_nothing_without() -> None:
    pixels = frame((100, 90, 20), body=134)  # 32 darker than the water there
    (box,), _ = cut(pixels, seed_contrast=15, texture_factor=0)
    assert iou(box, around((100, 90, 20))) > 0.7
    assert cut(pixels, seed_contrast=60, texture_factor=0)[0] == ()
    cv2.circle(pixels, (100, 90), 3, 60, -1)
    (box,), _ = cut(pixels, seed_contrast=60, texture_factor=0)
    assert iou(box, around((100, 90, 20))) > 0.7


def test_a_transparent_organism_is_found_by_its_texture() -> None:
    pixels = frame().astype(np.float32)
    grain = cv2.GaussianBlur(np.random.default_rng(7).normal(0, 1, (48, 48)), (0, 0), 1.2)
    pixels[96:144, 200:248] += 7 * grain / grain.std()  # no pixel of it is strong
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    assert cut(pixels, texture_factor=0, min_contrast=25, seed_contrast=30)[0] == ()
    (box,), _ = cut(pixels, min_contrast=25, seed_contrast=30)
    assert iou(box, Box(200, 96, 48, 48)) > 0.6


# --- the background -------------------------------------------------------------------------------


def drifting(number: int) -> np.ndarray:
    return frame((100 + 60 * (number % 7), 120 + 45 * (number % 5), 15), seed=number)


def test_dirt_on_the_lens_becomes_background_and_drifters_do_not() -> None:
    segmenter = Segmenter(Parameters(memory_frames=20))
    dirt = (560, 400, 9)
    for number in range(80):
        pixels = drifting(number)
        cv2.circle(pixels, dirt[:2], dirt[2], BODY, -1)
        found = segmenter.segment(pixels)
    drifter = (100 + 60 * (79 % 7), 120 + 45 * (79 % 5), 15)
    assert_found(found.boxes, drifter)


def test_an_organism_of_the_first_frame_leaves_no_ghost() -> None:
    segmenter = Segmenter()
    segmenter.segment(frame((320, 240, 200)))  # too wide for the first guess
    for number in range(30):
        found = segmenter.segment(frame(seed=number))
    assert found.boxes == ()


def test_what_sticks_for_some_frames_leaves_no_ghost() -> None:
    segmenter, stuck = Segmenter(Parameters(memory_frames=10)), (400, 300, 40)
    for number in range(40):
        segmenter.segment(frame(seed=number))
    for number in range(40, 46):
        found = segmenter.segment(frame(stuck, seed=number))
        assert_found(found.boxes, stuck)
    for number in range(46, 60):
        assert segmenter.segment(frame(seed=number)).boxes == (), number


def test_a_pale_organism_is_one_with_its_dark_spot() -> None:
    pixels = frame((320, 220, 5)).astype(np.float32)
    grain = cv2.GaussianBlur(np.random.default_rng(7).normal(0, 1, (80, 96)), (0, 0), 1.2)
    pixels[200:280, 296:392] += 7 * grain / grain.std()  # no pixel of it but the spot is strong
    strict = {"min_contrast": 25, "seed_contrast": 30}
    found, _ = cut(np.clip(pixels, 0, 255).astype(np.uint8), **strict)
    (box,) = found
    assert iou(box, Box(296, 200, 96, 80)) > 0.6


def test_flicker_of_the_light_is_no_object() -> None:
    segmenter = Segmenter(Parameters(texture_factor=0))
    for number, water in enumerate((200, 190, 210, 180, 205)):
        assert_found(segmenter.segment(frame(*TWO, seed=number, water=water, body=60)).boxes, *TWO)
    assert segmenter.background is not None
    assert segmenter.background.frames == 5  # and no reason to start anew


def test_frames_of_another_size_start_anew() -> None:
    segmenter = Segmenter()
    segmenter.segment(frame(*TWO))
    other = frame(*TWO, size=(481, 643))
    assert_found(segmenter.segment(other).boxes, *TWO)
    assert_found(segmenter.segment(cv2.cvtColor(other, cv2.COLOR_GRAY2BGR)).boxes, *TWO)
    assert segmenter.segment(np.full((3, 1), 9, np.uint8)).boxes == ()


def test_another_scene_starts_anew() -> None:
    segmenter = Segmenter()
    for number in range(10):
        segmenter.segment(frame(seed=number))
    turned = frame(*TWO)[:, ::-1].copy()
    turned[:] = np.where(turned > 150, turned - 90 * (np.arange(640) > 200), turned)
    assert segmenter.segment(turned).left_out.get(LeftOut.TOO_LARGE) is None
    assert segmenter.background is not None


def test_a_background_survives_a_restart(tmp_path: Path) -> None:
    before = CameraSegmenters(CameraParameters(), tmp_path)
    for number in range(12):
        before.of("cam-1").segment(drifting(number))
        before.keep("cam-1")
    after = CameraSegmenters(CameraParameters(), tmp_path).of("cam-1").background
    known = before.of("cam-1").background
    assert after is not None
    assert known is not None
    assert after.frames == 10
    assert np.abs(after.levels - known.levels).max() < 3
    assert CameraSegmenters(CameraParameters(), tmp_path).of("cam-2").background is None


@pytest.mark.parametrize("damage", [b"", b"no npz", None])
def test_a_damaged_background_starts_anew(tmp_path: Path, damage: bytes | None) -> None:
    cameras = CameraSegmenters(CameraParameters(), tmp_path)
    for number in range(10):
        cameras.of("c").segment(drifting(number))
        cameras.keep("c")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:2000] if damage is None else damage)
    again = CameraSegmenters(CameraParameters(), tmp_path).of("c")
    assert again.background is None
    assert_found(again.segment(frame(*TWO)).boxes, *TWO)


def test_a_full_disk_does_not_stop_the_cutting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cameras = CameraSegmenters(CameraParameters(), tmp_path / "file")
    for number in range(10):
        cameras.of("c").segment(drifting(number))
        cameras.keep("c")


def test_backgrounds_keep_their_values() -> None:
    background = Background.first(frame()[::2, ::2])
    assert background.levels.shape == (240, 320)
    assert background.levels[:, 0].mean() == pytest.approx(0.8 * WATER, abs=4)


# --- against the truth ----------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["bright", "dark"])
def test_the_simulated_camera_is_cut_where_its_truth_says(field: Field) -> None:
    scene = SimulatedScene(21, field=field)
    segmenter = Segmenter()
    truth, found = {}, {}
    for number in range(15):
        drawn = scene.frame(number)
        truth[str(number)] = [Box(s.x, s.y, s.width, s.height) for s in drawn.truth]
        found[str(number)] = list(segmenter.segment(drawn.image).boxes)
    recall, precision = scores(truth, found)
    assert recall > 0.95
    assert precision > 0.9


@pytest.fixture
def flowcam() -> Path:
    folder = Path(os.environ.get("PLANKTON_TEST_DATA", ""), "flowcam_frames")
    if not (folder / "boxes.csv").is_file():
        pytest.skip("FlowCam frames are not in $PLANKTON_TEST_DATA/flowcam_frames")
    return folder


def test_flowcam_frames_are_cut_where_the_instrument_did(flowcam: Path) -> None:
    segmenter = Segmenter()
    found = {
        path.name: list(segmenter.segment(decode(path.read_bytes(), "image/jpeg")).boxes)
        for path in sorted(flowcam.glob("*.jpg"))
    }
    recall, precision = scores(read_truth(flowcam), found)
    assert recall >= 0.95
    assert precision >= 0.97
