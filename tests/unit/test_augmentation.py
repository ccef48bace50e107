"""Augmentation: what each change does to a drawn organism, and what it leaves."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.errors import ConfigError
from workers.encoders.preprocessing import brighten_organism, contrast_input
from workers.training.augmentation import augment
from workers.training.changes import ALL, GROUPS, NONE, Changes
from workers.training.sheet import write_sheet
from workers.training.water import WATER, marine_snow, uneven_light

SIDE_PX = 80


@pytest.fixture
def image() -> np.ndarray:
    """A body with an arm, bright on dark."""
    image = np.full((60, 90), 210, np.uint8)
    cv2.ellipse(image, (35, 30), (18, 9), 20, 0, 360, 60, -1)
    cv2.line(image, (50, 30), (80, 15), 90, 2)
    return brighten_organism(image)


def changed(image: np.ndarray, changes: Changes, seed: int = 0) -> np.ndarray:
    return augment([image], SIDE_PX, changes, np.random.default_rng(seed))[0, ..., 0]


def test_no_change_is_what_the_encoder_sees(image: np.ndarray) -> None:
    seen = contrast_input([image], SIDE_PX)[0, ..., 0]

    assert np.abs(changed(image, NONE) - seen).mean() < 0.01
    assert (
        np.corrcoef(changed(image, NONE).ravel(), seen.ravel())[0, 1] > 0.95
    )  # fit_square rounds to whole pixels


def test_the_same_seed_draws_the_same(image: np.ndarray) -> None:
    np.testing.assert_array_equal(changed(image, ALL, 5), changed(image, ALL, 5))
    assert not np.array_equal(changed(image, ALL, 5), changed(image, ALL, 6))


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_changes_something_by_itself(image: np.ndarray, group: str) -> None:
    drawn = [changed(image, Changes.only(group), seed) for seed in range(12)]

    assert any(np.abs(one - changed(image, NONE)).max() > 0.02 for one in drawn)
    assert all(np.isfinite(one).all() and one.shape == (SIDE_PX, SIDE_PX) for one in drawn)


def mass(picture: np.ndarray) -> float:
    return float(picture.sum())


def sharpness(picture: np.ndarray) -> float:
    return float(np.abs(np.diff(picture, axis=0)).max() + np.abs(np.diff(picture, axis=1)).max())


def test_rotation_and_flips_keep_the_organism(image: np.ndarray) -> None:
    for group in ("rotation", "flips"):
        for seed in range(6):
            drawn = changed(image, Changes.only(group), seed)
            assert mass(drawn) == pytest.approx(mass(changed(image, NONE)), rel=0.05)


def test_blur_softens_and_keeps_the_light(image: np.ndarray) -> None:
    blur = Changes.only("blur")
    drawn = [changed(image, blur, seed) for seed in range(20)]
    softer = [one for one in drawn if sharpness(one) < 0.95 * sharpness(changed(image, NONE))]

    assert softer
    assert all(mass(one) == pytest.approx(mass(changed(image, NONE)), rel=0.02) for one in drawn)


def test_contrast_scales_and_leaves_the_background(image: np.ndarray) -> None:
    plain = changed(image, NONE)
    for seed in range(6):
        drawn = changed(image, Changes.only("contrast"), seed)
        factor = mass(drawn) / mass(plain)
        np.testing.assert_allclose(drawn, factor * plain, atol=1e-4)
        assert 1 / ALL.contrast <= factor <= ALL.contrast


@pytest.mark.parametrize("change", WATER)
def test_what_the_water_does_has_no_say_when_switched_off(
    image: np.ndarray, change: Callable[..., np.ndarray]
) -> None:
    picture = changed(image, NONE)

    np.testing.assert_array_equal(change(picture, NONE, np.random.default_rng(0)), picture)


def test_marine_snow_adds_flakes_to_empty_water() -> None:
    water = np.zeros((64, 64), np.float32)
    snow = Changes(marine_snow=1)

    drawn = marine_snow(water, snow, np.random.default_rng(1))

    assert 0 < (np.abs(drawn) > 0.02).mean() < 0.3


def test_uneven_light_dims_one_part_more_than_another() -> None:
    even = np.full((64, 64), 0.5, np.float32)
    light = Changes(uneven_light=1)

    drawn = [uneven_light(even, light, np.random.default_rng(seed)) for seed in range(8)]

    assert max(float(one.max() - one.min()) for one in drawn) > 0.1


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (15, 15), (40, 40, 3)])
def test_odd_sizes_and_colour(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    drawn = augment([image], 64, ALL, np.random.default_rng(0))

    assert drawn.shape == (1, 64, 64, shape[2] if len(shape) == 3 else 1)
    assert np.isfinite(drawn).all()


def test_a_contact_sheet_has_a_row_for_each_change(image: np.ndarray, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"

    write_sheet(image, out, columns=3, side_px=64, seed=0)

    sheet = cv2.imread(str(out), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    assert sheet.shape[0] == (len(GROUPS) + 2) * 68
    with pytest.raises(ConfigError, match="can't be written"):
        write_sheet(image, tmp_path / "nowhere" / "sheet.png", columns=1, side_px=64, seed=0)
