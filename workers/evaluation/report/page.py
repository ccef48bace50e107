"""The page: one HTML file with everything in it, so that it can be sent and read without internet.

The plots lie beside it once more as PNG files, for a paper or a talk.
"""

import base64
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import encode_png, thumbnail
from workers.evaluation.document import (
    Confusion,
    Evaluation,
    Example,
    Figures,
    Interval,
)
from workers.evaluation.report import captions
from workers.evaluation.report.plots import PAPER, SCREEN, plots_of, png
from workers.images import read_image

_PAIRS = 12
_THUMBNAIL_PX = 120  # twice its size on the page: sharp on a dense screen


def write_report(found: Evaluation, out: Path, queries: Path, gallery: Path) -> None:
    """Write `report.html` and the plots of an evaluation into a folder; what is there is replaced.

    Args:
        found: the evaluation.
        out: an existing folder.
        queries: folder of the queries, for pictures of what was confused.
        gallery: folder of what they found.

    Raises:
        ConfigError: the folder can't be written.
    """
    parts = [_summary(found), *_curves(found), _classes(found)]
    parts += [_pairs(found, queries, gallery), _methods(found), captions.notes(found)]
    page = Template((files(__package__) / "page.html").read_text(encoding="utf-8"))
    data = found.data
    text = page.substitute(
        title=escape(f"How well {found.encoders[0].id} finds its kind: {data.name}"),
        subtitle=escape(captions.subtitle(found)),
        sections="\n".join(parts),
    )
    try:
        (out / "report.html").write_text(text, encoding="utf-8")
        for stem, plot in plots_of(found).items():
            (out / f"{stem}.png").write_bytes(png(found, plot, PAPER))
    except OSError as error:
        raise ConfigError(f"The report can't be written to {out}: {error.strerror}.") from error


def _summary(found: Evaluation) -> str:
    heads = ("Queries", "n", "P@1", "hit@5", "mAP@10", "mAP@100", "P@1, classes", "mAP@10, classes")
    parts = [f"<section><h2>Summary</h2>{captions.summary(found)}"]
    for encoder in found.encoders:
        rows = [_figures_row(figures) for figures in encoder.figures]
        parts.append(_table(heads, rows, captions.figures_of(encoder)))
    return "".join([*parts, captions.training(found), "</section>"])


def _figures_row(one: Figures) -> list[str]:
    means = [
        _interval(x) for x in (one.precision_at_1, one.hit_at_5, one.map_at_10, one.map_at_100)
    ]
    classes = [f"{one.precision_at_1_by_class:.3f}", f"{one.map_at_10_by_class:.3f}"]
    return [escape(one.name), f"{one.queries:,}", *means, *classes]


def _interval(one: Interval) -> str:
    return f"{one.value:.3f}<br><small>{one.low:.3f} to {one.high:.3f}</small>"


def _curves(found: Evaluation) -> Iterator[str]:
    shown = plots_of(found)
    yield "<section><h2>How deep one can look</h2>"
    yield _plot(found, "map-at-k", captions.map_at_k(found))
    yield "</section>"
    if "blur" in shown:
        yield "<section><h2>Out of focus</h2>"
        yield _plot(found, "blur", captions.blur(found))
        yield "</section>"


def _classes(found: Evaluation) -> str:
    heads = ("Class", "queries", "to be found", "P@1", "hit@5", "mAP@10")
    rows = [
        [
            escape(one.name),
            f"{one.queries:,}",
            f"{one.possible:,}",
            f"{one.precision_at_1:.3f}",
            f"{one.hit_at_5:.3f}",
            _interval(one.map_at_10),
        ]
        for one in found.encoders[0].classes
    ]
    return (
        f"<section><h2>By class</h2>{_plot(found, 'classes', captions.classes(found))}"
        "<details><summary>The figures as a table</summary>"
        f"{_table(heads, rows)}</details></section>"
    )


def _pairs(found: Evaluation, queries: Path, gallery: Path) -> str:
    pairs = [_pair(pair, queries, gallery) for pair in found.encoders[0].confusions[:_PAIRS]]
    return (
        f"<section><h2>Most confused</h2><p>{captions.pairs(found)}</p>"
        f'<div class="pairs">{"".join(pairs)}</div></section>'
    )


def _pair(pair: Confusion, queries: Path, gallery: Path) -> str:
    examples = "".join(_example(one, queries, gallery) for one in pair.examples)
    return (
        f'<div class="pair"><h3>{escape(pair.query_class)} → {escape(pair.found_class)}</h3>'
        f"<p>{pair.count} queries, {pair.share:.0%} of the class</p>"
        f'<div class="examples">{examples}</div></div>'
    )


def _example(one: Example, queries: Path, gallery: Path) -> str:
    left, right = _picture(queries, one.query, "query"), _picture(gallery, one.found, "found")
    return f'<div class="example" title="distance {one.distance:.3f}">{left}{right}</div>'


def _picture(folder: Path, path: str, role: str) -> str:
    try:
        image = thumbnail(read_image(folder / path), _THUMBNAIL_PX)
    except RejectedError:  # gone since it was embedded
        return escape(path)
    return f'<img src="{_uri(encode_png(image))}" alt="{role}: {escape(path)}">'


def _methods(found: Evaluation) -> str:
    heads = ("Search", "mAP@10", "mAP@100", "recall@10", "recall@100", "ms a query", "bytes")
    rows = [
        [
            escape(one.name),
            f"{one.map_at_10:.3f}",
            f"{one.map_at_100:.3f}",
            f"{one.recall_at_10:.3f}",
            f"{one.recall_at_100:.3f}",
            f"{one.ms:.2f}",
            f"{one.bytes_per_image:,}",
        ]
        for one in found.methods
    ]
    return (
        f"<section><h2>Ways to search</h2>{_table(heads, rows, captions.methods(found))}"
        f"{_plot(found, 'methods', captions.methods_plot(found))}</section>"
    )


def _plot(found: Evaluation, stem: str, caption: str) -> str:
    """A plot for paper and one for a dark screen, of which the browser shows one."""
    plot = plots_of(found)[stem]
    light, dark = _uri(png(found, plot, PAPER)), _uri(png(found, plot, SCREEN))
    width = "" if stem == "classes" else ' class="narrow"'
    return (
        f'<figure{width}><picture><source srcset="{dark}" '
        'media="screen and (prefers-color-scheme: dark)">'
        f'<img src="{light}" alt="{escape(stem)}"></picture>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    title = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _uri(png_file: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png_file).decode()}"
