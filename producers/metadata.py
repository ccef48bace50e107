"""What a CSV file tells about the pictures of a folder."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from plankton_stream.domain import Capture, GivenName
from plankton_stream.errors import ConfigError
from producers.plausible import implausible

Model = TypeVar("Model", bound=BaseModel)

REQUIRED = ("path", "captured_at")
OPTIONAL = (
    "depth_m", "latitude", "longitude", "pixel_size_um", "volume_ml", "instrument", "project",
    "sample",
)  # fmt: skip
LABEL = ("label", "label_state", "labelled_by", "labelled_at")


@dataclass(frozen=True, slots=True)
class Known:
    """What a row tells about a picture.

    Attributes:
        capture: fields of `Capture`.
        name: what it was called before it came to us.
    """

    capture: dict[str, Any] = field(default_factory=dict)
    name: GivenName | None = None


def read_metadata(csv_path: Path, *, rois: bool = True) -> dict[str, Known]:
    """Read a CSV file with a header, UTF-8.

    Columns: `path` (relative to the folder, with slashes), `captured_at` (ISO 8601; without a zone
    it is UTC) and, if wanted, those of `OPTIONAL` and `LABEL`. An empty field is unknown.

    Args:
        csv_path: the file.
        rois: whether the pictures are ROIs; only they can have a label.

    Returns:
        What is known, by path.

    Raises:
        ConfigError: it cannot be read, has other columns, a path twice or a value that is not
            allowed; the message names line and column.
    """
    try:
        with csv_path.open(encoding="utf-8-sig", newline="") as file:
            return dict(_rows(csv_path, file, rois=rois))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"Metadata {csv_path}: cannot be read: {error}") from error


def _rows(csv_path: Path, file: Any, *, rois: bool) -> Iterator[tuple[str, Known]]:
    reader = csv.DictReader(file, strict=True)
    _check_columns(csv_path, list(reader.fieldnames or ()), rois=rois)
    seen: dict[str, int] = {}
    for row in reader:
        where = f"Metadata {csv_path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise ConfigError(f"{where}: {len(reader.fieldnames or ())} columns expected.")
        path = row.pop("path").strip()
        if not path:
            raise ConfigError(f"{where}, column path: it is empty.")
        path = str(PurePosixPath(path))  # ./a.png is a.png
        if path in seen:
            raise ConfigError(f"{where}, column path: {path!r} stands in line {seen[path]} too.")
        seen[path] = reader.line_num
        yield (
            path,
            _known(where, {name: value.strip() for name, value in row.items() if value.strip()}),
        )


def _check_columns(csv_path: Path, names: list[str], *, rois: bool) -> None:
    allowed = REQUIRED + OPTIONAL + (LABEL if rois else ())
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in allowed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or twice:
        problems = [
            f"{what}: {', '.join(map(repr, columns))}"
            for what, columns in (("missing", missing), ("unknown", unknown), ("twice", twice))
            if columns
        ]
        note = "" if rois else " Labels go with cut-outs only (--roi)."
        raise ConfigError(
            f"Metadata {csv_path}, line 1: columns {'; '.join(problems)}. It needs "
            f"{', '.join(REQUIRED)} and may have {', '.join(allowed[len(REQUIRED) :])}.{note}"
        )


def _known(where: str, row: dict[str, str]) -> Known:
    label = {name: row.pop(name) for name in LABEL if name in row}
    fields: dict[str, Any] = dict(row)
    if "captured_at" in row:
        fields["captured_at"] = time_of(where, "captured_at", row["captured_at"])
    capture = checked(Capture, where, {"camera": "any"} | fields)
    for column, problem in implausible(capture):
        raise ConfigError(f"{where}, column {column}: {problem}.")
    return Known({name: getattr(capture, name) for name in fields}, _name(where, label))


def _name(where: str, label: dict[str, str]) -> GivenName | None:
    if "label" not in label:
        for column in label:
            raise ConfigError(
                f"{where}, column {column}: a label is missing, so this says nothing."
            )
        return None
    at = label.get("labelled_at")
    values: dict[str, Any] = {
        "taxon": label["label"], "state": label.get("label_state"), "who": label.get("labelled_by"),
        "at": time_of(where, "labelled_at", at) if at else None, "origin": "CSV",
    }  # fmt: skip
    columns = {"taxon": "label", "state": "label_state", "who": "labelled_by", "at": "labelled_at"}
    known = {name: value for name, value in values.items() if value is not None}
    return checked(GivenName, where, known, columns)


def checked(
    model: type[Model], where: str, values: dict[str, Any], columns: Mapping[str, str] | None = None
) -> Model:
    """A record of values that a file gives.

    Args:
        model: of the record.
        where: the file and line, for the error.
        values: by field.
        columns: what the file calls a field, where it differs.

    Raises:
        ConfigError: a value is not allowed; the message names file, line and column.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        issue = error.errors()[0]
        field_name = str(issue["loc"][0])
        column = (columns or {}).get(field_name, field_name)
        raise ConfigError(
            f"{where}, column {column}: {issue['msg']} (got {issue['input']!r})."
        ) from error


def time_of(where: str, column: str, text: str) -> datetime:
    """A moment as ISO 8601 has it; without a zone it is UTC.

    Raises:
        ConfigError: it is none; names file, line and column.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{where}, column {column}: {text!r} is no ISO 8601 time such as "
            "2023-12-20T14:03:08.5Z."
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
