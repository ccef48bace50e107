"""Layers of our own that a saved encoder is made of; importing this module lets Keras load them."""

from typing import Any

from workers.encoders.runtime import keras
from workers.encoders.size import ABOVE_WATER, VALUE_DIMENSION, waves


@keras.saving.register_keras_serializable(package="plankton")
class ClassAware(keras.layers.Layer):  # type: ignore[misc]  # keras is untyped
    """Blends a unit vector with how much it resembles each class of the training.

    (n, d) of unit length to (n, `dimension`) of unit length. Before the last map, which keeps the
    strongest of the d + classes directions, the cosine of two results is (1 - share) · cosine of
    the whitened vectors + share · sum over classes of sqrt(p q), the Bhattacharyya coefficient of
    the two images' probabilities p and q: near 1 where the network would confuse the same classes.
    Its weights are fitted after the training, see `class_aware.fit`; until then it keeps the first
    directions as they are.
    """

    def __init__(
        self, classes: int, sharpness: float, share: float, dimension: int, **options: Any
    ) -> None:
        super().__init__(**options)
        self._classes, self._sharpness = classes, sharpness
        self._share, self._dimension = share, dimension

    def build(self, shape: tuple[int | None, int]) -> None:
        """Create the weights."""
        size, classes = shape[-1], self._classes

        def fixed(name: str, shape: tuple[int, int], initializer: str = "identity") -> Any:
            return self.add_weight(shape=shape, initializer=initializer, trainable=False, name=name)

        self.directions = fixed("directions", (size, classes), "zeros")
        self.whitening = fixed("whitening", (size, size))
        self.kept = fixed("kept", (size + classes, self._dimension))

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
            "classes": self._classes, "sharpness": self._sharpness, "share": self._share,
            "dimension": self._dimension,
        }  # fmt: skip

    def compute_output_shape(self, shape: Any) -> tuple[int | None, int]:
        """(n, `dimension`)."""
        return (shape[0], self._dimension)


@keras.saving.register_keras_serializable(package="plankton")
class Opacity(keras.layers.Layer):  # type: ignore[misc]  # keras is untyped
    """How much light an organism takes or gives: (n, side, side, 1) contrast to (n, 1) octaves.

    The logarithm of its mean contrast. A jelly and a copepod of one size and shape differ in it;
    training on pictures of changed contrast makes a network blind to it.
    """

    def call(self, contrast: Any) -> Any:
        """See the class."""
        ops = keras.ops
        above = ops.relu(contrast - float(ABOVE_WATER))
        area = ops.sum(ops.cast(above > 0, "float32"), axis=(1, 2))
        mean = ops.sum(above, axis=(1, 2)) / ops.maximum(area, 1.0)
        return ops.log(mean + _FAINTEST) / _LN_2

    def compute_output_shape(self, shape: Any) -> tuple[int | None, int]:
        """(n, 1)."""
        return (shape[0], 1)


_FAINTEST = 1e-3  # contrast that is as good as none; keeps the logarithm finite
_LN_2 = 0.6931472


@keras.saving.register_keras_serializable(package="plankton")
class ValueAware(keras.layers.Layer):  # type: ignore[misc]  # keras is untyped
    """Appends a number to a unit vector, as a share of the squared length.

    ([n, d] of unit length, [n, 1] in octaves) to [n, d + `VALUE_DIMENSION`] of unit length. The
    cosine of two results is (1 - share) · cosine of the vectors + share · exp(-(difference of the
    numbers / octaves)² / 2).
    """

    def __init__(self, share: float, octaves: float, **options: Any) -> None:
        super().__init__(**options)
        self._share, self._octaves = share, octaves

    def call(self, inputs: Any) -> Any:
        """See the class."""
        vectors, numbers = inputs
        ops = keras.ops
        frequencies, amplitudes = (ops.convert_to_tensor(x) for x in waves(self._octaves))
        phases = numbers * frequencies
        parts = [ops.cos(phases) * amplitudes, ops.sin(phases) * amplitudes]
        rest, share = (1 - self._share) ** 0.5, self._share**0.5
        return ops.concatenate([rest * vectors, *(share * part for part in parts)], axis=-1)

    def compute_output_shape(self, shapes: Any) -> tuple[int | None, int]:
        """(n, d + `VALUE_DIMENSION`)."""
        return (shapes[0][0], shapes[0][1] + VALUE_DIMENSION)

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "share": self._share, "octaves": self._octaves}
