"""A Keras model as an encoder: what comes out of it is checked."""

import numpy as np
import pytest

from plankton_stream.errors import ConfigError, RejectedError
from workers.encoders import EncoderIdentity
from workers.encoders.inference import KerasEncoder
from workers.encoders.preprocessing import contrast_input
from workers.encoders.runtime import keras
from workers.versions.publishing import require_vectors


@pytest.fixture(scope="module")
def dividing() -> KerasEncoder:
    """Divides by the contrast: a blank image is 0 / 0."""
    ops = keras.ops
    picture = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(picture)
    model = keras.Model(picture, flat / ops.sqrt(ops.sum(flat * flat, axis=1, keepdims=True)))
    identity = EncoderIdentity("dividing", "v1", "0" * 16, 8, 64, "none")
    return KerasEncoder(model, identity, lambda some, _um, side: (contrast_input(some, side),), 4)


def test_a_vector_that_is_not_finite_is_refused_and_the_encoder_is_named(
    dividing: KerasEncoder,
) -> None:
    some = np.random.default_rng(0).integers(0, 256, (12, 9)).astype(np.uint8)
    blank = np.full((12, 9), 7, np.uint8)
    assert np.allclose(np.linalg.norm(dividing.encode([some] * 5), axis=1), 1)
    with pytest.raises(RejectedError, match=r"dividing-v1.*NaN or infinity for 1 of 3 images"):
        dividing.encode([some, blank, some])


def test_an_encoder_that_fails_on_blank_images_is_not_published(dividing: KerasEncoder) -> None:
    with pytest.raises(ConfigError, match="NaN"):
        require_vectors(dividing)
