"""What the vectors of training images say about directions: whitening, and classes as a part.

A network that was trained to tell classes apart uses its few strongest directions most, and says
with its class directions what a plain cosine between two images ignores. `ClassAware` makes use of
both; here its weights are computed.
"""

import numpy as np
from numpy.typing import NDArray

from workers.encoders.layers import ClassAware
from workers.encoders.runtime import keras


def fit(
    vectors: NDArray[np.float32],
    directions: NDArray[np.float32],
    *,
    whitening: float,
    sharpness: float,
    share: float,
    dimension: int,
) -> ClassAware:
    """Return the layer for these vectors.

    Args:
        vectors: (n, d) of training images as they are, unit length.
        directions: (d, classes) of the classifier, unit length.
        whitening: 0 leaves the vectors as they are, 1 gives all their principal directions the same
            weight (as Jegou and Chum 2012, "Negative evidences and co-occurences in image
            retrieval", in between a power of the eigenvalues).
        sharpness: what cosines with the class directions are multiplied by before the softmax.
        share: of the squared length, for the classes.
        dimension: of the result.
    """
    layer = ClassAware(directions.shape[1], sharpness, share, dimension, name="classes")
    layer.build(vectors.shape)
    layer.directions.assign(directions)
    layer.whitening.assign(_whitening(vectors, whitening))
    joined = keras.ops.convert_to_numpy(layer.joined(vectors))
    layer.kept.assign(_principal(joined)[:, :dimension])
    return layer


def _whitening(vectors: NDArray[np.float32], power: float) -> NDArray[np.float64]:
    """(d, d), symmetric: principal directions divided by a power of their standard deviation."""
    variance, directions = np.linalg.eigh(_moment(vectors))
    variance = np.maximum(variance, _SMALLEST * variance[-1])
    return np.asarray(directions * variance ** (-power / 2) @ directions.T)


def _principal(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Principal directions as columns, the strongest first: projecting on them keeps products."""
    return np.asarray(np.linalg.eigh(_moment(vectors))[1][:, ::-1])


def _moment(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    return np.asarray(wide.T @ wide / len(wide))


_SMALLEST = 1e-5  # share of the largest variance below which a direction is noise
