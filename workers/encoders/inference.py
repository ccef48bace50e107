"""A Keras model as an encoder: fixed-shape batches through one traced function per shape."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.encoders.identity import EncoderIdentity
from workers.encoders.preprocessing import Image, require_image
from workers.encoders.runtime import keras, tf

Prepare = Callable[[Sequence[Image], int], NDArray[np.float32]]
"""(n images, side in px) to the network's input, (n, side, side, channels) float32."""


class KerasEncoder:
    """An `Encoder` over a Keras model.

    TensorFlow is traced for two shapes only, a full batch and a single image (a person's query
    must not pay for 31 empty rows), both at construction, so that no record waits for it. Any
    other number of images is padded to full batches.
    """

    def __init__(
        self, model: Any, identity: EncoderIdentity, prepare: Prepare, batch_size: int
    ) -> None:
        """Trace the model.

        Args:
            model: `keras.Model`, (n, side, side, channels) to (n, d); d as in the identity.
            identity: which encoder this is.
            prepare: what turns images into the model's input.
            batch_size: images in one step.
        """
        self.identity = identity
        self.model = model
        self.prepare = prepare
        self._batch_size = batch_size
        self._one_at_a_time = threading.Lock()
        channels = model.input_shape[-1]

        def unit_vectors(pictures: Any) -> Any:
            return tf.math.l2_normalize(model(pictures, training=False), axis=-1)

        def traced(rows: int) -> Any:
            shape = (rows, identity.input_size_px, identity.input_size_px, channels)
            return tf.function(unit_vectors).get_concrete_function(tf.TensorSpec(shape, tf.float32))

        self._steps = {rows: traced(rows) for rows in {1, batch_size}}

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        vectors = np.empty((len(images), self.identity.dimension), dtype=np.float32)
        for start in range(0, len(images), self._batch_size):
            chunk = [require_image(image) for image in images[start : start + self._batch_size]]
            vectors[start : start + len(chunk)] = self._encode_chunk(chunk)
        return vectors

    def _encode_chunk(self, chunk: Sequence[Image]) -> NDArray[np.float32]:
        """Return the vectors of at most one batch."""
        pictures = self.prepare(chunk, self.identity.input_size_px)
        rows = 1 if len(chunk) == 1 else self._batch_size
        padded = np.zeros((rows, *pictures.shape[1:]), dtype=np.float32)
        padded[: len(chunk)] = pictures
        with self._one_at_a_time:
            vectors = self._steps[rows](tf.constant(padded)).numpy()
        return np.asarray(vectors[: len(chunk)], dtype=np.float32)


def weights_sha256(model: Any) -> str:
    """Return the SHA-256 of a model's weights, first 16 hex digits.

    It is taken over shapes and values in the model's own order, not over a file, so that the same
    weights are the same encoder wherever they were loaded from.
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight), dtype="<f4")
        digest.update(repr(values.shape).encode() + values.tobytes())
    return digest.hexdigest()[:16]
