"""The plots of an evaluation: one figure each, on paper or on a dark screen."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter

from workers.evaluation.document import Curve, Evaluation, SearchFigures

_DPI = 200
_WIDTH_IN = 6.5
_ROWS = 42  # classes in one column of the figure by class


@dataclass(frozen=True)
class Ink:
    """Colours of a figure.

    Attributes:
        paper: behind everything.
        text: titles and labels.
        faint: grid and ticks.
        lines: of encoders, told apart with any colour vision (Okabe & Ito 2008).
    """

    paper: str
    text: str
    faint: str
    lines: Sequence[str]


PAPER = Ink("#ffffff", "#1b1f24", "#d0d7de", ("#0072b2", "#d55e00", "#009e73", "#cc79a7"))
SCREEN = Ink("#12181f", "#e6edf3", "#313b46", ("#56b4e9", "#e69f00", "#2fc49a", "#e29ac4"))

Plot = Callable[[Evaluation, Ink], Figure]


def plots_of(found: Evaluation) -> Mapping[str, Plot]:
    """The plots that an evaluation has, by the stem of their files' names."""
    plots: dict[str, Plot] = {"map-at-k": map_at_k}
    if any(encoder.blur for encoder in found.encoders):
        plots["blur"] = blur
    return {**plots, "classes": classes, "methods": methods}


def png(found: Evaluation, plot: Plot, ink: Ink) -> bytes:
    """A plot as a PNG file; the same document gives the same bytes."""
    with _style(ink):
        data = io.BytesIO()
        plot(found, ink).savefig(data, format="png", dpi=_DPI, metadata={"Software": None})
    return data.getvalue()


def map_at_k(found: Evaluation, ink: Ink) -> Figure:
    """Mean average precision against how many neighbours are looked at."""
    figure, axes = _figure(3.6)
    curves = [(encoder.label, encoder.map_at_k) for encoder in found.encoders]
    _draw_curves(axes, curves, ink)
    axes.set_xlabel("neighbours looked at, k")
    axes.set_ylabel("mAP@k")
    axes.set_xlim(1, max(curve.x[-1] for _, curve in curves))
    return figure


def blur(found: Evaluation, ink: Ink) -> Figure:
    """Mean average precision against the side of the kernel that blurs the queries."""
    figure, axes = _figure(3.6)
    curves = [(encoder.label, encoder.blur) for encoder in found.encoders if encoder.blur]
    _draw_curves(axes, curves, ink)
    axes.set_xlabel("Gaussian kernel that blurs the query (px)")
    axes.set_ylabel("mAP@10")
    axes.set_xticks([1, 5, 9, 13, 17, 21, 25, 31])
    axes.set_xlim(1, 31)
    return figure


