"""Layers of our own that a saved encoder is made of; importing this module lets Keras load them."""

from typing import Any

import numpy as np

from workers.encoders.runtime import keras
from workers.encoders.size import SIZE_DIMENSION, size_frequencies


@keras.saving.register_keras_serializable(package="plankton")
class ClassAware(keras.layers.Layer):  # type: ignore[misc]  # keras is untyped
    """Blends a unit vector with how much it resembles each class of the training.

    (n, d) of unit length to (n, d) of unit length. Before the last map, which keeps d of the
    d + classes directions, the cosine of two results is (1 - share) · cosine of the whitened
    vectors + share · sum over classes of sqrt(p q), the Bhattacharyya coefficient of the two
    images' probabilities p and q: near 1 where the network would confuse the same classes. Its
    weights are fitted after the training, see `class_aware.fit`.
    """

    def __init__(self, classes: int, sharpness: float, share: float, **options: Any) -> None:
        super().__init__(**options)
        self._classes, self._sharpness, self._share = classes, sharpness, share

    def build(self, shape: tuple[int | None, int]) -> None:
        """Create the weights."""
        size, classes = shape[-1], self._classes

        def fixed(name: str, shape: tuple[int, int]) -> Any:
            return self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

        self.directions = fixed("directions", (size, classes))
        self.whitening = fixed("whitening", (size, size))
        self.kept = fixed("kept", (size + classes, size))

    def call(self, vectors: Any) -> Any:
        """See the class."""
        ops = keras.ops
        joined = self.joined(vectors)
        return ops.normalize(ops.matmul(joined, self.kept), axis=-1)

    def joined(self, vectors: Any) -> Any:
        """Both parts side by side, before the last map: (n, d + classes)."""
        ops = keras.ops
        looks = ops.normalize(ops.matmul(vectors, self.whitening), axis=-1)
        logits = self._sharpness * ops.matmul(vectors, self.directions)
        resemblance = ops.sqrt(ops.softmax(logits, axis=-1))  # of unit length
        of_looks, of_classes = (1 - self._share) ** 0.5, self._share**0.5
        return ops.concatenate([of_looks * looks, of_classes * resemblance], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        config: dict[str, Any] = super().get_config()
        return config | {
            "classes": self._classes, "sharpness": self._sharpness, "share": self._share
        }  # fmt: skip


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
