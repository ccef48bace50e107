"""Reads the `.lst` of VisualSpreadsheet, the FlowCam's own program.

Line 1 is the layout's number, line 2 `num-fields|N`, the next N lines `name|type`, then one line a
particle, cells between bars in the order of the fields. This is how the readers that others have
published (NERC-CEH plankton_ml, morphocut, libflowcam) describe it; the maker publishes no
specification.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from plankton_stream.domain import Extra
from plankton_stream.errors import ConfigError

REQUIRED = ("id", "collage_file", "image_x", "image_y", "image_w", "image_h")

_NUMBERS = {"int32", "int", "double", "float"}
_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Particle:
    """One line.

    Attributes:
        where: file and line, for errors.
        cells: values by field, numbers where the field is one; empty ones are left out.
    """

    where: str
    cells: Extra

    def whole(self, name: str) -> int:
        """A number of pixels, or a number that names something.

        Raises:
            ConfigError: it is missing or not a whole number; names line and column.
        """
        value = self.cells.get(name)
        if not isinstance(value, int | float) or value != int(value) or value < 0:
            raise ConfigError(f"{self.where}, column {name}: {value!r} is no whole number.")
        return int(value)

    def text(self, name: str) -> str:
        """A cell as it was written, or empty."""
        return str(self.cells.get(name, ""))

    def time(self, name: str) -> datetime | None:
        """A time, UTC; None if there is none.

        Raises:
            ConfigError: it is none of those that the program writes; names line and column.
        """
        given = self.text(name)
        if not given:
            return None
        for pattern in _TIME_FORMATS:
            try:
                return datetime.strptime(given, pattern).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise ConfigError(f"{self.where}, column {name}: {given!r} is no time.")


def read_particles(lst: Path) -> Iterator[Particle]:
    """The particles of a run, in order.

    Raises:
        ConfigError: it is not such a table; names line and column.
    """
    try:
        lines = lst.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise ConfigError(f"{lst.name} cannot be read: {error}") from error
    count = _field_count(lst, lines)
    fields = [_field(lst, number, line) for number, line in enumerate(lines[2 : 2 + count], 3)]
    missing = [name for name in REQUIRED if name not in dict(fields)]
    if len(fields) < count or missing:
        lacking = ", ".join(missing) or f"{count - len(fields)} of its fields"
        raise ConfigError(f"{lst.name}, line {2 + len(fields)}: it lacks {lacking}.")
    for number, line in enumerate(lines[2 + count :], 3 + count):
        if line.strip():
            yield _particle(f"{lst.name}, line {number}", fields, line)


def _field_count(lst: Path, lines: list[str]) -> int:
    name, _, count = lines[1].partition("|") if len(lines) > 1 else ("", "", "")
    if name.strip() != "num-fields" or not count.strip().isdecimal():
        raise ConfigError(
            f"{lst.name}, line 2: num-fields|N is expected: is it the .lst of a FlowCam run?"
        )
    return int(count)


def _field(lst: Path, number: int, line: str) -> tuple[str, str]:
    name, bar, kind = line.strip().partition("|")
    if not bar or not name:
        raise ConfigError(f"{lst.name}, line {number}: name|type of a field is expected.")
    return name.lower(), kind.lower()


def _particle(where: str, fields: list[tuple[str, str]], line: str) -> Particle:
    cells = line.split("|")
    if len(cells) < len(fields):
        raise ConfigError(f"{where}: {len(fields)} columns expected, {len(cells)} are there.")
    found: Extra = {}
    for (name, kind), cell in zip(fields, cells, strict=False):
        value = cell.strip()
        if value:
            found[name] = _number(where, name, value) if kind in _NUMBERS else value
    return Particle(where, found)


def _number(where: str, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ConfigError(f"{where}, column {name}: {cell!r} is no number.") from None
    return value if math.isfinite(value) else 0.0
