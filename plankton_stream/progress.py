"""How far the labelling is: counts by hour and person, by taxon, over time and depth."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from plankton_stream.domain import LabelState


@dataclass(frozen=True, slots=True)
class Given:
    """Labels that one person gave within one span of time, and that nobody took back."""

    start: datetime
    who: str
    labels: int


@dataclass(frozen=True, slots=True)
class Named:
    """Images of one camera that are called the same; `taxon` is None where they have no name."""

    camera: str
    taxon: str | None
    state: LabelState
    images: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Images within one bin of time and one of depth; `row` is None where the depth is unknown."""

    column: int
    row: int | None
    images: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Images over capture time and depth.

    Attributes:
        start: of column 0; None when no image has a time.
        column: length of a column in time.
        top_m: upper edge of row 0; None when no image has a depth.
        row_m: height of a row.
        cells: those that have images.
        without_time: images whose capture time is unknown; they are in no cell.
    """

    start: datetime | None
    column: timedelta
    top_m: float | None
    row_m: float
    cells: list[Cell]
    without_time: int


MOST_COLUMNS = 60
MOST_ROWS = 16

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_COLUMNS_S = (
    *(1, 5, 15), *(n * _MINUTE for n in (1, 5, 15)), *(n * _HOUR for n in (1, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 28, 91, 364, 3_640)),
)  # fmt: skip
_ROWS_M = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0)


def column_length(first: datetime, last: datetime) -> timedelta:
    """The shortest usual span of time of which `MOST_COLUMNS` cover two moments."""
    wanted = (last - first) / (MOST_COLUMNS - 1)
    found = (s for s in _COLUMNS_S if timedelta(seconds=s) >= wanted)
    return timedelta(seconds=next(found, _COLUMNS_S[-1]))


def row_height_m(shallowest_m: float, deepest_m: float) -> float:
    """The smallest usual step of which `MOST_ROWS` cover two depths, metres."""
    wanted = (deepest_m - shallowest_m) / (MOST_ROWS - 1)
    return next((step for step in _ROWS_M if step >= wanted), _ROWS_M[-1])
