"""95% intervals of means over queries, by the bootstrap."""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
_SEED = 19790101
_TAILS = (2.5, 97.5)


def bootstrap(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each column with its 95% interval.

    Percentile bootstrap over queries (Efron 1979, "Bootstrap methods: another look at the
    jackknife"), 1,000 resamples, the same ones on every run and for every column. It says how much
    the figure would move with other queries of the same kind; it knows nothing of another gallery.

    Args:
        values: (q, m), one row for each query, q at least 1.

    Returns:
        (3, m): mean, lower and upper end.
    """
    rng = np.random.default_rng(_SEED)
    count = len(values)
    means = np.empty((RESAMPLES, values.shape[1]))
    for row in range(RESAMPLES):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        means[row] = times @ values
    low, high = np.percentile(means / count, _TAILS, axis=0)
    return np.stack([values.mean(axis=0), low, high])
