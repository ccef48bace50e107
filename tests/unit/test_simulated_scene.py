"""The simulated camera's pictures: repeatable, true to their truth, recognisable as specimens."""

import cv2
import numpy as np
import pytest

from plankton_stream.domain import Specimen
from plankton_stream.errors import ConfigError
from producers.simulated.raster import Pose, rasterise
from producers.simulated.scene import DrawnFrame, SimulatedScene
from producers.simulated.species import SPECIES, Species

FRAMES = 12


@pytest.fixture(scope="module")
def bright() -> list[DrawnFrame]:
    scene = SimulatedScene(seed=3)
    return [scene.frame(number) for number in range(FRAMES)]


@pytest.fixture(scope="module")
def dark() -> list[DrawnFrame]:
    scene = SimulatedScene(seed=3, field="dark")
    return [scene.frame(number) for number in range(FRAMES)]


def background(frames: list[DrawnFrame]) -> np.ndarray:
    """The empty scene, float32: specimens move, the light stays."""
    return np.median(np.stack([frame.image for frame in frames]), axis=0).astype(np.float32)


def cut(image: np.ndarray, box: Specimen) -> np.ndarray:
    return image[box.y : box.y + box.height, box.x : box.x + box.width]


def test_a_frame_can_be_drawn_again() -> None:
    one, other = SimulatedScene(seed=7), SimulatedScene(seed=7)
    other.frame(0)
    first, again = one.frame(5), other.frame(5)
    assert first.truth == again.truth
    np.testing.assert_array_equal(first.image, again.image)


def test_frames_and_seeds_differ() -> None:
    scene = SimulatedScene(seed=1)
    images = [scene.frame(0).image, scene.frame(1).image, SimulatedScene(seed=2).frame(0).image]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.mean(images[one] != images[other]) > 0.5


def test_frames_have_the_asked_shape() -> None:
    frame = SimulatedScene(seed=0, width_px=640, height_px=400).frame(0)
    assert frame.image.shape == (400, 640)
    assert frame.image.dtype == np.uint8


@pytest.mark.parametrize("field", ["bright", "dark"])
def test_truth_boxes_lie_inside_small_frames(field: str) -> None:
    scene = SimulatedScene(seed=4, width_px=300, height_px=200, field=field, rois_per_frame=5)
    specimens = [specimen for number in range(40) for specimen in scene.frame(number).truth]
    assert len(specimens) > 100
    for box in specimens:
        assert box.x >= 0
        assert box.y >= 0
        assert box.width > 0
        assert box.height > 0
        assert box.x + box.width <= 300
        assert box.y + box.height <= 200


def test_the_number_of_specimens_is_poisson() -> None:
    scene = SimulatedScene(seed=9, width_px=400, height_px=400, rois_per_frame=1.0)
    counts = [len(scene.frame(number).truth) for number in range(150)]
    assert 0.7 < np.mean(counts) < 1.3
    assert counts.count(0) > 30  # e⁻¹ of them


def test_an_empty_sea_has_no_truth() -> None:
    assert SimulatedScene(seed=0, rois_per_frame=0).frame(0).truth == ()


def test_specimens_are_darker_than_a_bright_field(bright: list[DrawnFrame]) -> None:
    empty = background(bright)
    for frame in bright:
        for box in frame.truth:
            assert (cut(empty, box) - cut(frame.image, box)).mean() > 2


def test_specimens_are_brighter_than_a_dark_field(dark: list[DrawnFrame]) -> None:
    empty = background(dark)
    for frame in dark:
        for box in frame.truth:
            assert (cut(frame.image, box) - cut(empty, box)).mean() > 2


