"""A Keras model as an encoder: batches of two sizes through one traced function."""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plankton_stream.errors import RejectedError
from workers.encoders.identity import EncoderIdentity
from workers.encoders.preprocessing import Image, require_image
from workers.encoders.runtime import keras, tf

PixelSizes = Sequence[float | None]
"""Micrometres of a pixel of each image, None where unknown."""

Inputs = tuple[NDArray[np.float32], ...]
"""What a model takes, in its own order; the first axis of each is the images."""

Prepare = Callable[[Sequence[Image], PixelSizes, int], Inputs]
"""n images, their pixels' sizes and the side in px to the model's inputs."""


class KerasEncoder:
    """An `Encoder` over a Keras model.

    It runs with two numbers of rows only, a full batch and a single image (a person's query must
    not pay for 31 empty rows): oneDNN prepares itself for each number, so any other number of
    images is padded to full batches. The model is traced at construction: no record waits for it.
    """

    def __init__(
        self, model: Any, identity: EncoderIdentity, prepare: Prepare, batch_size: int
    ) -> None:
        """Trace the model.

        Args:
            model: `keras.Model`, pictures (n, side, side, channels) and maybe more inputs to
                (n, d); side and d as in the identity.
            identity: which encoder this is.
            prepare: what turns images into the model's inputs.
            batch_size: images in one step.
        """
        self.identity = identity
        self.model = model
        self.prepare = prepare
        self._batch_size = batch_size
        self._one_at_a_time = threading.Lock()
        self._step = _step(model)

    def encode(
        self, images: Sequence[Image], pixel_um: PixelSizes | None = None
    ) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        sizes = [None] * len(images) if pixel_um is None else pixel_um
        vectors = np.empty((len(images), self.identity.dimension), dtype=np.float32)
        for start in range(0, len(images), self._batch_size):
            rows = slice(start, start + self._batch_size)
            chunk = [require_image(image) for image in images[rows]]
            inputs = self.prepare(chunk, sizes[rows], self.identity.input_size_px)
            vectors[rows] = self.run(inputs)
        return vectors

    def run(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return the vectors of at most one batch of what `prepare` gives, (n, d) float32.

        Raises:
            RejectedError: one of them holds NaN or infinity, which no index takes.
        """
        count = len(inputs[0])
        rows = 1 if count == 1 else self._batch_size
        with self._one_at_a_time:
            vectors = self._step(*(_padded(values, rows) for values in inputs))
        vectors = vectors[:count]
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise RejectedError(
                f"encoder {self.identity.id} gives NaN or infinity for {np.sum(~finite)} of "
                f"{count} images"
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)


def _padded(values: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    padding = [(0, rows - len(values))] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, padding) if len(values) < rows else values


def _step(model: Any) -> Callable[..., NDArray[np.float32]]:
    """Return the model as a function of NumPy arrays with any number of rows."""

    def run(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    if tf is None:  # training and its judgement also run on JAX and PyTorch
        return lambda *inputs: np.asarray(keras.ops.convert_to_numpy(run(*inputs)), np.float32)
    from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
        convert_variables_to_constants_v2,
    )

    shapes = [tf.TensorSpec((None, *one.shape[1:]), tf.float32) for one in model.inputs]
    # With its weights as constants, TensorFlow folds the normalisations into the convolutions.
    frozen = convert_variables_to_constants_v2(tf.function(run).get_concrete_function(*shapes))
    return lambda *inputs: np.asarray(frozen(*(tf.constant(one) for one in inputs))[0])


def model_sha256(model: Any) -> str:
    """Return the SHA-256 of a model's weights and of how its layers are set, first 16 hex digits.

    It is taken over shapes, values and settings in the model's own order, not over a file, so that
    the same model is the same encoder wherever it was loaded from.
    """
    digest = hashlib.sha256(json.dumps(_settings(model), sort_keys=True).encode())
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight), dtype="<f4")
        digest.update(repr(values.shape).encode() + values.tobytes())
    return digest.hexdigest()[:16]


def _settings(layer: Any) -> list[Any]:
    """What a layer does, apart from its weights: kind and settings, of a model those of each."""
    if hasattr(layer, "layers"):
        return [_settings(inner) for inner in layer.layers]
    config = {name: value for name, value in layer.get_config().items() if name not in _IRRELEVANT}
    return [type(layer).__name__, config]


# Names count up within a process, and how weights begin or are trained leaves no trace in vectors.
_IRRELEVANT = {
    "name", "dtype", "trainable", "kernel_initializer", "bias_initializer", "kernel_regularizer",
    "beta_initializer", "gamma_initializer", "moving_mean_initializer",
    "moving_variance_initializer", "depthwise_initializer", "pointwise_initializer",
}  # fmt: skip
