"""What the compact encoder's second view and size bring, and how much size there should be.

    python benchmarks/encoder_choices.py PLANKTONSET [OTHER ...]

Each image searches the others, mAP@10 and P@1: PlanktonSet's validation images, on which the
choices were made, and all images of each other set.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from workers.encoders import compact, load_encoder
from workers.encoders.inference import KerasEncoder
from workers.encoders.layers import SizeAware
from workers.encoders.preprocessing import Image, contrast_input, scales
from workers.encoders.size import log2_size_um, spread_px
from workers.evaluation import evaluate_within
from workers.images import LabelledFolder, labelled_folder, read_image
from workers.training.data import split_of

SHARES = (0.05, 0.1, 0.15, 0.2, 0.3)
OCTAVES = (0.7, 1.0, 1.5)
Vectors = NDArray[np.float32]


def main(
    folder: Annotated[Path, typer.Argument(help="PlanktonSet: FOLDER/<class>/<image>.")],
    other: Annotated[list[Path] | None, typer.Argument(help="Sets of other instruments.")] = None,
) -> None:
    """Print one line for each choice."""
    sets = [labelled_folder(folder).only(lambda name: split_of(name) == "validation")]
    sets += [labelled_folder(each) for each in other or []]
    encoder = load_encoder("compact", "shipped", batch_size=64)
    assert isinstance(encoder, KerasEncoder)
    network = compact.network_of(encoder.model)
    for images in sets:
        print(f"{images.folder.name}, {len(images.paths)} images")
        study(network, [read_image(images.folder / path) for path in images.paths], images)


def study(network: Any, images: list[Image], labelled: LabelledFolder) -> None:
    """Print the figures of one set."""
    pictures = contrast_input(images, compact.SIDE_PX)
    sizes = log2_size_um(
        spread_px(pictures), scales(images, compact.SIDE_PX), [None] * len(images)
    )[:, None]
    plain, turned = embed(network, pictures), embed(network, pictures.transpose(0, 2, 1, 3))
    two = plain + turned
    two /= np.linalg.norm(two, axis=1, keepdims=True)
    report("one view", plain, labelled)
    report("two views", two, labelled)
    for octaves in OCTAVES:
        for share in SHARES:
            sized = np.asarray(SizeAware(share, octaves)([two, sizes]))
            report(f"two views, size {share:.0%} over {octaves} octaves", sized, labelled)


def embed(network: Any, pictures: Vectors) -> Vectors:
    """Vectors of pictures by the network alone."""
    starts = range(0, len(pictures), 256)
    return np.concatenate([network.predict_on_batch(pictures[at : at + 256]) for at in starts])


def report(choice: str, vectors: Vectors, labelled: LabelledFolder) -> None:
    """Print a line."""
    figures = evaluate_within(vectors, labelled.classes, 10)
    print(f"  {choice:<40} P@1 {figures.precision_at_1:.4f}  mAP@10 {figures.map_at_10:.4f}")


if __name__ == "__main__":
    typer.run(main)
