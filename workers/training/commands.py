"""`plankton train` and `plankton augment`."""

import logging
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from workers.encoders import Encoder
    from workers.training.data import Source

_LARGE_NETWORKS_BATCH = 16  # a laptop's memory holds no more of their activations

train_app = typer.Typer(add_completion=False)
augment_app = typer.Typer(add_completion=False)


@train_app.command()
def train(
    folder: Annotated[
        Path | None, typer.Argument(help="Labelled images: FOLDER/<class>/<image>.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="The encoder to write, *.keras; a card beside it.")],
    from_labels: Annotated[
        bool, typer.Option("--from-labels", help="Learn from the catalog's validated images.")
    ] = False,
    encoder: Annotated[str, typer.Option(help="What to train; `plankton encoders`.")] = "compact",
    start: Annotated[
        str,
        typer.Option(help="shipped, imagenet, none, or a file: *.keras, *.weights.h5, SqueezeNet."),
    ] = "shipped",
    side: Annotated[
        int | None, typer.Option(min=32, help="Pictures' side, px; not for compact.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.")] = None,
    batch: Annotated[int | None, typer.Option(min=2, help="Images in a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="Its peak.")] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="Longest wait for a gain.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order, augmentation.")] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read.")
    ] = False,
) -> None:
    """Train an encoder; the same command again goes on where a killed one was.

    Which images are trained on, choose the best epoch, and judge it at the end is a rule of their
    names. What is not given is as in the recipe (docs/encoder.md). Nothing is published: see
    `plankton encoder publish`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    from workers.training.recipe import Recipe
    from workers.training.train import Plan
    from workers.training.train import train as run

    settings = load_settings()
    plan = Plan(out, encoder, start, side, command=_command())
    given: dict[str, Any] = {
        "epochs": epochs, "learning_rate": learning_rate, "patience": patience, "seed": seed,
        "batch": batch or (None if encoder == "compact" else _LARGE_NETWORKS_BATCH),
    }  # fmt: skip
    recipe = replace(Recipe(), **{k: v for k, v in given.items() if v is not None})
    source = _source(folder, settings, from_labels=from_labels)
    source = replace(source, skip_unreadable=skip_unreadable)
    trained = run(source, plan, recipe, lambda: _rival(settings, from_labels=from_labels))
    if trained.comparison:
        print(trained.comparison)
    print(f"\nencoder: {trained.file}\ncard:    {trained.card}")
    print(f"publish: plankton encoder publish {trained.file}")


@augment_app.command()
def augment(
    image: Annotated[Path, typer.Argument(help="A picture of one organism.")],
    *,
    out: Annotated[Path, typer.Option(help="The sheet to write, PNG.")] = Path("augmented.png"),
    columns: Annotated[int, typer.Option(min=1, max=20, help="Draws of each change.")] = 8,
    side: Annotated[int, typer.Option(min=32, max=512, help="Side of a picture, px.")] = 128,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Draw what training may make of an image: each change by itself, then all together."""
    from workers.images import read_image
    from workers.training.sheet import write_sheet

    if not image.is_file():
        raise ConfigError(f"There is no image {image}.")
    write_sheet(read_image(image), out, columns=columns, side_px=side, seed=seed)
    print(f"contact sheet: {out}")


def _source(folder: Path | None, settings: Settings, *, from_labels: bool) -> "Source":
    from workers.training.data import from_catalog, from_folder

    if (folder is None) is not from_labels:
        raise ConfigError("Give either a FOLDER of labelled images or --from-labels.")
    if folder is not None:
        return from_folder(folder)
    from plankton_stream.adapters.files import FileImageStore
    from plankton_stream.adapters.sql import Catalog

    return from_catalog(Catalog(settings.catalog_url), FileImageStore(settings.images_url))


def _rival(settings: Settings, *, from_labels: bool) -> "Encoder":
    """The encoder that a new one may replace: the live one, or without a catalog the settings'."""
    from workers.encoders import load_encoder

    if from_labels:
        from plankton_stream.adapters.weights import WeightsStore
        from plankton_stream.connections import open_catalog
        from plankton_stream.versions import VersionState
        from workers.versions import weights

        with open_catalog(settings) as catalog:
            kept = catalog.encoders.kept()
        for version in kept:
            if version.state is VersionState.LIVE:
                store = WeightsStore(settings.encoder_store_url)
                return weights.load(version, store, settings.embed_batch)
    return load_encoder(settings.encoder, settings.encoder_weights, settings.embed_batch)


def _command() -> str:
    """The command line for a shell, its paths shortened to their last part."""
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return shlex.join(["plankton", *words])
