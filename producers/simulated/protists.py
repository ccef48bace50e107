"""Single cells and chains of cells: diatoms, dinoflagellates, radiolarians."""

import numpy as np

from producers.simulated.drawing import (
    Drawing,
    arc,
    bent,
    mirrored,
    oval,
    ragged,
    ribbon,
    smooth,
    speckles,
)


def diatom_chain(rng: np.random.Generator) -> Drawing:
    """A straight or curved chain of box-shaped cells, half with setae (Chaetoceros-like)."""
    drawing = Drawing()
    cells = int(rng.integers(5, 15))
    pitch = 1 / cells
    half = min(pitch * rng.uniform(0.4, 0.95), 0.085)
    gap = pitch * rng.uniform(0.06, 0.22)
    spiny = rng.random() < 0.55
    for number in range(cells):
        x0, x1 = number * pitch + gap / 2, (number + 1) * pitch - gap / 2
        _box_cell(drawing, rng, x0, x1, half)
        if spiny:
            _setae(drawing, rng, (x0, half), number / max(1, cells - 1) - 0.5)
        if number and not spiny:
            for side in (1, -1):  # the threads that hold two cells together
                y = side * half * 0.6
                drawing.line([(x0 - gap, y), (x0, y)], 0.008, 0.5)
    return bent(drawing, rng.normal(0, 0.5))


def _box_cell(
    drawing: Drawing, rng: np.random.Generator, x0: float, x1: float, half: float
) -> None:
    """A frustule with its concave ends and two chloroplasts."""
    dent = (x1 - x0) * 0.12
    wall = [(x0, -half), (x1, -half), (x1 - dent, 0), (x1, half), (x0, half), (x0 + dent, 0)]
    drawing.fill(wall, 0.28)
    drawing.line([*wall, wall[0]], 0.011, 0.7)
    middle = (x0 + x1) / 2
    for side in (1, -1):
        centre = (middle + rng.normal(0, 0.1) * (x1 - x0), side * half * 0.45)
        drawing.ellipse(centre, ((x1 - x0) * 0.26, half * 0.32), 0.6)


def _setae(
    drawing: Drawing, rng: np.random.Generator, joint: tuple[float, float], place: float
) -> None:
    """Two long hairs at a joint; those near the ends (place -0.5 and 0.5) point outwards."""
    x, half = joint
    for side in (1, -1):
        heading = side * (np.pi / 2 - place * 1.3) + rng.normal(0, 0.08)
        hair = arc((x, side * half), heading, rng.uniform(0.16, 0.26), -side * place * 0.9, 8)
        drawing.line(hair, 0.0075, 0.45)


def diatom_pennate(rng: np.random.Generator) -> Drawing:
    """A spindle or S-shaped frustule with raphe, striae and two chloroplasts."""
    drawing = Drawing()
    half = rng.uniform(0.065, 0.13)
    sigmoid = rng.uniform(0.03, 0.08) if rng.random() < 0.5 else 0.0
    blunt = rng.uniform(0.5, 1.1)
    x = np.linspace(0, 1, 24)
    spine = np.column_stack([x, sigmoid * np.sin(2 * np.pi * x)])
    widths = half * np.sin(np.pi * np.clip(x, 0.004, 0.996)) ** blunt
    outline = ribbon(spine, widths)
    drawing.fill(outline, 0.25)
    drawing.line(np.vstack([outline, outline[:1]]), 0.016, 0.75)
    drawing.line(spine, 0.01, 0.45)
    for number in range(2, 22):
        across = np.array([0.0, widths[number] * 0.85])
        drawing.line([spine[number] - across, spine[number] + across], 0.008, 0.22)
    for start, end in ((4, 11), (13, 20)):
        drawing.fill(ribbon(spine[start:end], widths[start:end] * 0.7), 0.5)
    drawing.ellipse((0.5, 0), (0.025, half * 0.4), 0.6)
    return drawing


