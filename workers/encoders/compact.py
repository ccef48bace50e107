"""The compact encoder: small enough for two laptop cores beside the rest of the stack.

Eight fire modules as in SqueezeNet 1.1 (Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy
with 50x fewer parameters"), so that training may start from what that network learnt on ImageNet,
over one channel; then the mean and the maximum of the last feature map, a linear layer and unit
length. The encoder shows the network each picture twice, once turned, blends in which classes of
the training it resembles, and adds the organism's opacity and size.
How it was trained and what it reaches is in `docs/encoder.md`.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from workers.encoders.layers import ClassAware, Opacity, ValueAware
from workers.encoders.runtime import keras
from workers.encoders.size import VALUE_DIMENSION

SIDE_PX = 80
DIMENSION = 256
STEM_CHANNELS = 64
FIRE = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""Channels of each fire module: squeezed, and expanded by each of two convolutions."""

_HALVED_BEFORE = {0, 2, 4}

SIZE_SHARE, SIZE_OCTAVES = 0.15, 1.0
OPACITY_SHARE, OPACITY_OCTAVES = 0.2, 1.0
WHITENING = 0.25
CLASS_SHARPNESS = 15.0
CLASS_SHARE = 0.5
"""Chosen on PlanktonSet's validation images, see `docs/adr/0011-compact-encoder.md`."""


def shipped_file() -> Traversable:
    """Return the trained encoder that comes with this package."""
    return files("workers.encoders") / "weights" / "compact-v3.keras"


NETWORK_DIMENSION = 240
LOOKS_DIMENSION = DIMENSION - 2 * VALUE_DIMENSION
"""Numbers that the network gives, and those that are kept of them and of the classes."""


def build_encoder(network: Any, classes: ClassAware | None = None, *, twice: bool = True) -> Any:
    """Return the whole encoder around a network of `build_network`.

    Args:
        network: what sees.
        classes: see `class_aware.fit`; None for one that was not fitted.
        twice: look at each picture turned, too; only `benchmarks/ablation.py` does not.

    Returns:
        A `keras.Model` from `contrast`, (n, `SIDE_PX`, `SIDE_PX`, 1) float32, and `log2_size`,
        (n, 1) float32 octaves, to (n, `DIMENSION`) float32 of unit length.
    """
    picture = keras.Input((SIDE_PX, SIDE_PX, 1), name="contrast")
    log2_size = keras.Input((1,), name="log2_size")
    classes = classes or ClassAware(1, 1.0, 0.0, LOOKS_DIMENSION, name="classes")
    seen = classes(_twice(network, picture) if twice else network(picture))
    # The size, appended last, takes its share of the opacity's too.
    opacity = ValueAware(OPACITY_SHARE / (1 - SIZE_SHARE), OPACITY_OCTAVES, name="opacity")
    seen = opacity([seen, Opacity(name="log2_opacity")(picture)])
    vectors = ValueAware(SIZE_SHARE, SIZE_OCTAVES, name="size")([seen, log2_size])
    return keras.Model([picture, log2_size], vectors, name="compact")


def two_views(network: Any) -> Any:
    """Return a model of pictures as `network` takes them to the mean of both views, unit length."""
    picture = keras.Input((SIDE_PX, SIDE_PX, 1), name="contrast")
    return keras.Model(picture, _twice(network, picture))


def _twice(network: Any, picture: Any) -> Any:
    """See a picture as it is and with rows for columns: a quarter turn and a mirror image.

    What both views have in common is the organism; what differs is how it happened to lie.
    """
    layers = keras.layers
    views = [network(picture), network(layers.Permute((2, 1, 3))(picture))]
    return layers.UnitNormalization()(layers.Add()(views))


def network_of(encoder: Any) -> Any:
    """Return the network within an encoder of `build_encoder`, sharing its weights."""
    return encoder.get_layer(_NETWORK)


_NETWORK = "compact_network"


def build_network() -> Any:
    """Return the untrained network.

    Returns:
        A `keras.Model` from (n, side, side, 1) float32, background 0, organism positive, to
        (n, `NETWORK_DIMENSION`) float32 of unit length. The side is free, the shipped
        weights expect `SIDE_PX`.
    """
    layers = keras.layers
    picture = keras.Input((None, None, 1), name="contrast")
    x = layers.Conv2D(STEM_CHANNELS, 3, strides=2, padding="same", activation="relu", name="conv1")(
        picture
    )
    for number, (squeezed, expanded) in enumerate(FIRE):
        if number in _HALVED_BEFORE:
            x = layers.MaxPooling2D(3, 2, padding="same")(x)
        x = _fire(x, squeezed, expanded, name=f"fire{number + 2}")
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.BatchNormalization(name="features_norm")(x)
    x = layers.Dense(NETWORK_DIMENSION, use_bias=False, name="embedding")(x)
    x = layers.BatchNormalization(name="embedding_norm")(x)
    return keras.Model(picture, layers.UnitNormalization()(x), name=_NETWORK)


def _fire(x: Any, squeezed: int, expanded: int, *, name: str) -> Any:
    """Squeeze the channels, then expand them by 1x1 and by 3x3 convolutions side by side."""
    conv = keras.layers.Conv2D
    x = conv(squeezed, 1, activation="relu", name=f"{name}_squeeze1x1")(x)
    narrow = conv(expanded, 1, activation="relu", name=f"{name}_expand1x1")(x)
    wide = conv(expanded, 3, padding="same", activation="relu", name=f"{name}_expand3x3")(x)
    return keras.layers.Concatenate()([narrow, wide])
