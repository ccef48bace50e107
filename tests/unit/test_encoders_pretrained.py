"""The large encoders, with random weights: nothing is downloaded."""

import pytest

from plankton_stream.errors import ConfigError
from tests.unit.test_encoders import drawn_organism
from workers.encoders import load_encoder
from workers.encoders.compact import shipped_weights
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
    assert encoder.identity.id.startswith(f"{name}-v1-")


def test_weights_of_another_architecture_are_refused() -> None:
    with pytest.raises(ConfigError, match="another architecture"):
        load_encoder("resnet50", str(shipped_weights()), batch_size=1)


def test_a_failed_download_says_what_to_do_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure")  # noqa: TRY002  # what Keras raises

    monkeypatch.setattr(keras.applications, "ResNet50", unreachable)

    with pytest.raises(ConfigError, match=r"Without internet.*\.weights\.h5"):
        load_encoder("resnet50", "imagenet", batch_size=1)
