"""The nouns of the project: what a camera saw, what was cut from it, what people call it.

All records are immutable. Times are timezone-aware UTC, lengths are metres or micrometres as the
name says, boxes are pixels of the frame with the origin at the top left.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from ulid import ULID

MAX_IMAGE_BYTES = 16 * 1024 * 1024
"""Largest frame or ROI that travels, bytes. Kafka's limits are set a little above it."""

IMAGE_TYPES = {"image/png": "png", "image/jpeg": "jpg", "image/tiff": "tif"}
"""Content types that a camera may send, with the file extension of each."""


def _check_frame_key(key: str) -> str:
    if len(key.encode()) > _LONGEST_FRAME_KEY or "\0" in key:
        raise ValueError(f"a frame key is at most {_LONGEST_FRAME_KEY} bytes of UTF-8 without NUL")
    return key


_LONGEST_FRAME_KEY = 1024  # it is part of a key in SQL, where PostgreSQL allows 2,704 bytes

FrameKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=_LONGEST_FRAME_KEY),
    AfterValidator(_check_frame_key),
]
"""Names a frame within its camera for ever."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Ids that people choose (camera, taxon key, sample): safe in URLs, file names and filters."""

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""What people call a thing: one line of text."""

Rank = Annotated[
    str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""A taxon's rank in lower case as WoRMS writes it (`genus`), or `morphotype`."""

FilePath = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")]
"""A path with slashes; it is shown, never opened."""

Extra = dict[Name, str | int | float | bool]
"""What an instrument or a file says beyond the fields of `Capture`, by its own names."""

MAX_EXTRA_BYTES = 64 * 1024
"""Most that `Extra` may be as JSON: it travels in a record's header."""

ImageId = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
"""A ULID in Crockford's base 32."""


def _utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time lies within the years 1 to 9999, in UTC") from error


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(time: datetime) -> int:
    """Microseconds since 1970, without the rounding of a float timestamp."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """The inverse of `to_microseconds`."""
    return _EPOCH + timedelta(microseconds=value)


UtcTime = Annotated[AwareDatetime, AfterValidator(_utc)]


class Record(BaseModel):
    """Base of the records that cross a process boundary: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(NamedTuple):
    """A rectangle in pixels of its frame."""

    x: int
    y: int
    width: int
    height: int


class Capture(Record):
    """Where and when something was seen. Everything but the camera may be unknown (None)."""

    camera: Slug
    instrument: Name | None = Field(default=None, description="Make and number, e.g. IFCB134.")
    project: Slug | None = None
    sample: Slug | None = None
    captured_at: UtcTime | None = Field(default=None, description="When the shutter opened, UTC.")
    depth_m: float | None = Field(default=None, ge=-100, le=12_000, allow_inf_nan=False)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    pixel_size_um: float | None = Field(default=None, gt=0, le=100_000)
    volume_ml: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Water that was imaged for the frame; for an instrument that cuts for itself, "
        "for the whole source file.",
    )
    source_file: FilePath | None = Field(
        default=None, description="Where its bytes come from, below what was given to the camera."
    )
    live: bool = Field(default=False, description="True while the camera runs; False for archives.")


class Measurements(Record):
    """What was measured on a ROI; µm where the pixel size is known."""

    area_px: float = Field(ge=0, description="Of the organism's pixels, px².")
    esd_px: float = Field(ge=0, description="Equivalent spherical diameter: 2·√(area/π), px.")
    major_px: float = Field(ge=0, description="Major axis of the ellipse of equal moments, px.")
    minor_px: float = Field(ge=0, description="Minor axis, px.")
    perimeter_px: float = Field(ge=0, description="Length of the outer outlines, px.")
    solidity: float = Field(ge=0, le=1, description="Area as a share of the convex hull's.")
    mean_grey: float = Field(ge=0, le=255, description="Of the organism's pixels.")
    sharpness: float = Field(ge=0, description="Standard deviation of the ROI's Laplacian.")
    area_um2: float | None = None
    esd_um: float | None = None
    major_um: float | None = None
    minor_um: float | None = None
    perimeter_um: float | None = None


class LabelState(StrEnum):
    """How far an image's name can be trusted."""

    UNLABELLED = "unlabelled"
    PREDICTED = "predicted"
    VALIDATED = "validated"
    DUBIOUS = "dubious"


class GivenName(Record):
    """A name that an image had before it came to us: from EcoTaxa, from a column of a CSV file."""

    taxon: Name = Field(description="As it was written; the catalog finds or makes the taxon.")
    state: LabelState = LabelState.VALIDATED
    who: Name | None = Field(default=None, description="Who gave it, as far as the file tells.")
    at: UtcTime | None = Field(default=None, description="When, as far as the file tells.")
    origin: Name = Field(description="The kind of file that it came with, e.g. EcoTaxa.")