def classes(found: Evaluation, ink: Ink) -> Figure:
    """Average precision of every class, the most abundant first, in columns."""
    figures = found.encoders[0].classes
    columns = max(1, min(3, -(-len(figures) // _ROWS)))
    rows = -(-len(figures) // columns)
    figure = Figure(figsize=(3.1 * columns + 0.4, 0.165 * rows + 0.8), layout="constrained")
    for column, axes in enumerate(np.atleast_1d(figure.subplots(1, columns, sharex=True))):
        some = figures[column * rows : (column + 1) * rows]
        y = np.arange(len(some))
        for at, one in zip(y, some, strict=True):
            ends = one.map_at_10.low, one.map_at_10.high
            axes.plot(ends, (at, at), color=ink.lines[0], linewidth=2.4, alpha=0.35)
        means = [one.map_at_10.value for one in some]
        axes.plot(means, y, "o", color=ink.lines[0], markersize=3)
        axes.set_yticks(y, [f"{_short(one.name)}  {one.queries}" for one in some], fontsize=6)
        axes.set_ylim(rows - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("mAP@10")
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=7)
    return figure


def methods(found: Evaluation, ink: Ink) -> Figure:
    """What each way to search finds of the exact first ten, against what it reads of an image."""
    figure, axes = _figure(3.8)
    kinds = {"random": "random hyperplanes", "learned": "learned rotation"}
    for color, (kind, label) in zip(ink.lines, kinds.items(), strict=False):
        codes = [one for one in found.methods if one.kind == kind and "ranked" not in one.name]
        _draw_methods(axes, codes, color, "o-")
        if codes:
            last = codes[-1]
            _beside(axes, label, (last.bytes_per_image, last.recall_at_10), color)
        for one in found.methods:
            if one.kind == kind and one not in codes:
                _draw_methods(axes, [one], color, "D")
    others = [one for one in found.methods if one.kind in {"exact", "index"}]
    _draw_methods(axes, others, ink.text, "s")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks([8, 16, 32, 64, 128, 256, 512, 1024])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("bytes read per image, in the first stage")
    axes.set_ylabel("of the exact first 10 found")
    axes.set_ylim(0, 1.04)
    for text, at in _remarks(found.methods):
        axes.annotate(text, at, xytext=(0, -13), textcoords="offset points", ha="center",
                      fontsize=7.5)  # fmt: skip
    return figure


def _remarks(methods: Sequence[SearchFigures]) -> Iterator[tuple[str, tuple[float, float]]]:
    """A word at the points that no line explains."""
    reranked = [one for one in methods if "ranked" in one.name]
    if reranked:
        at = reranked[0]
        yield "256 bits, 1,000 re-ranked", (at.bytes_per_image, at.recall_at_10)
    exact = methods[0]
    served = any(one.kind == "index" for one in methods)
    yield "exact, HNSW, IVF" if served else "exact", (exact.bytes_per_image, exact.recall_at_10)


def _draw_methods(axes: Axes, some: Sequence[SearchFigures], color: str, mark: str) -> None:
    x = [one.bytes_per_image for one in some]
    axes.plot(x, [one.recall_at_10 for one in some], mark, color=color, markersize=4.5)


def _draw_curves(axes: Axes, curves: Sequence[tuple[str, Curve]], ink: Ink) -> None:
    ends = []
    for color, (label, curve) in zip(_again(ink.lines), curves, strict=False):
        axes.fill_between(curve.x, curve.low, curve.high, color=color, alpha=0.18, linewidth=0)
        axes.plot(curve.x, curve.value, color=color, linewidth=1.8)
        ends.append((curve.value[-1], curve.x[-1], label, color))
    top = max(max(curve.high) for _, curve in curves)
    axes.set_ylim(0, min(1.0, top * 1.12))
    apart, last = 0.055 * axes.get_ylim()[1], -1.0
    for value, x, label, color in sorted(ends):
        last = max(value, last + apart)
        _beside(axes, label, (x, last), color)


def _beside(axes: Axes, text: str, at: tuple[float, float], color: str) -> None:
    axes.annotate(text, at, xytext=(6, 0), textcoords="offset points", va="center", color=color,
                  fontweight="bold", annotation_clip=False)  # fmt: skip


def _figure(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    return figure, figure.subplots()


def _again(colors: Sequence[str]) -> Iterator[str]:
    while True:
        yield from colors


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"


@contextmanager
def _style(ink: Ink) -> Iterator[None]:
    """One look for all figures: matplotlib's own font is the same on every machine."""
    look: Any = {  # matplotlib types every key by itself
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "figure.facecolor": ink.paper,
        "axes.facecolor": ink.paper,
        "text.color": ink.text,
        "axes.labelcolor": ink.text,
        "axes.edgecolor": ink.faint,
        "xtick.color": ink.text,
        "ytick.color": ink.text,
        "xtick.labelcolor": ink.text,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": ink.faint,
        "grid.linewidth": 0.5,
        "axes.axisbelow": True,
    }
    with mpl.rc_context(look):
        yield