def test_truth_boxes_are_tight(bright: list[DrawnFrame]) -> None:
    """Each side of a box of a sharp specimen touches something clearly darker than the water."""
    empty = background(bright)
    loose = []
    for frame in bright:
        contrast = empty - frame.image
        for box, blur_px in zip(frame.truth, frame.blur_px, strict=True):
            inner = cut(contrast, box)
            sides = (inner[:2], inner[-2:], inner[:, :2], inner[:, -2:])
            loose.append(blur_px < 1 and min(side.max() for side in sides) < 5)
    assert sum(loose) <= 0.05 * len(loose)


def test_most_specimens_keep_clear_of_each_other(bright: list[DrawnFrame]) -> None:
    touching = 0
    for frame in bright:
        cover = np.zeros(frame.image.shape, np.uint8)
        for box in frame.truth:
            touching += bool(cut(cover, box).any())
            cut(cover, box)[:] = 1
    assert touching <= 1


@pytest.mark.parametrize("field", ["bright", "dark"])
def test_a_simple_segmentation_finds_what_is_in_focus(
    field: str, request: pytest.FixtureRequest
) -> None:
    frames: list[DrawnFrame] = request.getfixturevalue(field)
    empty = background(frames)
    found = sharp = 0
    for frame in frames:
        blobs = foreground_boxes(np.abs(frame.image - empty))
        for box, blur_px in zip(frame.truth, frame.blur_px, strict=True):
            if blur_px < 1:
                sharp += 1
                found += any(overlap(box, blob) > 0.5 for blob in blobs)
    assert sharp > 30
    assert found / sharp > 0.9


def foreground_boxes(difference: np.ndarray) -> list[tuple[int, int, int, int]]:
    mask = (cv2.GaussianBlur(difference, (0, 0), 0.8) > 8).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [box for box in map(cv2.boundingRect, outlines) if box[2] * box[3] > 120]


def overlap(box: Specimen, blob: tuple[int, int, int, int]) -> float:
    """Intersection over union."""
    x, y, width, height = blob
    shared_x = min(box.x + box.width, x + width) - max(box.x, x)
    shared_y = min(box.y + box.height, y + height) - max(box.y, y)
    shared = max(0, shared_x) * max(0, shared_y)
    return shared / (box.width * box.height + width * height - shared)


@pytest.mark.parametrize("species", SPECIES, ids=lambda species: species.taxon)
def test_every_morphology_can_be_drawn_in_any_pose(species: Species) -> None:
    for number in range(20):
        rng = np.random.default_rng([11, number])
        size = species.size_px[number % 2]
        density = rasterise(species.draw(rng), Pose(size, rng.uniform(0, 6.3), species.tilt_max))
        assert density.dtype == np.float32
        assert np.isfinite(density).all()
        assert (density > 0.1).sum() > 0.5 * size  # a fibre covers about 1.5 px along its length
        border = np.concatenate([density[0], density[-1], density[:, 0], density[:, -1]])
        assert not border.any(), "cut off"


def test_individuals_of_a_species_differ() -> None:
    for species in SPECIES:
        drawings = [species.draw(np.random.default_rng(number)) for number in (1, 2)]
        one, other = (np.vstack([shape.points for shape in d.shapes]) for d in drawings)
        assert one.shape != other.shape or not np.allclose(one, other), species.taxon


def test_a_tilted_specimen_is_foreshortened() -> None:
    drawing = SPECIES[-2].draw(np.random.default_rng(0))  # a fibre
    flat, tilted = (rasterise(drawing, Pose(200, 0.0, tilt)) for tilt in (0.0, 1.0))
    assert tilted.shape[1] < 0.7 * flat.shape[1]


def test_the_catch_has_all_species() -> None:
    scene = SimulatedScene(seed=0, rois_per_frame=20)
    seen = {specimen.taxon for number in range(25) for specimen in scene.frame(number).truth}
    assert seen == {species.taxon for species in SPECIES}
    assert len(seen) == len(SPECIES)


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"width_px": 10}, {"rois_per_frame": -0.1}, {"field": "grey"}]
)
def test_wrong_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="Simulated camera"):
        SimulatedScene(**{"seed": 0, **wrong})
