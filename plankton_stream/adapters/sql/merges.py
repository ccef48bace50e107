"""Merging one taxon into another: the history of labels stays, and all that it names follows.

The taxon is given up in one transaction; from there on nobody can give it. Then the images that it
names get new labels, and its proposals the new name, some in each transaction, so that nobody waits
for long. A merge that was broken off goes on from what is left.
"""

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import reading, writing
from plankton_stream.adapters.sql.labels import append, lock_images, take_back, to_label
from plankton_stream.adapters.sql.merge_moves import (
    begin,
    begin_undo,
    merged_before,
    open_merge,
)
from plankton_stream.adapters.sql.schema import images, labels, merges, predictions
from plankton_stream.adapters.sql.taxon_rows import editing
from plankton_stream.domain import Image, Label, LabelSource, new_id
from plankton_stream.errors import NotFoundError
from plankton_stream.events.envelope import now
from plankton_stream.taxonomy.records import Merge

_CHUNK = 1_000
"""Images of one transaction: 0.1 s on SQLite, where nobody else writes meanwhile."""


class Merges:
    """Merges taxa, and takes merges back."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def merge(self, key: str, target: str, *, who: str, within_s: float | None = None) -> Merge:
        """Merge a taxon into another: what it names is called by the other from now on.

        The taxon becomes a synonym of the other, and what lies below it moves there. Old labels
        stay in the history. The same call again goes on with what is left.

        Args:
            key: of the taxon that is given up.
            target: key of the one that is valid.
            who: merges them.
            within_s: come back after about as many seconds; what is left waits for `go_on`.

        Raises:
            NotFoundError: one of them is unknown.
            RejectedError: they are the same, or one was merged into a third one.
        """
        with editing(self._engine) as connection:
            action_id = merged_before(connection, key, target)
            action_id = action_id or begin(connection, key, target, who)
        self._work(action_id, within_s)
        return self.get(action_id)

    def undo(self, key: str, *, who: str, within_s: float | None = None) -> Merge:
        """Take the merging of a taxon back: it is valid again, and so are its labels.

        Those that the merge gave are taken back; an image that was named since keeps its name.
        What lay below it, and its synonyms, come back unless somebody moved them meanwhile.
        Proposals stay with the other taxon until they are voted on again.

        Raises:
            NotFoundError: it is not merged.
            RejectedError: the taxon that it was merged into was itself merged since.
        """
        with editing(self._engine) as connection:
            row = open_merge(connection, key)
            if row.undone_at is None:
                begin_undo(connection, row, who)
        self._work(row.action_id, within_s)
        return self.get(row.action_id)

    def go_on(self, within_s: float | None = None) -> int:
        """Go on with merges that were broken off; how many there were."""
        ended = sa.case(
            (merges.c.undone_at.is_(None), merges.c.ended_at), else_=merges.c.undo_ended_at
        )
        query = sa.select(merges.c.action_id).where(ended.is_(None)).order_by(merges.c.action_id)
        with reading(self._engine) as connection:
            waiting = list(connection.scalars(query))
        for action_id in waiting:
            self._work(action_id, within_s)
        return len(waiting)

    def get(self, action_id: str) -> Merge:
        """A merge, by the action of its labels.

        Raises:
            NotFoundError: there is none.
        """
        with reading(self._engine) as connection:
            row = connection.execute(_which(action_id)).one_or_none()
            if row is None:
                raise NotFoundError(f"there is no merge {action_id!r}")
            mine = labels.c.action_id == action_id
            standing = _count(connection, mine & labels.c.retracted_at.is_(None))
            named = _count(connection, images.c.taxon == row.taxon)
            proposed = _count(connection, predictions.c.taxon == row.taxon)
            undone = row.undone_at is not None
            return Merge(
                action_id, row.taxon, row.target, row.who,
                labelled=_count(connection, mine),
                left=standing if undone else named + proposed, undone=undone,
            )  # fmt: skip

    def _work(self, action_id: str, within_s: float | None) -> None:
        deadline = None if within_s is None else time.monotonic() + within_s
        with reading(self._engine) as connection:
            row = connection.execute(_which(action_id)).one()
        steps: tuple[Callable[[sa.Connection, Any], int], ...]
        steps = (_take_back_some,) if row.undone_at else (_label_some, _propose_some)
        for step in steps:
            while True:
                with writing(self._engine) as connection:
                    done = step(connection, row)
                if not done:
                    break
                if deadline is not None and time.monotonic() > deadline:
                    return
        ended = merges.c.undo_ended_at if row.undone_at else merges.c.ended_at
        with writing(self._engine) as connection:
            connection.execute(
                merges.update()
                .where(merges.c.action_id == action_id, ended.is_(None))
                .values({ended: now()})
            )


def _which(action_id: str) -> sa.Select[Any]:
    return sa.select(merges).where(merges.c.action_id == action_id)


def _count(connection: sa.Connection, where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).where(where)) or 0


def _is_open(connection: sa.Connection, action_id: str) -> bool:
    """Whether a merge still holds; it does until the transaction ends."""
    query = sa.select(merges.c.undone_at).where(merges.c.action_id == action_id)
    return connection.scalar(query.with_for_update()) is None


def _label_some(connection: sa.Connection, row: Any) -> int:
    """Label some images that still have the old name; 0: there are none."""
    if not _is_open(connection, row.action_id):
        return 0
    query = sa.select(images.c.image_id).where(images.c.taxon == row.taxon)
    ids = list(connection.scalars(query.order_by(images.c.image_id).limit(_CHUNK)))
    locked = lock_images(connection, ids)
    # Somebody may have called one something else between the two statements.
    found = {i: image for i, image in locked.items() if image.naming.taxon == row.taxon}
    if found:
        append(connection, [_label(row, image) for image in found.values()], found)
    return len(ids)


def _label(row: Any, image: Image) -> Label:
    return Label(
        label_id=new_id(), action_id=row.action_id, image_id=image.image_id, taxon=row.target,
        state=image.naming.state, source=LabelSource.HUMAN, who=row.who, at=now(),
        why=f"merged {row.taxon} into {row.target}",
    )  # fmt: skip


def _propose_some(connection: sa.Connection, row: Any) -> int:
    """Let some proposals of the old name be of the new one; 0: there are none."""
    if not _is_open(connection, row.action_id):
        return 0
    p = predictions.c
    query = sa.select(p.image_id).where(p.taxon == row.taxon).order_by(p.image_id)
    ids = list(connection.scalars(query.limit(_CHUNK).with_for_update()))
    renamed = predictions.update().where(p.image_id.in_(ids)).values(taxon=row.target)
    connection.execute(renamed)
    return len(ids)


def _take_back_some(connection: sa.Connection, row: Any) -> int:
    """Take some labels of an undone merge back; 0: there are none."""
    mine = (labels.c.action_id == row.action_id) & labels.c.retracted_at.is_(None)
    query = sa.select(labels).where(mine).order_by(labels.c.image_id).limit(_CHUNK)
    found = lock_images(connection, [one.image_id for one in connection.execute(query)])
    which = mine & labels.c.image_id.in_(list(found))
    rows = connection.execute(sa.select(labels).where(which)).all()
    if rows:
        take_back(connection, [to_label(one) for one in rows], found, row.undone_by)
    return len(found)
