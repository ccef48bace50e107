"""What requests may ask: one model per kind of query, header or body.

Every field is optional or has its limits here, so an error can say what is allowed, and OpenAPI
describes exactly what is checked.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from plankton_stream.adapters.sql.images import MAX_PAGE
from plankton_stream.domain import ImageId, LabelState, Name, Slug, UtcTime
from plankton_stream.ports import ImageFilter, Metric
from plankton_stream.search import MAX_K

MAX_LOOKED_UP = 1_000
"""Most images that are looked up at once."""

MAX_LABELLED = 10_000
"""Most images that one request labels: as many as one search finds."""


class Query(BaseModel):
    """Base of what is asked: unknown names are refused, so that a typing error is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Filter(Query):
    """Which images. An image whose value is unknown does not match a condition on it."""

    camera: Slug | None = None
    instrument: Name | None = None
    project: Slug | None = None
    sample: Slug | None = None
    state: LabelState | None = None
    taxon: Slug | None = Field(default=None, description="Key of a taxon.")
    below: bool = Field(default=False, description="Also all taxa below `taxon` in the tree.")
    predicted: Slug | None = Field(
        default=None,
        description="Key of the taxon that the machine proposes; unlabelled images only.",
    )
    after: UtcTime | None = Field(default=None, description="Captured then or later, ISO 8601.")
    before: UtcTime | None = Field(default=None, description="Captured earlier, ISO 8601.")
    depth_min: float | None = Field(
        default=None, ge=-100, le=12_000, allow_inf_nan=False, description="Metres, or deeper."
    )
    depth_max: float | None = Field(
        default=None, ge=-100, le=12_000, allow_inf_nan=False, description="Metres, or shallower."
    )
    lat_min: float | None = Field(
        default=None, ge=-90, le=90, description="Degrees, or north of it."
    )
    lat_max: float | None = Field(
        default=None, ge=-90, le=90, description="Degrees, or south of it."
    )
    lon_min: float | None = Field(
        default=None, ge=-180, le=180, description="Degrees, or east of it."
    )
    lon_max: float | None = Field(
        default=None,
        ge=-180,
        le=180,
        description="Degrees, or west of it. Less than lon_min: across the antimeridian.",
    )

    def where(self) -> ImageFilter:
        """The same as the ports know it."""
        return ImageFilter(
            camera=self.camera, instrument=self.instrument, project=self.project,
            sample=self.sample, state=self._state(), taxon=self.taxon,
            after=self.after, before=self.before,
            depth_min_m=self.depth_min, depth_max_m=self.depth_max,
            latitude_min=self.lat_min, latitude_max=self.lat_max,
            longitude_min=self.lon_min, longitude_max=self.lon_max,
        )  # fmt: skip

    def _state(self) -> LabelState | None:
        if self.state is None and self.predicted is not None:
            return LabelState.UNLABELLED
        return self.state


class ImagesQuery(Filter):
    """A page of images."""

    limit: int = Field(default=100, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,18}-[0-9A-HJKMNP-TV-Z]{26}$",
        description="next_cursor of the page before.",
    )


class NeighboursQuery(Filter):
    """How many neighbours, by which distance, among which images."""

    k: int = Field(default=100, ge=1, le=MAX_K)
    metric: Metric = Field(
        default=Metric.COSINE,
        description="cosine = 1 - cos, l2 = Euclidean, of L2-normalised vectors; hamming = "
        "differing bits of their 256-bit codes.",
    )


class UploadQuery(NeighboursQuery):
    """The same for an uploaded image, and what its file does not tell."""

    pixel_size_um: float | None = Field(
        default=None, gt=0, le=100_000, allow_inf_nan=False,
        description="Of the uploaded image, micrometres: the encoder compares sizes.",
    )  # fmt: skip


class NamesBody(Query):
    """Whose names."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LABELLED)


class ThumbnailQuery(Query):
    """How large a picture."""

    size: int = Field(
        default=192, ge=16, le=1024, description="Longest side at most, pixels; never enlarged."
    )


class CensusQuery(Query):
    """Whose census."""

    camera: Slug | None = None


class IdempotencyHeader(Query):
    """Makes a repeated request harmless."""

    idempotency_key: str = Field(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Fresh for each action, e.g. a UUID; a repeated request keeps it.",
    )


ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]


class ClientHeader(Query):
    """Tells pages of the same person apart."""

    client: ClientId | None = Field(
        default=None,
        alias="Plankton-Client",
        description="Fresh for each open page, e.g. a UUID. What a queue gives is then kept for it "
        "for five minutes; without it nothing is.",
    )


class LabelHeaders(ClientHeader, IdempotencyHeader):
    """Once, and by which page."""


Note = Annotated[str, StringConstraints(max_length=2_000)]


class LabelsBody(Query):
    """Give images a name, all or none."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LABELLED)
    taxon: Slug = Field(description="Key of a taxon; GET /api/v1/taxa lists them.")
    state: Literal["predicted", "validated", "dubious"] = "validated"
    why: Note | None = None
    seen: dict[ImageId, int] | None = Field(
        default=None,
        max_length=MAX_LABELLED,
        description="Versions of names (`label_version`) that whoever asks has seen, by image. If "
        "one of the images has another name since, nothing is labelled (409).",
    )
