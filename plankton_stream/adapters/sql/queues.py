"""Queues of unlabelled images: what to look at next, in pages."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.claims import held_by_others
from plankton_stream.adapters.sql.engine import reading
from plankton_stream.adapters.sql.images import BRIEF, MAX_PAGE, conditions, to_brief
from plankton_stream.adapters.sql.schema import claims, images, predictions
from plankton_stream.domain import LabelState
from plankton_stream.errors import RejectedError
from plankton_stream.ports import ANY_IMAGE, ImageFilter
from plankton_stream.predictions import Candidate, Candidates, Queue, Standing

_FURTHEST = 2.0
"""Of two unit vectors, as cosine distance: how far what nobody was near to is taken to be."""


class Queues:
    """Reads queues; images leave them when they get a name."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def page(
        self,
        queue: Queue,
        where: ImageFilter = ANY_IMAGE,
        *,
        taxa: tuple[str, ...] | None = None,
        limit: int = 100,
        cursor: str | None = None,
        owner: str | None = None,
    ) -> Candidates:
        """Unlabelled images, the one most worth a look first.

        Args:
            queue: the order.
            where: conditions on the images.
            taxa: only those that are predicted as one of these; not for `newest`.
            limit: 1…`MAX_PAGE`.
            cursor: `next_cursor` of the page before.
            owner: who asks; what others claim is left out.

        Raises:
            RejectedError: the cursor is not one that a page gave, or the limit is out of range.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise RejectedError(f"limit is {limit}, allowed are 1…{MAX_PAGE}")
        # Ids first, the rest of one page then: less to sort.
        key = _key(queue).label("queue_key")
        first = _waiting(queue, key, where, taxa).where(_free(queue, owner)).limit(limit + 1)
        if cursor is not None:
            first = first.where(*_after(queue, key, cursor))
        with reading(self._engine) as connection:
            rows = _whole(connection, connection.execute(first).all())
        more, rows = len(rows) > limit, rows[:limit]
        found = [_candidate(row) for row, _ in rows]
        return Candidates(found, _cursor(*rows[-1]) if more else None)


def _waiting(
    queue: Queue, key: sa.Label[Any], where: ImageFilter, taxa: tuple[str, ...] | None
) -> sa.Select[Any]:
    """Ids and places of all that wait in a queue, in its order."""
    unlabelled = [images.c.state == LabelState.UNLABELLED, *conditions(where)]
    p = predictions.c
    if queue is Queue.NEWEST:
        newest = sa.select(images.c.image_id, key).where(*unlabelled).order_by(*_order(queue, key))
        if taxa is None:
            return newest
        return newest.where(images.c.image_id.in_(sa.select(p.image_id).where(p.taxon.in_(taxa))))
    # A condition, not a join: votes are read in the order of their index until a page is full.
    waits = sa.exists().where(images.c.image_id == p.image_id, *unlabelled)
    voted = sa.select(p.image_id, key).where(waits, *_only(queue)).order_by(*_order(queue, key))
    return voted if taxa is None else voted.where(p.taxon.in_(taxa))


def _with_votes() -> sa.Join:
    """All images, with their votes where there are any."""
    return images.outerjoin(predictions, predictions.c.image_id == images.c.image_id)


def _order(queue: Queue, key: sa.ColumnElement[Any]) -> list[sa.ColumnElement[Any]]:
    """Value, then id, both the same way: an index can be read from either end."""
    if queue in _LARGEST_FIRST:
        return [key.desc(), _id(queue).desc()]
    return [key, _id(queue)]


def _whole(connection: sa.Connection, found: Sequence[Any]) -> list[Any]:
    """What is shown of images with their votes and their places in the queue, in its order."""
    keys = {row.image_id: row.queue_key for row in found}
    query = sa.select(*BRIEF, *_voted).select_from(_with_votes())
    rows = connection.execute(query.where(images.c.image_id.in_(list(keys)))).all()
    by_id = {row.image_id: row for row in rows}
    # One that was deleted between the two statements is left out.
    return [(by_id[i], key) for i, key in keys.items() if i in by_id]


_voted = [predictions.c[name].label(f"vote_{name}") for name in Standing.model_fields]


def _free(queue: Queue, owner: str | None) -> sa.ColumnElement[bool]:
    image_id = _id(queue)
    return ~sa.exists().where(claims.c.image_id == image_id, held_by_others(owner))


def _id(queue: Queue) -> sa.ColumnElement[str]:
    """The id of an image in the table that a queue reads."""
    return images.c.image_id if queue is Queue.NEWEST else predictions.c.image_id


_LARGEST_FIRST = {Queue.NEWEST, Queue.PREDICTED, Queue.NOVEL, Queue.CLUSTERS}


def _key(queue: Queue) -> sa.ColumnElement[Any]:
    """What a queue is sorted by."""
    p = predictions.c
    match queue:
        case Queue.NEWEST:
            return sa.type_coerce(images.c.indexed_at, sa.BigInteger)
        case Queue.PREDICTED | Queue.DOUBTFUL:
            return p.score
        case Queue.UNCERTAIN:
            return p.margin
        case Queue.NOVEL:
            return sa.func.coalesce(p.nearest, _FURTHEST)
        case Queue.RARE:  # of taxa that are equally rare the surest first: a score is below 1
            return _validated_of_its_taxon() - p.score
        case Queue.CLUSTERS:  # dense, and not explained by what is named already
            return p.crowd * (1.0 - p.score) / (1 + 4 * p.passed)


def _validated_of_its_taxon() -> sa.ScalarSelect[int]:
    named = images.alias("named")
    return (
        sa.select(sa.func.count())
        .select_from(named)
        .where(named.c.taxon == predictions.c.taxon, named.c.state == LabelState.VALIDATED)
        .correlate(predictions)
        .scalar_subquery()
    )


def _only(queue: Queue) -> list[sa.ColumnElement[bool]]:
    if queue in (Queue.NOVEL, Queue.CLUSTERS):
        return []
    return [predictions.c.taxon.is_not(None)]


def _candidate(row: Any) -> Candidate:
    image, vote = row[: len(BRIEF)], row[len(BRIEF) :]
    standing = dict(zip(Standing.model_fields, vote, strict=True))
    is_voted = standing["image_id"] is not None
    return Candidate(to_brief(image), Standing(**standing) if is_voted else None)


def _cursor(row: Any, key: float) -> str:
    return f"{key!r}~{row.image_id}"


def _after(queue: Queue, key: sa.ColumnElement[Any], cursor: str) -> list[sa.ColumnElement[bool]]:
    value, _, image_id = cursor.partition("~")
    try:
        number = float(value) if "." in value or "e" in value else int(value)
    except ValueError as error:
        raise RejectedError(f"cursor {cursor!r}: use the next_cursor of the page before") from error
    image = _id(queue)
    if queue in _LARGEST_FIRST:
        beyond = sa.or_(key < number, sa.and_(key == number, image < image_id))
        return [key <= number, beyond]  # the first alone is what an index can begin at
    return [key >= number, sa.or_(key > number, sa.and_(key == number, image > image_id))]
