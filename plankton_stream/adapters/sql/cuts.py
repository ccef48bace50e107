"""The frames and what was decided about each, see `Cut`."""

from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert, reading, writing
from plankton_stream.adapters.sql.schema import frames
from plankton_stream.domain import Box, Capture, Cut
from plankton_stream.events.envelope import now


class Cuts:
    """Each frame's outcome, decided once."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def get(self, camera: str, frame_key: str) -> Cut | None:
        """The decision about a frame, None if there is none yet."""
        with reading(self._engine) as connection:
            return _select(connection, camera, frame_key)

    def record(self, cut: Cut) -> Cut:
        """Write a decision down; the first one stays, unless it was that the frame is unreadable.

        A frame that was sent while its file was still being copied may come again, whole.

        Returns:
            What is recorded now: `cut`, or what was decided before.
        """
        row = {
            "camera": cut.capture.camera,
            "frame_key": cut.frame_key,
            "capture": cut.capture.model_dump(mode="json", exclude_none=True),
            "boxes": [list(box) for box in cut.boxes],
            "width_px": cut.width_px,
            "height_px": cut.height_px,
            "rejected_because": cut.rejected_because,
            "left_out": cut.left_out or None,
            "recorded_at": now(),
        }
        with writing(self._engine) as connection:
            written = connection.execute(
                insert(connection, frames)
                .values(row)
                .on_conflict_do_update(
                    index_elements=["camera", "frame_key"],
                    set_=row,
                    where=frames.c.rejected_because.is_not(None),
                )
            )
            if written.rowcount == 1:
                return cut
            return _select(connection, cut.capture.camera, cut.frame_key) or cut

    def count(self) -> int:
        """Frames with a decision."""
        with reading(self._engine) as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(frames)) or 0


def _select(connection: sa.Connection, camera: str, frame_key: str) -> Cut | None:
    row = connection.execute(
        sa.select(frames).where(frames.c.camera == camera, frames.c.frame_key == frame_key)
    ).one_or_none()
    return None if row is None else to_cut(row)


def to_cut(row: Any) -> Cut:
    """A decision from a row of its table."""
    return Cut(
        capture=Capture.model_validate(row.capture),
        frame_key=row.frame_key,
        boxes=tuple(Box(*box) for box in row.boxes),
        width_px=row.width_px,
        height_px=row.height_px,
        rejected_because=row.rejected_because,
        left_out=row.left_out or {},
    )
