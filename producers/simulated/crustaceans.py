"""Copepods and their larvae."""

import numpy as np

from producers.simulated.drawing import Drawing, Points, arc, bent, mirrored, profile, smooth


def calanoid(rng: np.random.Generator) -> Drawing:
    """Calanoid copepod from above or from the side: long antennules, slim short urosome."""
    return _calanoid_above(rng) if rng.random() < 0.6 else _calanoid_side(rng)


def _calanoid_above(rng: np.random.Generator) -> Drawing:
    drawing = Drawing()
    breadth = rng.uniform(0.12, 0.165)
    reach, sweep = rng.uniform(0.6, 1.0), rng.uniform(0.05, 0.9)
    for side in (1, -1):
        # held out sideways, then swept back: most of what a shadowgraph shows of a calanoid
        path = arc((0.07, side * 0.05), side * rng.uniform(1.35, 1.75), reach, -side * sweep, 16)
        _antennule(drawing, path, side)
        drawing.taper(arc((0.16, side * breadth * 0.7), side * 0.9, 0.2, -side * 0.7), 0.025, 0.5)
        for x in (0.32, 0.42, 0.52):
            leg = arc((x, side * breadth * 0.85), side * 0.55, 0.14, -side * 0.5)
            drawing.taper(leg, 0.022, 0.4)
    _urosome(drawing, rng, start=0.66, width=0.03, segments=int(rng.integers(3, 5)))
    along = [0.0, 0.03, 0.12, 0.3, 0.48, 0.62, 0.68, 0.68]
    half_width = np.array([0.0, 0.38, 0.78, 1.0, 0.95, 0.68, 0.45, 0.0]) * breadth
    prosome = profile(along, half_width)
    drawing.fill(prosome, 0.62, edge=0.55)
    drawing.fill(prosome * (0.86, 0.72) + (0.045, 0), 0.3)
    for x0, reach_y in zip((0.3, 0.4, 0.49, 0.57), (0.98, 0.97, 0.92, 0.8), strict=True):
        half = breadth * reach_y
        bow = [(x0 - 0.012, -half), (x0 + 0.008, 0), (x0 - 0.012, half)]
        drawing.line(smooth(bow), 0.008, 0.45)
    _innards(drawing, rng, breadth)
    return bent(drawing, rng.normal(0, 0.08))


def _calanoid_side(rng: np.random.Generator) -> Drawing:
    drawing = Drawing()
    depth = rng.uniform(0.12, 0.16)
    for lag in (0.0, 0.1):
        path = arc((0.06, 0.06), 1.2 + lag, rng.uniform(0.55, 0.9), -rng.uniform(0.3, 1.0), 16)
        _antennule(drawing, path, 1)
    for x, length, lean in ((0.1, 0.16, 1.9), (0.15, 0.2, 1.5), (0.2, 0.16, 1.2)):  # mouthparts
        drawing.taper(arc((x, depth * 0.7), lean, length, -0.7), 0.022, 0.5)
    lean = rng.uniform(0.5, 1.1)
    for x in np.linspace(0.32, 0.56, 5):  # swimming legs
        drawing.taper(arc((x, depth * 0.8), lean, 0.17, -0.5), 0.03, 0.5)
    _urosome(drawing, rng, start=0.66, width=0.032, segments=4)
    back = [(0, 0.03), (0.04, -0.06), (0.16, -depth), (0.36, -depth * 1.08), (0.55, -depth * 0.75)]
    front = [
        (0.69, -0.04),
        (0.69, 0.04),
        (0.55, depth * 0.72),
        (0.3, depth * 0.9),
        (0.08, depth * 0.7),
    ]
    prosome = smooth(back + front, closed=True)
    drawing.fill(prosome, 0.66, edge=0.55)
    drawing.fill(prosome * (0.84, 0.66) + (0.05, 0), 0.3)
    for x0 in (0.32, 0.41, 0.5, 0.58):
        bow = [(x0 - 0.02, -depth * 0.92), (x0, 0), (x0 + 0.005, depth * 0.65)]
        drawing.line(smooth(bow), 0.008, 0.4)
    _innards(drawing, rng, depth)
    return bent(drawing, rng.normal(0, 0.15))


def _antennule(drawing: Drawing, path: Points, side: int) -> None:
    """A first antenna: a tapering rod of joints with short bristles and longer ones at the tip."""
    drawing.taper(path, 0.026, 0.75, end=0.35)
    for joint in range(2, len(path) - 1, 2):
        tip = path[joint] + (0.035, side * 0.012)
        drawing.line([path[joint], tip], 0.007, 0.35)
    for spread in (-0.03, 0.03):
        drawing.line([path[-1], path[-1] + (0.07, side * spread)], 0.007, 0.4)


def _innards(drawing: Drawing, rng: np.random.Generator, breadth: float) -> None:
    """Gut, oil sac and naupliar eye."""
    wave = rng.normal(0, 0.012, 5)
    gut = smooth(np.column_stack([np.linspace(0.1, 0.62, 5), wave]))
    drawing.line(gut, rng.uniform(0.03, 0.055), 0.55)
    if rng.random() < 0.6:
        radii = (rng.uniform(0.1, 0.17), breadth * rng.uniform(0.22, 0.4))
        drawing.ellipse((rng.uniform(0.35, 0.45), wave[2]), radii, 0.55)
    drawing.ellipse((0.045, 0), (0.016, 0.016), 1.3)


