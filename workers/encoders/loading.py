"""Weights into networks, and what to tell the user when that fails."""

import re
from collections.abc import Sequence
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from plankton_stream.errors import ConfigError
from workers.encoders import applications, compact
from workers.encoders.identity import EncoderIdentity
from workers.encoders.inference import Inputs, KerasEncoder, PixelSizes, model_sha256
from workers.encoders.preprocessing import Image, contrast_input, rgb_input, scales
from workers.encoders.runtime import keras
from workers.encoders.size import log2_size_um, spread_px

_VERSION = "v3"  # raise it when preprocessing changes: the vectors are then no longer comparable
_RANDOM_SEED = 0
_SIZE_INPUT = "log2_size"


def load(name: str, weights: str, batch_size: int) -> KerasEncoder:
    """Return an encoder; see `load_encoder`."""
    if name.endswith(".keras"):
        return as_encoder(read_model(Path(name)), batch_size)
    model = _compact(weights) if name == "compact" else _application(name, weights)
    if weights == "random":
        _randomise(model)
    elif weights not in {"shipped", "imagenet"}:
        load_weights(model, Path(weights))
    return as_encoder(model, batch_size)


def as_encoder(model: Any, batch_size: int) -> KerasEncoder:
    """Return a Keras model as an encoder.

    Args:
        model: from pictures (n, side, side, channels) float32 to (n, d). One channel: contrast from
            the background, organism positive, -1..1. Three: RGB, 0..255. A second input named
            `log2_size` is given the organism's size in octaves of micrometres.
        batch_size: images in a step.

    Raises:
        ConfigError: the model takes or gives something else.
    """
    _require_vectors(model)
    _, side_px, _, channels = model.inputs[0].shape
    sized = len(model.inputs) == 2
    prepare, seen = (
        (_contrast_and_size if sized else _contrast, "grey, organism bright, background 0")
        if channels == 1
        else (
            _rgb_and_size if sized else _rgb,
            "rgb, organism bright, padded to a square with its background",
        )
    )
    identity = EncoderIdentity(
        name=re.sub(r"[^a-z0-9]+", "", model.name.lower()) or "model",
        version=_VERSION,
        weights_sha256=model_sha256(model),
        input_size_px=side_px,
        dimension=int(model.outputs[0].shape[-1]),
        preprocessing=f"{seen}; size beside it" if sized else seen,
    )
    encoder = KerasEncoder(model, identity, prepare, batch_size)
    _require_finite(encoder)
    return encoder


def read_model(path: Path) -> Any:
    """Return the Keras model in a file.

    Raises:
        ConfigError: there is none, or it cannot be loaded.
    """
    if not path.is_file():
        raise ConfigError(f"There is no encoder at {path}: give a model saved by Keras, *.keras.")
    try:
        # Safe mode, Keras' default, refuses files that bring code along.
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever a layer's constructor does
        raise ConfigError(f"Keras cannot load {path} ({error}).") from error


def load_weights(model: Any, path: Path) -> None:
    """Fill a model from a `.weights.h5` file.

    Raises:
        ConfigError: there is no such file, or it was saved from another architecture.
    """
    if not path.is_file():
        raise ConfigError(
            f"There are no encoder weights at {path}: give shipped, imagenet, random, or the path "
            "of a .weights.h5 file."
        )
    try:
        # Keras skips what it cannot place, with no more than a warning: count first.
        misfit = _parameters_in(path) - model.count_params()
        if not misfit:
            model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise ConfigError(f"{path} is damaged or no weights file ({error}).") from error
    if misfit:
        raise ConfigError(
            f"{path} holds weights of another architecture than {model.name}: {abs(misfit)} "
            f"parameters too {'many' if misfit > 0 else 'few'}."
        )


def _randomise(model: Any) -> None:
    """Draw kernels anew, always the same (He et al. 2015).

    Keras' own start depends on Python's global source of chance, which other threads use too.
    """
    rng = np.random.default_rng(_RANDOM_SEED)
    for weight in model.trainable_weights:
        if len(weight.shape) > 1:
            spread = (2 / np.prod(weight.shape[:-1])) ** 0.5
            weight.assign(rng.standard_normal(weight.shape, dtype=np.float32) * np.float32(spread))


