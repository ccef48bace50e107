"""How many actions and hours it takes an expert to label a folder, in four ways.

    python benchmarks/labelling.py FOLDER [--json FILE] [--plot FILE] [--split validation]

A FILE of the same images that is there already keeps its ways that are not run now.

FOLDER has one sub-folder for each class. An oracle that knows the truth works through the page's
own HTTP calls, from zero labels: one by one; on pages sorted by a classifier (EcoTaxa's way); on
clusters (MorphoCluster's way); and as the bench of this project offers it. Actions become seconds
by the keystroke-level model, see `oracle/expert.py`. The encoder must not have been trained on the
images: the shipped one was on PlanktonSet's training split, so of that set give `--split`.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from oracle.bench import Bench
from oracle.curve import draw
from oracle.expert import LOOKS_S, Expert
from oracle.ways import WAYS, Way

from plankton_stream.errors import PlanktonError
from plankton_stream.ports import Vector
from workers.encoders import load_encoder
from workers.images import embed_files, labelled_folder
from workers.training.data import split_of

STEP = 0.05
JUDGED_AT = 0.7
Point = dict[str, Any]


def main(
    folder: Annotated[Path, typer.Argument(help="FOLDER/<class>/<image>.")],
    *,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where figures go.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Where the curve goes, PNG.")] = None,
    split: Annotated[str, typer.Option(help="Only this split: validation or test.")] = "",
    way: Annotated[list[str] | None, typer.Option(help="Only these ways.")] = None,
    until: Annotated[float, typer.Option(help="Coverage at which a way stops.")] = 0.9,
    tolerance: Annotated[float, typer.Option(help="Wrong labels that are let pass.")] = 0.045,
) -> None:
    """Work in each way, print what it took, and draw it."""
    paths, vectors, encoder = embedded(folder, split)
    print(f"{len(paths)} images of {folder.name} {split}; encoder {encoder}")
    ways = {
        name: list(points(each, paths, vectors, until=until, tolerance=tolerance))
        for name, each in WAYS.items()
        if not way or name in way
    }
    document = {
        "folder": folder.name, "split": split or None, "images": len(paths), "encoder": encoder,
        "tolerance": tolerance, "look_s": LOOKS_S[0], "ways": ways,
    }  # fmt: skip
    report(ways)
    if json_file and json_file.exists():
        add_others(document, json.loads(json_file.read_text(encoding="utf-8")))
    if json_file:
        json_file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if plot:
        draw(document, plot)


def embedded(folder: Path, split: str) -> tuple[list[str], Vector, str]:
    """Paths and vectors of a folder's images, and the encoder's id."""
    encoder = load_encoder("compact", "shipped", 32)
    wanted = labelled_folder(folder).only(lambda name: not split or split_of(name) == split)
    done = embed_files(encoder, folder, wanted.paths, skip_unreadable=True)
    for line in done.unreadable:
        print(f"left out: {line}", file=sys.stderr)
    return [wanted.paths[row] for row in done.rows], done.vectors, encoder.identity.id


def points(
    way: Way, paths: list[str], vectors: Vector, *, until: float, tolerance: float
) -> Iterator[Point]:
    """What a way had cost at 5 %, 10 %, … of the images, up to `until`."""
    with tempfile.TemporaryDirectory(prefix="plankton-benchmark-") as name:
        bench = Bench(Path(name), paths, vectors)
        expert = Expert(bench.taxa, bench.truth, tolerance)
        due = iter(np.arange(STEP, until + STEP / 2, STEP))
        wanted = next(due)
        try:
            for _ in way(bench, expert):
                if expert.labelled < wanted * len(paths):
                    continue
                yield point(expert, len(paths))
                while wanted is not None and expert.labelled >= wanted * len(paths):
                    wanted = next(due, None)
                if wanted is None:
                    return
        finally:
            bench.close()


def point(expert: Expert, images: int) -> Point:
    """One point of a curve."""
    work, labelled = expert.work, expert.labelled
    rates = {look_s: labelled / (work.seconds(look_s) / 3_600) for look_s in LOOKS_S}
    return {
        "coverage": labelled / images,
        "precision": 1 - expert.wrong / labelled,
        "actions_per_image": work.actions / labelled,
        "images_per_hour": rates[LOOKS_S[0]],
        **{f"images_per_hour_at_{look_s}_s": rates[look_s] for look_s in LOOKS_S[1:]},
        "keys": work.keys, "clicks": work.clicks, "decisions": work.decisions, "looks": work.looks,
    }  # fmt: skip


def add_others(document: Point, before: Point) -> None:
    """Keep the ways of an earlier run of the same images, if this one left them out."""
    if all(document[key] == before[key] for key in document.keys() - {"ways"}):
        found = before["ways"] | document["ways"]
        document["ways"] = {name: found[name] for name in WAYS if name in found}


def report(ways: dict[str, list[Point]]) -> None:
    """Print where each way was when it had labelled 70 %."""
    print("| way | coverage | precision | actions/image | images/h | at 0.05 s | at 0.5 s |")
    print("|---|---|---|---|---|---|---|")
    judged = {name: at for name, curve in ways.items() if (at := reached(curve)) is not None}
    for name, at in judged.items():
        rates = [at["images_per_hour"], *(at[f"images_per_hour_at_{s}_s"] for s in LOOKS_S[1:])]
        print(
            f"| {name} | {at['coverage']:.3f} | {at['precision']:.3f} | "
            f"{at['actions_per_image']:.2f} | {' | '.join(f'{rate:,.0f}' for rate in rates)} |"
        )
    if {"one_by_one", "ours"} <= judged.keys():
        base, mine = judged["one_by_one"], judged["ours"]
        actions = base["actions_per_image"] / mine["actions_per_image"]
        hours = mine["images_per_hour"] / base["images_per_hour"]
        print(f"ours takes {actions:.1f} times fewer actions than one by one, {hours:.1f} fewer h")


def reached(curve: list[Point]) -> Point | None:
    """The first point with 70 % of the images."""
    return next((at for at in curve if at["coverage"] >= JUDGED_AT), None)


if __name__ == "__main__":
    try:
        typer.run(main)
    except PlanktonError as error:
        raise SystemExit(f"labelling: {error}") from error
