"""The large encoders, with random weights: nothing is downloaded."""

from pathlib import Path

import numpy as np
import pytest

from plankton_stream.errors import ConfigError
from tests.unit.test_encoders import drawn_organism
from workers.encoders import compact, load_encoder
from workers.encoders.runtime import keras


@pytest.mark.parametrize(
    ("name", "dimension", "side_px"), [("resnet50", 2048, 224), ("inceptionresnetv2", 1536, 299)]
)
def test_vectors_are_pooled_features(name: str, dimension: int, side_px: int) -> None:
    encoder = load_encoder(name, "random", batch_size=1)

    vectors = encoder.encode([drawn_organism(), drawn_organism(seed=1)])

    assert vectors.shape == (2, dimension)
    assert (vectors**2).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert (vectors >= 0).all()  # averages of ReLU outputs: no classifier on top
    assert encoder.identity.dimension == dimension
    assert encoder.identity.input_size_px == side_px
    assert encoder.identity.id.startswith(f"{name}-v3-")


def test_projected_vectors_keep_the_angles_about() -> None:
    images = [drawn_organism(), drawn_organism(seed=1), np.full((50, 50), 90, np.uint8)]
    raw = load_encoder("resnet50", "random", batch_size=3).encode(images)

    vectors = load_encoder("resnet50-256", "random", batch_size=3).encode(images)

    assert vectors.shape == (3, 256)
    np.testing.assert_allclose(vectors @ vectors.T, raw @ raw.T, atol=0.2)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "compact.weights.h5"
    compact.build_network().save_weights(other)

    with pytest.raises(ConfigError, match="another architecture"):
        load_encoder("resnet50", str(other), batch_size=1)


def test_a_failed_download_says_what_to_do_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure")  # noqa: TRY002  # what Keras raises

    monkeypatch.setattr(keras.applications, "ResNet50", unreachable)

    with pytest.raises(ConfigError, match=r"Without internet.*\.weights\.h5"):
        load_encoder("resnet50", "imagenet", batch_size=1)
