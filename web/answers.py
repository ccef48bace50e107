"""What the API answers: one model per answer, which also describes it in OpenAPI."""

from pathlib import PurePath
from typing import Any, Literal

from pydantic import Field

from plankton_stream.adapters.sql import Action, NamedMeanwhile
from plankton_stream.domain import (
    Box,
    Extra,
    Image,
    ImageId,
    Label,
    LabelState,
    Measurements,
    Record,
    Slug,
    UtcTime,
)
from plankton_stream.events.facts import CensusCounted
from plankton_stream.events.health import AlertRaised, CameraStatus
from plankton_stream.review.records import Dispute
from plankton_stream.versions import EncoderVersion


class ImageView(Record):
    """One image with all that is known about it; null where something is unknown."""

    image_id: ImageId
    camera: Slug
    instrument: str | None
    project: Slug | None
    sample: Slug | None
    captured_at: UtcTime | None
    depth_m: float | None
    latitude: float | None
    longitude: float | None
    pixel_size_um: float | None
    volume_ml: float | None = Field(
        description="Water imaged for its frame, or for its whole source file, millilitres."
    )
    source_file: str | None
    live: bool = Field(description="Taken while the camera ran; false for archives.")
    frame_key: str
    box: Box | None = Field(description="x, y, width, height in its frame, pixels.")
    content_type: str
    byte_size: int
    sha256: str
    width_px: int
    height_px: int
    encoder: str = Field(
        description="Id of the version that it was embedded with last; a search compares vectors "
        "of the version that its answer names."
    )
    indexed_at: UtcTime
    taxon: Slug | None
    state: LabelState
    label_id: str | None
    label_version: int
    measurements: Measurements | None = Field(
        description="Of the organism in it; null where the instrument cut it, or none was made."
    )
    extra: Extra = Field(description="What else its source said, by the source's own names.")

    @classmethod
    def of(cls, image: Image) -> "ImageView":
        """The view of an image."""
        return cls(**flat(image))


class NeighbourView(ImageView):
    """An image that looks alike."""

    distance: float = Field(ge=0, description="To the query; smaller is nearer.")


def flat(image: Image) -> dict[str, Any]:
    """The fields of an image's view."""
    values = {**image.__dict__, **image.capture.__dict__, **image.naming.__dict__}
    del values["capture"], values["naming"]
    return values


class ImagesPage(Record):
    """Some images, last indexed first."""

    images: list[ImageView]
    next_cursor: str | None = Field(description="Of the next page; null at the end.")


class ImageName(Record):
    """What an image is called."""

    image_id: ImageId
    taxon: Slug | None
    state: LabelState
    label_version: int

    @classmethod
    def of(cls, image: Image) -> "ImageName":
        """The name of an image."""
        naming = image.naming
        return cls(
            image_id=image.image_id, taxon=naming.taxon, state=naming.state,
            label_version=image.label_version,
        )  # fmt: skip


class ImageNames(Record):
    """What images are called."""

    names: list[ImageName]


class ImageDetail(ImageView):
    """One image with every label that it ever had, first one first."""

    history: list[Label]
    disputes: list[Dispute] = Field(description="Open objections to its name, first one first.")


class Neighbours(Record):
    """Images that look alike, nearest first."""

    encoder: str = Field(description="Id of the encoder version whose vectors were compared.")
    neighbours: list[NeighbourView]


class GivenLabel(Record):
    """A label that was given."""

    label_id: str
    image_id: ImageId
    version: int | None = Field(
        description="Of the name that the image has by it; null if it was renamed since."
    )


class ActionDone(Record):
    """What a labelling request did; a repeated request gets the same answer."""

    action_id: str
    labels: list[GivenLabel]

    @classmethod
    def of(cls, done: Action) -> "ActionDone":
        """The view of an action."""
        given = [
            GivenLabel(
                label_id=one.label_id, image_id=one.image_id,
                version=done.versions.get(one.image_id),
            )
            for one in done.labels
        ]  # fmt: skip
        return cls(action_id=done.action_id, labels=given)


class Renamed(Record):
    """Images as they are called after a retraction."""

    images: list[ImageView]


class CameraView(Record):
    """A camera; its status is null if it never reported one."""

    camera: Slug
    status: CameraStatus | None


class Cameras(Record):
    """Cameras that have an image or have reported."""

    cameras: list[CameraView]


class Alerts(Record):
    """What needs a person now, the oldest first."""

    alerts: list[AlertRaised]


class Census(Record):
    """Validated images per taxon, camera and window of capture time, oldest window first."""

    windows: list[CensusCounted]


class EncoderView(EncoderVersion):
    """An encoder version, and when it will be filled."""

    eta_s: float | None = Field(description="Seconds until it is filled; null if not known.")

    @classmethod
    def of(cls, version: EncoderVersion) -> "EncoderView":
        """The view of a version; where its publisher keeps files is nobody else's business."""
        return cls(
            **version.model_dump() | {"source": _without_folders(version.source)},
            eta_s=version.seconds_left,
        )


def _without_folders(source: str) -> str:
    """What was published, a path shortened to its last part: `a.keras`, `compact, b.weights.h5`."""
    if source.endswith(".keras"):
        return PurePath(source).name
    architecture, comma, weights = source.partition(", ")
    return architecture + comma + PurePath(weights).name


class Encoders(Record):
    """Encoder versions, the last published first."""

    encoders: list[EncoderView]


class Percentiles(Record):
    """Seconds; null when there is nothing to measure."""

    p50: float | None
    p95: float | None


class Rates(Record):
    """Over the last ten seconds; null until two counts were made."""

    frames_per_s: float | None
    images_per_s: float | None


class Stats(Record):
    """Totals since the state began."""

    frames: int = Field(
        description="Frames that were looked at, also without a ROI or with unreadable pixels, and "
        "those that wait. A record that is no frame is among the dead letters only."
    )
    rois: int = Field(description="ROIs indexed or refused, and those that wait.")
    indexed: int
    labelled: int
    capture_to_searchable_s: Percentiles = Field(
        description="Of live images that were indexed in the last ten minutes."
    )
    lag: dict[str, int | None] = Field(description="Records that wait, by consumer group.")
    rates: Rates
    dead_letters: int
    kafka: Literal["up", "away"] = Field(description="While it is away, lag is the last known.")


class Health(Record):
    """This process serves requests."""

    status: Literal["ok"] = "ok"


class FieldProblem(Record):
    """One thing that is wrong with a request."""

    where: str
    message: str


class Problem(Record):
    """Why a request failed: problem details of RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] | None = None
    conflicts: list[NamedMeanwhile] | None = Field(
        default=None, description="What somebody else named meanwhile (409)."
    )