def _urosome(
    drawing: Drawing, rng: np.random.Generator, start: float, width: float, segments: int
) -> None:
    """The slim tail of segments, ending in a fork (caudal rami) with bristles."""
    joints = np.linspace(start, 0.93, segments + 1)
    for number in range(segments):
        half = width * (1 - 0.09 * number)
        x0, x1 = joints[number], joints[number + 1] - 0.006
        corners = [(x0, -half * 0.85), (x1, -half), (x1, half), (x0, half * 0.85)]
        drawing.fill(corners, 0.8, edge=0.3)
    for side in (1, -1):
        base = np.array([0.925, side * width * 0.45])
        drawing.taper(
            np.array([base, base + np.array([0.07, side * 0.012])]), width * 0.6, 0.8, end=0.7
        )
        for spread in (-0.1, 0.15, 0.4):
            length = rng.uniform(0.1, 0.17)
            hair = arc(base + np.array([0.065, side * 0.012]), side * spread, length, side * 0.2, 6)
            drawing.line(hair, 0.008, 0.4)


def cyclopoid(rng: np.random.Generator) -> Drawing:
    """Cyclopoid copepod (Oithona-like), a female with paired egg sacs beside a long urosome."""
    drawing = Drawing()
    breadth = rng.uniform(0.125, 0.155)
    for side in (1, -1):
        lean = rng.uniform(1.0, 1.5)
        path = arc((0.05, side * 0.04), side * lean, rng.uniform(0.28, 0.42), -side * 0.7, 10)
        _antennule(drawing, path, side)
        for x in (0.2, 0.28, 0.36):
            leg = arc((x, side * breadth * 0.7), side * 0.7, 0.14, -side * 0.4)
            drawing.taper(leg, 0.022, 0.4)
    _urosome(drawing, rng, start=0.46, width=0.036, segments=5)
    along = [0.0, 0.03, 0.1, 0.2, 0.32, 0.42, 0.48, 0.48]
    half_width = np.array([0.0, 0.45, 0.85, 1.0, 0.8, 0.52, 0.36, 0.0]) * breadth
    prosome = profile(along, half_width)
    drawing.fill(prosome, 0.75, edge=0.6)
    drawing.fill(prosome * (0.8, 0.66) + (0.04, 0), 0.35)
    for x0, reach in ((0.22, 0.97), (0.3, 0.82), (0.37, 0.64)):
        half = breadth * reach
        drawing.line(smooth([(x0 - 0.01, -half), (x0 + 0.01, 0), (x0 - 0.01, half)]), 0.01, 0.5)
    drawing.line([(0.08, 0), (0.44, 0)], 0.05, 0.5)
    drawing.ellipse((0.04, 0), (0.02, 0.02), 1.5)
    _egg_sacs(drawing, rng)
    return bent(drawing, rng.normal(0, 0.12))


def _egg_sacs(drawing: Drawing, rng: np.random.Generator) -> None:
    length, spread = rng.uniform(0.15, 0.2), rng.uniform(0.25, 0.5)
    for side in (1, -1):
        along = np.array([np.cos(spread), side * np.sin(spread)])
        middle = np.array([0.54, side * 0.05]) + along * length * 0.9
        centre = (float(middle[0]), float(middle[1]))
        drawing.ellipse(centre, (length, 0.078), 0.45, edge=0.45, angle=side * spread)
        for _ in range(14):  # the eggs
            t, s = rng.uniform(-0.8, 0.8), rng.uniform(-0.6, 0.6)
            egg = middle + along * t * length + np.array([-along[1], along[0]]) * s * 0.07
            drawing.ellipse((float(egg[0]), float(egg[1])), (0.028, 0.028), 0.35)


def nauplius(rng: np.random.Generator) -> Drawing:
    """Copepod nauplius: a pear of a body, three pairs of bristled limbs and one median eye."""
    drawing = Drawing()
    breadth = rng.uniform(0.3, 0.38)
    limbs = ((0.16, 1.9, 0.55), (0.28, 1.35, 0.62), (0.42, 0.85, 0.48))
    for x, lean, length in limbs:
        for side in (1, -1):
            heading = side * (lean + rng.normal(0, 0.12))
            path = arc(
                (x, side * breadth * 0.75), heading, length, -side * rng.uniform(0.3, 0.8), 8
            )
            drawing.taper(path, 0.085, 0.6, end=0.4)
            for spread in (-0.5, -0.15, 0.2, 0.5):
                hair = arc(path[-1], heading - side * 0.5 + spread, 0.24, 0.0, 3)
                drawing.line(hair, 0.014, 0.4)
    along = [0.0, 0.05, 0.22, 0.45, 0.7, 0.92, 1.0, 1.0]
    half_width = np.array([0.0, 0.5, 0.95, 1.0, 0.7, 0.35, 0.2, 0.0]) * breadth
    drawing.fill(profile(along, half_width), 0.5, edge=0.6)
    drawing.ellipse((0.5, 0), (0.26, breadth * 0.5), 0.35)
    drawing.ellipse((0.62, 0), (0.14, breadth * 0.3), 0.5)
    drawing.ellipse((0.12, 0), (0.045, 0.055), 1.6)
    for side in (1, -1):
        spine = np.array([(0.97, 0.05), (1.18, 0.09)])
        drawing.line(spine if side > 0 else mirrored(spine), 0.022, 0.6)
    return drawing
