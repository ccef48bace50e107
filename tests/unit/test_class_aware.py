"""The part of a vector that says which classes of the training an image resembles."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.encoders import class_aware, compact
from workers.encoders.layers import ClassAware
from workers.encoders.loading import read_model

D, CLASSES = 24, 5


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def drawn(count: int, seed: int) -> NDArray[np.float32]:
    """Vectors that vary in few directions much and in most little, as those of networks do."""
    spread = 1 / (1 + np.arange(D))
    return unit(np.random.default_rng(seed).normal(size=(count, D)) * spread)


DIRECTIONS = unit(np.random.default_rng(1).normal(size=(CLASSES, D))).T


def fitted(share: float, whitening: float = 0.0) -> ClassAware:
    return class_aware.fit(
        drawn(500, 2), DIRECTIONS, whitening=whitening, sharpness=10.0, share=share, dimension=D
    )


def probabilities(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    weights = np.exp(10.0 * vectors.astype(np.float64) @ DIRECTIONS)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_the_cosine_is_that_of_looks_and_of_classes_in_their_shares(share: float) -> None:
    vectors = drawn(50, 3)

    out = np.asarray(fitted(share)(vectors))

    alike = np.sqrt(probabilities(vectors))
    expected = (1 - share) * vectors @ vectors.T + share * alike @ alike.T
    assert out.shape == (50, D)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-5)
    # The last map drops what hardly varies.
    np.testing.assert_allclose(out @ out.T, expected, atol=0.03)


def test_whitening_brings_the_directions_closer_to_one_weight() -> None:
    def strongest(whitening: float) -> float:
        out = np.asarray(fitted(0.0, whitening)(drawn(500, 4)), np.float64)
        variance = np.linalg.eigvalsh(out.T @ out)
        return float(variance[-1] / variance.sum())

    assert strongest(0.0) > 1.5 * strongest(0.5) > 2 * strongest(1.0)


def test_images_of_one_class_are_nearer_with_it() -> None:
    """Two images that only their classes' direction has in common."""
    rng = np.random.default_rng(5)
    kin = unit(2 * DIRECTIONS.T[[0, 0]] + unit(rng.normal(size=(2, D))))

    plain, aware = (np.asarray(fitted(share)(kin)) for share in (0.0, 0.6))

    assert aware[0] @ aware[1] > plain[0] @ plain[1]


def test_an_encoder_with_it_is_saved_and_loaded(tmp_path: Path) -> None:
    network = compact.build_network()
    size = network.output.shape[-1]
    rng = np.random.default_rng(6)
    classes = class_aware.fit(
        unit(rng.normal(size=(100, size))), unit(rng.normal(size=(3, size))).T,
        whitening=0.25, sharpness=12.0, share=0.3, dimension=compact.LOOKS_DIMENSION,
    )  # fmt: skip
    encoder = compact.build_encoder(network, classes)
    pictures = rng.random((4, compact.SIDE_PX, compact.SIDE_PX, 1), np.float32)
    sizes = np.ones((4, 1), np.float32)

    encoder.save(tmp_path / "own.keras")
    again = read_model(tmp_path / "own.keras")

    expected = encoder.predict_on_batch([pictures, sizes])
    assert expected.shape == (4, compact.DIMENSION)
    np.testing.assert_allclose(again.predict_on_batch([pictures, sizes]), expected, atol=1e-5)
