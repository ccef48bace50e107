"""Saved Keras models as encoders: what is taken, and what is refused with a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plankton_stream.errors import ConfigError
from tests.unit.test_encoders import drawn_organism
from workers.encoders import load_encoder
from workers.encoders.runtime import keras

layers = keras.layers


def saved(path: Path, picture: tuple[Any, ...], *tail: Any, name: str = "lab") -> str:
    """A model of a convolution and what follows it, saved; returns its path."""
    seen = keras.Input(picture, name="picture")
    x = layers.Conv2D(8, 3, strides=2)(seen)
    for layer in tail:
        x = layer(x)
    keras.Model(seen, x, name=name).save(path)
    return str(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_model_of_grey_or_colour_gives_unit_vectors(tmp_path: Path, channels: int) -> None:
    path = saved(
        tmp_path / "m.keras", (48, 48, channels), layers.GlobalAveragePooling2D(), layers.Dense(7)
    )

    encoder = load_encoder(path, "", batch_size=4)

    vectors = encoder.encode([drawn_organism(seed=n) for n in range(6)])
    assert vectors.shape == (6, 7)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.identity.id.startswith("lab-v")
    assert (encoder.identity.input_size_px, encoder.identity.dimension) == (48, 7)


def test_the_same_file_is_the_same_encoder(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.keras", (48, 48, 1), layers.GlobalAveragePooling2D())

    first, second = (load_encoder(path, "", batch_size=size) for size in (2, 5))

    assert first.identity == second.identity
    images = [drawn_organism(seed=n) for n in range(3)]
    np.testing.assert_allclose(first.encode(images), second.encode(images), atol=1e-5)


@pytest.mark.parametrize(
    ("picture", "tail", "complaint"),
    [
        ((48, 48, 1), [], r"one vector \(n, d\)"),
        ((None, None, 1), [layers.GlobalAveragePooling2D()], "fixed side"),
        ((48, 40, 1), [layers.GlobalAveragePooling2D()], "fixed side"),
        ((48, 48, 2), [layers.GlobalAveragePooling2D()], "1 or 3"),
        ((48, 48, 1), [layers.GlobalAveragePooling2D(), layers.Dense(1)], "vectors of 1 numbers"),
        ((48, 48, 1), [layers.Flatten(), layers.Dense(20_000)], "allowed are"),
        (
            (48, 48, 1),
            [layers.GlobalAveragePooling2D(), layers.Dense(4, kernel_initializer="zeros")],
            "no finite vector",
        ),
    ],
)
def test_what_is_no_encoder_is_refused(
    tmp_path: Path, picture: tuple[Any, ...], tail: list[Any], complaint: str
) -> None:
    path = saved(tmp_path / "m.keras", picture, *tail)

    with pytest.raises(ConfigError, match=complaint):
        load_encoder(path, "", batch_size=2)


def test_a_file_that_is_absent_or_damaged_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(b"PK and then nothing")

    with pytest.raises(ConfigError, match=r"no encoder at .*absent\.keras"):
        load_encoder(str(tmp_path / "absent.keras"), "", batch_size=2)
    with pytest.raises(ConfigError, match=r"cannot load .*damaged\.keras"):
        load_encoder(str(damaged), "", batch_size=2)