def dinoflagellate(rng: np.random.Generator) -> Drawing:
    """Ceratium-like: one long apical horn, two antapical horns that curve forward, a girdle."""
    drawing = Drawing()
    middle, half = rng.uniform(0.62, 0.68), rng.uniform(0.13, 0.17)
    foot = middle - half * 1.4
    apex = arc((foot, 0), np.pi + rng.normal(0, 0.04), foot, rng.normal(0, 0.15))
    drawing.taper(apex, 0.085, 0.62, end=0.45, edge=0.3)
    curl, length = rng.uniform(1.0, 2.3), rng.uniform(0.42, 0.62)
    for side in (1, -1):
        horn = arc(
            (middle + half * 0.66, side * half * 0.76),
            side * rng.uniform(0.35, 0.65),
            length * rng.uniform(0.8, 1.0),
            side * curl,
            14,
        )
        drawing.taper(horn, 0.09, 0.62, end=0.3, edge=0.3)
    corner = np.array([(-1.5, -0.2), (-0.7, -0.8), (0, -1.05), (0.7, -0.95)]) * half
    outline = np.vstack([corner, mirrored(corner)[::-1]]) + np.array([middle, 0])
    body = smooth(outline, closed=True)
    drawing.fill(body, 0.55, edge=0.6)
    girdle = [(middle + 0.01, -half * 1.1), (middle - 0.025, 0), (middle + 0.01, half * 1.1)]
    drawing.line(smooth(girdle), 0.035, -0.3)
    drawing.line(smooth(np.array(girdle) + np.array([0.025, 0])), 0.012, 0.5)
    drawing.line(smooth(np.array(girdle) - np.array([0.025, 0])), 0.012, 0.5)
    speckles(
        drawing,
        rng,
        ((middle - 0.1, middle + 0.1), (-0.08, 0.08)),
        count=10,
        radius=0.025,
        density=0.3,
    )
    return drawing


def radiolarian(rng: np.random.Generator) -> Drawing:
    """A spiny sphere: dark central capsule, lattice shell, spines; or a bare star of spines."""
    drawing = Drawing()
    star = rng.random() < 0.4  # acantharian-like
    core = rng.uniform(0.055, 0.09) if star else rng.uniform(0.1, 0.15)
    shell = core * 1.6 if star else rng.uniform(0.24, 0.33)
    spines = int(rng.integers(8, 14) if star else rng.integers(14, 30))
    turns = np.linspace(0, 2 * np.pi, spines, endpoint=False) + rng.normal(0, 0.09, spines)
    for turn in turns:
        # spines that point at or away from the lens look shorter
        length = 0.5 * rng.uniform(0.55, 1.0) if rng.random() < 0.7 else 0.5 * rng.uniform(0.3, 0.6)
        inner = _polar(turn, core * 0.6)
        outer = _polar(turn, max(length, shell * 1.12))
        drawing.taper(np.linspace(inner, outer, 4), 0.022, 0.7, end=0.3)
    drawing.ellipse((0.5, 0), (core, core), 0.8, edge=0.5)
    speckles(
        drawing,
        rng,
        ((0.5 - core, 0.5 + core), (-core, core)),
        count=8,
        radius=core * 0.35,
        density=0.35,
    )
    if star:
        drawing.fill(smooth(np.array([0.5, 0]) + ragged(rng, shell), closed=True), 0.3)
        return drawing
    drawing.ellipse((0.5, 0), (shell, shell), 0.22)
    drawing.line(oval((0.5, 0), (shell, shell)), 0.016, 0.7)
    for ring in (0.55, 0.72, 0.88):
        pores = int(ring * 22)
        for turn in np.linspace(0, 2 * np.pi, pores, endpoint=False) + rng.uniform(0, 1):
            x, y = _polar(turn, shell * ring)
            drawing.line(oval((x, y), (shell * 0.07, shell * 0.07)), 0.008, 0.4)
    return drawing


def _polar(turn: float, radius: float) -> tuple[float, float]:
    return float(0.5 + radius * np.cos(turn)), float(radius * np.sin(turn))
