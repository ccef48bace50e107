"""Measurements of drawn shapes against what geometry says."""

import cv2
import numpy as np
import pytest

from plankton_stream.domain import Measurements
from plankton_stream.segmentation.measuring import measure, sharpness


def measured(difference: np.ndarray, pixel_um: float | None = None) -> Measurements:
    return measure(np.asarray(200 - difference, np.uint8), difference, 50, pixel_um)


def test_a_disc() -> None:
    disc = cv2.circle(np.zeros((101, 101), np.uint8), (50, 50), 40, 100, -1)
    found = measured(disc)
    assert found.area_px == cv2.countNonZero(disc)
    assert found.esd_px == pytest.approx(80.5, abs=1)
    assert found.major_px == pytest.approx(80.5, abs=1)
    assert found.minor_px == pytest.approx(80.5, abs=1)
    assert found.perimeter_px == pytest.approx(2 * np.pi * 40, rel=0.07)  # stairs are longer
    assert found.solidity > 0.97
    assert found.mean_grey == 100
    assert found.esd_um is None


def test_lengths_and_areas_in_um() -> None:
    bar = np.zeros((40, 80), np.uint8)
    bar[10:20, 10:70] = 100
    found = measured(bar, pixel_um=0.5)
    assert (found.area_px, found.area_um2) == (600, 150)
    assert found.major_px == pytest.approx(60 * 4 / 12**0.5, rel=0.001)
    assert found.major_um == pytest.approx(found.major_px / 2, abs=0.001)
    assert found.minor_um == pytest.approx(10 * 4 / 12**0.5 / 2, rel=0.001)
    assert found.solidity == 1


def test_a_cross_is_less_solid_than_its_hull() -> None:
    cross = np.zeros((61, 61), np.uint8)
    cross[25:36, :] = cross[:, 25:36] = 100
    assert measured(cross).solidity < 0.6


def test_a_faint_object_is_measured_too() -> None:
    faint = np.random.default_rng(1).integers(0, 30, (20, 30)).astype(np.uint8)
    assert 0 < measured(faint).area_px < 300


def test_blur_takes_the_sharpness() -> None:
    disc = cv2.circle(np.zeros((61, 61), np.uint8), (30, 30), 20, 200, -1)
    values = [sharpness(cv2.GaussianBlur(disc, (0, 0), blur)) for blur in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 5 * values[-1]
