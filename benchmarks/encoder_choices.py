"""What the compact encoder's parts bring around its network, and how much of each there should be.

    python benchmarks/encoder_choices.py PLANKTONSET [OTHER ...] [--encoder mine.keras]

Each image searches the others, P@1, mAP@10 and mAP@100: PlanktonSet's validation images, on which
the choices were made, and all images of each other set. Whitening is computed from 6,000 training
images, as `plankton train` does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from workers.encoders import class_aware, compact, load_encoder
from workers.encoders.inference import KerasEncoder
from workers.encoders.layers import Opacity, ValueAware
from workers.encoders.preprocessing import contrast_input, scales
from workers.encoders.size import log2_size_um, spread_px
from workers.evaluation.ranking import nearest
from workers.evaluation.retrieval import DEPTH, judge
from workers.images import LabelledFolder, labelled_folder, read_image
from workers.training.data import split_of

WHITENINGS = (0.0, 0.25, 0.5, 0.75)
SHARPNESSES = (10.0, 12.0, 15.0, 20.0)
CLASS_SHARES = (0.2, 0.3, 0.4, 0.5)
SIZE_SHARES = (0.0, 0.1, 0.15, 0.2, 0.3)
OPACITY_SHARES = (0.0, 0.1, 0.15, 0.2)
FITTED_ON = 6_000
Vectors = NDArray[np.float32]


class Seen:
    """Images as the network sees them.

    Attributes:
        name: of the set.
        classes: (n,) of the images.
        one: (n, d) vectors of the images as they are.
        two: (n, d) mean of both views.
        sizes, opacity: (n, 1) octaves.
    """

    def __init__(self, network: Any, images: LabelledFolder) -> None:
        self.name, self.classes = images.folder.name, np.asarray(images.classes)
        parts = [
            see(network, images, images.paths[start : start + 256])
            for start in range(0, len(images.paths), 256)
        ]
        self.one, turned, self.sizes, self.opacity = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        self.two = unit(self.one + turned)

    def figures(self, vectors: Vectors) -> str:
        """P@1, mAP@10 and mAP@100 of these images by such vectors."""
        found = nearest(vectors, vectors, DEPTH, within=True)
        judged = judge(found, self.classes, self.classes, within=True)
        means = (judged.average_precision_at(k).mean() for k in (10, 100))
        return " ".join(f"{figure:.4f}" for figure in (judged.precision_at_1.mean(), *means))


def main(
    folder: Annotated[Path, typer.Argument(help="PlanktonSet: FOLDER/<class>/<image>.")],
    other: Annotated[list[Path] | None, typer.Argument(help="Sets of other instruments.")] = None,
    encoder: Annotated[str, typer.Option(help="compact (shipped), or a file of it.")] = "compact",
) -> None:
    """Print one line for each choice."""
    loaded = load_encoder(encoder, "shipped", batch_size=64)
    assert isinstance(loaded, KerasEncoder)
    network = compact.network_of(loaded.model)
    directions = np.asarray(loaded.model.get_layer("classes").directions)
    whole = labelled_folder(folder)
    sets = [Seen(network, whole.only(lambda name: split_of(name) == "validation"))]
    sets += [Seen(network, labelled_folder(each)) for each in other or []]
    training = whole.only(lambda name: split_of(name) == "train")
    fitted_on = Seen(network, every(training, len(training.paths) // FITTED_ON)).two
    print("P@1, mAP@10, mAP@100 of " + ", ".join(f"{s.name} ({len(s.classes)})" for s in sets))

    def report(choice: str, vectors: Callable[[Seen], Vectors]) -> None:
        print(f"{choice:<44}" + "   ".join(s.figures(vectors(s)) for s in sets), flush=True)

    def aware(whitening: float, sharpness: float, share: float) -> Callable[[Seen], Vectors]:
        layer = class_aware.fit(
            fitted_on, directions, whitening=whitening, sharpness=sharpness, share=share,
            dimension=compact.LOOKS_DIMENSION,
        )  # fmt: skip
        return lambda seen: np.asarray(layer(seen.two))

    shipped = aware(compact.WHITENING, compact.CLASS_SHARPNESS, compact.CLASS_SHARE)
    report("one view", lambda seen: seen.one)
    report("two views", lambda seen: seen.two)
    for whitening in WHITENINGS:
        vectors = aware(whitening, compact.CLASS_SHARPNESS, 0.0)
        report(f"two views, whitened {whitening}, opacity, size", with_values(vectors))
    for sharpness in SHARPNESSES:
        for share in CLASS_SHARES:
            vectors = aware(compact.WHITENING, sharpness, share)
            report(f"all, classes {share:.0%} at {sharpness:g}", with_values(vectors))
    for size in SIZE_SHARES:
        for opacity in OPACITY_SHARES:
            vectors = with_values(shipped, size, opacity)
            report(f"all, size {size:.0%}, opacity {opacity:.0%}", vectors)


def with_values(
    vectors: Callable[[Seen], Vectors],
    size: float = compact.SIZE_SHARE,
    opacity: float = compact.OPACITY_SHARE,
) -> Callable[[Seen], Vectors]:
    """The same vectors with opacity and size in them, in such shares of the whole."""
    first = ValueAware(opacity / (1 - size), compact.OPACITY_OCTAVES)
    second = ValueAware(size, compact.SIZE_OCTAVES)
    return lambda seen: np.asarray(second([first([vectors(seen), seen.opacity]), seen.sizes]))


def see(network: Any, images: LabelledFolder, paths: Any) -> tuple[Vectors, ...]:
    """Vectors of both views, sizes and opacities, of some images."""
    read = [read_image(images.folder / path) for path in paths]
    pictures = contrast_input(read, compact.SIDE_PX)
    scale = scales(read, compact.SIDE_PX)
    sizes = log2_size_um(spread_px(pictures), scale, [None] * len(read))[:, None]
    turned = pictures.transpose(0, 2, 1, 3)
    views = network.predict_on_batch(pictures), network.predict_on_batch(turned)
    return *views, sizes, np.asarray(Opacity()(pictures))


def every(images: LabelledFolder, step: int) -> LabelledFolder:
    """Each so-and-so-manieth image."""
    kept = {path.rpartition("/")[2] for path in images.paths[:: max(1, step)]}
    return images.only(lambda name: name in kept)


def unit(vectors: Vectors) -> Vectors:
    """The vectors with unit length."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


if __name__ == "__main__":
    typer.run(main)
