"""Growing a group from one specimen: which look-alike comes next.

The nearest to one specimen are soon others; the nearest to the group follow its variety.
"""

import numpy as np
from numpy.typing import NDArray

from plankton_stream.ports import Vector

_FIRST = 5
_LINKS = 15
"""A candidate is compared with as many of the group: 1 would follow chains into the next taxon,
all would stay a ball around the centre. Chosen on PlanktonSet's validation images."""


def grown(seed: Vector, candidates: Vector, count: int) -> NDArray[np.int64]:
    """Return rows of candidates in the order in which they join the group of a seed.

    The five nearest to the seed join first, in that order. Then whichever is most like its `_LINKS`
    most similar members of the group.

    Args:
        seed: float32 (d,), L2-normalised.
        candidates: float32 (n, d), L2-normalised.
        count: how many join; all n if that is fewer.

    Returns:
        (min(n, count),) int64.
    """
    likeness = candidates @ candidates.T
    to_seed = candidates @ seed
    joined = list(np.argsort(-to_seed, kind="stable")[: min(_FIRST, count)])
    links = -np.sort(-np.vstack([to_seed, likeness[joined]]), axis=0)[:_LINKS]
    is_in = np.zeros(len(candidates), bool)
    is_in[joined] = True
    while len(joined) < min(count, len(candidates)):
        row = int(np.where(is_in, -np.inf, links.mean(axis=0)).argmax())
        is_in[row] = True
        joined.append(row)
        links = -np.sort(-np.vstack([links, likeness[row]]), axis=0)[:_LINKS]
    return np.array(joined, dtype=np.int64)
