"""Weights into networks, and what to tell the user when that fails."""

from importlib.resources import as_file
from pathlib import Path
from typing import Any

import h5py

from plankton_stream.errors import ConfigError
from workers.encoders import compact
from workers.encoders.identity import EncoderIdentity
from workers.encoders.inference import KerasEncoder, weights_sha256
from workers.encoders.preprocessing import compact_input, rgb_input
from workers.encoders.runtime import keras

_VERSION = "v1"  # raise it when preprocessing changes: the vectors are then no longer comparable
_RANDOM_SEED = 0


def load_compact(weights: str, batch_size: int) -> KerasEncoder:
    """Return the compact encoder; see `load_encoder`."""
    if weights == "imagenet":
        raise ConfigError(
            "The compact encoder was never trained on ImageNet: set PLANKTON_ENCODER_WEIGHTS to "
            "shipped, random, or the path of a .weights.h5 file."
        )
    if weights == "random":
        keras.utils.set_random_seed(_RANDOM_SEED)
    model = compact.build()
    if weights == "shipped":
        with as_file(compact.shipped_weights()) as file:
            load_weights(model, file)
    elif weights != "random":
        load_weights(model, Path(weights))
    identity = EncoderIdentity(
        name="compact",
        version=_VERSION,
        weights_sha256=weights_sha256(model),
        input_size_px=compact.SIDE_PX,
        dimension=compact.DIMENSION,
        preprocessing="grey, organism bright, padded to a square, background 0",
    )
    return KerasEncoder(model, identity, compact_input, batch_size)


def load_application(name: str, weights: str, batch_size: int) -> KerasEncoder:
    """Return a network of `keras.applications` without its classifier; see `load_encoder`.

    The vector is the average over the last feature map, scaled to unit length.
    """
    application, build, side_px = {
        "inceptionresnetv2": (
            keras.applications.inception_resnet_v2,
            keras.applications.InceptionResNetV2,
            299,
        ),
        "resnet50": (keras.applications.resnet50, keras.applications.ResNet50, 224),
    }[name]
    if weights == "shipped":
        raise ConfigError(
            f"No weights of {name} ship with this project: set PLANKTON_ENCODER_WEIGHTS to "
            "imagenet (Keras downloads them), random, or the path of a .weights.h5 file; or keep "
            "the compact encoder, whose weights do ship."
        )
    features = _build_application(name, build, weights, side_px)
    if weights not in {"imagenet", "random"}:
        load_weights(features, Path(weights))
    picture = keras.Input((side_px, side_px, 3), name="rgb")
    model = keras.Model(picture, features(application.preprocess_input(picture)))
    identity = EncoderIdentity(
        name=name,
        version=_VERSION,
        weights_sha256=weights_sha256(model),
        input_size_px=side_px,
        dimension=int(features.output_shape[-1]),
        preprocessing="rgb, padded to a square with its background",
    )
    return KerasEncoder(model, identity, rgb_input, batch_size)


def _build_application(name: str, build: Any, weights: str, side_px: int) -> Any:
    """Return the network without its top, with ImageNet weights if asked for."""
    if weights == "random":
        keras.utils.set_random_seed(_RANDOM_SEED)
    try:
        return build(
            include_top=False,
            weights="imagenet" if weights == "imagenet" else None,
            input_shape=(side_px, side_px, 3),
            pooling="avg",
        )
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise ConfigError(
            f"Keras could not get the ImageNet weights of {name} ({error}). Without internet: run "
            f"once where there is some, copy the file from ~/.keras/models to the same place here, "
            "or set PLANKTON_ENCODER_WEIGHTS to a .weights.h5 path, or use the compact encoder, "
            "whose weights ship with the project."
        ) from error


def load_weights(model: Any, path: Path) -> None:
    """Fill a model from a `.weights.h5` file.

    Raises:
        ConfigError: there is no such file, or it was saved from another architecture.
    """
    if not path.is_file():
        raise ConfigError(
            f"There are no encoder weights at {path}: set PLANKTON_ENCODER_WEIGHTS to shipped, "
            "imagenet, random, or the path of a .weights.h5 file."
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


def _parameters_in(path: Path) -> int:
    """Return how many numbers a Keras weights file holds, an optimizer's own left out."""
    sizes: list[int] = []

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            sizes.append(item.size)

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return sum(sizes)