def _compact(weights: str) -> Any:
    if weights == "imagenet":
        raise ConfigError(
            "The compact encoder has no ImageNet weights of its own: give shipped, random, or the "
            "path of a .weights.h5 file."
        )
    if weights == "shipped":
        with as_file(compact.shipped_file()) as file:
            return read_model(file)
    return compact.build_encoder(compact.build_network())


def _application(name: str, weights: str) -> Any:
    if weights == "shipped":
        raise ConfigError(
            f"No weights of {name} ship with this project: give "
            "imagenet (Keras downloads them), random, or the path of a .weights.h5 file; or keep "
            "the compact encoder, whose weights do ship."
        )
    return applications.build(name, imagenet=weights == "imagenet")


def _require_vectors(model: Any) -> None:
    """Check that a model's inputs and output are those of an encoder."""
    picture = tuple(model.inputs[0].shape)
    others = [one.name for one in model.inputs[1:]]
    square = len(picture) == 4 and picture[1] == picture[2] and picture[1] is not None
    if not square or picture[3] not in {1, 3} or others not in ([], [_SIZE_INPUT]):
        raise ConfigError(
            f"The model {model.name} takes {picture} {others or ''}: an encoder takes pictures "
            "(n, side, side, 1 or 3) of a fixed side, and beside them at most "
            f"{_SIZE_INPUT} (n, 1)."
        )
    outputs = [tuple(one.shape) for one in model.outputs]
    if len(outputs) != 1 or len(outputs[0]) != 2 or outputs[0][1] is None:
        raise ConfigError(
            f"The model {model.name} gives {outputs}: an encoder gives one vector (n, d) an image. "
            "Cut off its classifier and pool its last feature map."
        )
    if not 2 <= outputs[0][1] <= MAX_DIMENSION:
        raise ConfigError(
            f"The model {model.name} gives vectors of {outputs[0][1]} numbers: allowed are "
            f"2 to {MAX_DIMENSION}."
        )


MAX_DIMENSION = 4_096
"""Longest vector, numbers: twice that of ResNet50, and a page of them still fits into one call to
Milvus."""


def _require_finite(encoder: KerasEncoder) -> None:
    """Look at one picture, as damaged weights show there."""
    side = encoder.identity.input_size_px
    probe = np.full((side, side), 230, np.uint8)
    probe[side // 4 : side // 2, side // 4 : -side // 8] = 60
    vector = encoder.encode([probe])
    if not np.isfinite(vector).all() or not vector.any():
        raise ConfigError(
            f"The model {encoder.model.name} gives no finite vector of a test picture: its weights "
            "are damaged, or its training diverged."
        )


def _contrast(images: Sequence[Image], _: PixelSizes, side_px: int) -> Inputs:
    return (contrast_input(images, side_px),)


def _contrast_and_size(images: Sequence[Image], pixel_um: PixelSizes, side_px: int) -> Inputs:
    pictures = contrast_input(images, side_px)
    return pictures, _sizes(pictures, images, pixel_um)


def _rgb(images: Sequence[Image], _: PixelSizes, side_px: int) -> Inputs:
    return (rgb_input(images, side_px),)


def _rgb_and_size(images: Sequence[Image], pixel_um: PixelSizes, side_px: int) -> Inputs:
    sizes = _sizes(contrast_input(images, side_px), images, pixel_um)
    return rgb_input(images, side_px), sizes


def _sizes(pictures: Any, images: Sequence[Image], pixel_um: PixelSizes) -> Any:
    scale = scales(images, pictures.shape[1])
    return log2_size_um(spread_px(pictures), scale, pixel_um)[:, None]


def _parameters_in(path: Path) -> int:
    """Return how many numbers a Keras weights file holds, an optimizer's own left out."""
    sizes: list[int] = []

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            sizes.append(item.size)

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return sum(sizes)
