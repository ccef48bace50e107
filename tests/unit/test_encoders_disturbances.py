"""Turned and blurred queries."""

import cv2
import numpy as np
import pytest

from workers.evaluation.disturbances import KERNELS_PX, Disturbance, blurred, sigma_px, turned


def organism(shape: tuple[int, ...] = (40, 90), water: int = 210) -> np.ndarray:
    image = np.full(shape, water, np.uint8)
    cv2.ellipse(image, (shape[1] // 2, shape[0] // 2), (30, 6), 20, 0, 360, (40, 40, 40), -1)
    return image


@pytest.mark.parametrize("shape", [(40, 90), (40, 90, 3)])
def test_a_turned_image_keeps_its_organism_and_its_water(shape: tuple[int, ...]) -> None:
    image = organism(shape)

    for seed in range(12):
        result = turned(image, np.random.default_rng(seed))

        assert result.ndim == image.ndim
        assert (result[[0, 0, -1, -1], [0, -1, 0, -1]] == 210).all()
        mass = (210.0 - result).sum() / (210.0 - image).sum()
        assert mass == pytest.approx(1, abs=0.03)


def test_angles_are_all_round_and_follow_from_the_path() -> None:
    image, turn = organism(), Disturbance(turn=True)

    shapes = {turn(image, f"{number}.png").shape for number in range(40)}

    assert len(shapes) > 20
    np.testing.assert_array_equal(turn(image, "a"), turn(image, "a"))
    assert not np.array_equal(turn(image, "a"), Disturbance(turn=True, seed=1)(image, "a"))


def test_blur_grows_with_the_kernel_and_leaves_the_size() -> None:
    image = organism()

    contrast = [float(blurred(image, kernel).std()) for kernel in KERNELS_PX]

    assert contrast == sorted(contrast, reverse=True)
    assert contrast[0] == image.std()
    assert blurred(image, 31).shape == image.shape


def test_sigma_is_that_of_the_kernel() -> None:
    for kernel in KERNELS_PX[1:]:
        own, named = (
            cv2.getGaussianKernel(kernel, 0),
            cv2.getGaussianKernel(kernel, sigma_px(kernel)),
        )
        # OpenCV has fixed tables for the small ones, within a few hundredths of the formula.
        np.testing.assert_allclose(own, named, atol=0.03)


def test_water_goes_on_beyond_the_border() -> None:
    image = np.full((9, 9), 200, np.uint8)
    image[3:6, 3:6] = 0

    assert blurred(image, 31)[0, 0] > 185  # an organism mirrored all around would darken it


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 2, 3)])
def test_odd_sizes(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 120, np.uint8)

    assert (Disturbance(turn=True, kernel_px=31)(image, "x") == 120).all()
