"""What can be trained: a network, the encoder around it, and how it wants its pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plankton_stream.errors import ConfigError
from workers.encoders import ENCODERS, applications, class_aware, compact
from workers.encoders.loading import load_weights, read_model
from workers.encoders.preprocessing import (
    Image,
    background,
    brighten_organism,
    contrast_input,
    rgb_input,
    to_grey,
    to_rgb,
)
from workers.encoders.runtime import keras
from workers.training.augmentation import augment, augment_one
from workers.training.changes import Changes
from workers.training.squeezenet import is_squeezenet, start_from_squeezenet

_MANY, _FEW = 256, 16  # pictures at a time: a large network's first layers take 6 MB for each

Pictures = NDArray[np.float32]
"""(n, side, side, channels) float32, what a network takes."""


@dataclass(frozen=True)
class Trainee:
    """A network to train.

    Attributes:
        start: what its weights are, as given to `trainee`.
        network: `keras.Model` from pictures to (n, d).
        encoder: the whole encoder, once the network is trained: from training images and the
            directions (d, classes) of the classifier.
        side_px: side of the pictures that the encoder takes.
        any_side: whether the network takes pictures of other sides too.
        see: what is kept of an image in memory.
        prepare: images to pictures of a side, as the encoder does.
        augment: the same with random changes.
    """

    start: str
    network: Any
    encoder: Callable[[Sequence[Image], NDArray[np.float32]], Any]
    side_px: int
    any_side: bool
    see: Callable[[Image], Image]
    prepare: Callable[[Sequence[Image], int], Pictures]
    augment: Callable[[Sequence[Image], int, Changes, Generator], Pictures]

    def embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return vectors of images by the network alone, (n, d) float32, unit length."""
        batch = _MANY if self.any_side else _FEW
        parts = [
            self.network.predict_on_batch(self.prepare(images[start : start + batch], self.side_px))
            for start in range(0, len(images), batch)
        ]
        vectors = np.concatenate(parts)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def trainee(encoder: str, start: str, side_px: int | None = None) -> Trainee:
    """Return what is to be trained, with the weights that it starts from.

    Args:
        encoder: one of `ENCODERS`.
        start: "shipped" (compact only), "imagenet" (not for compact), "none", or a path: a
            `*.keras` or `*.weights.h5` file of the same architecture, or for compact SqueezeNet's
            ImageNet weights (see `squeezenet`).
        side_px: side of the pictures of a network of `keras.applications`; its own by default.

    Raises:
        ConfigError: there is no such encoder, or no such weights.
    """
    if encoder not in ENCODERS:
        raise ConfigError(f"There is no encoder {encoder!r} to train; there are {ENCODERS}.")
    if encoder == "compact":
        if side_px not in {None, compact.SIDE_PX}:
            raise ConfigError(f"The compact encoder takes pictures of {compact.SIDE_PX} px.")
        return _compact(start)
    return _application(encoder, start, side_px)


def _compact(start: str) -> Trainee:
    if start == "imagenet":
        raise ConfigError(
            "The compact encoder starts from ImageNet through SqueezeNet: give the path of "
            "squeezenet_1_1_imagenet_notop.h5 (published by DeepCognition/keras-squeezenet)."
        )
    if start == "shipped":
        with as_file(compact.shipped_file()) as file:
            network = compact.network_of(read_model(file))
    elif start.endswith(".keras"):
        network = _network_within(read_model(Path(start)), start)
    else:
        network = compact.build_network()
        if start != "none" and is_squeezenet(Path(start)):
            start_from_squeezenet(network, Path(start))
        elif start != "none":
            load_weights(compact.build_encoder(network), Path(start))
    return Trainee(
        start=start,
        network=network,
        encoder=partial(_compact_encoder, network),
        side_px=compact.SIDE_PX,
        any_side=True,
        see=_bright_grey,
        prepare=contrast_input,
        augment=augment,
    )


def _compact_encoder(network: Any, images: Sequence[Image], directions: NDArray[np.float32]) -> Any:
    views = compact.two_views(network)
    parts = [
        views.predict_on_batch(contrast_input(images[start : start + 256], compact.SIDE_PX))
        for start in range(0, len(images), 256)
    ]
    classes = class_aware.fit(
        np.concatenate(parts), directions, whitening=compact.WHITENING,
        sharpness=compact.CLASS_SHARPNESS, share=compact.CLASS_SHARE,
        dimension=compact.LOOKS_DIMENSION,
    )  # fmt: skip
    return compact.build_encoder(network, classes)


def _network_within(encoder: Any, start: str) -> Any:
    try:
        return compact.network_of(encoder)
    except ValueError as error:
        raise ConfigError(
            f"{start} is no compact encoder: name what it is with --encoder, or start from none."
        ) from error


def _application(name: str, start: str, side_px: int | None) -> Trainee:
    if start == "shipped":
        raise ConfigError(f"No weights of {name} ship: start from imagenet, none, or a file.")
    if start.endswith(".keras"):
        model = read_model(Path(start))
        _require_same(model, applications.build(name, imagenet=False, side_px=side_px), start)
    else:
        model = applications.build(name, imagenet=start == "imagenet", side_px=side_px)
        if start not in {"imagenet", "none"}:
            load_weights(model, Path(start))
    return Trainee(
        start=start,
        network=model,
        encoder=lambda _images, _directions: model,
        side_px=int(model.inputs[0].shape[1]),
        any_side=False,
        see=to_rgb_image,
        prepare=rgb_input,
        augment=_augmented_rgb,
    )


def _require_same(given: Any, wanted: Any, start: str) -> None:
    """See that a file holds the network that is to be trained."""
    have, need = ([tuple(one.shape) for one in (*m.inputs, *m.outputs)] for m in (given, wanted))
    if have != need:
        raise ConfigError(
            f"{start} goes from {have[0]} to {have[-1]}, {wanted.name} from {need[0]} to "
            f"{need[-1]}: name what the file is with --encoder, and its --side."
        )


def to_rgb_image(image: Image) -> Image:
    """Colour as OpenCV holds it, so that an image in memory is one like any other."""
    return np.asarray(to_rgb(brighten_organism(image))[..., ::-1], np.uint8)


def _bright_grey(image: Image) -> Image:
    return brighten_organism(to_grey(image))


def _augmented_rgb(
    images: Sequence[Image], side_px: int, changes: Changes, rng: Generator
) -> Pictures:
    changed = [
        augment_one(image, side_px, changes, rng) * 255 + background(image) for image in images
    ]
    return np.clip(np.stack(changed), 0, 255).astype(np.float32)[..., ::-1]


def classifier(network: Any, head: Any) -> Any:
    """Return a network with a classifier of unit vectors behind it."""
    vectors = keras.layers.UnitNormalization(name="unit")(network.output)
    return keras.Model(network.input, head(vectors))
