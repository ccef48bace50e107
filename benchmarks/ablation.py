"""What each augmentation brings: the same recipe with none, each alone, and all.

    python benchmarks/ablation.py PLANKTONSET OTHER --start SQUEEZENET --out DIR
    KERAS_BACKEND=jax python benchmarks/ablation.py … --only rotation

One reduced budget for all: 32 epochs of all training images, pictures of 48, then 64 px, from what
SqueezeNet learnt on ImageNet. What is judged is the whole encoder that `plankton train` writes.
Each figure is mAP@10, each image searching the others: PlanktonSet's test images as they are;
their queries turned by any angle and blurred; all of OTHER, a set of another instrument that
nothing was trained on.

The encoder looks at each picture twice, once turned and mirrored: augmentation as well, but of the
query. So it belongs to the rows that were trained on turned or mirrored images; the others look
once, and a row of its own shows what the second look brings by itself.

The network trains in bfloat16 (1.5 times as fast on processors that have it) and is judged in
float32. A killed run goes on where it was. Rows are independent: `--only` trains one and judges
nothing, so a machine with a GPU trains all of them side by side; a last call without it judges
them. DIR/<row>.keras is each encoder, DIR/ablation.json holds the figures.
"""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from workers.encoders import Encoder, compact
from workers.encoders.loading import as_encoder, read_model
from workers.encoders.runtime import keras
from workers.evaluation.disturbances import KERNEL_PX, Disturbance
from workers.evaluation.intervals import bootstrap
from workers.evaluation.ranking import nearest
from workers.evaluation.retrieval import DEPTH, judge
from workers.images import Change, LabelledFolder, embed_files, labelled_folder
from workers.training.changes import ALL, GROUPS, NONE, Changes
from workers.training.data import from_folder, split_of
from workers.training.recipe import Recipe, Run
from workers.training.trainees import trainee

BUDGET = Recipe(epochs=32, sides_px=((0.68, 48), (1.0, 64)), patience=32)
STUDIED: dict[str, Changes] = {
    "none": NONE, "all": ALL, **{name: Changes.only(name) for name in GROUPS},
}  # fmt: skip
SECOND_LOOK = "second look alone"
ROWS: dict[str, tuple[str, bool]] = {
    **{name: (name, bool(changes.rotation or changes.flips)) for name, changes in STUDIED.items()},
    SECOND_LOOK: ("none", True),
}
"""Rows of the table: which training, and whether the encoder looks twice."""


def main(
    folder: Annotated[Path, typer.Argument(help="PlanktonSet: FOLDER/<class>/<image>.")],
    other: Annotated[Path, typer.Argument(help="Labelled images of another instrument.")],
    start: Annotated[str, typer.Option(help="As `plankton train --start`.")],
    out: Annotated[Path, typer.Option(help="Folder for encoders and figures.")],
    only: Annotated[str, typer.Option(help="Train this row and judge nothing.")] = "",
) -> None:
    """Train and judge what is not done yet, then print the table."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    out.mkdir(parents=True, exist_ok=True)
    for name in (only,) if only else STUDIED:
        encoder = out / f"{name}.keras"
        if not encoder.exists():
            logging.info("training %s", name)
            train(folder, start, STUDIED[name], encoder)
    if not only:
        print(table(judge_all(folder, other, out)))


def train(folder: Path, start: str, changes: Changes, encoder: Path) -> None:
    """Train on the reduced budget and write the encoder; a killed training goes on."""
    keras.utils.set_random_seed(BUDGET.seed)
    cv2.setNumThreads(1)
    subject = trainee("compact", start)
    rois, validation = from_folder(folder).splits("train", "validation", see=subject.see)
    compute_in(subject.network, "mixed_bfloat16")
    recipe = replace(BUDGET, changes=changes)
    run = Run(subject, rois, validation, recipe, encoder.with_suffix(".training"))
    run.finish()
    compute_in(subject.network, "float32")
    fresh = encoder.with_name(f"new-{encoder.name}")
    run.encoder().save(fresh)
    fresh.replace(encoder)


def compute_in(network: Any, policy: str) -> None:
    """Set Keras' dtype policy of all layers but the last; weights and vectors stay float32."""
    for layer in network.layers[:-1]:
        layer.dtype_policy = policy


def judge_all(folder: Path, other: Path, out: Path) -> dict[str, dict[str, list[float]]]:
    """The figures of all rows; those that are written down already are not computed again."""
    file = out / "ablation.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    sets = {
        "test": labelled_folder(folder).only(lambda name: split_of(name) == "test"),
        "other": labelled_folder(other),
    }
    for row, (name, twice) in ROWS.items():
        if row not in figures:
            logging.info("judging %s", row)
            figures[row] = judged(looking(out / f"{name}.keras", twice=twice), sets)
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(figures, indent=1))
            fresh.replace(file)
    return figures


def looking(file: Path, *, twice: bool) -> Encoder:
    """The encoder in a file, looking at each picture once or twice."""
    model = read_model(file)
    network, classes = compact.network_of(model), model.get_layer("classes")
    return as_encoder(compact.build_encoder(network, classes, twice=twice), batch_size=64)


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
    for name in ROWS:
        cells = [
            f"{mean:.3f} ({low:.3f} to {high:.3f})"
            for mean, low, high in (figures[name][one] for one in sets)
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
