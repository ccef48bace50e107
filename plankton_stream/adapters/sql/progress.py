"""Counts of labels and of named images, made by the database; no row of either is read here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import floor
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import reading
from plankton_stream.adapters.sql.schema import images, labels
from plankton_stream.domain import LabelState, from_microseconds, to_microseconds
from plankton_stream.progress import Cell, Given, Named, Spread, column_length, row_height_m

_MM = 1_000  # depths are binned as whole millimetres, so that both databases bin alike
_NOTHING = Spread(None, timedelta(hours=1), None, 1.0, [], 0)


class Progress:
    """Counts; each is one or two statements that an index answers."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def given(self, bin_: timedelta, *, after: datetime, before: datetime) -> list[Given]:
        """Labels by span of time and person, oldest first; what was taken back is not counted.

        Args:
            bin_: length of a span; spans begin at its multiples since 1970 UTC.
            after: given at this moment or later.
            before: given earlier than this moment.
        """
        width = bin_ // timedelta(microseconds=1)
        at = sa.type_coerce(labels.c.at, sa.BigInteger)
        each = (
            sa.select((at // width).label("bin"), labels.c.who)
            .where(labels.c.at >= after, labels.c.at < before, labels.c.retracted_at.is_(None))
            .subquery()
        )
        query = (
            sa.select(each.c.bin, each.c.who, sa.func.count())
            .group_by(each.c.bin, each.c.who)
            .order_by(each.c.bin, each.c.who)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [Given(from_microseconds(b * width), who, number) for b, who, number in rows]

    def named(self) -> list[Named]:
        """All images by camera, taxon and state."""
        c = images.c
        query = sa.select(c.camera, c.taxon, c.state, sa.func.count()).group_by(
            c.taxon, c.state, c.camera
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [Named(camera, taxon, LabelState(state), n) for camera, taxon, state, n in rows]

    def spread(self, taxa: Sequence[str], *, camera: str | None = None) -> Spread:
        """Validated images of some taxa over capture time and depth.

        Args:
            taxa: keys; all that are counted together.
            camera: only of this camera.
        """
        c = images.c
        which = [c.taxon.in_(taxa), c.state == LabelState.VALIDATED]
        if camera is not None:
            which.append(c.camera == camera)
        at = sa.type_coerce(c.captured_at, sa.BigInteger)
        depth = sa.cast(sa.func.round(c.depth_m * _MM), sa.BigInteger)
        limits = sa.select(
            sa.func.min(at), sa.func.max(at), sa.func.min(depth), sa.func.max(depth),
            sa.func.count() - sa.func.count(at),
        ).where(*which)  # fmt: skip
        with reading(self._engine) as connection:
            first, last, shallowest, deepest, without_time = connection.execute(limits).one()
            if first is None:
                return Spread(**_fields(_NOTHING) | {"without_time": without_time})
            frame = _frame(first, last, shallowest, deepest)
            start, top = to_microseconds(frame["start"]), round((frame["top_m"] or 0.0) * _MM)
            width = frame["column"] // timedelta(microseconds=1)
            each = (
                sa.select(
                    ((at - start) // width).label("bin"),
                    ((depth - top) // round(frame["row_m"] * _MM)).label("layer"),
                )
                .where(*which, c.captured_at.is_not(None))
                .subquery()
            )
            query = sa.select(each.c.bin, each.c.layer, sa.func.count()).group_by(
                each.c.bin, each.c.layer
            )
            cells = [Cell(*row) for row in connection.execute(query)]
        return Spread(**frame, cells=cells, without_time=without_time)


def _frame(first: int, last: int, shallowest: int | None, deepest: int | None) -> dict[str, Any]:
    """Where bins begin and how large they are, from the extremes in µs and mm."""
    column = column_length(from_microseconds(first), from_microseconds(last))
    width = column // timedelta(microseconds=1)
    found: dict[str, Any] = {
        "start": from_microseconds(first // width * width),
        "column": column,
        "top_m": None,
        "row_m": 1.0,
    }
    if shallowest is not None and deepest is not None:
        row_m = row_height_m(shallowest / _MM, deepest / _MM)
        step = round(row_m * _MM)
        found |= {"top_m": floor(shallowest / step) * step / _MM, "row_m": row_m}
    return found


def _fields(spread: Spread) -> dict[str, Any]:
    return {name: getattr(spread, name) for name in Spread.__slots__}
