"""One bin: its targets, what its header says, and the pixels of each ROI."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plankton_stream.domain import Box
from plankton_stream.errors import RejectedError
from producers.ifcb.names import BinName


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand in a line of the `.adc`, counted from 0."""

    x: int
    y: int
    width: int
    height: int
    start: int


_NEW = _Columns(x=13, y=14, width=15, height=16, start=17)
_OLD = _Columns(x=9, y=10, width=11, height=12, start=13)
_AFTER = 1
_DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the `.adc`.

    Attributes:
        number: of the line, from 1: the number by which the field names a ROI.
        trigger: the event that fired; a trigger may have several targets, or none with a picture.
        after_s: from the start of the run to this trigger, seconds.
        box: in the camera's frame; None if there is no picture.
        start: first byte in the `.roi`.
    """

    number: int
    trigger: int
    after_s: float
    box: Box | None
    start: int


def read_targets(adc: Path, name: BinName) -> list[Target]:
    """All targets of a bin, in order.

    Raises:
        RejectedError: the file is not there, empty, or a line is not one; names line and column.
    """
    try:
        with adc.open(encoding="ascii", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RejectedError(f"{adc.name} cannot be read: {error}") from error
    if not lines:
        raise RejectedError(f"{adc.name} is empty: no target was recorded")
    return [_target(adc, number, line, name) for number, line in enumerate(lines, 1)]


def _target(adc: Path, number: int, line: list[str], name: BinName) -> Target:
    def value(column: int) -> float:
        try:
            return finite(line[column])
        except (IndexError, ValueError):
            given = repr(line[column]) if column < len(line) else "missing"
            raise RejectedError(
                f"{adc.name}, line {number}, column {column + 1}: a number is expected ({given})"
            ) from None

    after_s = value(_AFTER)
    if name.is_old and after_s < 0:
        after_s += _DAY_S  # the first generation counts from midnight anew in the middle of a run
    if not 0 <= after_s < _DAY_S:
        raise RejectedError(f"{adc.name}, line {number}, column {_AFTER + 1}: {after_s} s of a run")
    at = _OLD if name.is_old else _NEW
    x, y, width, height = (int(value(c)) for c in (at.x, at.y, at.width, at.height))
    has_picture = width > 0 and height > 0
    return Target(
        number=number,
        trigger=int(value(0)),
        after_s=after_s,
        # A corner may lie a pixel or two outside of the frame; a box's may not.
        box=Box(max(x, 0), max(y, 0), width, height) if has_picture else None,
        start=int(value(at.start)),
    )


def cut_out(roi: bytes, target: Target, file_name: str) -> NDArray[np.uint8]:
    """The pixels of a target, uint8 (height, width), rows as the `.roi` has them.

    Raises:
        RejectedError: its bytes lie outside of the `.roi`.
    """
    if target.box is None:
        raise ValueError(f"target {target.number} has no picture")
    size = target.box.width * target.box.height
    if target.start < 0 or target.start + size > len(roi):
        raise RejectedError(
            f"line {target.number}: bytes {target.start} to {target.start + size} of "
            f"{file_name}, which has {len(roi)}"
        )
    pixels = np.frombuffer(roi, np.uint8, size, target.start)
    return pixels.reshape(target.box.height, target.box.width)


def read_header(hdr: Path) -> dict[str, str]:
    """The settings of a run by lower-case name; empty where the header has none by name.

    Raises:
        RejectedError: the file is not there or cannot be read.
    """
    try:
        text = hdr.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RejectedError(f"{hdr.name} cannot be read: {error}") from error
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def finite(text: str) -> float:
    """A number.

    Raises:
        ValueError: it is none, or not a finite one.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
