"""What a row of an EcoTaxa table says about its image."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plankton_stream.domain import Box, Capture, Extra, GivenName, LabelState, Measurements
from plankton_stream.ecotaxa import (
    BOX,
    MEASUREMENTS,
    PIXEL_SIZES,
    STATES,
    Column,
    extra_name,
    parse_time,
)
from plankton_stream.slugs import slug
from producers.ecotaxa.table import Row
from producers.metadata import checked, time_of
from producers.plausible import implausible

_COLUMNS = {
    "latitude": Column.LATITUDE, "longitude": Column.LONGITUDE, "depth_m": Column.DEPTH_MIN,
    "captured_at": Column.DATE, "sample": Column.SAMPLE, "instrument": Column.INSTRUMENT,
    "pixel_size_um": Column.PIXEL_UM, "volume_ml": Column.VOLUME_ML, "project": Column.PROJECT,
    "taxon": Column.CATEGORY, "who": Column.PERSON, "state": Column.STATUS,
}  # fmt: skip
_NO_IDENTITY = "noid"


@dataclass(frozen=True, slots=True)
class Object:
    """One object, checked.

    Attributes:
        frame_key: names it within its camera.
        file: its image, relative to the table.
        extra: every column that is not in one of the others.
    """

    capture: Capture
    frame_key: str
    box: Box | None
    file: str
    name: GivenName | None
    extra: Extra
    measurements: Measurements | None


def read_object(row: Row, common: dict[str, Any]) -> Object:
    """The object of a row.

    Args:
        row: of a table.
        common: fields of `Capture` that the user gave for all rows; they win.

    Raises:
        ConfigError: a value is missing or not allowed; names line and column.
    """
    left = dict(row.cells)  # what nobody asks for stays: it is the extra
    for column in Column:
        left.pop(column, None)
    depth_m, depths = _depth(row)
    sample, samples = _sample(row)
    pixel_um, pixel_column = _pixel_size(row)
    left.pop(pixel_column, None)
    fields = {
        "instrument": row.text(Column.INSTRUMENT), "project": row.text(Column.PROJECT),
        "sample": sample, "captured_at": _captured_at(row), "depth_m": depth_m,
        "latitude": row.number(Column.LATITUDE), "longitude": row.number(Column.LONGITUDE),
        "pixel_size_um": pixel_um, "volume_ml": row.number(Column.VOLUME_ML),
        "source_file": row.text(Column.SOURCE_FILE) or row.text(Column.FILE),
    } | common  # fmt: skip
    known = {name: value for name, value in fields.items() if value not in (None, "")}
    capture = checked(Capture, row.where, known, _COLUMNS)
    for field, problem in implausible(capture):
        raise row.error(_COLUMNS[field], problem)
    acquisition = {Column.ACQUISITION.value: row.text(Column.ACQUISITION)}
    measurements = _measurements(row)
    if measurements:
        for measured in MEASUREMENTS.values():
            left.pop(measured, None)
    own = {name: value for name, value in (depths | samples | acquisition).items() if value != ""}
    return Object(
        capture, _frame_key(row), _box(row), row.text(Column.FILE), _name(row),
        own | {extra_name(column): value for column, value in left.items()}, measurements,
    )  # fmt: skip


def _frame_key(row: Row) -> str:
    key = row.text(Column.FRAME_KEY) or row.text(Column.ID)
    for column in (Column.ID, Column.FILE):
        if not row.text(column):
            raise row.error(column, "it is empty")
    if len(key.encode()) > 1024:
        raise row.error(Column.ID, "it is longer than 1024 bytes")
    return key


def _captured_at(row: Row) -> datetime | None:
    if exact := row.text(Column.CAPTURED_AT):
        return time_of(row.where, Column.CAPTURED_AT, exact)
    return _moment(row, Column.DATE, Column.TIME)


def _moment(row: Row, date: Column, time: Column) -> datetime | None:
    if not row.text(date):
        if row.text(time):
            raise row.error(date, "it is empty, but there is a time")
        return None
    for column, text in ((date, (row.text(date), "")), (time, ("20000101", row.text(time)))):
        try:
            parse_time(*text)
        except ValueError:
            raise row.error(
                column, f"{row.text(column)!r} is no date as YYYYMMDD or time as HHMMSS"
            ) from None
    return parse_time(row.text(date), row.text(time))


def _depth(row: Row) -> tuple[float | None, Extra]:
    """The middle of an object's depth range, and the range where it is one."""
    known = [d for c in (Column.DEPTH_MIN, Column.DEPTH_MAX) if (d := row.number(c)) is not None]
    if not known:
        return None, {}
    if max(known) == min(known):
        return known[0], {}
    if known[0] > known[1]:
        raise row.error(Column.DEPTH_MAX, f"{known[1]:g} m is above object_depth_min")
    return sum(known) / 2, {"depth_min": known[0], "depth_max": known[1]}


def _sample(row: Row) -> tuple[str | None, Extra]:
    """A sample's id as ours allow it, and as it was written where that is something else."""
    given = row.text(Column.SAMPLE)
    if not given:
        return None, {}
    made = slug(given)
    if not made:
        raise row.error(Column.SAMPLE, f"{given!r} has no letter a-z or digit for an id")
    return made, {} if made == given else {Column.SAMPLE.value: given}


def _pixel_size(row: Row) -> tuple[float | None, str]:
    """Micrometres, and the column that they were read from."""
    for column, factor in PIXEL_SIZES.items():
        if (size := row.number(column)) is not None:
            return size * factor, column
    return None, ""


def _box(row: Row) -> Box | None:
    values = [row.number(column) for column in BOX]
    if None in values:
        return None
    x, y, width, height = (int(value or 0) for value in values)
    if min(x, y) < 0 or min(width, height) < 1:
        raise row.error(BOX[0], "a box has x, y ≥ 0 and width, height ≥ 1")
    return Box(x, y, width, height)


def _measurements(row: Row) -> Measurements | None:
    """Those that we made, if all of them are there: another program's area may be another."""
    required = {name for name, field in Measurements.model_fields.items() if field.is_required()}
    found = {
        name: value
        for name, column in MEASUREMENTS.items()
        if isinstance(value := row.cells.get(column), float)
    }
    return checked(Measurements, row.where, found, MEASUREMENTS) if required <= set(found) else None


def _name(row: Row) -> GivenName | None:
    """What EcoTaxa calls it; without a status a name is a prediction, as there."""
    status = row.text(Column.STATUS).lower()
    if status and status not in STATES and status != _NO_IDENTITY:
        raise row.error(Column.STATUS, f"{status!r} is none of validated, predicted, dubious")
    taxon = row.text(Column.CATEGORY)
    if not taxon or status == _NO_IDENTITY:
        return None
    values = {
        "taxon": taxon, "state": STATES.get(status, LabelState.PREDICTED),
        "who": row.text(Column.PERSON) or None, "origin": "EcoTaxa",
        "at": _moment(row, Column.ANNOTATION_DATE, Column.ANNOTATION_TIME),
    }  # fmt: skip
    return checked(GivenName, row.where, values, _COLUMNS)
