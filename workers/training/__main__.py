"""Command line of the training: `python -m workers.training FOLDER --out FILE`."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from workers.training.recipe import Recipe, judge, train


def main(
    folder: Annotated[Path, typer.Argument(help="Labelled ROIs: FOLDER/<class>/<image>.")],
    out: Annotated[Path, typer.Option(help="Weights to write, *.weights.h5.")],
    *,
    minutes: Annotated[float, typer.Option(help="Longest training time.")] = float("inf"),
    epochs: Annotated[int, typer.Option(help="Passes over the images.")] = Recipe.epochs,
    initial: Annotated[Path | None, typer.Option(help="Weights to start from.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Its peak.")] = Recipe.learning_rate,
    test: Annotated[bool, typer.Option(help="Judge on test too: once, at the end.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = Recipe.seed,
) -> None:
    """Train the compact encoder, then print its retrieval figures."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = Recipe(epochs=epochs, learning_rate=learning_rate, budget_s=minutes * 60, seed=seed)
    encoder = train(folder, out, recipe, initial)
    typer.echo(f"validation: {judge(encoder, folder, 'validation')}")
    if test:
        typer.echo(f"test: {judge(encoder, folder, 'test')}")


if __name__ == "__main__":
    typer.run(main)
