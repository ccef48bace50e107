"""Vector drawings of specimens: outlines and strokes of tissue, each with its optical density.

A drawing has its own coordinates: the head at x = 0, the rear end at x = 1, y sideways. A density
is dimensionless: light that crosses a tissue of density d keeps exp(-d) of itself (Beer and
Lambert), so densities of overlapping tissues add up, and a hollow is a negative density.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """One area or stroke of tissue.

    Attributes:
        points: its corners, float64 (n, 2), in the drawing's coordinates.
        density: optical density that it adds; negative for a hollow.
        width: of a stroke, in the drawing's units; 0 for a filled area.
    """

    points: Points
    density: float
    width: float = 0.0


@dataclass
class Drawing:
    """A specimen as a list of shapes, in no particular order (densities add)."""

    shapes: list[Shape] = field(default_factory=list)

    def fill(self, points: ArrayLike, density: float, edge: float = 0.0) -> None:
        """Add a filled area; with `edge`, also its outline of that density (refraction)."""
        corners = np.asarray(points, dtype=np.float64)
        self.shapes.append(Shape(corners, density))
        if edge:
            self.line(np.vstack([corners, corners[:1]]), 0.012, edge)

    def line(self, points: ArrayLike, width: float, density: float) -> None:
        """Add a stroke of one width through the points."""
        self.shapes.append(Shape(np.asarray(points, dtype=np.float64), density, width))

    def taper(
        self, points: ArrayLike, width: float, density: float, end: float = 0.25, edge: float = 0.0
    ) -> None:
        """Add a stroke that narrows from `width` to `end` times `width`."""
        path = np.asarray(points, dtype=np.float64)
        share = np.arange(len(path)) / (len(path) - 1)
        self.fill(ribbon(path, width / 2 * (1 - (1 - end) * share)), density, edge)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        density: float,
        edge: float = 0.0,
        angle: float = 0.0,
    ) -> None:
        """Add a filled ellipse; `angle` in radians turns its first radius away from the x axis."""
        self.fill(oval(centre, radii, angle), density, edge)


_CIRCLE = np.column_stack([np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)])


def oval(centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0) -> Points:
    """Corners of an ellipse, float64 (24, 2)."""
    flat = _CIRCLE * radii
    return (turned(flat, angle) if angle else flat) + centre


def turned(points: ArrayLike, angle: float) -> Points:
    """The points, turned by `angle` radians about the origin."""
    cos, sin = np.cos(angle), np.sin(angle)
    result: Points = np.asarray(points, dtype=np.float64) @ np.array([[cos, sin], [-sin, cos]])
    return result


def mirrored(points: ArrayLike) -> Points:
    """The points on the other side of the body axis (y changes sign)."""
    result: Points = np.asarray(points, dtype=np.float64) * (1.0, -1.0)
    return result


def smooth(points: ArrayLike, closed: bool = False, steps: int = 6) -> Points:
    """A curve through the points (uniform Catmull-Rom spline), `steps` points for each interval."""
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        knots = np.vstack([knots[-1:], knots, knots[:2]])
    else:
        knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    windows = np.stack([knots[:-3], knots[1:-2], knots[2:-1], knots[3:]])
    flat: Points = np.tensordot(_spline(steps), windows, 1).transpose(1, 0, 2).reshape(-1, 2)
    return flat if closed else np.vstack([flat, knots[-2:-1]])


@cache
def _spline(steps: int) -> Points:
    """Weights (steps, 4) of the four knots around each point of an interval."""
    t = np.arange(steps) / steps
    powers = np.column_stack([np.ones_like(t), t, t**2, t**3])
    catmull_rom = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
    weights: Points = powers @ catmull_rom
    return weights


def ribbon(spine: ArrayLike, half_widths: ArrayLike) -> Points:
    """Outline of a body that follows `spine` (n, 2) with `half_widths` (n,), float64 (2n, 2)."""
    path = np.asarray(spine, dtype=np.float64)
    across = np.empty_like(path)  # at each point: perpendicular to the line between its neighbours
    across[1:-1, 0], across[1:-1, 1] = path[:-2, 1] - path[2:, 1], path[2:, 0] - path[:-2, 0]
    across[0] = path[0, 1] - path[1, 1], path[1, 0] - path[0, 0]
    across[-1] = path[-2, 1] - path[-1, 1], path[-1, 0] - path[-2, 0]
    length = np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-9)
    sides = across * (np.asarray(half_widths, dtype=np.float64) / length)[:, None]
    return np.vstack([path + sides, (path - sides)[::-1]])


def profile(x: ArrayLike, y: ArrayLike) -> Points:
    """Closed outline of a symmetric body whose half width is `y` at `x`, smoothed."""
    upper = np.column_stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)])
    lower = mirrored(upper)[::-1]
    ends = slice(1 if upper[-1, 1] == 0 else 0, -1 if upper[0, 1] == 0 else None)
    return smooth(np.vstack([upper, lower[ends]]), closed=True)


def arc(start: ArrayLike, heading: float, length: float, bend: float, points: int = 12) -> Points:
    """A curve of `length` that leaves `start` at `heading` radians and turns by `bend`."""
    steps = heading + np.arange(points - 1) * (bend / max(1, points - 2))
    path = np.empty((points, 2))
    path[0] = start
    path[1:, 0] = path[0, 0] + np.cumsum(np.cos(steps)) * (length / (points - 1))
    path[1:, 1] = path[0, 1] + np.cumsum(np.sin(steps)) * (length / (points - 1))
    return path


def bent(drawing: Drawing, angle: float) -> Drawing:
    """The drawing with its body axis (x from 0 to 1) bent into an arc of `angle` radians."""
    if abs(angle) < 1e-3:
        return drawing
    outlines = [_subdivided(shape.points) for shape in drawing.shapes]
    points = np.vstack(outlines)
    turn = (points[:, 0] - 0.5) * angle
    out = 1 / angle - points[:, 1]
    curved = np.column_stack([0.5 + out * np.sin(turn), 1 / angle - out * np.cos(turn)])
    ends = np.cumsum([len(outline) for outline in outlines])
    parts = np.split(curved, ends[:-1])
    return Drawing(
        [Shape(part, s.density, s.width) for part, s in zip(parts, drawing.shapes, strict=True)]
    )


def _subdivided(points: Points) -> Points:
    """A straight stroke as a chain of short ones, so that it can follow a bend."""
    return np.linspace(points[0], points[1], 10) if len(points) == 2 else points


def ragged(rng: np.random.Generator, radius: float, corners: int = 9) -> Points:
    """Irregular outline about the origin, float64 (corners, 2), 0.5 to 1.2 of `radius` away."""
    turn = (np.arange(corners) + rng.uniform(-0.35, 0.35, corners)) * (2 * np.pi / corners)
    reach = radius * rng.uniform(0.5, 1.2, corners)
    return np.column_stack([reach * np.cos(turn), reach * np.sin(turn)])


def speckles(
    drawing: Drawing,
    rng: np.random.Generator,
    within: Sequence[tuple[float, float]],
    *,
    count: int,
    radius: float,
    density: float,
) -> None:
    """Scatter granules of about `radius` over the box `within` = ((x0, x1), (y0, y1))."""
    (x0, x1), (y0, y1) = within
    places = rng.uniform((x0, y0), (x1, y1), (count, 2))
    sizes = radius * rng.uniform(0.5, 1.3, count)
    for place, size in zip(places, sizes, strict=True):
        drawing.fill(place + _CIRCLE[::2] * size, density * rng.uniform(0.5, 1.2))
