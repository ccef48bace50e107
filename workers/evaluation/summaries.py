"""Judged rankings summed up for the document: means with intervals, by class, confusions."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.evaluation.document import (
    ClassFigures,
    Confusion,
    Curve,
    Example,
    Figures,
    Interval,
)
from workers.evaluation.intervals import bootstrap
from workers.evaluation.retrieval import Judged

_EXAMPLES = 3
_CONFUSIONS = 20


def figures(name: str, judged: Judged, gallery: int) -> Figures:
    """Means over queries with their intervals, and means over classes.

    Args:
        name: which queries search which gallery.
        judged: the rankings; at least one.
        gallery: images that each query searches.
    """
    columns = np.stack(
        [
            judged.precision_at_1,
            judged.hit_at_5,
            judged.average_precision_at(10),
            judged.average_precision_at(100),
        ],
        axis=1,
    )
    first, hit, ten, hundred = (
        Interval(value=value, low=low, high=high) for value, low, high in bootstrap(columns).T
    )
    means = [columns[rows].mean(axis=0) for _, rows in judged.members()]
    class_mean = np.mean(means, axis=0)
    return Figures(
        name=name,
        queries=len(judged.queries),
        left_out=judged.left_out,
        gallery=gallery,
        precision_at_1=first,
        hit_at_5=hit,
        map_at_10=ten,
        map_at_100=hundred,
        precision_at_1_by_class=float(class_mean[0]),
        map_at_10_by_class=float(class_mean[2]),
    )


def curve(x: Sequence[int], values: NDArray[np.float64]) -> Curve:
    """Mean of each column of (q, len(x)) values with its interval."""
    value, low, high = bootstrap(values).tolist()
    return Curve(x=list(x), value=value, low=low, high=high)


def by_class(judged: Judged, names: list[str]) -> list[ClassFigures]:
    """Each class as its own queries found it, the most abundant first."""
    found = []
    for name, rows in judged.members():
        ((value, low, high),) = bootstrap(judged.average_precision_at(10)[rows, None]).T
        found.append(
            ClassFigures(
                name=names[name],
                queries=int(rows.sum()),
                possible=int(judged.possible[rows][0]),
                precision_at_1=float(judged.precision_at_1[rows].mean()),
                hit_at_5=float(judged.hit_at_5[rows].mean()),
                map_at_10=Interval(value=value, low=low, high=high),
            )
        )
    return sorted(found, key=lambda one: (-one.queries, one.name))


def confusions(
    judged: Judged,
    gallery_classes: NDArray[np.int64],
    names: list[str],
    example: Callable[[int, int], Example],
) -> list[Confusion]:
    """Pairs of classes whose queries' nearest image is of the other, the most frequent first.

    Args:
        judged: the rankings.
        gallery_classes: (g,) index into `names`.
        names: of all classes.
        example: (query, gallery image) to what is told of the two.
    """
    pairs: dict[tuple[int, int], list[Example]] = {}
    for row in np.flatnonzero(~judged.relevant[:, 0]):
        nearest = int(judged.nearest[row, 0])
        pair = int(judged.classes[row]), int(gallery_classes[nearest])
        pairs.setdefault(pair, []).append(example(int(judged.queries[row]), nearest))
    sizes = np.bincount(judged.classes)
    frequent = sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        Confusion(
            query_class=names[asked],
            found_class=names[found],
            count=len(examples),
            share=len(examples) / int(sizes[asked]),
            examples=sorted(examples, key=lambda one: one.distance)[:_EXAMPLES],
        )
        for (asked, found), examples in frequent[:_CONFUSIONS]
    ]
