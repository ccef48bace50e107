"""The indexed images and what they are called now."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import in_chunks, insert, reading, writing
from plankton_stream.adapters.sql.schema import cameras, images, predictions, samples
from plankton_stream.domain import (
    Brief,
    Capture,
    Image,
    LabelState,
    Measurements,
    Naming,
    from_microseconds,
    to_microseconds,
)
from plankton_stream.errors import RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.ports import ANY_IMAGE, ImageFilter

MAX_PAGE = 1_000
"""Most images of one page."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some images and where the next ones start; `next_cursor` is None at the end."""

    images: list[Image]
    next_cursor: str | None


# What a second embedding of the same image may change. When it was first indexed and what it is
# called stay.
_REPLACED = (
    "instrument", "project", "sample", "depth_m", "latitude", "longitude", "pixel_size_um",
    "volume_ml", "source_file", "extra", "live", "content_type", "byte_size",
    "sha256", "width_px", "height_px", "encoder", "measurements",
)  # fmt: skip


class Images:
    """Reads and writes images; naming is written by `Labels` only."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._known_cameras: set[str] = set()

    def upsert(self, batch: Sequence[Image]) -> None:
        """Add images, or renew what an embedding knows about them; their naming is left alone."""
        if not batch:
            return
        with writing(self._engine) as connection:
            statement = insert(connection, images)
            renewed = {name: statement.excluded[name] for name in _REPLACED}
            statement = statement.on_conflict_do_update(index_elements=["image_id"], set_=renewed)
            # In ascending order, as `Labels` locks them: writers can't wait for each other.
            rows = [_row(image) for image in sorted(batch, key=lambda image: image.image_id)]
            connection.execute(statement, rows)
            _put_into_projects(connection, sorted(row["image_id"] for row in rows))
            new = {image.capture.camera for image in batch} - self._known_cameras
            if new:
                seen = [{"camera": camera, "first_seen_at": now()} for camera in sorted(new)]
                connection.execute(
                    insert(connection, cameras).values(seen).on_conflict_do_nothing()
                )
        self._known_cameras |= new

    def set_encoder(self, ids: Sequence[str], encoder: str) -> None:
        """Write down which encoder version embedded images last."""
        if not ids:
            return
        which = images.c.image_id == sa.bindparam("which")
        with writing(self._engine) as connection:
            # One by one in ascending order, as `Labels` locks them.
            connection.execute(
                images.update().where(which).values(encoder=encoder),
                [{"which": image_id} for image_id in sorted(ids)],
            )

    def get(self, ids: Sequence[str]) -> dict[str, Image]:
        """Images by id, one statement however many; unknown ids are left out.

        Args:
            ids: at most 16,384.
        """
        if not ids:
            return {}
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(images).where(images.c.image_id.in_(ids)))
            return {row.image_id: to_image(row) for row in rows}

    def briefs(self, ids: Sequence[str]) -> dict[str, Brief]:
        """What lists show of images, by id; unknown ids are left out. Any number of ids."""
        found: dict[str, Brief] = {}
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(*BRIEF).where(images.c.image_id.in_(chunk))
                found |= {row.image_id: to_brief(row) for row in connection.execute(query)}
        return found

    def namings(self, ids: Sequence[str]) -> dict[str, Naming]:
        """What images are called, by id; unknown ids are left out. Any number of ids."""
        c = images.c
        found: dict[str, Naming] = {}
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(c.image_id, c.taxon, c.state).where(c.image_id.in_(chunk))
                for image_id, taxon, state in connection.execute(query):
                    # What the catalog holds was validated on its way in.
                    found[image_id] = Naming.model_construct(taxon=taxon, state=LabelState(state))
        return found

    def unlabelled(self, ids: Sequence[str]) -> set[str]:
        """Those of some images that have no name. Any number of ids."""
        c = images.c
        found: set[str] = set()
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                rows = connection.execute(
                    sa.select(c.image_id, c.state).where(c.image_id.in_(chunk))
                )
                # Not a condition: SQLite would walk through all that are unlabelled.
                found.update(image_id for image_id, state in rows if state == LabelState.UNLABELLED)
        return found

    def sources(self, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Content type and SHA-256 of images' bytes, by id; unknown ids are left out."""
        c = images.c
        query = sa.select(c.image_id, c.content_type, c.sha256).where(c.image_id.in_(ids))
        with reading(self._engine) as connection:
            return {
                row.image_id: (row.content_type, row.sha256) for row in connection.execute(query)
            }

    def page(
        self,
        where: ImageFilter = ANY_IMAGE,
        *,
        predicted: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Images that match, last indexed first.

        Args:
            where: conditions.
            predicted: only unlabelled images for which the machine proposes this taxon.
            limit: 1…`MAX_PAGE`.
            cursor: `next_cursor` of the page before.

        Raises:
            RejectedError: the cursor is not one that a page gave, or the limit is out of range.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise RejectedError(f"limit is {limit}, allowed are 1…{MAX_PAGE}")
        newest_first = (images.c.indexed_at.desc(), images.c.image_id.desc())
        query = sa.select(images).where(*conditions(where)).order_by(*newest_first).limit(limit + 1)
        if predicted is not None:
            query = query.where(*_proposed(predicted))
        if cursor is not None:
            at, image_id = _parse_cursor(cursor)
            query = query.where(
                sa.tuple_(images.c.indexed_at, images.c.image_id)
                < sa.tuple_(sa.literal(at, images.c.indexed_at.type), sa.literal(image_id))
            )
        with reading(self._engine) as connection:
            found = [to_image(row) for row in connection.execute(query)]
        more = len(found) > limit
        found = found[:limit]
        return Page(found, _cursor(found[-1]) if more else None)

    def ids(self) -> Iterator[str]:
        """All image ids, ascending."""
        last = ""
        while True:
            query = (
                sa.select(images.c.image_id)
                .where(images.c.image_id > last)
                .order_by(images.c.image_id)
                .limit(10_000)
            )
            with reading(self._engine) as connection:
                batch = list(connection.scalars(query))
            if not batch:
                return
            yield from batch
            last = batch[-1]

    def count(self, where: ImageFilter = ANY_IMAGE) -> int:
        """Images that match."""
        query = sa.select(sa.func.count()).select_from(images).where(*conditions(where))
        with reading(self._engine) as connection:
            return connection.scalar(query) or 0

    def count_labelled(self) -> int:
        """Images that have a label now."""
        named = [state for state in LabelState if state is not LabelState.UNLABELLED]
        query = sa.select(sa.func.count()).select_from(images).where(images.c.state.in_(named))
        with reading(self._engine) as connection:
            return connection.scalar(query) or 0

    def cameras(self) -> list[str]:
        """Cameras that have an image, by name."""
        with reading(self._engine) as connection:
            return list(connection.scalars(sa.select(cameras.c.camera).order_by(cameras.c.camera)))

    def latencies_s(self, since: datetime) -> list[float]:
        """Seconds from capture to searchable of live images indexed since then, ascending."""
        raw = [
            sa.type_coerce(c, sa.BigInteger) for c in (images.c.indexed_at, images.c.captured_at)
        ]
        query = sa.select(raw[0] - raw[1]).where(
            images.c.indexed_at >= since, images.c.live, images.c.captured_at.is_not(None)
        )
        with reading(self._engine) as connection:
            return sorted(value / 1e6 for value in connection.scalars(query))


def conditions(where: ImageFilter) -> list[sa.ColumnElement[bool]]:
    """A filter in SQL."""
    c = images.c
    pairs: list[tuple[Any, Callable[[Any], sa.ColumnElement[bool]]]] = [
        (where.camera, c.camera.__eq__),
        (where.instrument, c.instrument.__eq__),
        (where.project, c.project.__eq__),
        (where.sample, c.sample.__eq__),
        (where.state, c.state.__eq__),
        (where.taxon, c.taxon.__eq__),
        (where.taxa, c.taxon.in_),
        (where.after, c.captured_at.__ge__),
        (where.before, c.captured_at.__lt__),
        (where.depth_min_m, c.depth_m.__ge__),
        (where.depth_max_m, c.depth_m.__le__),
        (where.latitude_min, c.latitude.__ge__),
        (where.latitude_max, c.latitude.__le__),
    ]
    found = [condition(value) for value, condition in pairs if value is not None]
    return [*found, *_between_longitudes(where)]


def _proposed(taxon: str) -> list[sa.ColumnElement[bool]]:
    """What the machine takes for a taxon; the prediction of an image that got a name is hidden."""
    said = sa.select(predictions.c.image_id).where(predictions.c.taxon == taxon)
    return [images.c.state == LabelState.UNLABELLED, images.c.image_id.in_(said)]


def _between_longitudes(where: ImageFilter) -> list[sa.ColumnElement[bool]]:
    c = images.c.longitude
    if where.crosses_antimeridian:
        return [sa.or_(c >= where.longitude_min, c <= where.longitude_max)]
    west, east = where.longitude_min, where.longitude_max
    return [
        *([c >= west] if west is not None else []),
        *([c <= east] if east is not None else []),
    ]


def _put_into_projects(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Give images the project that somebody put their sample into, in place of a camera's word."""
    project = (
        sa.select(samples.c.project).where(samples.c.sample == images.c.sample).scalar_subquery()
    )
    put = sa.select(samples.c.sample).where(samples.c.project.is_not(None))
    for chunk in in_chunks(ids):
        own = images.c.image_id.in_(chunk), images.c.sample.in_(put)
        connection.execute(images.update().where(*own).values(project=project))


def _cursor(image: Image) -> str:
    return f"{to_microseconds(image.indexed_at)}-{image.image_id}"


def _parse_cursor(cursor: str) -> tuple[datetime, str]:
    at, _, image_id = cursor.partition("-")
    try:
        return from_microseconds(int(at)), image_id
    except (ValueError, OverflowError) as error:
        raise RejectedError(f"cursor {cursor!r}: use the next_cursor of the page before") from error


def _row(image: Image) -> dict[str, Any]:
    return {
        **{name: getattr(image.capture, name) for name in Capture.model_fields},
        "image_id": image.image_id,
        "frame_key": image.frame_key,
        "box": list(image.box) if image.box else None,
        "content_type": image.content_type,
        "byte_size": image.byte_size,
        "sha256": image.sha256,
        "width_px": image.width_px,
        "height_px": image.height_px,
        "encoder": image.encoder,
        "indexed_at": image.indexed_at,
        "taxon": None,
        "state": LabelState.UNLABELLED,
        "label_id": None,
        "label_version": 0,
        "measurements": _json(image.measurements),
        "extra": dict(image.extra),
    }


def _json(measurements: Measurements | None) -> dict[str, Any] | None:
    return None if measurements is None else measurements.model_dump(exclude_none=True)


def to_image(row: Any) -> Image:
    """An image from a row of its table."""
    values = dict(zip(_COLUMNS, row, strict=True))
    values["capture"] = {name: values.pop(name) for name in Capture.model_fields}
    values["naming"] = {name: values.pop(name) for name in Naming.model_fields}
    return Image.model_validate(values)


_COLUMNS = tuple(images.c.keys())


def to_brief(row: Any) -> Brief:
    """What a list shows of an image, from a row of `BRIEF`."""
    return Brief.model_validate(dict(zip(Brief.model_fields, row, strict=True)))


BRIEF = tuple(images.c[name] for name in Brief.model_fields)
"""The columns that lists show."""
