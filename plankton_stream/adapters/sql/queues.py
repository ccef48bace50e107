"""Queues of unlabelled images: what to look at next, in pages."""

from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import reading
from plankton_stream.adapters.sql.images import MAX_PAGE, conditions, to_image
from plankton_stream.adapters.sql.predictions import to_prediction
from plankton_stream.adapters.sql.schema import images, predictions
from plankton_stream.domain import LabelState
from plankton_stream.errors import RejectedError
from plankton_stream.ports import ANY_IMAGE, ImageFilter
from plankton_stream.predictions import Candidate, Candidates, Queue

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
        taxon: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Candidates:
        """Unlabelled images, the one most worth a look first.

        Args:
            queue: the order.
            where: conditions on the images.
            taxon: only those that are predicted as this; not for `newest`.
            limit: 1…`MAX_PAGE`.
            cursor: `next_cursor` of the page before.

        Raises:
            RejectedError: the cursor is not one that a page gave, or the limit is out of range.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise RejectedError(f"limit is {limit}, allowed are 1…{MAX_PAGE}")
        key = _key(queue).label("queue_key")
        joined = images.outerjoin(predictions, predictions.c.image_id == images.c.image_id)
        query = (
            sa.select(images, *_voted, key)
            .select_from(joined)
            .where(*conditions(where), images.c.state == LabelState.UNLABELLED, *_only(queue))
            .order_by(key, images.c.image_id)
            .limit(limit + 1)
        )
        if taxon is not None:
            query = query.where(predictions.c.taxon == taxon)
        if cursor is not None:
            query = query.where(_after(key, cursor))
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        more, rows = len(rows) > limit, rows[:limit]
        return Candidates([_candidate(row) for row in rows], _cursor(rows[-1]) if more else None)


_voted = [c.label(f"vote_{c.name}") for c in predictions.c if c.name != "passed"]


def _key(queue: Queue) -> sa.ColumnElement[Any]:
    """What a queue is sorted by, smallest first."""
    p = predictions.c
    nearest = sa.func.coalesce(p.nearest, _FURTHEST)
    keys: dict[Queue, sa.ColumnElement[Any]] = {
        Queue.NEWEST: -sa.type_coerce(images.c.indexed_at, sa.BigInteger),
        Queue.PREDICTED: -p.score,
        Queue.DOUBTFUL: p.score,
        Queue.UNCERTAIN: p.margin,
        Queue.NOVEL: -nearest,
        # Of taxa that are equally rare the surest first: a score is below 1.
        Queue.RARE: _validated_of_its_taxon() - p.score,
        # Dense, and not explained by what is named already.
        Queue.CLUSTERS: -p.crowd * (1.0 - p.score) / (1 + 4 * p.passed),
    }
    return keys[queue]


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
    if queue is Queue.NEWEST:
        return []
    if queue in (Queue.NOVEL, Queue.CLUSTERS):
        return [predictions.c.image_id.is_not(None)]
    return [predictions.c.taxon.is_not(None)]


def _candidate(row: Any) -> Candidate:
    values = row._mapping
    vote = {name.removeprefix("vote_"): values[name] for name in values if name[:5] == "vote_"}
    prediction = None if vote["image_id"] is None else to_prediction(vote)
    return Candidate(to_image(tuple(row)[: len(images.c)]), prediction)


def _cursor(row: Any) -> str:
    return f"{row.queue_key!r}~{row.image_id}"


def _after(key: sa.ColumnElement[Any], cursor: str) -> sa.ColumnElement[bool]:
    value, _, image_id = cursor.partition("~")
    try:
        number = float(value) if "." in value or "e" in value else int(value)
    except ValueError as error:
        raise RejectedError(f"cursor {cursor!r}: use the next_cursor of the page before") from error
    return sa.or_(key > number, sa.and_(key == number, images.c.image_id > image_id))
