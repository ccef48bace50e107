"""Arrow worms, fish larvae, sea-urchin larvae and winged snails."""

import numpy as np

from producers.simulated.drawing import (
    Drawing,
    arc,
    bent,
    mirrored,
    profile,
    ribbon,
    smooth,
    speckles,
    turned,
)


def chaetognath(rng: np.random.Generator) -> Drawing:
    """Arrow worm: a slim clear body, hooked head, two pairs of side fins, a spade of a tail."""
    drawing = Drawing()
    half = rng.uniform(0.024, 0.034)
    fins = (((0.44, 0.62), 2.1), ((0.66, 0.86), 2.5))
    for (start, end), reach in fins:
        fin = smooth(
            [(start, half * 0.7), (start * 0.4 + end * 0.6, half * reach), (end, half * 0.6)]
        )
        for points in (fin, mirrored(fin)):
            drawing.fill(points, 0.14, edge=0.28)
    tail = profile([0.9, 0.95, 1.0, 1.0], np.array([0.3, 1.5, 2.0, 0.0]) * half)
    drawing.fill(tail, 0.16, edge=0.35)
    for y in np.linspace(-1.4, 1.4, 7) * half:  # fin rays
        drawing.line([(0.92, y * 0.3), (0.995, y)], 0.004, 0.3)
    x = [0.0, 0.012, 0.045, 0.07, 0.1, 0.3, 0.6, 0.85, 0.97, 0.97]
    y = np.array([0.0, 0.65, 0.95, 0.7, 0.68, 1.0, 1.0, 0.62, 0.25, 0.0]) * half
    drawing.fill(profile(x, y), 0.38, edge=0.5)
    for side in (1, -1):
        for number in range(4):  # grasping spines
            hook = arc(
                (0.03, side * half * 0.7),
                np.pi - side * (0.9 - 0.15 * number),
                0.045,
                side * 1.2,
                6,
            )
            drawing.line(hook, 0.005, 0.6)
        drawing.ellipse((0.05, side * half * 0.4), (0.006, 0.006), 1.2)
        drawing.line([(0.12, side * half * 0.72), (0.84, side * half * 0.5)], 0.009, 0.35)
    drawing.line([(0.06, 0), (0.68, 0)], 0.016, 0.5)  # gut
    drawing.ellipse((0.03, 0), (0.03, half * 0.7), 0.5)
    for side in (1, -1):  # ovaries before the tail septum, seminal vesicles behind
        drawing.line(
            [(rng.uniform(0.5, 0.58), side * half * 0.5), (0.69, side * half * 0.5)], 0.014, 0.55
        )
        drawing.ellipse((0.885, side * half * 0.75), (0.016, 0.009), 0.6)
    drawing.line([(0.7, -half), (0.7, half)], 0.008, 0.6)
    return bent(drawing, rng.normal(0, 0.7))


def fish_larva(rng: np.random.Generator) -> Drawing:
    """Fish larva: big dark eyes, gut and yolk, muscle chevrons, a clear fin fold round the tail."""
    drawing = Drawing()
    deep = rng.uniform(0.07, 0.1)
    fold = profile(
        [0.2, 0.35, 0.6, 0.85, 0.97, 1.0, 1.0], np.array([0.4, 1.1, 1.0, 0.9, 0.8, 0.4, 0]) * deep
    )
    drawing.fill(fold, 0.12, edge=0.3)
    x = np.array([0.0, 0.02, 0.07, 0.14, 0.22, 0.4, 0.6, 0.8, 0.97])
    back = np.array([0.0, 0.5, 0.85, 0.95, 0.8, 0.55, 0.42, 0.28, 0.06]) * deep
    belly = np.array([0.0, 0.45, 0.8, 1.05, 1.1, 0.62, 0.4, 0.26, 0.06]) * deep
    outline = np.vstack([np.column_stack([x, -back]), np.column_stack([x, belly])[:0:-1]])
    drawing.fill(smooth(outline, closed=True), 0.6, edge=0.5)
    drawing.fill(smooth(outline * (0.7, 0.7) + (0.04, 0), closed=True), 0.25)
    for place in np.linspace(0.27, 0.93, 22):  # myomeres
        half = float(np.interp(place, x, back)) * 0.9
        chevron = [(place + 0.012, -half), (place - 0.012, -0.1 * half), (place + 0.012, half)]
        drawing.line(chevron, 0.0045, 0.35)
    drawing.line([(0.16, -0.12 * deep), (0.96, 0)], 0.014, 0.35)  # notochord
    eye = deep * rng.uniform(0.38, 0.48)
    drawing.ellipse((0.075, -0.12 * deep), (eye, eye), 1.3)
    drawing.ellipse((0.075, -0.12 * deep), (eye * 0.5, eye * 0.5), 0.6)
    drawing.ellipse((0.155, -0.35 * deep), (deep * 0.2, deep * 0.16), 0.5)  # ear
    gut = smooth([(0.12, 0.45 * deep), (0.22, 0.7 * deep), (0.36, 0.55 * deep), (0.46, 0.8 * deep)])
    drawing.taper(gut, deep * 0.5, 0.6, end=0.35)
    if rng.random() < 0.45:
        drawing.ellipse((0.2, 0.95 * deep), (0.1, deep * 0.75), 0.4, edge=0.4)  # yolk
    if rng.random() < 0.6:
        drawing.ellipse((0.28, 0.0), (0.045, deep * 0.22), 1.0)  # swim bladder
    drawing.line(arc((0.005, 0.15 * deep), 0.25, 0.055, 0.1, 4), 0.008, 0.6)  # jaw
    fin = smooth([(0.17, 0.25 * deep), (0.24, 0.95 * deep), (0.27, 0.5 * deep)], closed=True)
    drawing.fill(fin, 0.12, edge=0.25)
    speckles(
        drawing,
        rng,
        ((0.3, 0.9), (0.18 * deep, 0.4 * deep)),
        count=int(rng.integers(4, 14)),
        radius=0.008,
        density=0.8,
    )
    for y in np.linspace(-0.65, 0.65, 9) * deep:  # tail rays
        drawing.line([(0.93, y * 0.25), (0.99, y)], 0.004, 0.3)
    return bent(drawing, rng.normal(0, 0.55))


