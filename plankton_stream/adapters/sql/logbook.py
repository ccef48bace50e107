"""What each person labelled, newest first, and who gave a label."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import reading
from plankton_stream.adapters.sql.labels import to_label
from plankton_stream.adapters.sql.schema import actions, labels
from plankton_stream.domain import Label, LabelState
from plankton_stream.errors import NotFoundError, RejectedError

MAX_LABELS = 1_000
"""Most labels of one page."""

_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Done:
    """One action of somebody.

    Attributes:
        images: how many were given a name.
        standing: how many of these labels were not taken back.
        sample: some of its images, those named first.
    """

    action_id: str
    who: str
    at: datetime
    taxon: str
    state: LabelState
    why: str | None
    images: int
    standing: int
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Actions:
    """Some actions; `next_cursor` finds the next, None at the end."""

    found: list[Done]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class LabelsPage:
    """Some labels; `next_cursor` finds the next, None at the end."""

    found: list[Label]
    next_cursor: str | None


class Logbook:
    """Reads the history of labels by person."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def labels(self, who: str, *, limit: int, cursor: str | None = None) -> LabelsPage:
        """What somebody labelled, newest first, also what was taken back.

        Raises:
            RejectedError: the cursor is none of ours.
        """
        query = sa.select(labels).where(labels.c.who == who).order_by(labels.c.sequence.desc())
        if cursor is not None:
            if not re.fullmatch(r"[0-9]{1,18}", cursor):
                raise RejectedError("cursor: take next_cursor of the page before")
            query = query.where(labels.c.sequence < int(cursor))
        with reading(self._engine) as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
        more = len(rows) > limit
        found = rows[:limit]
        cursor = str(found[-1].sequence) if more else None
        return LabelsPage([to_label(row) for row in found], cursor)

    def actions(self, who: str, *, limit: int, cursor: str | None = None) -> Actions:
        """What somebody did, newest first, also what was taken back since.

        Args:
            who: a name as the history has it.
            limit: most actions.
            cursor: id of the last action of the page before.
        """
        query = sa.select(actions).where(actions.c.who == who)
        if cursor is not None:
            query = query.where(actions.c.action_id < cursor)
        with reading(self._engine) as connection:
            ordered = query.order_by(actions.c.action_id.desc()).limit(limit + 1)
            rows = connection.execute(ordered).all()
            found = _described(connection, rows[:limit])
        more = len(rows) > limit
        return Actions(found, rows[limit - 1].action_id if more else None)

    def author_of_action(self, action_id: str) -> str:
        """Who did something.

        Raises:
            NotFoundError: there is no such action.
        """
        query = sa.select(actions.c.who).where(actions.c.action_id == action_id)
        return self._author(query, f"action {action_id!r}")

    def author_of_label(self, label_id: str) -> str:
        """Who gave a label.

        Raises:
            NotFoundError: there is no such label.
        """
        query = sa.select(labels.c.who).where(labels.c.label_id == label_id)
        return self._author(query, f"label {label_id!r}")

    def _author(self, query: Any, what: str) -> str:
        with reading(self._engine) as connection:
            who: str | None = connection.scalar(query)
        if who is None:
            raise NotFoundError(f"there is no {what}")
        return who


def _described(connection: sa.Connection, rows: Sequence[Any]) -> list[Done]:
    ids = [row.action_id for row in rows]
    place = sa.func.row_number().over(partition_by=labels.c.action_id, order_by=labels.c.sequence)
    ranked = (
        sa.select(
            labels.c.action_id, labels.c.image_id, labels.c.taxon, labels.c.state, labels.c.why,
            labels.c.retracted_at, place.label("place"),
        )
        .where(labels.c.action_id.in_(ids))
        .subquery()
    )  # fmt: skip
    stands = sa.case((labels.c.retracted_at.is_(None), 1), else_=0)
    counted = (
        sa.select(
            labels.c.action_id, sa.func.count().label("images"),
            sa.func.sum(stands).label("standing"),
        )
        .where(labels.c.action_id.in_(ids))
        .group_by(labels.c.action_id)
    )  # fmt: skip
    counts = {row.action_id: row for row in connection.execute(counted)}
    first: dict[str, list[Any]] = {}
    shown = sa.select(ranked).where(ranked.c.place <= _SAMPLES).order_by(ranked.c.place)
    for row in connection.execute(shown):
        first.setdefault(row.action_id, []).append(row)
    return [
        Done(
            action_id=row.action_id, who=row.who, at=row.at,
            taxon=first[row.action_id][0].taxon, state=LabelState(first[row.action_id][0].state),
            why=first[row.action_id][0].why,
            images=counts[row.action_id].images, standing=int(counts[row.action_id].standing),
            sample=tuple(one.image_id for one in first[row.action_id]),
        )
        for row in rows
        if row.action_id in first  # a sample that was deleted takes its labels along
    ]  # fmt: skip
