"""A training from its images to an encoder with its model card."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plankton_stream.errors import ConfigError
from workers.encoders.identity import Encoder
from workers.encoders.loading import as_encoder
from workers.encoders.runtime import keras
from workers.training.card import card
from workers.training.data import LabelledRois, Source
from workers.training.recipe import Recipe, Run
from workers.training.trainees import trainee
from workers.training.verdict import Comparison, compare

log = logging.getLogger(__name__)

_UNSHRUNK = 1 << 30


@dataclass(frozen=True)
class Trained:
    """What a training left behind.

    Attributes:
        file: the encoder, a saved Keras model.
        card: its model card.
        comparison: with the encoder it may replace; None if no image was held out.
    """

    file: Path
    card: Path
    comparison: Comparison | None


@dataclass(frozen=True)
class Plan:
    """What is to be trained, and from where.

    Attributes:
        out: the file to write, `*.keras`. Beside it a folder holds what a killed run goes on from.
        encoder: see `trainees.trainee`.
        start: see `trainees.trainee`.
        side_px: see `trainees.trainee`.
        command: what was typed, for the card.
    """

    out: Path
    encoder: str = "compact"
    start: str = "shipped"
    side_px: int | None = None
    command: str = ""


def train(
    source: Source, plan: Plan, recipe: Recipe, rival: Callable[[], Encoder] | None = None
) -> Trained:
    """Train an encoder; call it again with the same arguments after a kill to go on.

    Args:
        source: labelled images.
        plan: what to train.
        recipe: how.
        rival: gives the encoder that the new one may replace, to compare them at the end.

    Raises:
        ConfigError: there is nothing to learn, to start from, or to write to.
    """
    _require_out(plan.out)
    other = rival() if rival else None  # a wrong setting shows before the training, not after it
    keras.utils.set_random_seed(recipe.seed)
    cv2.setNumThreads(1)  # tiny images: threads cost more than they give
    subject = trainee(plan.encoder, plan.start, plan.side_px)
    rois, validation = source.splits(
        "train", "validation", see=subject.see, longest_px=2 * subject.side_px
    )
    _require_kin(validation)
    _say_what_is_rare(rois)
    folder = plan.out.with_suffix(".training")
    run = Run(subject, rois, validation, recipe, folder)
    run.finish()
    model = run.encoder()
    encoder = as_encoder(model, batch_size=32)
    held_out = _held_out(source)
    comparison = None
    if other and held_out:
        comparison = compare(encoder, other, held_out.images, held_out.classes, held_out.pixel_um)
    written = plan.out.with_suffix(".md")
    written.write_text(
        card(
            encoder.identity,
            source=source.about,
            counts={"training": len(rois.images), "validation": len(validation.images)}
            | ({"test": len(held_out.images)} if held_out else {}),
            classes=len(rois.names),
            start=Path(plan.start).name,
            recipe=recipe,
            progress=run.progress,
            comparison=comparison,
            command=plan.command,
        )
    )
    _save(model, plan.out)
    shutil.rmtree(folder)
    return Trained(plan.out, written, comparison)


def _save(model: Any, out: Path) -> None:
    """Whole or not at all."""
    partial = out.with_name(f".new-{out.name}")
    model.save(partial)
    partial.replace(out)


def _require_out(out: Path) -> None:
    if out.suffix != ".keras":
        raise ConfigError(f"--out is {out}: its name has to end with .keras.")
    if out.exists():
        raise ConfigError(f"{out} is there already: give another --out, or remove it.")
    if not out.parent.is_dir():
        raise ConfigError(f"{out} can't be written: there is no folder {out.parent}.")


def _require_kin(validation: LabelledRois) -> None:
    if not np.any(validation.class_counts > 1):
        raise ConfigError(
            f"Of {len(validation.images)} validation images no two are of one class, so no epoch "
            "could be judged: give more images of each class."
        )


def _say_what_is_rare(rois: LabelledRois) -> None:
    counts = rois.class_counts
    log.info("%d images of %d classes to train on", len(rois.images), int((counts > 0).sum()))
    rare = [name for name, count in zip(rois.names, counts, strict=True) if count <= 1]
    if rare:
        log.warning(
            "%d classes have no or one training image, so little can be learnt of them: %s",
            len(rare), ", ".join(rare[:10]) + (", …" if len(rare) > 10 else ""),
        )  # fmt: skip


def _held_out(source: Source) -> LabelledRois | None:
    """The test images as a worker gets them; None if no two of them are of one class."""
    if not source.count("test"):
        return None
    (test,) = source.splits("test", see=lambda image: image, longest_px=_UNSHRUNK)
    return test if np.any(test.class_counts > 1) else None
