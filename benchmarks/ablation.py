"""What each augmentation brings: the same recipe with none, each alone, and all.

    python benchmarks/ablation.py PLANKTONSET OTHER --start SQUEEZENET --out DIR

One reduced budget for all: a quarter of the training images (second byte of the SHA-1 of the file
name, modulo 4, is 0), 90 epochs, pictures of 48, then 64 px, and bfloat16 while the network trains
(1.5 times as fast on processors that have it). What is judged is the whole encoder that
`plankton train` writes, in float32. Each figure is mAP@10, each image searching the others:
PlanktonSet's test images as they are; their queries turned by any angle and blurred; all of OTHER,
a set of another instrument that nothing was trained on.

A killed run goes on where it was. DIR/ablation.json holds the figures, DIR/<name>.keras each
encoder.
"""

import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from workers.encoders import Encoder
from workers.encoders.loading import as_encoder
from workers.encoders.runtime import keras
from workers.evaluation.disturbances import KERNEL_PX, Disturbance
from workers.evaluation.intervals import bootstrap
from workers.evaluation.ranking import nearest
from workers.evaluation.retrieval import DEPTH, judge
from workers.images import Change, LabelledFolder, embed_files, labelled_folder
from workers.training.changes import ALL, GROUPS, NONE, Changes
from workers.training.data import Source, from_folder, split_of
from workers.training.recipe import Recipe, Run
from workers.training.trainees import trainee

BUDGET = Recipe(epochs=90, sides_px=((0.68, 48), (1.0, 64)), patience=90)
STUDIED: dict[str, Changes] = {
    "none": NONE, "all": ALL, **{name: Changes.only(name) for name in GROUPS},
}  # fmt: skip


def main(
    folder: Annotated[Path, typer.Argument(help="PlanktonSet: FOLDER/<class>/<image>.")],
    other: Annotated[Path, typer.Argument(help="Labelled images of another instrument.")],
    start: Annotated[str, typer.Option(help="As `plankton train --start`.")],
    out: Annotated[Path, typer.Option(help="Folder for encoders and figures.")],
) -> None:
    """Train and judge what is not done yet, then print the table."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    out.mkdir(parents=True, exist_ok=True)
    file = out / "ablation.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    sets = {
        "test": labelled_folder(folder).only(lambda name: split_of(name) == "test"),
        "other": labelled_folder(other),
    }
    for name, changes in STUDIED.items():
        if name not in figures:
            logging.info("%s", name)
            figures[name] = judged(trained(folder, start, changes, out, name), sets)
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(figures, indent=1))
            fresh.replace(file)
    print(table(figures))


def trained(folder: Path, start: str, changes: Changes, out: Path, name: str) -> Encoder:
    """Train on the reduced budget; returns the encoder, and keeps it as a file."""
    keras.utils.set_random_seed(BUDGET.seed)
    cv2.setNumThreads(1)
    subject = trainee("compact", start)
    rois, validation = quarter(from_folder(folder)).splits("train", "validation", see=subject.see)
    compute_in(subject.network, "mixed_bfloat16")
    run = Run(subject, rois, validation, replace(BUDGET, changes=changes), out / f"{name}.training")
    run.finish()
    compute_in(subject.network, "float32")
    model = run.encoder()
    model.save(out / f"{name}.keras")
    return as_encoder(model, batch_size=64)


def compute_in(network: Any, policy: str) -> None:
    """Set Keras' dtype policy of all layers but the last; weights and vectors stay float32."""
    for layer in network.layers[:-1]:
        layer.dtype_policy = policy


def quarter(source: Source) -> Source:
    """A quarter of the training images, by rule; other splits lose as much, unjudged."""
    kept = [item for item in source.items if second_byte(item.name) % 4 == 0]
    return Source(source.about, kept)


def second_byte(name: str) -> int:
    """Of the SHA-1 of a file name; the first one decides the split."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).digest()[1]


def judged(encoder: Encoder, sets: dict[str, LabelledFolder]) -> dict[str, list[float]]:
    """MAP@10 with its 95% interval on each of the three sets."""
    test, other = sets["test"], sets["other"]
    both = Disturbance(turn=True, kernel_px=KERNEL_PX)
    return {
        "test": map_at_10(encoder, test),
        "turned and blurred": map_at_10(encoder, test, both),
        "other": map_at_10(encoder, other),
    }


def map_at_10(
    encoder: Encoder, images: LabelledFolder, change: Change | None = None
) -> list[float]:
    """Mean and interval; each image searches the others, the query changed if so wished."""
    gallery = vectors(encoder, images)
    queries = vectors(encoder, images, change) if change else gallery
    found = nearest(queries, gallery, DEPTH, within=True)
    rankings = judge(found, images.classes, images.classes, within=True)
    interval = bootstrap(rankings.average_precision_at(10)[:, None])[:, 0]
    return [round(float(value), 4) for value in interval]


def vectors(
    encoder: Encoder, images: LabelledFolder, change: Change | None = None
) -> NDArray[np.float32]:
    """Vectors of all images."""
    return embed_files(encoder, images.folder, images.paths, change=change).vectors


def table(figures: dict[str, dict[str, list[float]]]) -> str:
    """The figures as Markdown."""
    sets = ("test", "turned and blurred", "other")
    lines = ["| augmentation | " + " | ".join(sets) + " |", "|---|---|---|---|"]
    for name in STUDIED:
        cells = [
            f"{mean:.3f} ({low:.3f} to {high:.3f})"
            for mean, low, high in (figures[name][one] for one in sets)
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
