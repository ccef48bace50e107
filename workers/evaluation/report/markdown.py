"""Evaluations as Markdown, for documentation that is kept beside its figures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from workers.evaluation.document import EncoderFigures, Evaluation
from workers.evaluation.report import captions
from workers.evaluation.report.plots import PAPER, plots_of, png

BEGIN = "<!-- figures: written by benchmarks/report.py, never by hand -->"
END = "<!-- end of figures -->"

_CONFUSIONS = 8


def fill(page: str, folder: Path) -> str:
    """A page with the figures between its two marks replaced.

    Args:
        page: Markdown with `BEGIN` and `END` on lines of their own.
        folder: of `<data set>.json` files and their plots, a sub-folder of the page's own.
    """
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    found = [read(path) for path in sorted(folder.glob("*.json"))]
    text = "\n".join(line for one in found for line in _section(one, folder.name))
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def read(path: Path) -> Evaluation:
    """An evaluation that `plankton evaluate --json` wrote."""
    return Evaluation.model_validate_json(path.read_bytes())


def write_plots(found: Evaluation, folder: Path, stem: str) -> None:
    """Write the plots of an evaluation as `<stem>-<plot>.png`."""
    for name, plot in plots_of(found).items():
        (folder / f"{stem}-{name}.png").write_bytes(png(found, plot, PAPER))


def _section(found: Evaluation, folder: str) -> Iterator[str]:
    data = found.data
    yield f"## {data.name}{'' if data.split == 'all' else f', {data.split} split'}"
    yield ""
    yield captions.subtitle(found)
    yield ""
    for encoder in found.encoders:
        yield from _figures(encoder)
    if flattered := captions.training(found):
        yield from (flattered, "")
    yield from _plot(found, folder, "map-at-k", captions.map_at_k(found))
    if found.encoders[0].blur:
        yield from _plot(found, folder, "blur", captions.blur(found))
    yield from _plot(found, folder, "classes", captions.classes(found))
    yield from _confusions(found.encoders[0])
    yield from (f"### Ways to search {data.name}", "", captions.methods(found), "")
    yield from _methods(found)
    yield from _plot(found, folder, "methods", captions.methods_plot(found))


def _figures(encoder: EncoderFigures) -> Iterator[str]:
    yield from (captions.figures_of(encoder), "")
    heads = ("queries", "n", "P@1", "hit@5", "mAP@10", "mAP@100", "P@1, classes", "mAP@10, classes")
    rows = [
        (
            way.name,
            f"{way.queries:,}",
            str(way.precision_at_1),
            str(way.hit_at_5),
            str(way.map_at_10),
            str(way.map_at_100),
            f"{way.precision_at_1_by_class:.3f}",
            f"{way.map_at_10_by_class:.3f}",
        )
        for way in encoder.figures
    ]
    yield from _table(heads, rows)


def _confusions(encoder: EncoderFigures) -> Iterator[str]:
    heads = ("queries of", "find first", "how many", "of the class")
    rows = [
        (pair.query_class, pair.found_class, str(pair.count), f"{pair.share:.0%}")
        for pair in encoder.confusions[:_CONFUSIONS]
    ]
    yield from ("Most confused:", "")
    yield from _table(heads, rows)


def _methods(found: Evaluation) -> Iterator[str]:
    heads = ("search", "mAP@10", "mAP@100", "recall@10", "recall@100", "ms a query", "bytes")
    rows = [
        (
            one.name,
            f"{one.map_at_10:.3f}",
            f"{one.map_at_100:.3f}",
            f"{one.recall_at_10:.3f}",
            f"{one.recall_at_100:.3f}",
            f"{one.ms:.2f}",
            f"{one.bytes_per_image:,}",
        )
        for one in found.methods
    ]
    yield from _table(heads, rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def _plot(found: Evaluation, folder: str, name: str, caption: str) -> Iterator[str]:
    yield from (f"![{name}]({folder}/{stem_of(found)}-{name}.png)", "", caption, "")


def stem_of(found: Evaluation) -> str:
    """What the files of an evaluation are called: its data set, and the split if it is one."""
    data = found.data
    return data.name if data.split == "all" else f"{data.name}-{data.split}"