def pluteus(rng: np.random.Generator) -> Drawing:
    """Sea-urchin or brittle-star larva: a pointed body and paired arms stiffened by rods."""
    drawing = Drawing()
    brittle_star = rng.random() < 0.4
    pairs = [(0.62, 0.85), (0.3, 0.5), (0.12, 0.45)] if brittle_star else [
        (0.32, 0.68), (0.2, 0.6), (0.09, 0.5), (0.5, 0.35),
    ]  # fmt: skip
    spread = rng.uniform(0.85, 1.2)
    joint = 0.36
    for lean, length in pairs[: int(rng.integers(2, len(pairs) + 1))]:
        for side in (1, -1):
            heading = side * lean * spread + rng.normal(0, 0.04)
            foot = (joint - 0.06, side * 0.12 * min(1.0, lean * 3))
            arm = arc(foot, heading, length * rng.uniform(0.9, 1), -side * 0.15, 10)
            drawing.taper(arm, 0.06, 0.4, end=0.5, edge=0.3)
            drawing.line(arm[:-1], 0.014, 0.8)
            drawing.ellipse((float(arm[-1, 0]), float(arm[-1, 1])), (0.017, 0.017), 0.5)
            drawing.line([(0.06, side * 0.012), (0.2, side * 0.07), foot], 0.016, 0.7)
    body = profile([0.0, 0.08, 0.22, 0.36, 0.42, 0.4], [0.0, 0.07, 0.15, 0.2, 0.14, 0.0])
    drawing.fill(body, 0.4, edge=0.5)
    drawing.ellipse((0.25, 0), (0.085, 0.08), 0.6, edge=0.4)  # stomach
    drawing.ellipse((0.35, 0), (0.05, 0.04), 0.5)  # gullet
    return drawing


def pteropod(rng: np.random.Generator) -> Drawing:
    """Winged snail: a coiled shell (Limacina-like) or a needle (Creseis-like), and two wings."""
    return _coiled_pteropod(rng) if rng.random() < 0.6 else _straight_pteropod(rng)


def _wings(drawing: Drawing, rng: np.random.Generator, x: float, size: float) -> None:
    """Two translucent paddles with their muscle strands, spread from the point (x, 0)."""
    lean = rng.uniform(1.75, 2.5)
    paddle = smooth([(0, 0), (0.55, -0.22), (0.95, -0.34), (1, 0.12), (0.5, 0.16)], closed=True)
    strands = [np.array([(0.05, 0), (0.85, end)]) for end in (-0.2, -0.05, 0.08)]
    root = np.array([x, 0.0])
    for flip in (lambda points: points, mirrored):
        drawing.fill(root + flip(turned(paddle * size, lean)), 0.32, edge=0.5)
        for strand in strands:
            drawing.line(root + flip(turned(strand * size, lean)), 0.012, 0.2)


def _coiled_pteropod(rng: np.random.Generator) -> Drawing:
    drawing = Drawing()
    _wings(drawing, rng, 0.32, rng.uniform(0.55, 0.75))
    turn = np.linspace(0, rng.uniform(2.1, 2.7) * 2 * np.pi, 70)
    growth = 0.34 * np.exp(-0.13 * turn)  # a logarithmic spiral, as shells grow
    centre = np.array([0.62, 0.0])
    start = np.pi + 0.5
    whorl = centre + np.column_stack([np.cos(start + turn), np.sin(start + turn)]) * growth[:, None]
    drawing.fill(whorl[:30], 0.75, edge=0.5)
    drawing.fill(ribbon(whorl, growth * 0.16), 0.3)
    drawing.line(whorl, 0.022, 0.7)
    drawing.ellipse((0.36, -0.02), (0.12, 0.13), 0.7)  # head and foot
    return drawing


def _straight_pteropod(rng: np.random.Generator) -> Drawing:
    drawing = Drawing()
    half = rng.uniform(0.06, 0.1)
    _wings(drawing, rng, 0.1, rng.uniform(0.26, 0.36))
    cone = [(0.1, -half), (0.1, half), (0.97, 0.006), (1.0, 0), (0.97, -0.006)]
    drawing.fill(cone, 0.45, edge=0.7)
    animal = [(0.08, -half * 0.7), (0.08, half * 0.7), (rng.uniform(0.5, 0.75), 0.0)]
    drawing.fill(animal, 0.7)
    drawing.ellipse((0.09, 0), (0.05, half * 0.8), 0.5)
    return bent(drawing, rng.normal(0, 0.15))
