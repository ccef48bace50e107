"""Reading all of the catalog in pages, and asking what it knows of many things at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.cuts import to_cut
from plankton_stream.adapters.sql.engine import in_chunks, reading
from plankton_stream.adapters.sql.images import to_image
from plankton_stream.adapters.sql.schema import frames, images, outbox
from plankton_stream.domain import Cut, Image
from plankton_stream.events.facts import FACTS


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of what the system holds; None leaves a condition out.

    Attributes:
        since: what was written down at this moment or later.
        before: what was written down earlier than this moment.
    """

    camera: str | None = None
    sample: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedCut:
    """A frame's outcome, and when it was written down."""

    cut: Cut
    recorded_at: datetime


class Walks:
    """Pages in the order of keys, so that memory stays bounded and writers are never kept out."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def cuts(self, scope: Scope, *, page: int = 500) -> Iterator[list[RecordedCut]]:
        """All frames with an outcome, by camera and frame key."""
        c = frames.c
        conditions = _conditions(scope, c.camera, sample_of_frame, c.recorded_at)
        query = sa.select(frames).where(*conditions).order_by(c.camera, c.frame_key).limit(page)
        for rows in self._pages(query, sa.tuple_(c.camera, c.frame_key), ("camera", "frame_key")):
            yield [RecordedCut(to_cut(row), row.recorded_at) for row in rows]

    def images(self, scope: Scope, *, page: int = 2_000) -> Iterator[list[Image]]:
        """All images, by id."""
        c = images.c
        conditions = _conditions(scope, c.camera, c.sample, c.indexed_at)
        query = sa.select(images).where(*conditions).order_by(c.image_id).limit(page)
        for rows in self._pages(query, c.image_id, ("image_id",)):
            yield [to_image(row) for row in rows]

    def indexed_at(self, ids: Sequence[str]) -> dict[str, datetime]:
        """When images were first indexed, by id; those that the catalog lacks are left out."""
        c = images.c
        found: dict[str, datetime] = {}
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(c.image_id, c.indexed_at).where(c.image_id.in_(chunk))
                found |= {row.image_id: row.indexed_at for row in connection.execute(query)}
        return found

    def recorded_at(self, camera: str, frame_keys: Sequence[str]) -> dict[str, datetime]:
        """When outcomes of a camera's frames were written down, by frame key; see `indexed_at`."""
        c = frames.c
        found: dict[str, datetime] = {}
        with reading(self._engine) as connection:
            for chunk in in_chunks(frame_keys):
                query = sa.select(c.frame_key, c.recorded_at).where(
                    c.camera == camera, c.frame_key.in_(chunk)
                )
                found |= {row.frame_key: row.recorded_at for row in connection.execute(query)}
        return found

    def count_frames(self, scope: Scope) -> int:
        """Frames with an outcome."""
        c = frames.c
        return self._count(*_conditions(scope, c.camera, sample_of_frame, c.recorded_at))

    def count_images(self, scope: Scope) -> int:
        """Images, by when they were first indexed."""
        c = images.c
        return self._count(*_conditions(scope, c.camera, c.sample, c.indexed_at))

    def unpublished_images(self) -> set[str]:
        """Images of events that still wait in the outbox."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(outbox.c.event_type, outbox.c.fact))
            return {FACTS[row.event_type].model_validate_json(row.fact).key for row in rows}

    def _count(self, *conditions: sa.ColumnElement[bool]) -> int:
        with reading(self._engine) as connection:
            return connection.scalar(sa.select(sa.func.count()).where(*conditions)) or 0

    def _pages(self, query: Any, key: Any, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        after: Any = None
        while True:
            with reading(self._engine) as connection:
                rows = connection.execute(query if after is None else query.where(key > after))
                found = rows.all()
            if not found:
                return
            yield found
            last = [getattr(found[-1], name) for name in columns]
            after = last[0] if len(last) == 1 else sa.tuple_(*map(sa.literal, last))


sample_of_frame = frames.c.capture["sample"].as_string()
"""The sample that a frame belongs to; it lies in a JSON column."""


def _conditions(
    scope: Scope, camera: Any, sample: Any, written_at: Any
) -> list[sa.ColumnElement[bool]]:
    pairs = (
        (scope.camera, camera.__eq__), (scope.sample, sample.__eq__),
        (scope.since, written_at.__ge__), (scope.before, written_at.__lt__),
    )  # fmt: skip
    return [condition(value) for value, condition in pairs if value is not None]
