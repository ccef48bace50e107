"""Jellies and tunicates: mostly water, seen by their outlines, muscles and guts."""

import numpy as np

from producers.simulated.drawing import Drawing, arc, oval, ribbon, smooth


def appendicularian(rng: np.random.Generator) -> Drawing:
    """Appendicularian: a small trunk with dark gut lobes, a long sinuous tail, its notochord."""
    drawing = Drawing()
    trunk = rng.uniform(0.1, 0.13)
    waves, swing = rng.uniform(0.6, 1.5), rng.uniform(0.25, 1.15)
    t = np.linspace(0, 1, 40)
    phase = rng.uniform(0, 2 * np.pi)
    heading = swing * np.sin(2 * np.pi * waves * t + phase) + rng.normal(0, 0.4)
    path = np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]), axis=0) / 40 * 0.9
    path += np.array([trunk * 1.3, 0]) - path[0]
    half = 0.042 * np.minimum(1, 6 * t + 0.35) * (1 - 0.75 * t**3)
    drawing.fill(ribbon(path, half), 0.3, edge=0.35)
    drawing.fill(ribbon(path, half * 0.5), 0.4)
    drawing.line(path, 0.012, 0.5)
    lean = rng.normal(0, 0.5)
    outline = oval((trunk, 0), (trunk, trunk * rng.uniform(0.6, 0.75)), lean)
    drawing.fill(outline, 0.42, edge=0.55)
    for x, y, radius in ((1.25, 0.1, 0.36), (1.0, -0.25, 0.26), (1.45, -0.2, 0.3)):
        drawing.ellipse((trunk * x, trunk * y), (trunk * radius, trunk * radius * 0.8), 0.65)
    drawing.ellipse((trunk * 0.35, trunk * 0.1), (trunk * 0.12, trunk * 0.12), 0.7)  # endostyle
    if rng.random() < 0.25:  # the mucus house around it
        drawing.line(oval((0.3, 0), (0.5, 0.42)), 0.008, 0.2)
        drawing.ellipse((0.3, 0), (0.5, 0.42), 0.05)
    return drawing


def hydromedusa(rng: np.random.Generator) -> Drawing:
    """Hydromedusa from the side (bell, manubrium, trailing tentacles) or from below (a wheel)."""
    return _medusa_side(rng) if rng.random() < 0.65 else _medusa_below(rng)


def _medusa_side(rng: np.random.Generator) -> Drawing:
    drawing = Drawing()
    height, half = rng.uniform(0.7, 1.0), 0.5
    top = [(0.0, 0.0), (height * 0.06, 0.2), (height * 0.25, 0.4), (height * 0.6, half)]
    rim = (height, half * rng.uniform(0.8, 0.98))
    side = smooth([*top, rim])
    outer = np.vstack([side, (side * (1, -1))[::-1]])
    drawing.fill(outer, 0.14)
    drawing.line(outer, 0.03, 0.6)
    inner_side = side * (1 - 0.22, 0.84) + (height * 0.22, 0)
    inner = np.vstack([inner_side, (inner_side * (1, -1))[::-1]])
    drawing.fill(inner, 0.1)
    drawing.line(inner, 0.018, 0.5)
    for bow in (0.3, 0.75):  # radial canals
        for sign in (1, -1):
            canal = inner_side * (1, sign * bow)
            drawing.line(canal, 0.014, 0.35)
            drawing.ellipse((height * 0.55, sign * bow * 0.42), (0.1, 0.035), 0.4)  # gonads
    drawing.line([(height, -rim[1]), (height, rim[1])], 0.035, 0.6)  # velum and ring canal
    length = height * rng.uniform(0.3, 0.65)
    stomach = smooth([(height * 0.2, -0.1), (height * 0.2, 0.1), (height * 0.2 + length, 0.06),
                      (height * 0.2 + length, -0.06)], closed=True)  # fmt: skip
    drawing.fill(stomach, 0.6, edge=0.4)
    drift, reach = rng.normal(0, 0.5), rng.uniform(0.6, 1.8)
    for y in np.linspace(-rim[1], rim[1], int(rng.integers(5, 18))):
        spread = y / rim[1] * rng.uniform(0.1, 0.5)
        tentacle = arc(
            (height, y),
            spread,
            reach * rng.uniform(0.6, 1),
            drift - spread + rng.normal(0, 0.3),
            16,
        )
        drawing.taper(tentacle, 0.026, 0.5, end=0.5)
        drawing.ellipse((height, float(y)), (0.03, 0.026), 0.7)
    return drawing


