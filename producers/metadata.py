"""What a CSV file tells about the pictures of a folder."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from plankton_stream.domain import Capture
from plankton_stream.errors import ConfigError

REQUIRED = ("path", "captured_at")
OPTIONAL = ("depth_m", "latitude", "longitude", "pixel_size_um", "sample")


def read_metadata(csv_path: Path) -> dict[str, dict[str, Any]]:
    """Read a CSV file with a header, UTF-8.

    Columns: `path` (relative to the folder, with slashes), `captured_at` (ISO 8601; without a zone
    it is UTC) and, if wanted, `depth_m`, `latitude`, `longitude`, `pixel_size_um`, `sample`. An
    empty field is unknown.

    Returns:
        For each path the fields of `Capture` that are known.

    Raises:
        ConfigError: it cannot be read, has other columns, a path twice or a value that is not
            allowed; the message names line and column.
    """
    try:
        with csv_path.open(encoding="utf-8-sig", newline="") as file:
            return dict(_rows(csv_path, file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"Metadata {csv_path}: cannot be read: {error}") from error


def _rows(csv_path: Path, file: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(file, strict=True)
    _check_columns(csv_path, list(reader.fieldnames or ()))
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
        known = {name: value.strip() for name, value in row.items() if value.strip()}
        yield path, _checked(where, known)


def _check_columns(csv_path: Path, names: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in REQUIRED + OPTIONAL]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or twice:
        problems = [
            f"{what}: {', '.join(map(repr, columns))}"
            for what, columns in (("missing", missing), ("unknown", unknown), ("twice", twice))
            if columns
        ]
        raise ConfigError(
            f"Metadata {csv_path}, line 1: columns {'; '.join(problems)}. It needs "
            f"{', '.join(REQUIRED)} and may have {', '.join(OPTIONAL)}."
        )


def _checked(where: str, known: dict[str, str]) -> dict[str, Any]:
    """The fields as `Capture` has them."""
    fields: dict[str, Any] = dict(known)
    if "captured_at" in known:
        fields["captured_at"] = _time(where, known["captured_at"])
    try:
        capture = Capture(camera="any", **fields)
    except ValidationError as error:
        issue = error.errors()[0]
        column = issue["loc"][0]
        raise ConfigError(
            f"{where}, column {column}: {issue['msg']} (got {issue['input']!r})."
        ) from error
    return {name: getattr(capture, name) for name in fields}


def _time(where: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{where}, column captured_at: {text!r} is no ISO 8601 time such as "
            "2023-12-20T14:03:08.5Z."
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
