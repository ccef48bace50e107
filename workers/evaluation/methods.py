"""Ways to search the same vectors, compared: what they find, how fast, from how many bytes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from plankton_stream.codes import binary_codes, hamming_distances
from workers.evaluation import rotation
from workers.evaluation.document import SearchFigures
from workers.evaluation.ranking import first_k, pieces
from workers.evaluation.retrieval import DEPTH, judge

Vectors = NDArray[np.float32]
Ranking = NDArray[np.int64]
Rank = Callable[[Vectors, int], Ranking]
"""((q, d) queries, k) to (q, k) gallery images, nearest first; -1 where there are no more."""
Codes = Callable[[Vectors], NDArray[np.uint8]]

BITS = (64, 128, 256, 512)
RERANKED = 1_000
"""How many images a first stage of codes hands to the floats."""

_RERANKED_BITS = 256
_TIMED = 200  # queries whose time is taken, one by one
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Method:
    """A way to search a gallery that it holds.

    Attributes:
        name: in the table.
        kind: exact, by random or by learned codes, or an approximate index.
        bits: length of the codes, if it searches codes.
        bytes_per_image: what the search reads of each image, or of its first stage.
        rank: searches.
    """

    name: str
    kind: Literal["exact", "random", "learned", "index"]
    bits: int | None
    bytes_per_image: int
    rank: Rank


@dataclass(frozen=True)
class Subject:
    """What all methods are compared on.

    Attributes:
        queries: (q, d) float32, unit length.
        query_classes: (q,) int64.
        gallery: (g, d) float32, unit length.
        gallery_classes: (g,) int64.
        within: queries and gallery are the same images, and none finds itself.
    """

    queries: Vectors
    query_classes: NDArray[np.int64]
    gallery: Vectors
    gallery_classes: NDArray[np.int64]
    within: bool


def compare(subject: Subject, methods: list[Method]) -> list[SearchFigures]:
    """Judge methods; recall is taken against the first of them, which has to be exact."""
    exact = _found(subject, methods[0])
    return [_figures(subject, method, exact) for method in methods]


def methods_of(gallery: Vectors, fit: Vectors | None) -> Iterator[Method]:
    """The methods that need no server.

    Args:
        gallery: (g, d) float32, unit length.
        fit: vectors of images that are not judged, (n, d), to learn codes from; without them there
            are no learned codes.
    """
    size = gallery.shape[1] * _FLOAT_BYTES
    yield Method("exact cosine", "exact", None, size, _by_cosine(gallery))
    yield Method("exact Euclidean", "exact", None, size, _by_euclid(gallery))
    for bits in BITS:
        yield from _hamming("random", gallery, bits, partial(binary_codes, bits=bits))
    if fit is not None and len(fit):
        for bits in BITS:
            yield from _hamming("learned", gallery, bits, rotation.fit(fit, bits).codes)


def _hamming(
    kind: Literal["random", "learned"], gallery: Vectors, bits: int, code: Codes
) -> Iterator[Method]:
    by_code, size = _by_code(gallery, code), bits // 8
    yield Method(f"Hamming, {bits} bits, {kind}", kind, bits, size, by_code)
    if bits == _RERANKED_BITS:
        reranked = _reranked(gallery, by_code)
        name = f"Hamming, {bits} bits, {kind}, {RERANKED:,} re-ranked"
        yield Method(name, kind, bits, size, reranked)


def _by_cosine(gallery: Vectors) -> Rank:
    return _in_pieces(gallery, lambda queries: np.maximum(1 - queries @ gallery.T, 0))


def _by_euclid(gallery: Vectors) -> Rank:
    squares = np.square(gallery).sum(axis=1)

    def distances(queries: Vectors) -> Vectors:
        own = np.square(queries).sum(axis=1, keepdims=True)
        return np.asarray(np.sqrt(np.maximum(own + squares - 2 * queries @ gallery.T, 0)))

    return _in_pieces(gallery, distances)


def _in_pieces(gallery: Vectors, distances: Callable[[Vectors], Vectors]) -> Rank:
    def rank(queries: Vectors, k: int) -> Ranking:
        slices = pieces(len(queries), len(gallery))
        return np.concatenate([first_k(distances(queries[rows]), k) for rows in slices])

    return rank


def _by_code(gallery: Vectors, code: Codes) -> Rank:
    codes = code(gallery)

    def rank(queries: Vectors, k: int) -> Ranking:
        wanted = code(queries)
        return np.concatenate([first_k(hamming_distances(one, codes)[None], k) for one in wanted])

    return rank


def _reranked(gallery: Vectors, by_code: Rank) -> Rank:
    def rank_one(query: Vectors, k: int) -> Ranking:
        some = by_code(query[None], min(max(RERANKED, k), len(gallery)))[0]
        distances = np.maximum(1 - query[None] @ gallery[some].T, 0)
        best: Ranking = some[first_k(distances, k)[0]]
        return best

    # One by one: a thousand candidates of every query would not fit into memory.
    return lambda queries, k: np.stack([rank_one(query, k) for query in queries])


def _found(subject: Subject, method: Method) -> Ranking:
    """What each query finds, (q, k); a query that is in the gallery is taken out."""
    k = min(DEPTH + subject.within, len(subject.gallery))
    found = method.rank(subject.queries, k)
    if not subject.within:
        return found
    others = found != np.arange(len(found))[:, None]
    others[others.all(axis=1), -1] = False  # it did not find itself: one too many
    kept: Ranking = found[others].reshape(len(found), k - 1)
    return kept


def _figures(subject: Subject, method: Method, exact: Ranking) -> SearchFigures:
    found = _found(subject, method)
    judged = judge(found, subject.query_classes, subject.gallery_classes, within=subject.within)
    return SearchFigures(
        name=method.name,
        kind=method.kind,
        bits=method.bits,
        map_at_10=float(judged.average_precision_at(10).mean()),
        map_at_100=float(judged.average_precision_at(100).mean()),
        recall_at_10=_recall(found, exact, 10),
        recall_at_100=_recall(found, exact, 100),
        ms=_ms_a_query(subject, method),
        bytes_per_image=method.bytes_per_image,
    )


def _recall(found: Ranking, exact: Ranking, k: int) -> float:
    pairs = zip(found[:, :k], exact[:, :k], strict=True)
    return float(np.mean([np.isin(right, some).mean() for some, right in pairs]))


def _ms_a_query(subject: Subject, method: Method) -> float:
    k = min(DEPTH, len(subject.gallery))
    times = []
    for row in range(min(_TIMED, len(subject.queries))):
        began = time.perf_counter()
        method.rank(subject.queries[row : row + 1], k)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1_000
