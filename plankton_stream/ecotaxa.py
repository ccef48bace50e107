"""EcoTaxa's table of objects: what its columns are called, and how values are written in them.

A table is UTF-8 text with tabs. Line 1 names the columns (`<table>_<field>`), line 2 their types,
`[t]` text or `[f]` number; each line after it is an object with its image. The rules are those of
EcoTaxa's import (ecotaxa.obs-vlfr.fr, "How to import data"). Columns of our own follow its rule for
free ones: `object_…`, `sample_…`, `acq_…` or `process_…`, any name after it.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum

from plankton_stream.domain import Image, Label, LabelState, Taxon
from plankton_stream.imported import given_at

TEXT, NUMBER = "[t]", "[f]"

TABLE_NAME = re.compile(r"ecotaxa.*\.(tsv|txt)", re.IGNORECASE)
"""Names of the tables in a zip or folder."""

PREFIXES = ("object_", "sample_", "acq_", "process_", "img_")


class Column(StrEnum):
    """Columns with a meaning that we know; all others are `Extra`."""

    FILE = "img_file_name"
    RANK = "img_rank"
    ID = "object_id"
    LATITUDE = "object_lat"
    LONGITUDE = "object_lon"
    DATE = "object_date"
    TIME = "object_time"
    DEPTH_MIN = "object_depth_min"
    DEPTH_MAX = "object_depth_max"
    CATEGORY = "object_annotation_category"
    STATUS = "object_annotation_status"
    PERSON = "object_annotation_person_name"
    ANNOTATION_DATE = "object_annotation_date"
    ANNOTATION_TIME = "object_annotation_time"
    SAMPLE = "sample_id"
    ACQUISITION = "acq_id"
    INSTRUMENT = "acq_instrument"
    PIXEL_UM = "acq_pixel"
    VOLUME_ML = "acq_imaged_volume"
    # Of our own, so that nothing is lost on the way there and back.
    CAPTURED_AT = "object_captured_at"
    FRAME_KEY = "object_frame_key"
    BOX_X = "object_box_x"
    BOX_Y = "object_box_y"
    BOX_WIDTH = "object_box_width"
    BOX_HEIGHT = "object_box_height"
    SOURCE_FILE = "object_source_file"
    PROJECT = "sample_project"


BOX = (Column.BOX_X, Column.BOX_Y, Column.BOX_WIDTH, Column.BOX_HEIGHT)

# Where else a pixel's size stands, and what makes it micrometres.
PIXEL_SIZES = {Column.PIXEL_UM: 1.0, "process_pixel": 1.0, "process_particle_pixel_size_mm": 1000.0}

MEASUREMENTS = {
    "area_px": "object_area", "esd_px": "object_esd", "major_px": "object_major",
    "minor_px": "object_minor", "perimeter_px": "object_perim.", "mean_grey": "object_mean",
    "solidity": "object_solidity", "sharpness": "object_sharpness", "area_um2": "object_area_um2",
    "esd_um": "object_esd_um", "major_um": "object_major_um", "minor_um": "object_minor_um",
    "perimeter_um": "object_perim_um",
}  # fmt: skip
"""Columns of `Measurements`, as ZooProcess calls those that it has too; lengths are pixels."""

NUMBERS = frozenset(
    {
        Column.RANK, Column.LATITUDE, Column.LONGITUDE, Column.DEPTH_MIN, Column.DEPTH_MAX,
        Column.VOLUME_ML, *BOX, *PIXEL_SIZES,
    }
)  # fmt: skip
"""Columns that are numbers to us, whatever their second line says."""

STATES = {
    "validated": LabelState.VALIDATED, "v": LabelState.VALIDATED,
    "predicted": LabelState.PREDICTED, "p": LabelState.PREDICTED,
    "dubious": LabelState.DUBIOUS, "d": LabelState.DUBIOUS,
}  # fmt: skip
"""What an annotation status is to us, lower case."""

Cell = str | float | int


def parse_time(date: str, time: str) -> datetime:
    """The moment of an EcoTaxa date (`YYYYMMDD` or `YYYY-MM-DD`) and time, UTC.

    A time is `HHMMSS`, `HHMM`, which a spreadsheet may have robbed of its leading zeros, or either
    with colons; empty is midnight.

    Raises:
        ValueError: it is none.
    """
    # A table that a spreadsheet has written may say 20231220.0.
    day = datetime.strptime(date.replace("-", "").removesuffix(".0"), "%Y%m%d")
    digits = time.replace(":", "").removesuffix(".0")
    if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        raise ValueError(f"time {time!r}")
    digits = digits.zfill(4 if len(digits) <= 4 else 6).ljust(6, "0")
    clock = datetime.strptime(digits, "%H%M%S").time()
    return datetime.combine(day, clock, UTC)


def extra_name(column: str) -> str:
    """What `Extra` calls a column: `object_area` is `area`, `process_date` stays."""
    return column.removeprefix("object_")


def extra_column(name: str) -> str:
    """The column of an entry of `Extra`: the inverse of `extra_name`."""
    return name if name.startswith(PREFIXES) else f"object_{name}"


def cells(image: Image, label: Label | None, taxon: Taxon | None, file: str) -> dict[str, Cell]:
    """An image as a line of the table; what is unknown is left out.

    Args:
        image: of the catalog.
        label: the one that holds.
        taxon: that it names.
        file: where the image lies, beside the table.
    """
    capture, extra = image.capture, dict(image.extra)
    at = capture.captured_at
    found: dict[str, Cell | None] = {
        Column.FILE: file, Column.RANK: 0, Column.ID: image.image_id,
        Column.LATITUDE: capture.latitude, Column.LONGITUDE: capture.longitude,
        Column.DATE: f"{at:%Y%m%d}" if at else None, Column.TIME: f"{at:%H%M%S}" if at else None,
        Column.DEPTH_MIN: extra.pop("depth_min", capture.depth_m),
        Column.DEPTH_MAX: extra.pop("depth_max", capture.depth_m),
        Column.SAMPLE: extra.pop("sample_id", capture.sample),
        Column.ACQUISITION: extra.pop("acq_id", capture.camera),
        Column.INSTRUMENT: capture.instrument, Column.PIXEL_UM: capture.pixel_size_um,
        Column.VOLUME_ML: capture.volume_ml, Column.CAPTURED_AT: at.isoformat() if at else None,
        Column.FRAME_KEY: image.frame_key, Column.SOURCE_FILE: capture.source_file,
        Column.PROJECT: capture.project,
    }  # fmt: skip
    if image.box:
        found |= dict(zip(BOX, image.box, strict=True))
    if label and taxon:
        found |= {
            Column.CATEGORY: taxon.name, Column.STATUS: str(image.naming.state),
            Column.PERSON: label.who, Column.ANNOTATION_DATE: f"{given_at(label):%Y%m%d}",
            Column.ANNOTATION_TIME: f"{given_at(label):%H%M%S}",
        }  # fmt: skip
    if image.measurements:
        measured = image.measurements.model_dump(exclude_none=True)
        found |= {MEASUREMENTS[name]: value for name, value in measured.items()}
    own = {extra_column(name): value for name, value in extra.items()}
    return {name: value for name, value in (own | found).items() if value is not None}
