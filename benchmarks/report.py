"""Make docs/retrieval.md, its plots and its figures again.

    make report FOLDER=…/planktonset [OTHER=…/zooscan_rois]

FOLDER: PlanktonSet 1.0, one sub-folder for each class; its test images are judged. OTHER: a set
that nothing was trained on: all its images are judged, with codes learned on FOLDER. Figures come
from the JSON that `plankton evaluate` writes; no one types them. Without FOLDER only the page and
the plots are written again, from the JSON files that are there. Beside the encoder stands one that
was trained without augmentation, `none.keras` of `benchmarks/ablation.py`, unless others are named.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.evaluation.report.markdown import fill, read, stem_of, write_plots

DOCS = Path(__file__).parents[1] / "docs"
WITHOUT = f"without augmentation={os.path.relpath(Path(__file__).parent / 'none.keras')}"
PAGE, FIGURES = DOCS / "retrieval.md", DOCS / "retrieval"


def evaluate(folder: Path, *options: str) -> None:
    """Run `plankton evaluate` and keep its JSON."""
    fresh = FIGURES / ".fresh.json"
    command = [sys.executable, "-m", "plankton_stream", "evaluate", str(folder), *options]
    subprocess.run([*command, "--json", str(fresh)], check=True)
    fresh.replace(FIGURES / f"{stem_of(read(fresh))}.json")


def render() -> None:
    """Write page and plots from the JSON files."""
    for path in sorted(FIGURES.glob("*.json")):
        write_plots(read(path), FIGURES, path.stem)
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), FIGURES), encoding="utf-8")


def main(
    folder: Annotated[Path | None, typer.Argument(help="PlanktonSet 1.0.")] = None,
    *,
    other: Annotated[list[Path] | None, typer.Option(help="A set nobody trained on.")] = None,
    compare: Annotated[list[str] | None, typer.Option(help="As of `plankton evaluate`.")] = None,
    label: Annotated[str | None, typer.Option(help="As of `plankton evaluate`.")] = None,
    milvus: Annotated[bool, typer.Option(help="Compare Milvus' indexes too.")] = True,
) -> None:
    """Judge, then write."""
    FIGURES.mkdir(exist_ok=True)
    options = [word for name in compare or [WITHOUT] for word in ("--compare", name)]
    options += ["--label", label] if label else []
    options += ["--milvus"] if milvus else []
    if folder is not None:
        evaluate(folder, "--split", "test", "--training-gallery", *options)
        for each in other or []:
            evaluate(each, "--fit", str(folder), *options)
    render()


if __name__ == "__main__":
    typer.run(main)
