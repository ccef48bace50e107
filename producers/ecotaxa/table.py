"""Reads EcoTaxa tables: lines into cells, each checked against its column."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import Path as ZipPath

from plankton_stream.ecotaxa import NUMBER, NUMBERS, PREFIXES, TEXT, Column
from plankton_stream.errors import ConfigError

AnyPath = Path | ZipPath
"""A file in a folder or in a zip."""

_MISSING = {"", "nan", "na", "n/a", "none"}
_REQUIRED = (Column.FILE, Column.ID)


@dataclass(frozen=True, slots=True)
class Row:
    """One object.

    Attributes:
        where: table and line, for errors.
        folder: where its image lies.
        cells: values by column, text or finite numbers; what is missing is left out.
    """

    where: str
    folder: AnyPath
    cells: dict[str, str | float]

    def text(self, column: str) -> str:
        """A cell as it was written, or empty."""
        return str(self.cells.get(column, ""))

    def number(self, column: str) -> float | None:
        """A cell of a number column."""
        value = self.cells.get(column)
        return value if isinstance(value, float) else None

    def error(self, column: str, problem: str) -> ConfigError:
        """What to raise about a cell."""
        return ConfigError(f"{self.where}, column {column}: {problem}.")


def read_rows(table: AnyPath, folder: AnyPath, name: str) -> Iterator[Row]:
    """The objects of a table, in order.

    Args:
        table: the file.
        folder: where the images lie that it names.
        name: of the table, for errors.

    Raises:
        ConfigError: it is not a table of EcoTaxa; names line and column.
    """
    reader = csv.reader(io.StringIO(_text(table, name), newline=""), delimiter="\t")
    lines = _numbered(reader, name)
    columns = _columns(name, lines)
    types = _types(name, columns, lines)
    for number, line in lines:
        where = f"{name}, line {number}"
        if len(line) != len(columns):
            raise ConfigError(f"{where}: {len(columns)} columns expected, {len(line)} are there.")
        yield Row(where, folder, _cells(where, columns, types, line))


def _numbered(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    """Lines with the number of the first line of the file that they stand in; empty ones not."""
    number = 1
    while True:
        try:
            line = next(reader, None)
        except csv.Error as error:
            raise ConfigError(f"{name}, line {number}: cannot be read: {error}.") from error
        if line is None:
            return
        if any(cell.strip() for cell in line):
            yield number, [cell.strip() for cell in line]
        number = reader.line_num + 1  # type: ignore[attr-defined]


def _text(table: AnyPath, name: str) -> str:
    try:
        data = table.read_bytes()
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:  # older tools write Latin-1, in which every byte is a letter
        return data.decode("latin-1")


def _columns(name: str, lines: Iterator[tuple[int, list[str]]]) -> list[str]:
    _, header = next(lines, (1, []))
    columns = [column.lower() for column in header]
    missing = [column for column in _REQUIRED if column not in columns]
    if missing:
        raise ConfigError(
            f"{name}, line 1: columns missing: {', '.join(map(repr, map(str, missing)))}."
        )
    for place, column in enumerate(columns, 1):
        if not column.startswith(PREFIXES):
            raise ConfigError(
                f"{name}, line 1, column {place} ({column!r}): a name begins with "
                f"{', '.join(PREFIXES)}."
            )
        if columns.index(column) != place - 1:
            raise ConfigError(f"{name}, line 1, column {place}: {column!r} is there twice.")
    return columns


def _types(name: str, columns: list[str], lines: Iterator[tuple[int, list[str]]]) -> dict[str, str]:
    number, line = next(lines, (2, []))
    types = dict(zip(columns, (cell.lower() for cell in line), strict=False))
    for column in columns:
        if types.get(column) not in (TEXT, NUMBER):
            raise ConfigError(
                f"{name}, line {number}, column {column}: {types.get(column, '')!r} is no type: "
                f"the second line has {TEXT} or {NUMBER} for each column."
            )
    ours = {column: NUMBER if column in NUMBERS else TEXT for column in (*Column, *NUMBERS)}
    return {column: ours.get(column, types[column]) for column in columns}


def _cells(
    where: str, columns: list[str], types: dict[str, str], line: list[str]
) -> dict[str, str | float]:
    cells: dict[str, str | float] = {}
    for column, cell in zip(columns, line, strict=True):
        if types[column] == TEXT:
            if cell:
                cells[column] = cell
        elif cell.lower() not in _MISSING:
            cells[column] = _number(where, column, cell)
    return cells


def _number(where: str, column: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{where}, column {column}: {cell!r} is no number such as 12.5.")
    return number
