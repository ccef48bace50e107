"""What a row of Milvus says about an image, and filters in Milvus' own language."""

from collections.abc import Iterable, Mapping
from typing import Any

from pymilvus import DataType

from plankton_stream.domain import Image, LabelState, Naming, to_microseconds
from plankton_stream.ports import ImageFilter

# Milvus 2.3 has no NULL: these stand for "unknown", and lie outside of every range that a filter
# can name, because filters with an upper bound get a lower one as well.
_NO_TIME = -(2**62)  # long before year 1: archives have pictures from before 1970
_NO_NUMBER = -1.0e30
# Not the empty text: Milvus 2.3 cannot map a segment's text field from disk if all of it is empty,
# and the collection then never loads. No key of a camera, sample or taxon is a dash.
_NO_TEXT = "-"

FIELDS = (
    ("camera", DataType.VARCHAR, 64),
    ("sample", DataType.VARCHAR, 64),
    ("captured_us", DataType.INT64, None),
    ("indexed_us", DataType.INT64, None),
    ("depth_m", DataType.DOUBLE, None),
    ("latitude", DataType.DOUBLE, None),
    ("longitude", DataType.DOUBLE, None),
    ("state", DataType.VARCHAR, 16),
    ("taxon", DataType.VARCHAR, 64),
    # Milvus 2.3 cannot add a field to a collection: this one waits for machine predictions.
    ("predicted_taxon", DataType.VARCHAR, 64),
)
"""Name, type and longest text of the fields beside `image_id` and `vector`."""

LATER_FIELDS = (
    ("instrument", DataType.VARCHAR, 800),  # bytes: 200 characters
    ("project", DataType.VARCHAR, 64),
)
"""Fields that collections made by earlier versions lack; see docs/adr/0013-sources.md."""

LATER_UNKNOWN = {name: _NO_TEXT for name, *_ in LATER_FIELDS}
"""What a row has there that comes from such a collection."""


def fields(image: Image) -> dict[str, object]:
    """All of an image's row but its vector."""
    capture = image.capture
    return {
        "image_id": image.image_id,
        "camera": capture.camera,
        "instrument": capture.instrument or _NO_TEXT,
        "project": capture.project or _NO_TEXT,
        "sample": capture.sample or _NO_TEXT,
        "captured_us": _NO_TIME
        if capture.captured_at is None
        else to_microseconds(capture.captured_at),
        "indexed_us": to_microseconds(image.indexed_at),
        "depth_m": _NO_NUMBER if capture.depth_m is None else capture.depth_m,
        "latitude": _NO_NUMBER if capture.latitude is None else capture.latitude,
        "longitude": _NO_NUMBER if capture.longitude is None else capture.longitude,
        "predicted_taxon": _NO_TEXT,
        **naming(image),
    }


def later_fields_of(where: ImageFilter) -> set[str]:
    """The fields that a filter asks for and that not every collection has."""
    return {name for name, *_ in LATER_FIELDS if getattr(where, name) is not None}


def naming(image: Image) -> dict[str, object]:
    """The fields that a label changes."""
    return {"state": str(image.naming.state), "taxon": image.naming.taxon or _NO_TEXT}


def to_naming(row: Mapping[str, Any]) -> Naming:
    """The naming that a row holds: the inverse of `naming`."""
    taxon = None if row["taxon"] == _NO_TEXT else row["taxon"]
    return Naming(taxon=taxon, state=LabelState(row["state"]))


def expression(where: ImageFilter) -> str:
    """A filter in Milvus' own language; empty if there are no conditions."""
    parts = [
        f'{name} == "{_quoted(value)}"'
        for name, value in (
            ("camera", where.camera),
            ("instrument", where.instrument),
            ("sample", where.sample),
            ("state", where.state),
            ("taxon", where.taxon),
        )
        if value is not None
    ]
    if where.project is not None:
        parts.append(_project(where, where.project))
    if where.taxa is not None:
        # Milvus wants at least one: no taxon is called by the empty text.
        listed = ", ".join(f'"{_quoted(taxon)}"' for taxon in where.taxa or ("",))
        parts.append(f"taxon in [{listed}]")
    after, before = (t and to_microseconds(t) for t in (where.after, where.before))
    if after is not None:
        parts.append(f"captured_us >= {after}")
    if before is not None:
        parts.append(f"captured_us > {_NO_TIME} and captured_us < {before}")
    if where.depth_min_m is not None or where.depth_max_m is not None:
        lowest = _NO_NUMBER / 2 if where.depth_min_m is None else where.depth_min_m
        parts.append(f"depth_m >= {lowest!r}")
    if where.depth_max_m is not None:
        parts.append(f"depth_m <= {where.depth_max_m!r}")
    return " and ".join([*parts, *_position(where)])


def _project(where: ImageFilter, project: str) -> str:
    """Rows say what a camera said; where samples were put since goes before it."""
    own = f'project == "{_quoted(project)}"'
    if where.project_lost:
        own = f"({own} and not (sample in {_list(where.project_lost)}))"
    if where.project_gained:
        return f"({own} or sample in {_list(where.project_gained)})"
    return own


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{_quoted(value)}"' for value in sorted(values)) + "]"


def _position(where: ImageFilter) -> list[str]:
    """Conditions of a position box; an image without a position fulfils none."""
    parts = []
    if where.latitude_min is not None or where.latitude_max is not None:
        south, north = where.latitude_min, where.latitude_max
        parts.append(f"latitude >= {-90.0 if south is None else south!r}")
        parts.append(f"latitude <= {90.0 if north is None else north!r}")
    if where.longitude_min is None and where.longitude_max is None:
        return parts
    west = -180.0 if where.longitude_min is None else where.longitude_min
    east = 180.0 if where.longitude_max is None else where.longitude_max
    if where.crosses_antimeridian:
        parts.append(f"(longitude >= {west!r} or (longitude >= -180.0 and longitude <= {east!r}))")
    else:
        parts.append(f"longitude >= {west!r} and longitude <= {east!r}")
    return parts


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
