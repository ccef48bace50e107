"""What may be asked about the map, and the answers: points are columns of binary numbers.

An answer of points is: a uint32, the length of the header; the header, JSON, padded with spaces to
a multiple of 4 bytes; the columns one after the other, little-endian, at the offsets that the
header names. 100,000 points are 3.9 MB.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from plankton_stream.domain import ImageId, LabelState, Record, UtcTime, to_microseconds
from plankton_stream.maps import MapPoints
from web.queries import Filter

MOST_POINTS = 200_000
"""Of more images a sample is shown: a screen has no more places for them."""

_STEPS = 65_535  # of a place within the bounds, less than a pixel of any screen
_MOST_CHANGES = 65_535  # of a name; whoever relabels an image of more is asked each time
_STATES = list(LabelState)


class MapView(Record):
    """The map that is shown, null before the first one, and the one that will be."""

    map_id: ImageId | None
    encoder: str | None
    fitted_at: UtcTime | None
    placed: int = Field(description="Images that have a place on it.")
    filling: int | None = Field(description="Images placed on the next one; null: none is made.")
    images: int = Field(description="Images that there are.")
    least: int = Field(description="A map is made when there are so many.")


class PointsQuery(Filter):
    """Which images on the map."""

    most: int = Field(
        default=100_000, ge=1, le=MOST_POINTS, description="Of more about so many, a sample."
    )
    map_id: ImageId | None = Field(default=None, description="The map that `since` is of.")
    since: int | None = Field(
        default=None, ge=0, le=10**17,
        description="`newest` of the answer before: only what was placed then or later. All, if "
        "another map is shown now.",
    )  # fmt: skip


def encode(map_id: str | None, points: MapPoints) -> bytes:
    """Points in the binary form that this module describes."""
    taxa, cameras = _names(*points.taxa, *points.predicted), _names(*points.cameras)
    bounds, (x, y) = _quantised(points.x, points.y)
    columns: list[tuple[str, NDArray[Any]]] = [
        ("x", x),
        ("y", y),
        ("taxon", _codes(points.taxa, taxa)),
        ("predicted", _codes(points.predicted, taxa)),
        ("camera", _codes(points.cameras, cameras)),
        ("version", np.minimum(points.versions, _MOST_CHANGES).astype("<u2")),
        ("state", np.array([_STATES.index(LabelState(s)) for s in points.states], np.uint8)),
        ("id", np.frombuffer("".join(points.ids).encode("ascii"), np.uint8)),
    ]
    at, offsets = 0, {}
    for name, column in columns:
        offsets[name] = at
        at += column.nbytes
    header = {
        "map_id": map_id,
        "points": len(points.ids),
        "total": points.total,
        "newest": None if points.newest is None else to_microseconds(points.newest),
        "bounds": bounds,
        "taxa": taxa,  # code 0 is none, code n is taxa[n - 1]
        "cameras": cameras,
        "states": [str(state) for state in _STATES],
        "columns": offsets,
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    body = b"".join(column.tobytes() for _, column in columns)
    return len(text).to_bytes(4, "little") + text + body


def _names(*values: str | None) -> list[str]:
    return sorted({value for value in values if value is not None})


def _codes(values: Iterable[str | None], names: list[str]) -> NDArray[np.uint16]:
    codes: dict[str | None, int] = {name: n for n, name in enumerate(names, start=1)} | {None: 0}
    return np.array([codes[value] for value in values], "<u2")


def _quantised(
    x: Sequence[float], y: Sequence[float]
) -> tuple[list[float], list[NDArray[np.uint16]]]:
    """Places as whole numbers within their bounds, and the bounds: left, top, right, bottom."""
    if not x:
        return [0.0, 0.0, 1.0, 1.0], [np.empty(0, "<u2"), np.empty(0, "<u2")]
    bounds, steps = [], []
    for values in (np.array(x), np.array(y)):
        low, high = float(values.min()), float(values.max())
        steps.append(np.round((values - low) / max(high - low, 1e-12) * _STEPS).astype("<u2"))
        bounds.append((low, high))
    (left, right), (top, bottom) = bounds
    return [left, top, right, bottom], steps
