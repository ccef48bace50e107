"""What is in the water besides organisms: aggregates, pellets, fibres, bubbles."""

import numpy as np

from producers.simulated.drawing import Drawing, arc, oval, ragged, ribbon, smooth


def detritus(rng: np.random.Generator) -> Drawing:
    """Marine snow: a loose, ragged aggregate of soft clumps, grains and threads."""
    drawing = Drawing()
    clumps = int(rng.integers(6, 12))
    # a flattened random walk, dense in its middle: aggregates grow by particles that stick
    places = np.cumsum(rng.normal(0, (0.11, 0.07), (clumps, 2)), axis=0)
    places *= 0.22 / max(0.25, float(np.abs(places - places.mean(axis=0)).max()))
    places += (0.5, 0) - places.mean(axis=0)
    for place in places:
        radius = rng.uniform(0.07, 0.16)
        drawing.fill(place + smooth(ragged(rng, radius * 1.4, 11), closed=True, steps=2), 0.12)
        drawing.fill(place + ragged(rng, radius, 12), rng.uniform(0.2, 0.45))
        for offset in rng.normal(0, radius * 0.7, (4, 2)):
            grain = place + offset + ragged(rng, rng.uniform(0.008, 0.03), 5)
            drawing.fill(grain, rng.uniform(0.3, 1.0))
        if rng.random() < 0.4:
            thread = arc(place, rng.uniform(0, 6.3), rng.uniform(0.15, 0.35), rng.normal(0, 1.5), 8)
            drawing.line(thread, rng.uniform(0.006, 0.014), 0.35)
    return drawing


def faecal_pellet(rng: np.random.Generator) -> Drawing:
    """A compact dark cylinder with rounded or torn ends, inside its thin membrane."""
    drawing = Drawing()
    half = rng.uniform(0.07, 0.15)
    spine = arc((0, 0), 0, 1, rng.normal(0, 0.8), 20)
    lumpy = 1 + 0.06 * rng.standard_normal(20)
    ends = np.minimum(1, 4 * np.sin(np.linspace(0.06, np.pi - 0.06, 20))) ** 0.6
    widths = half * lumpy * ends
    drawing.fill(ribbon(spine, widths), 0.95)
    drawing.fill(ribbon(spine, widths * 0.7), 0.45)
    drawing.line(ribbon(spine, widths + 0.012), 0.012, 0.3)
    for _ in range(16):
        x, y = spine[rng.integers(1, 19)] + rng.normal(0, half * 0.35, 2)
        radius = half * rng.uniform(0.1, 0.3)
        drawing.ellipse((float(x), float(y)), (radius, radius), rng.choice([-0.25, 0.4]))
    return drawing


def fibre(rng: np.random.Generator) -> Drawing:
    """A textile or plastic fibre: one long thread of even width, gently curled."""
    drawing = Drawing()
    bends = rng.normal(0, 0.1, 7)
    curl = rng.normal(0, 0.8)
    heading = np.cumsum(bends) + np.linspace(0, curl, 7)
    steps = np.column_stack([np.cos(heading), np.sin(heading)]) / 7
    path = smooth(np.vstack([[0, 0], np.cumsum(steps, axis=0)]), steps=10)
    width = rng.uniform(0.012, 0.02)
    drawing.line(path, width, 0.9)
    return drawing


def bubble(rng: np.random.Generator) -> Drawing:
    """A gas bubble: it bends all light away but for a bright spot at its centre."""
    drawing = Drawing()
    drawing.ellipse((0.5, 0), (0.5, 0.5), 1.3)
    drawing.ellipse((0.5, 0), (0.45, 0.45), 0.5)
    drawing.line(oval((0.5, 0), (0.4, 0.4)), 0.03, -0.25)
    spot = rng.uniform(0.12, 0.26)
    for shrink in (1.0, 0.85, 0.7):
        drawing.ellipse((0.5, 0), (spot * shrink, spot * shrink), -0.6)
    glint = rng.uniform(-0.05, 0.05)
    drawing.ellipse((0.5 + glint, -0.34), (0.05, 0.025), -0.5)
    return drawing