class Specimen(Record):
    """What a simulated camera knows about something that it drew."""

    taxon: Slug
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a camera, as the camera made it.

    `frame_key` names it within its camera for ever: a sequence number, a relative path.
    `sequence` is its number in what the camera gave, from 1: a gap is a frame that got lost.
    """

    capture: Capture
    frame_key: str
    content_type: str
    data: bytes = field(repr=False)
    truth: tuple[Specimen, ...] | None = None
    extra: Extra = field(default_factory=dict)
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Roi:
    """A region of interest (vignette): one cut-out of a frame, or one that the instrument cut.

    `box` is None when the instrument did not say where in its frame the cut-out was. `sequence` is
    its number in what an instrument gave that cuts for itself, as a frame's; else None.
    """

    capture: Capture
    frame_key: str
    box: Box | None
    content_type: str
    data: bytes = field(repr=False)
    extra: Extra = field(default_factory=dict)
    name: GivenName | None = None
    sequence: int | None = None
    measurements: Measurements | None = None

    @property
    def image_id(self) -> str:
        """The identity of this image: see `image_id`."""
        return image_id(self.capture, self.frame_key, self.box)


def image_id(capture: Capture, frame_key: str, box: Box | None) -> str:
    """Identity of an image: the same picture always gets the same one, so replays are idempotent.

    A ULID: 48 bits of capture time in ms (zero when it is unknown) and 80 bits of SHA-256 over
    camera, frame key and box. At 10⁹ images the chance of any collision is below 10⁻⁶ (birthday
    bound n²/2⁸¹) even if all share one millisecond.

    Returns:
        26 characters that sort by capture time.
    """
    where = "" if box is None else f"{box.x},{box.y},{box.width},{box.height}"
    # NUL cannot occur in a camera id or a box, so no two triples give the same text.
    digest = hashlib.sha256(f"{capture.camera}\0{where}\0{frame_key}".encode()).digest()
    return str(ULID(_milliseconds(capture.captured_at).to_bytes(6, "big") + digest[:10]))


def _milliseconds(time: datetime | None) -> int:
    return 0 if time is None else max(0, to_microseconds(time) // 1000)


def new_id() -> str:
    """A fresh ULID for events, labels and actions: unique, and sortable by the time it was made."""
    return str(ULID())


class CutOutcome(StrEnum):
    """What became of a frame; recorded once and for ever, see `Cut`."""

    CUT = "cut"
    EMPTY = "empty"
    REJECTED = "rejected"


class LeftOut(StrEnum):
    """Why something that was found in a frame became no ROI."""

    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    AT_BORDER = "at_border"
    BLURRED = "blurred"
    OVER_CAP = "over_cap"


class Cut(Record):
    """The decision where a frame is cut. It is recorded before its ROIs are published.

    A replay uses the record, so a background model that has moved on makes no new identities.
    """

    capture: Capture
    frame_key: str
    boxes: tuple[Box, ...] = ()
    width_px: int = 0
    height_px: int = 0
    rejected_because: str | None = None
    left_out: dict[LeftOut, int] = Field(
        default_factory=dict, description="Objects that became no ROI, by reason."
    )

    @property
    def outcome(self) -> CutOutcome:
        """`rejected`, `empty` (looked at, nothing in it) or `cut`."""
        if self.rejected_because is not None:
            return CutOutcome.REJECTED
        return CutOutcome.CUT if self.boxes else CutOutcome.EMPTY


class LabelSource(StrEnum):
    """Who gave a label."""

    HUMAN = "human"
    MACHINE = "machine"


class Naming(Record):
    """What an image is called at one moment. `taxon` is None exactly when it is unlabelled."""

    taxon: Slug | None = None
    state: LabelState = LabelState.UNLABELLED


UNNAMED = Naming()


class Image(Record):
    """One indexed image as the catalog knows it."""

    image_id: ImageId
    capture: Capture
    frame_key: str
    box: Box | None = None
    content_type: str
    byte_size: int
    sha256: str = Field(description="Of the image's bytes, hexadecimal.")
    width_px: int
    height_px: int
    encoder: str = Field(description="Id of the encoder whose vector is in the index.")
    indexed_at: UtcTime
    measurements: Measurements | None = None
    naming: Naming = UNNAMED
    label_id: str | None = Field(default=None, description="The label that holds now, if any.")
    label_version: int = Field(default=0, description="Counts the changes of this image's naming.")
    extra: Extra = Field(default_factory=dict, description="What else its source said.")


class Brief(Record):
    """What a list shows of an image, without the rest of what the catalog knows."""

    image_id: ImageId
    camera: Slug
    captured_at: UtcTime | None
    depth_m: float | None
    pixel_size_um: float | None
    width_px: int
    height_px: int
    taxon: Slug | None
    state: LabelState
    label_version: int = Field(description="Counts the changes of this image's naming.")


class Label(Record):
    """One line of an image's label history."""

    label_id: str
    action_id: str
    image_id: ImageId
    taxon: Slug
    state: LabelState
    source: LabelSource
    who: str
    at: UtcTime
    why: str | None = None
    retracted_at: UtcTime | None = None
    retracted_by: str | None = None


class TaxonKind(StrEnum):
    """What sort of thing a taxon names."""

    LIVING = "living"
    NON_LIVING = "non-living"


class Taxon(Record):
    """A name that can be given to an image. `key` never changes; the rest may."""

    key: Slug
    name: Name
    rank: Rank | None = None
    parent: Slug | None = None
    aphia_id: int | None = Field(default=None, gt=0, lt=2**31, description="Id in WoRMS.")
    kind: TaxonKind = TaxonKind.LIVING
    synonyms: tuple[Name, ...] = Field(
        default=(), max_length=100, description="Other names; each leads to one taxon."
    )
