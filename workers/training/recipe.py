"""How the compact encoder is trained: settings, learning rate, the loop."""

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.encoders import compact
from workers.encoders.loading import load_weights
from workers.encoders.preprocessing import Image, compact_input
from workers.encoders.runtime import keras
from workers.evaluation import Retrieval, evaluate, evaluate_within
from workers.training.augmentation import AugmentedRois
from workers.training.data import LabelledRois, Split, load_rois
from workers.training.loss import CosineClassifier, margin_loss

log = logging.getLogger(__name__)

_CACHE_PX = 128  # a third more than the network sees, so that enlarging loses nothing
_EMBED_BATCH = 256


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run.

    Attributes:
        epochs: passes over the training images.
        sides_px: side of the pictures until this share of the run is over. Small ones first: they
            teach the most for less than half the time (progressive resizing).
        batch: images in a step.
        learning_rate: peak of AdamW's rate, reached after the warm-up.
        weight_decay: AdamW's decay of all weights but biases and normalisations.
        warm_up: share of the run in which the rate rises.
        budget_s: wall-clock time after which the rate has fallen to zero and the run ends, even if
            epochs remain; a run that this cuts is not repeatable.
        seed: of weights, order and augmentation.
    """

    epochs: int = 30
    sides_px: tuple[tuple[float, int], ...] = ((0.6, 64), (1.0, compact.SIDE_PX))
    batch: int = 96
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.04
    budget_s: float = math.inf
    seed: int = 20141215


class _Course(keras.callbacks.Callback):  # type: ignore[misc]  # keras is untyped
    """Warm-up, then a cosine down to zero, over all epochs and within the time budget."""

    def __init__(self, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self._recipe, self._steps, self._step = recipe, steps, 0
        self._began = time.monotonic()

    @property
    def progress(self) -> float:
        """How much of the run is over, 0..1, by steps or by time, whichever is further."""
        elapsed = time.monotonic() - self._began
        return min(1.0, max(self._step / self._steps, elapsed / self._recipe.budget_s))

    def on_train_batch_begin(self, *_: object, **__: object) -> None:
        warm_up, progress = self._recipe.warm_up, self.progress
        rising = min(1.0, (progress + 1 / self._steps) / warm_up)
        falling = (1 + math.cos(math.pi * max(0.0, progress - warm_up) / (1 - warm_up))) / 2
        self.model.optimizer.learning_rate.assign(self._recipe.learning_rate * rising * falling)
        self._step += 1

    def on_train_batch_end(self, *_: object, **__: object) -> None:
        if self.progress >= 1:
            self.model.stop_training = True


class _KeepBest(keras.callbacks.Callback):  # type: ignore[misc]  # keras is untyped
    """Save the encoder whenever the validation images find each other better than before."""

    def __init__(self, encoder: Any, validation: LabelledRois, out: Path) -> None:
        super().__init__()
        self._encoder, self._validation, self._out = encoder, validation, out
        self._best = -1.0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        vectors = embed(self._encoder, self._validation.images)
        figures = evaluate_within(vectors, self._validation.classes)
        log.info("epoch %d, loss %.4f, validation: %s", epoch + 1, (logs or {})["loss"], figures)
        if figures.map_at_k > self._best:
            self._best = figures.map_at_k
            self._encoder.save_weights(self._out)


def embed(encoder: Any, images: list[Image]) -> NDArray[np.float32]:
    """Return vectors of images by a network of `compact.build`: (n, 256) float32, unit length."""
    parts = [
        encoder.predict_on_batch(
            compact_input(images[start : start + _EMBED_BATCH], compact.SIDE_PX)
        )
        for start in range(0, len(images), _EMBED_BATCH)
    ]
    return np.concatenate(parts)


def train(
    folder: Path, out: Path, recipe: Recipe | None = None, initial: Path | None = None
) -> Any:
    """Train the compact encoder and save the best weights seen.

    Args:
        folder: labelled ROIs, `folder/<class>/<image>`, split by `data.split_of`.
        out: where the weights go, `*.weights.h5`; overwritten whenever validation improves.
        recipe: settings; `Recipe()` by default.
        initial: weights to start from, e.g. the shipped ones to fine-tune; random by default.

    Returns:
        The encoder, a `keras.Model`, with the best weights.

    Raises:
        ConfigError: the folder holds no training or validation images.
    """
    recipe = recipe or Recipe()
    keras.utils.set_random_seed(recipe.seed)
    cv2.setNumThreads(1)  # tiny images: threads cost more than they give
    rois = load_rois(folder, "train", longest_px=_CACHE_PX)
    validation = load_rois(folder, "validation")
    log.info("%d images of %d classes to train on", len(rois.images), len(rois.names))
    encoder = compact.build()
    if initial:
        load_weights(encoder, initial)
    model = _classifier(encoder, rois, recipe)
    _fit(model, rois, recipe, _KeepBest(encoder, validation, out))
    encoder.load_weights(out)
    return encoder


def _classifier(encoder: Any, rois: LabelledRois, recipe: Recipe) -> Any:
    """Return encoder and cosine classifier, ready for `fit`."""
    model = keras.Model(encoder.input, CosineClassifier(len(rois.names))(encoder.output))
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, margin_loss(rois.class_counts))
    return model


def _fit(model: Any, rois: LabelledRois, recipe: Recipe, keep_best: _KeepBest) -> None:
    """Run epochs until the course is over; the pictures' side changes between epochs."""
    steps = max(1, len(rois.images) // recipe.batch)
    course = _Course(recipe, steps * recipe.epochs)
    epoch = 0
    while course.progress < 1:
        side_px = next(side for until, side in recipe.sides_px if course.progress < until)
        data = AugmentedRois(
            rois, side_px=side_px, batch=recipe.batch, epoch=epoch, seed=recipe.seed
        )
        model.fit(
            data,
            initial_epoch=epoch,
            epochs=epoch + 1,
            callbacks=[course, keep_best],
            verbose=0,
        )
        epoch += 1


def judge(encoder: Any, folder: Path, split: Split) -> Retrieval:
    """Return how well a split's images find their class among the training images.

    Args:
        encoder: a network of `compact.build`.
        folder: as for `train`.
        split: whose images search; "validation" while anything is still to be decided.
    """
    gallery, queries = load_rois(folder, "train"), load_rois(folder, split)
    return evaluate(
        embed(encoder, queries.images),
        queries.classes,
        embed(encoder, gallery.images),
        gallery.classes,
    )
