"""How well an encoder finds images of the same class in a folder of labelled ROIs.

    python benchmarks/retrieval.py FOLDER [--split test] [--encoder compact] [--weights shipped]

`--split` validation or test: those images search the training images. `--split all`: every image
searches all others, for sets that nothing was trained on. Images go through the encoder as a
worker sends them: as they were stored, not turned to one polarity first.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from workers.encoders import Encoder, load_encoder
from workers.evaluation import evaluate, evaluate_within
from workers.training.data import split_of


class Queries(StrEnum):
    """Which images search."""

    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


def encode_files(encoder: Encoder, paths: list[Path]) -> NDArray[np.float32]:
    """Return vectors of image files, (n, d)."""
    parts = []
    for start in range(0, len(paths), 256):
        images = [cv2.imread(str(path)) for path in paths[start : start + 256]]
        parts.append(encoder.encode([np.asarray(image, np.uint8) for image in images]))
    return np.concatenate(parts)


def main(
    folder: Annotated[Path, typer.Argument(help="Labelled ROIs: FOLDER/<class>/<image>.")],
    *,
    split: Annotated[Queries, typer.Option(help="Which images search.")] = Queries.VALIDATION,
    encoder: Annotated[str, typer.Option(help="As PLANKTON_ENCODER.")] = "compact",
    weights: Annotated[str, typer.Option(help="As PLANKTON_ENCODER_WEIGHTS.")] = "shipped",
    batch: Annotated[int, typer.Option(help="Images in a step.")] = 32,
) -> None:
    """Print retrieval figures."""
    subject = load_encoder(encoder, weights, batch)
    paths = [path for path in sorted(folder.glob("*/*")) if cv2.haveImageReader(str(path))]
    names = sorted({path.parent.name for path in paths})
    classes = np.array([names.index(path.parent.name) for path in paths])
    splits = np.array([split_of(path.name) for path in paths])
    print(subject.identity.id, end=": ")
    if split == Queries.ALL:
        print(evaluate_within(encode_files(subject, paths), classes))
        return
    wanted = (splits == split) | (splits == "train")
    vectors = encode_files(subject, [path for path, use in zip(paths, wanted, strict=True) if use])
    classes, query = classes[wanted], splits[wanted] == split
    print(evaluate(vectors[query], classes[query], vectors[~query], classes[~query]))


if __name__ == "__main__":
    typer.run(main)