def _medusa_below(rng: np.random.Generator) -> Drawing:
    drawing = Drawing()
    canals = int(rng.choice([4, 4, 6, 8]))
    oval_by = rng.uniform(0.75, 1.0)
    radii = (0.5, 0.5 * oval_by)
    drawing.ellipse((0.5, 0), radii, 0.14)
    drawing.line(_closed(oval((0.5, 0), radii)), 0.035, 0.6)
    drawing.line(_closed(oval((0.5, 0), (0.42, 0.42 * oval_by))), 0.014, 0.4)
    turns = np.linspace(0, 2 * np.pi, canals, endpoint=False) + rng.uniform(0, 1)
    for turn in turns:
        way = np.array([np.cos(turn), np.sin(turn) * oval_by])
        centre = np.array([0.5, 0.0])
        drawing.line([centre + way * 0.08, centre + way * 0.47], 0.022, 0.45)
        gonad = centre + way * 0.27
        drawing.ellipse((float(gonad[0]), float(gonad[1])), (0.09, 0.04), 0.5, angle=float(turn))
    drawing.ellipse((0.5, 0), (0.1, 0.1 * oval_by), 0.6, edge=0.4)
    swirl = rng.normal(0, 0.7)
    reach = rng.uniform(0.15, 0.7)
    for turn in np.linspace(0, 2 * np.pi, int(rng.integers(12, 28)), endpoint=False):
        foot = np.array([0.5 + 0.5 * np.cos(turn), 0.5 * oval_by * np.sin(turn)])
        tentacle = arc(foot, turn, reach * rng.uniform(0.6, 1), swirl + rng.normal(0, 0.25), 10)
        drawing.taper(tentacle, 0.024, 0.5, end=0.4)
        drawing.ellipse((float(foot[0]), float(foot[1])), (0.026, 0.026), 0.6)
    return drawing


def _closed(
    points: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.vstack([points, points[:1]])


def doliolid(rng: np.random.Generator) -> Drawing:
    """Doliolid: a clear barrel, open at both ends, with hoops of muscle, gill and gut."""
    drawing = Drawing()
    half = rng.uniform(0.22, 0.3)
    x = np.linspace(0, 1, 24)
    bulge = 0.62 + 0.38 * np.sin(np.pi * x) ** 0.8
    spine = np.column_stack([x, np.zeros_like(x)])
    drawing.fill(ribbon(spine, half * bulge), 0.16)
    drawing.line(_closed(ribbon(spine, half * bulge)), 0.02, 0.5)
    for place in np.linspace(0.05, 0.95, 8):  # a doliolid has eight muscle bands
        edge = half * float(np.interp(place, x, bulge))
        bow = rng.uniform(0.015, 0.035)
        drawing.line(smooth([(place - bow, -edge), (place, 0), (place - bow, edge)]), 0.03, 0.6)
        drawing.line(smooth([(place + bow, -edge), (place, 0), (place + bow, edge)]), 0.012, 0.3)
    for end, out in ((0.0, -0.05), (1.0, 0.05)):  # lobes around the openings
        for y in np.linspace(-0.5, 0.5, 6) * half:
            drawing.ellipse((end + out * 0.4, float(y)), (0.035, 0.025), 0.3)
    gill = smooth([(0.45, -half * 0.75), (0.62, -0.05), (0.78, half * 0.6)])
    drawing.line(gill, 0.035, 0.4)
    drawing.line([(0.18, half * 0.72), (0.5, half * 0.8)], 0.028, 0.55)  # endostyle
    drawing.ellipse((0.72, half * 0.42), (0.085, 0.055), 0.9)  # gut
    return drawing
