"""Command line of the training: `python -m workers.training FOLDER --out FILE`."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from workers.training.recipe import Recipe, judge, train


def main(
    folder: Annotated[Path, typer.Argument(help="Labelled ROIs: FOLDER/<class>/<image>.")],
    out: Annotated[Path, typer.Option(help="Weights to write, *.weights.h5.")],
    minutes: Annotated[float, typer.Option(help="Longest training time.")] = float("inf"),
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = Recipe.seed,
) -> None:
    """Train the compact encoder, then print its retrieval figures."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    encoder = train(folder, out, Recipe(budget_s=minutes * 60, seed=seed))
    for split in ("validation", "test"):
        typer.echo(f"{split}: {judge(encoder, folder, split)}")


if __name__ == "__main__":
    typer.run(main)
