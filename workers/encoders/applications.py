"""Networks of `keras.applications` with their classifier removed."""

from dataclasses import dataclass
from typing import Any

from plankton_stream.codes import hyperplanes
from plankton_stream.errors import ConfigError
from workers.encoders.runtime import keras

PROJECTED = 256
"""Length of a projected vector."""


@dataclass(frozen=True)
class _Application:
    """What has to be known of a network.

    Attributes:
        module: of `keras.applications`.
        build: its function there.
        side_px: side of the pictures that its ImageNet weights were trained on.
    """

    module: str
    build: str
    side_px: int


_KNOWN = {
    "inceptionresnetv2": _Application("inception_resnet_v2", "InceptionResNetV2", 299),
    "resnet50": _Application("resnet50", "ResNet50", 224),
}


def build(name: str, *, imagenet: bool, side_px: int | None = None) -> Any:
    """Return a network as an encoder: pooled by the mean, and projected if its name says so.

    Args:
        name: one of `ENCODERS` but compact; with `-256` at its end the pooled features are mapped
            to `PROJECTED` numbers, by an orthogonal random map until training changes it (which
            keeps distances about as they are, Johnson and Lindenstrauss 1984).
        imagenet: whether to load ImageNet weights, downloaded by Keras when they are not at hand.
        side_px: side of the pictures; by default that of the ImageNet weights.

    Returns:
        A `keras.Model` from (n, side, side, 3) float32 RGB, 0..255, to (n, d).

    Raises:
        ConfigError: the ImageNet weights cannot be had.
    """
    base = name.removesuffix(_SUFFIX)
    known = _KNOWN[base]
    side = side_px or known.side_px
    features = _features(base, known, side, imagenet=imagenet)
    picture = keras.Input((side, side, 3), name="rgb")
    module = getattr(keras.applications, known.module)
    vectors = features(module.preprocess_input(picture))
    if name.endswith(_SUFFIX):
        projection = keras.layers.Dense(PROJECTED, use_bias=False, name="embedding")
        vectors = projection(vectors)
        projection.set_weights([hyperplanes(features.output_shape[-1], PROJECTED)])
    return keras.Model(picture, vectors, name=name.replace("-", ""))


_SUFFIX = f"-{PROJECTED}"


def _features(name: str, known: _Application, side_px: int, *, imagenet: bool) -> Any:
    try:
        return getattr(keras.applications, known.build)(
            include_top=False,
            weights="imagenet" if imagenet else None,
            input_shape=(side_px, side_px, 3),
            pooling="avg",
        )
    except Exception as error:  # Keras raises a bare Exception when a download fails
        if not imagenet:
            raise ConfigError(f"{name} cannot take pictures of {side_px} px: {error}") from error
        raise ConfigError(
            f"Keras could not get the ImageNet weights of {name} ({error}). Without internet: run "
            f"once where there is some, copy the file from ~/.keras/models to the same place here, "
            "or give the path of a .weights.h5 file, or use the compact encoder, "
            "whose weights ship with the project."
        ) from error
