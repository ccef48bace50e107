"""Answers about what lies around an image."""

from pydantic import Field

from plankton_stream.domain import FrameKey, ImageId, LeftOut, Record, Slug, UtcTime
from web.answers import ImageView
from web.proposals import CandidateView
from web.queries import MAX_LOOKED_UP, Query


class FrameView(Record):
    """A frame, and the images that were cut from it."""

    camera: Slug
    frame_key: FrameKey
    captured_at: UtcTime | None
    width_px: int | None = Field(description="Null where an instrument cut for itself.")
    height_px: int | None
    left_out: dict[LeftOut, int] = Field(description="Objects that became no image, by reason.")
    images: list[ImageView]


class BesideView(Record):
    """The images of the same camera before and after one in capture time; null at the ends."""

    before: ImageView | None
    after: ImageView | None


class LookupBody(Query):
    """Which images."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LOOKED_UP)


class Found(Record):
    """Images in the order in which they were asked for; unknown ones are left out."""

    images: list[CandidateView]
