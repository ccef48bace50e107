"""Layers of our own that a saved encoder is made of; importing this module lets Keras load them."""

from typing import Any

import numpy as np

from workers.encoders.runtime import keras
from workers.encoders.size import SIZE_DIMENSION, size_frequencies


@keras.saving.register_keras_serializable(package="plankton")
class SizeAware(keras.layers.Layer):  # type: ignore[misc]  # keras is untyped
    """Appends an organism's size to its unit vector, as a share of the squared length.

    ([n, d] of unit length, [n, 1] sizes in octaves) to [n, d + `SIZE_DIMENSION`] of unit length.
    The cosine of two results is (1 - share) · cosine of the vectors + share · exp(-(difference of
    sizes / octaves)² / 2).
    """

    def __init__(self, share: float, octaves: float, **options: Any) -> None:
        super().__init__(**options)
        self._share, self._octaves = share, octaves
        self._frequencies, self._amplitudes = size_frequencies(octaves)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        vectors, log2_size = inputs
        ops = keras.ops
        phases = log2_size * self._frequencies
        waves = ops.concatenate([ops.cos(phases), ops.sin(phases)], axis=-1)
        waves = waves * np.concatenate([self._amplitudes, self._amplitudes])
        seen, size = np.float32((1 - self._share) ** 0.5), np.float32(self._share**0.5)
        return ops.concatenate([seen * vectors, size * waves], axis=-1)

    def compute_output_shape(self, shapes: Any) -> tuple[int | None, int]:
        """(n, d + `SIZE_DIMENSION`)."""
        return (shapes[0][0], shapes[0][1] + SIZE_DIMENSION)

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "share": self._share, "octaves": self._octaves}
