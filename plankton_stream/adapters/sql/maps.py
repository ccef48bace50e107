"""Maps and the places of images on them; written by the map worker.

A map is filled beside the one that is shown, then both swap by one row.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import in_chunks, insert, reading, writing
from plankton_stream.adapters.sql.images import conditions
from plankton_stream.adapters.sql.predictions import held
from plankton_stream.adapters.sql.schema import images, map_points, maps, predictions
from plankton_stream.domain import LabelState, from_microseconds, new_id
from plankton_stream.events.envelope import now
from plankton_stream.maps import Map, MapPoints, MapState, Place, Unplaced
from plankton_stream.ports import ANY_IMAGE, ImageFilter

FIRST = Unplaced("", from_microseconds(0))
"""Before all images, see `Maps.unplaced`."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, ascending
_P = map_points.c


class Maps:
    """Reads and writes maps. Writes are safe to repeat; run one writer."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def live(self) -> Map | None:
        """The map that is shown."""
        return self._one(MapState.LIVE)

    def filling(self) -> Map | None:
        """The map that will be shown next."""
        return self._one(MapState.FILLING)

    def begin(self, encoder: str, number: int, landmarks: Mapping[str, Place]) -> Map:
        """A new map to be filled, with the images that it was fitted to; one before it is given up.

        Args:
            encoder: id of the version whose vectors were projected.
            number: how many images there are.
            landmarks: places by image id; images that were deleted meanwhile are skipped.
        """
        new = Map(new_id(), encoder, number, now(), MapState.FILLING)
        with writing(self._engine) as connection:
            _set_state(connection, maps.c.state == MapState.FILLING, MapState.OLD)
            values = {name: getattr(new, name) for name in Map.__slots__}
            connection.execute(maps.insert().values(values))
            _place(connection, new.map_id, landmarks, landmark=True)
        return new

    def give_up(self, map_id: str) -> None:
        """Take a map away, see `clear`."""
        with writing(self._engine) as connection:
            _set_state(connection, maps.c.map_id == map_id, MapState.OLD)

    def show(self, map_id: str) -> None:
        """Show a map that is filled, instead of the one before."""
        with writing(self._engine) as connection:
            _set_state(connection, maps.c.state == MapState.LIVE, MapState.OLD)
            _set_state(connection, maps.c.map_id == map_id, MapState.LIVE)

    def clear(self, limit: int) -> int:
        """Delete some points of old maps, and an old map when it has none left.

        Returns:
            How many rows were deleted; 0: no old map is left.
        """
        with writing(self._engine) as connection:
            query = sa.select(maps.c.map_id).where(maps.c.state == MapState.OLD).limit(1)
            map_id = connection.scalar(query)
            if map_id is None:
                return 0
            some = sa.select(_P.image_id).where(_P.map_id == map_id).limit(limit)
            gone = connection.execute(
                map_points.delete().where(_P.map_id == map_id, _P.image_id.in_(some))
            ).rowcount
            if gone == 0:
                gone = connection.execute(maps.delete().where(maps.c.map_id == map_id)).rowcount
            return gone

    def place(self, map_id: str, places: Mapping[str, Place]) -> None:
        """Put images on a map, or elsewhere on it; those that were deleted are skipped."""
        if places:
            with writing(self._engine) as connection:
                _place(connection, map_id, places, landmark=False)

    def landmarks(self, map_id: str) -> dict[str, Place]:
        """The images that a map was fitted to."""
        query = sa.select(_P.image_id, _P.x, _P.y).where(_P.map_id == map_id, _P.landmark)
        with reading(self._engine) as connection:
            return {image_id: (x, y) for image_id, x, y in connection.execute(query)}

    def unplaced(self, map_id: str, limit: int, *, after: Unplaced = FIRST) -> list[Unplaced]:
        """Images without a place, first indexed first.

        Args:
            map_id: of the map.
            limit: most that are given.
            after: goes on behind this one, so that a walk over all reads each row once.
        """
        c = images.c
        joined = images.outerjoin(
            map_points, sa.and_(_P.image_id == c.image_id, _P.map_id == map_id)
        )
        behind = sa.tuple_(c.indexed_at, c.image_id) > sa.tuple_(
            sa.literal(after.indexed_at, c.indexed_at.type), sa.literal(after.image_id)
        )
        query = (
            sa.select(c.image_id, c.indexed_at)
            .select_from(joined)
            .where(behind, _P.image_id.is_(None))
            .order_by(c.indexed_at, c.image_id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [Unplaced(*row) for row in connection.execute(query)]

    def count(self, map_id: str) -> int:
        """Images on a map."""
        query = sa.select(sa.func.count()).where(_P.map_id == map_id)
        with reading(self._engine) as connection:
            return connection.scalar(query) or 0

    def points(
        self,
        map_id: str,
        where: ImageFilter = ANY_IMAGE,
        *,
        most: int,
        since: datetime | None = None,
    ) -> MapPoints:
        """Images on a map, with what they are called now.

        Args:
            map_id: of the map.
            where: only images that match.
            most: about so many at most; a sample of more, the same in each call.
            since: only those that were placed at this moment or later.
        """
        which = [_P.map_id == map_id, *conditions(where)]
        if since is not None:
            which.append(_P.placed_at >= since)
        joined = map_points.join(images, images.c.image_id == _P.image_id)
        counted = joined if where != ANY_IMAGE else map_points
        with reading(self._engine) as connection:
            total, newest = connection.execute(
                sa.select(sa.func.count(), sa.func.max(_P.placed_at))
                .select_from(counted)
                .where(*which)
            ).one()
            if total > most:
                which.append(_is_sampled(most / total))
            rows = connection.execute(
                sa.select(*_COLUMNS)
                .select_from(joined.outerjoin(predictions, predictions.c.image_id == _P.image_id))
                .where(*which)
                .order_by(_P.image_id)
            ).all()
        columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
        names = ("ids", "x", "y", "taxa", "states", "versions", "predicted", "cameras")
        return MapPoints(**dict(zip(names, columns, strict=True)), newest=newest, total=total)

    def _one(self, state: MapState) -> Map | None:
        query = sa.select(maps).where(maps.c.state == state).order_by(maps.c.map_id.desc())
        with reading(self._engine) as connection:
            row = connection.execute(query.limit(1)).one_or_none()
        return None if row is None else _map(row)


_proposed = sa.case((images.c.state == LabelState.UNLABELLED, predictions.c.taxon))
_COLUMNS = (
    _P.image_id, _P.x, _P.y, images.c.taxon, images.c.state, images.c.label_version, _proposed,
    images.c.camera,
)  # fmt: skip


def _is_sampled(share: float) -> sa.ColumnElement[bool]:
    """A share of all images, by the last characters of their ids, which are of a hash."""
    level = int(share * 32**3)
    key = "".join(_ALPHABET[level // 32**power % 32] for power in (2, 1, 0))
    return sa.func.substr(_P.image_id, 24, 3) < key


def _place(
    connection: sa.Connection, map_id: str, places: Mapping[str, Place], *, landmark: bool
) -> None:
    at = now()
    statement = insert(connection, map_points)
    moved = {name: statement.excluded[name] for name in ("x", "y", "placed_at")}
    statement = statement.on_conflict_do_update(index_elements=["map_id", "image_id"], set_=moved)
    for chunk in in_chunks(sorted(places)):
        rows: list[dict[str, Any]] = [
            {
                "map_id": map_id, "image_id": i, "x": places[i][0], "y": places[i][1],
                "landmark": landmark, "placed_at": at,
            }
            for i in held(connection, chunk)
        ]  # fmt: skip
        if rows:
            connection.execute(statement, rows)


def _set_state(connection: sa.Connection, which: sa.ColumnElement[bool], state: MapState) -> None:
    connection.execute(maps.update().where(which).values(state=state))


def _map(row: Any) -> Map:
    return Map(row.map_id, row.encoder, row.images, row.fitted_at, MapState(row.state))
