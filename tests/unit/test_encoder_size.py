"""Size and opacity as parts of a vector: measured well, and smooth shares of the cosine."""

import cv2
import numpy as np
import pytest

from workers.encoders import load_encoder
from workers.encoders.layers import Opacity, ValueAware
from workers.encoders.preprocessing import brighten_organism, contrast_input, scales
from workers.encoders.size import NOMINAL_UM, log2_size_um, spread_px


def drawn(length_px: int, angle: float = 0, side_px: int = 200) -> np.ndarray:
    """An ellipse three times as long as wide, dark on light."""
    image = np.full((side_px, side_px), 220, np.uint8)
    centre = (side_px // 2, side_px // 2)
    cv2.ellipse(image, centre, (length_px // 2, length_px // 6), angle, 0, 360, 60, -1)
    return image


def octaves(image: np.ndarray, pixel_um: float | None = None) -> float:
    pictures = contrast_input([image], 80)
    return float(log2_size_um(spread_px(pictures), scales([image], 80), [pixel_um])[0])


def test_twice_as_large_is_an_octave() -> None:
    assert octaves(drawn(120)) - octaves(drawn(60)) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 160])
def test_size_does_not_change_with_the_angle_or_the_margin(angle: float) -> None:
    assert octaves(drawn(100, angle)) == pytest.approx(octaves(drawn(100)), abs=0.05)
    assert octaves(drawn(100, angle, side_px=130)) == pytest.approx(octaves(drawn(100)), abs=0.06)


def test_polarity_does_not_change_the_size() -> None:
    assert octaves(255 - drawn(100)) == pytest.approx(octaves(drawn(100)), abs=0.01)


def test_true_size_is_told_by_the_pixels() -> None:
    assert octaves(drawn(100), 2 * NOMINAL_UM) - octaves(drawn(100)) == pytest.approx(1, abs=1e-4)
    assert octaves(drawn(100), NOMINAL_UM) == pytest.approx(octaves(drawn(100)), abs=1e-6)


def test_an_empty_picture_is_as_large_as_its_side() -> None:
    assert octaves(np.full((64, 64), 200, np.uint8)) == pytest.approx(np.log2(64 * NOMINAL_UM))


def test_size_is_a_share_of_the_cosine() -> None:
    vectors = np.tile(np.eye(4, dtype=np.float32)[:1], (5, 1))
    differences = np.array([0, 0.5, 1, 3, 6], np.float32)

    sized = np.asarray(ValueAware(share=0.2, octaves=1.0)([vectors, 7 + differences[:, None]]))

    expected = 0.8 + 0.2 * np.exp(-(differences**2) / 2)
    np.testing.assert_allclose(sized @ sized[0], expected, atol=1e-3)


def test_opacity_is_the_mean_contrast_in_octaves_whatever_the_size() -> None:
    def opacity(grey: int, length_px: int) -> float:
        image = drawn(length_px)
        image[image < 200] = grey
        return float(Opacity()(contrast_input([image], 80))[0, 0])

    assert opacity(60, 120) == pytest.approx(opacity(60, 60), abs=0.1)
    # 220 - 60 grey levels against 220 - 140, each less what noise stays below
    assert opacity(60, 100) - opacity(140, 100) == pytest.approx(np.log2(148 / 68), abs=0.1)


def test_a_picture_without_an_organism_has_a_finite_opacity() -> None:
    assert np.isfinite(np.asarray(Opacity()(np.zeros((1, 80, 80, 1), np.float32)))).all()


def test_the_encoder_tells_sizes_apart_where_it_knows_them() -> None:
    encoder = load_encoder("compact", "shipped", batch_size=4)
    image = brighten_organism(drawn(100))

    same, other, far = (
        encoder.encode([image, image], [10.0, pixel_um]) for pixel_um in (10.0, 20.0, 200.0)
    )

    cosines = [float(pair[0] @ pair[1]) for pair in (same, other, far)]
    assert cosines[0] == pytest.approx(1, abs=1e-4)
    assert cosines[0] > cosines[1] > cosines[2] > 0.75
