"""A classifier that leaves behind vectors whose cosine means kinship."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.encoders.runtime import keras


class CosineClassifier(keras.layers.Layer):  # type: ignore[misc]  # keras is untyped
    """Cosine between a unit vector and one learned direction per class: (n, d) to (n, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__(name="classes")
        self._classes = classes

    def build(self, shape: tuple[int | None, int]) -> None:
        """Create the directions."""
        self.directions = self.add_weight(
            shape=(shape[-1], self._classes), initializer="glorot_normal", name="directions"
        )

    def call(self, vectors: Any) -> Any:
        """Return cosines in -1..1."""
        return keras.ops.matmul(vectors, keras.ops.normalize(self.directions, axis=0))

    def unit(self) -> NDArray[np.float32]:
        """Return the directions with unit length, (d, classes)."""
        directions = keras.ops.convert_to_numpy(self.directions)
        return np.asarray(directions / np.linalg.norm(directions, axis=0), np.float32)


def margin_loss(
    class_counts: NDArray[np.int64],
    *,
    scale: float = 20.0,
    margin: float = 0.1,
    smoothing: float = 0.1,
    balance: float = 0.5,
) -> Callable[[Any, Any], Any]:
    """Return a loss over cosines for classes of very different size.

    The cosine of the true class is lowered by a margin before the softmax (CosFace, Wang et al.
    2018), which packs classes tighter than a plain softmax; the log of each class's share is added
    (logit adjustment, Menon et al. 2021), so that rare classes are not pushed aside; labels are
    smoothed, as some are wrong.

    Args:
        class_counts: (classes,) training images of each class.
        scale: what cosines are multiplied by (inverse temperature).
        margin: how much the true class's cosine is lowered.
        smoothing: probability given to all classes alike.
        balance: 0 leaves the long tail as it is, 1 treats all classes as equally common.
    """
    share = np.maximum(class_counts, 1) / max(1, int(class_counts.sum()))
    prior = (balance * np.log(share)).astype(np.float32)

    def loss(true: Any, cosines: Any) -> Any:
        ops = keras.ops
        classes = cosines.shape[-1]
        target = ops.one_hot(ops.cast(ops.reshape(true, (-1,)), "int32"), classes)
        logits = scale * (cosines - margin * target) + ops.convert_to_tensor(prior)
        target = target * (1 - smoothing) + smoothing / classes
        return -ops.sum(target * ops.log_softmax(logits, axis=-1), axis=-1)

    return loss
