"""What lies around an image: its frame, the others of that frame, its camera before and after."""

from dataclasses import dataclass

import sqlalchemy as sa

from plankton_stream.adapters.sql.cuts import to_cut
from plankton_stream.adapters.sql.engine import reading
from plankton_stream.adapters.sql.images import to_image
from plankton_stream.adapters.sql.schema import frames, images
from plankton_stream.domain import Cut, Image, image_id

MOST_MATES = 1_000
"""Most images of one frame that are listed."""


@dataclass(frozen=True, slots=True)
class FrameOf:
    """The frame of an image.

    Attributes:
        cut: what was decided about it; None where an instrument cut for itself.
        images: its indexed images, the image that was asked for among them, by id; at most
            `MOST_MATES`.
    """

    cut: Cut | None
    images: list[Image]


class Surroundings:
    """Reads what lies around an image; small statements, whatever the catalog's size."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def frame(self, image: Image) -> FrameOf:
        """The frame that an image was cut from."""
        camera, key = image.capture.camera, image.frame_key
        which = sa.and_(frames.c.camera == camera, frames.c.frame_key == key)
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(frames).where(which)).one_or_none()
            cut = None if row is None else to_cut(row)
            mates = connection.execute(
                sa.select(images)
                .where(_of_frame(image, cut))
                .order_by(images.c.image_id)
                .limit(MOST_MATES)
            )
            return FrameOf(cut, [to_image(mate) for mate in mates])

    def beside(self, image: Image) -> tuple[Image | None, Image | None]:
        """The images of the same camera just before and just after it in capture time.

        Images of one moment follow each other by id; those of unknown time come first of all.
        """
        c = images.c
        same = sa.select(images).where(c.camera == image.capture.camera).limit(1)
        before = same.where(c.image_id < image.image_id).order_by(c.image_id.desc())
        after = same.where(c.image_id > image.image_id).order_by(c.image_id)
        with reading(self._engine) as connection:
            rows = [connection.execute(query).one_or_none() for query in (before, after)]
        found = [None if row is None else to_image(row) for row in rows]
        return found[0], found[1]


def _of_frame(image: Image, cut: Cut | None) -> sa.ColumnElement[bool]:
    """Which images are of the same frame.

    What we cut has ids that follow from the frame's boxes. Of an instrument that cuts for itself
    only those can be found quickly that say when they were taken.
    """
    c = images.c
    if cut is not None and cut.boxes:
        ids = {image_id(cut.capture, cut.frame_key, box) for box in cut.boxes[:MOST_MATES]}
        return c.image_id.in_({image.image_id, *ids})
    if image.capture.captured_at is None:
        return c.image_id == image.image_id
    return sa.and_(
        c.captured_at == image.capture.captured_at,
        c.camera == image.capture.camera,
        c.frame_key == image.frame_key,
    )
