"""The compact encoder's network: small enough for two laptop cores beside the rest of the stack.

A residual network (He et al. 2016, "Deep Residual Learning for Image Recognition") with few
channels while the picture is large, ending in a 256-d unit vector. How it was trained and what it
reaches is in `docs/encoder.md`.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from workers.encoders.runtime import keras

SIDE_PX = 80
DIMENSION = 256
STEM_CHANNELS = 16
STAGES = ((32, 1), (64, 2), (128, 2))
"""Channels and residual blocks of each stage; each stage halves the picture's side."""

SHIPPED_WEIGHTS = "compact-v1.weights.h5"


def shipped_weights() -> Traversable:
    """Return the weights file that comes with this package."""
    return files("workers.encoders") / "weights" / SHIPPED_WEIGHTS


def build() -> Any:
    """Return the untrained network.

    Returns:
        A `keras.Model` from (n, side, side, 1) float32, background 0, organism positive, to
        (n, 256) float32 of unit length. The side is free, the shipped weights expect `SIDE_PX`.
    """
    layers = keras.layers
    picture = keras.Input((None, None, 1), name="contrast")
    x = layers.Conv2D(STEM_CHANNELS, 5, strides=2, padding="same", use_bias=False)(picture)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for channels, blocks in STAGES:
        for block in range(blocks):
            x = _residual_block(x, channels, halve=block == 0)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(DIMENSION, use_bias=False, name="embedding")(x)
    x = layers.BatchNormalization(name="embedding_norm")(x)
    return keras.Model(picture, layers.UnitNormalization()(x), name="compact")


def _residual_block(x: Any, channels: int, *, halve: bool) -> Any:
    """Two 3x3 convolutions beside a shortcut; a halving block averages its shortcut (ResNet-D)."""
    layers = keras.layers
    y = layers.Conv2D(channels, 3, strides=2 if halve else 1, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.Conv2D(channels, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if halve:
        x = layers.AveragePooling2D(2, padding="same")(x)
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
    return layers.ReLU()(layers.Add()([x, y]))
