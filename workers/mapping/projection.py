"""From vectors to places on a plane: some images are fitted, all others placed among them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from plankton_stream.ports import Vector

Places = NDArray[np.float64]
"""x and y, (n, 2)."""

LANDMARKS = 5_000
"""Most images that are fitted. The others cost a product of matrices each, so a map of millions is
filled in minutes with the memory of these."""

_DIMENSIONS = 50  # of the principal components that are fitted, as van der Maaten and Hinton did
_PERPLEXITY = 30.0
_STOP_EVERY = 10  # iterations
_NEAREST = 8
_FITTED_SPREAD = 1e-4  # standard deviation of where t-SNE begins


class StoppedError(Exception):
    """The fit was asked to stop; nothing came of it."""


def fit(
    vectors: Vector, before: Places | None = None, should_stop: Callable[[], bool] = lambda: False
) -> Places:
    """A t-SNE of vectors: the same for the same vectors.

    Args:
        vectors: float32 (n, d), L2-normalised, n at least 8 and at most some thousands.
        before: places to begin with, (n, 2), so that a new map looks like the one before it; else
            the first two principal components.
        should_stop: asked several times a second.

    Returns:
        Places about -1…1.

    Raises:
        StoppedError: `should_stop` said so.
    """
    # SciPy and scikit-learn, 100 MB: loaded when a map is fitted, not while one is kept current.
    from openTSNE import TSNE  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    def watch(_iteration: int, _error: float, _places: object) -> bool:
        if should_stop():
            raise StoppedError
        return False

    with threadpool_limits(1):
        reduced = _principal(vectors)
        begin = reduced[:, :2] if before is None else before
        begin = (begin - begin.mean(axis=0)) / max(float(begin[:, 0].std()), 1e-12)
        model = TSNE(
            perplexity=min(_PERPLEXITY, (len(vectors) - 1) / 3),
            initialization=np.asarray(begin * _FITTED_SPREAD, np.float64),
            neighbors="exact",
            negative_gradient_method="bh",
            n_jobs=1,
            random_state=0,
            callbacks=watch,
            callbacks_every_iters=_STOP_EVERY,
        )
        fitted = np.asarray(model.fit(np.ascontiguousarray(reduced, np.float64)), np.float64)
    fitted -= fitted.mean(axis=0)
    return fitted / max(float(np.abs(fitted).max()), 1e-12)


def _principal(vectors: Vector) -> NDArray[np.float64]:
    """The vectors on their first principal components, at most `_DIMENSIONS` of them."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    reduced: NDArray[np.float64] = centred @ axes[:, ::-1][:, :_DIMENSIONS]
    if reduced.shape[1] < 2:
        reduced = np.pad(reduced, ((0, 0), (0, 2 - reduced.shape[1])))
    return reduced


class Landmarks:
    """Images whose places are known; others are placed among those that they look like."""

    def __init__(self, vectors: Vector, places: Places) -> None:
        """Keep them.

        Args:
            vectors: float32 (m, d), L2-normalised, m at least 1.
            places: (m, 2).
        """
        self._vectors, self._places = vectors, places

    def place(self, vectors: Vector) -> Places:
        """Where images belong: the mean of the nearest landmarks' places, near ones count more.

        The weight of a landmark falls to 1/e over the mean distance of the nearest ones beyond the
        first, so that images in dense and in sparse parts are spread alike.

        Args:
            vectors: float32 (n, d), L2-normalised; a thousand at once take 4·m kB.
        """
        distances = 1.0 - vectors @ self._vectors.T
        k = min(_NEAREST, len(self._vectors))
        rows = np.arange(len(vectors))[:, None]
        nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
        beyond = distances[rows, nearest]
        beyond = np.maximum(beyond - beyond.min(axis=1, keepdims=True), 0.0)
        reach = np.maximum(beyond.mean(axis=1, keepdims=True), 1e-9)
        weights = np.exp(-beyond / reach)
        weights /= weights.sum(axis=1, keepdims=True)
        placed: Places = np.einsum("nk,nkd->nd", weights, self._places[nearest])
        return placed
