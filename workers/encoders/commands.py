"""`plankton encoders`: what can turn images into vectors."""

import os
from pathlib import Path
from typing import Annotated

import typer

encoders_app = typer.Typer(add_completion=False)

_ARCHITECTURES = (
    ("compact", "80", "256", "shipped, random, FILE.weights.h5"),
    ("inceptionresnetv2", "299", "1536", "imagenet, random, FILE.weights.h5"),
    ("inceptionresnetv2-256", "299", "256", "imagenet, random, FILE.weights.h5"),
    ("resnet50", "224", "2048", "imagenet, random, FILE.weights.h5"),
    ("resnet50-256", "224", "256", "imagenet, random, FILE.weights.h5"),
    ("FILE.keras", "its own", "its own", "in the file"),
)


@encoders_app.command()
def encoders(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Saved models, *.keras, to say what they are.")
    ] = None,
) -> None:
    """List the encoders, and the identity of the shipped one and of files.

    Two vectors can be compared only if they come from encoders of the same id. Whose vectors a
    running system searches says `plankton encoder status`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from workers.encoders import load_encoder

    print(f"{'PLANKTON_ENCODER':<24}{'input px':>9}{'vector':>9}   PLANKTON_ENCODER_WEIGHTS")
    for name, side, dimension, weights in _ARCHITECTURES:
        print(f"{name:<24}{side:>9}{dimension:>9}   {weights}")
    for name, shown in [("compact", "shipped"), *((str(file), str(file)) for file in files or [])]:
        identity = load_encoder(name, "shipped", batch_size=1).identity
        print(f"\n{shown}: {identity.id}")
        print(f"  weights' SHA-256  {identity.weights_sha256}…")
        print(f"  input             {identity.input_size_px} px, {identity.preprocessing}")
        print(f"  vector            {identity.dimension} numbers of unit length")
