"""Search: neighbours of an image, each with its metadata, in rank order.

Two calls to the vector index (the image's vector, then the search) and one SQL statement, however
many neighbours are asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from plankton_stream.domain import Image
from plankton_stream.errors import NotFoundError
from plankton_stream.ports import ANY_IMAGE, MAX_HITS, ImageFilter, Metric, Vector, VectorIndex

MAX_K = 10_000
"""Most neighbours of one search."""

_SPARE = 64
"""Asked for beyond k: hits may have been renamed a moment ago, or not be in the catalog yet."""

_FURTHER = 4
"""So many times more hits are looked at where a condition of the caller's lets too few through."""

Only = Callable[[Sequence[str]], set[str]]
"""Those of some images that fulfil a condition."""


class ImageRecords(Protocol):
    """What search needs of the catalog."""

    def get(self, ids: list[str], /) -> dict[str, Image]:
        """Images by id in one statement; unknown ids are left out."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image that looks alike; a smaller distance is nearer."""

    image: Image
    distance: float


def neighbours_of(
    image_id: str, k: int, *, index: VectorIndex, records: ImageRecords,
    where: ImageFilter = ANY_IMAGE, metric: Metric = Metric.COSINE, only: Only | None = None,
) -> list[Neighbour]:  # fmt: skip
    """The k nearest images to one that is indexed, itself left out, nearest first.

    Raises:
        NotFoundError: the image is not in the index.
        RetryableError: the index or the catalog does not answer.
    """
    vector = index.vector(image_id)
    if vector is None:
        raise NotFoundError(f"image {image_id!r} is not in the index")
    return neighbours(
        vector, k, index=index, records=records, where=where, metric=metric, only=only,
        leave_out=image_id,
    )  # fmt: skip


def neighbours(
    vector: Vector, k: int, *, index: VectorIndex, records: ImageRecords,
    where: ImageFilter = ANY_IMAGE, metric: Metric = Metric.COSINE, only: Only | None = None,
    leave_out: str | None = None,
) -> list[Neighbour]:  # fmt: skip
    """The k nearest images to a vector, nearest first.

    The catalog is the truth for labels: a hit that it knows under another name than the filter
    asks for is dropped, and one of the spare hits takes its place.

    Args:
        vector: float32 (d,), L2-normalised.
        k: 1…`MAX_K`.
        index: one call.
        records: one call, which is one SQL statement.
        where: only images that match.
        metric: of the distances.
        only: a condition that the index does not know. Where it lets too few through, more and more
            hits are looked at, up to `MAX_HITS`: beyond these nothing is found.
        leave_out: the query image's own id.
    """
    wanted = k + _SPARE
    while True:
        hits = index.search(vector, min(wanted, MAX_HITS), where=where, metric=metric)
        ids = [hit.image_id for hit in hits if hit.image_id != leave_out]
        allowed = set(ids) if only is None else only(ids)
        is_enough = only is None or len(allowed) >= k or len(hits) < wanted
        if is_enough or wanted >= MAX_HITS:
            break
        wanted *= _FURTHER
    near = [hit for hit in hits if hit.image_id in allowed][: k + _SPARE]
    known = records.get([hit.image_id for hit in near])
    found = [
        Neighbour(known[hit.image_id], hit.distance)
        for hit in near
        if hit.image_id in known and where.matches(known[hit.image_id])
    ]
    return found[:k]
