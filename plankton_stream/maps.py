"""The map of all images: their vectors projected onto a plane, so that look-alikes lie together."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LEAST_IMAGES = 50
"""A map is made when there are so many images."""

Place = tuple[float, float]
"""x and y of an image on a map, about -1…1."""


class MapState(StrEnum):
    """What a map is for: one is shown while the next is filled; an old one is taken away."""

    FILLING = "filling"
    LIVE = "live"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Map:
    """One projection.

    Attributes:
        map_id: a ULID.
        encoder: id of the version whose vectors were projected.
        images: how many there were when it was fitted.
        fitted_at: when.
        state: what it is for.
    """

    map_id: str
    encoder: str
    images: int
    fitted_at: datetime
    state: MapState


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An image that has no place on a map yet."""

    image_id: str
    indexed_at: datetime


@dataclass(frozen=True, slots=True)
class MapPoints:
    """Images on a map, column by column, in the order of their ids.

    Attributes:
        versions: `label_version` of each.
        predicted: the proposed taxon of each that has no name.
        newest: when the last of them was placed; None of nothing.
        total: how many match; more than the columns hold if only a sample was asked for.
    """

    ids: tuple[str, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    taxa: tuple[str | None, ...]
    states: tuple[str, ...]
    versions: tuple[int, ...]
    predicted: tuple[str | None, ...]
    cameras: tuple[str, ...]
    newest: datetime | None
    total: int
