"""What to look at next, and what to make of the machine's proposals.

A proposal is accepted by a label like any other (POST /api/v1/labels).
"""

from dataclasses import replace

import numpy as np

from plankton_stream.domain import LabelState
from plankton_stream.errors import NotFoundError
from plankton_stream.growing import grown
from plankton_stream.people import Role
from plankton_stream.ports import ImageFilter, Vector, VectorIndex
from plankton_stream.predictions import Candidate, Queue
from web.api.images import check_id
from web.api.taxa import filter_of
from web.claims import claimed, owner_of
from web.operations import Operation
from web.parts import Parts
from web.people import asking
from web.proposals import (
    CandidateView,
    ExpectedView,
    GroupView,
    GrowQuery,
    QueuePage,
    QueueQuery,
    QueuesView,
    RejectionBody,
    Remembered,
    SkipBody,
)
from web.queries import ClientHeader

_UNLABELLED = ImageFilter(state=LabelState.UNLABELLED)
_MEAN_OF = 5
_CANDIDATES = 150
_SPARE = 64  # hits may have been named a moment ago


def list_queues(parts: Parts) -> QueuesView:
    """The queues, and how much waits under each proposed taxon."""
    waiting = parts.catalog.predictions.expected()
    return QueuesView(
        queues=list(Queue),
        predicted=[
            ExpectedView(taxon=one.taxon, images=one.images, expected=one.expected)
            for one in waiting
        ],
    )


def get_queue(parts: Parts, name: str, query: QueueQuery, headers: ClientHeader) -> QueuePage:
    """A page of a queue of unlabelled images, the one most worth a look first.

    What was given to one page is kept for it, and not given to another meanwhile.
    """
    try:
        queue = Queue(name)
    except ValueError:
        known = ", ".join(Queue)
        raise NotFoundError(f"there is no queue {name!r}: there are {known}") from None
    proposed = filter_of(parts, query)
    taxon = query.taxon or query.predicted
    taxa = proposed.taxa or (taxon and (taxon,))
    where = replace(proposed, taxon=None, taxa=None, state=None)
    owner, cursor = owner_of(parts, headers), query.cursor
    found: list[Candidate] = []
    while True:  # again where somebody else was faster
        page = parts.catalog.queues.page(
            queue, where, taxa=taxa or None, limit=query.limit - len(found), cursor=cursor,
            owner=owner,
        )  # fmt: skip
        ids = [one.image.image_id for one in page.found]
        mine = set(ids) if query.peek else claimed(parts, ids, owner)
        found += [one for one in page.found if one.image.image_id in mine]
        cursor = page.next_cursor
        if cursor is None or len(found) == query.limit:
            break
    images = [CandidateView.of_candidate(one, queue) for one in found]
    return QueuePage(images=images, next_cursor=cursor)


def get_group(parts: Parts, image_id: str, query: GrowQuery, headers: ClientHeader) -> GroupView:
    """Unlabelled look-alikes of a specimen, in the order in which they join its group.

    The specimen comes first if it is unlabelled itself. What others were given is left out.
    """
    owner = owner_of(parts, headers)
    check_id(image_id)
    index = parts.index()
    vector = index.vector(image_id)
    if vector is None:
        raise NotFoundError(f"image {image_id!r} is not in the index")
    vectors = _candidates(parts, index, image_id, vector, query.taxon)
    for held in parts.catalog.claims.of_others(list(vectors), owner):
        del vectors[held]
    ids = list(vectors)
    rows = grown(vector, np.stack(list(vectors.values())), query.k).tolist() if ids else []
    members = [image_id, *(ids[row] for row in rows)]
    known = parts.catalog.images.briefs(members)
    said = parts.catalog.predictions.get(members)
    wanted = [i for i in members if i in known and known[i].taxon is None][: query.k]
    mine = claimed(parts, wanted, owner)
    wanted = [i for i in wanted if i in mine]
    images = [CandidateView.of_candidate(Candidate(known[i], said.get(i))) for i in wanted]
    return GroupView(images=images)


def post_rejections(parts: Parts, body: RejectionBody) -> Remembered:
    """Remember that images are not of a taxon: it is not proposed for them again."""
    parts.catalog.predictions.reject(body.image_ids, body.taxon, who=asking(parts).name)
    return Remembered(images=len(set(body.image_ids)))


def post_skips(parts: Parts, body: SkipBody) -> Remembered:
    """Let other clusters come before those of these seeds."""
    parts.catalog.predictions.pass_over(body.image_ids)
    return Remembered(images=len(set(body.image_ids)))


def _candidates(
    parts: Parts, index: VectorIndex, image_id: str, vector: Vector, taxon: str | None
) -> dict[str, Vector]:
    """Unlabelled images around the middle of a specimen's neighbourhood, nearest first."""
    near = _unlabelled(parts, index, vector, _MEAN_OF + 1)
    near = [found for found in near if found != image_id][:_MEAN_OF]
    total: Vector = np.sum([vector, *index.vectors(near).values()], axis=0, dtype=np.float32)
    middle = np.asarray(total / np.linalg.norm(total), np.float32)
    around = _unlabelled(parts, index, middle, _CANDIDATES + 1)
    refused = parts.catalog.predictions.rejected(around) if taxon else {}
    wanted = [i for i in around if i != image_id and taxon not in refused.get(i, ())]
    vectors = index.vectors(wanted)
    return {i: vectors[i] for i in wanted if i in vectors}


def _unlabelled(parts: Parts, index: VectorIndex, vector: Vector, k: int) -> list[str]:
    """The nearest images that the catalog, too, knows as unlabelled."""
    hits = index.search(vector, k + _SPARE, where=_UNLABELLED)
    free = parts.catalog.images.unlabelled([hit.image_id for hit in hits])
    return [hit.image_id for hit in hits if hit.image_id in free][:k]


OPERATIONS = (
    Operation("GET", "/api/v1/queues", list_queues, QueuesView),
    Operation(
        "GET", "/api/v1/queues/<name>", get_queue, QueuePage,
        query=QueueQuery, headers=ClientHeader, problems=(404,),
    ),
    Operation(
        "GET", "/api/v1/images/<image_id>/group", get_group, GroupView,
        query=GrowQuery, headers=ClientHeader, problems=(404,),
    ),
    Operation(
        "POST", "/api/v1/rejections", post_rejections, Remembered,
        body=RejectionBody, role=Role.LABELLER, problems=(404,),
    ),
    Operation(
        "POST", "/api/v1/queues/clusters/skips", post_skips, Remembered,
        body=SkipBody, role=Role.LABELLER,
    ),
)  # fmt: skip
