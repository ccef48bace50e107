"""How an encoder is trained: settings, learning rate, the loop, what survives a kill."""

import json
import logging
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plankton_stream.errors import ConfigError
from workers.encoders import compact
from workers.encoders.preprocessing import Image
from workers.encoders.runtime import keras
from workers.evaluation import Retrieval, evaluate_within
from workers.training.batches import Batches
from workers.training.changes import ALL, Changes
from workers.training.data import LabelledRois
from workers.training.loss import CosineClassifier, margin_loss
from workers.training.trainees import Trainee, classifier

log = logging.getLogger(__name__)

_FITTED_ON = 6_000  # training images that the encoder's last layers are computed from
_JUDGED_AT = 10  # mAP@10 of the validation images decides which epoch is kept


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run.

    Attributes:
        epochs: passes over the training images.
        sides_px: side of the pictures until this share of the run is over. Small ones first: they
            teach the most for less than half the time (progressive resizing). Only for networks
            that take any side.
        per_class: most images of a class in an epoch, other ones in each: what is abundant is
            learnt soon, and what is rare gets its turn.
        batch: images in a step.
        learning_rate: peak of AdamW's rate, reached after the warm-up, then down to zero as a
            cosine.
        weight_decay: AdamW's decay of all weights but biases and normalisations.
        warm_up: share of the run in which the rate rises.
        patience: epochs without a better validation figure after which the run ends; not in its
            first half, where the high rate shakes weights that were good at the start.
        changes: augmentation.
        seed: of weights, order and augmentation.
    """

    epochs: int = 48
    sides_px: tuple[tuple[float, int], ...] = ((0.68, 64), (1.0, compact.SIDE_PX))
    per_class: int = 500
    batch: int = 96
    learning_rate: float = 8e-4
    weight_decay: float = 0.05
    warm_up: float = 0.04
    patience: int = 12
    changes: Changes = field(default=ALL)
    seed: int = 20141215

    def side_px(self, epoch: int) -> int:
        """Return the side of an epoch's pictures."""
        return next(side for until, side in self.sides_px if epoch < until * self.epochs)

    def is_over(self, done: int, best: int) -> bool:
        """Whether a run ends after so many epochs, the best of which was this one (from 1)."""
        return done >= self.epochs or done - max(best, self.epochs // 2) >= self.patience


@dataclass
class Progress:
    """How far a run is; what is written down after each epoch."""

    epochs_done: int = 0
    best: float = -1.0
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


class Run:
    """One training run, resumable after each epoch.

    Its folder holds `checkpoint-<epoch>.weights.h5` (network, classifier and optimizer), the best
    weights so far, and `progress.json`, which is replaced last and names how far the run is.
    """

    def __init__(
        self, trainee: Trainee, rois: LabelledRois, validation: LabelledRois, recipe: Recipe,
        folder: Path,
    ) -> None:  # fmt: skip
        """Resume what the folder holds, or start.

        Args:
            trainee: the network to train.
            rois: what it learns from.
            validation: which epoch is kept is decided on these.
            recipe: settings.
            folder: made if need be.

        Raises:
            ConfigError: the folder holds a run with other settings.
        """
        self._trainee, self._recipe, self._folder = trainee, recipe, folder
        self._rois, self._validation = rois, validation
        self._classifier = CosineClassifier(len(rois.names))
        self._model = _compiled(trainee, self._classifier, rois, recipe)
        self.progress = self._resume()

    @property
    def best_weights(self) -> Path:
        """Weights of the best epoch so far, network and classifier."""
        return self._folder / "best.weights.h5"

    def finish(self) -> None:
        """Train to the end, then give the network the weights of the best epoch."""
        recipe, progress = self._recipe, self.progress
        while not recipe.is_over(progress.epochs_done, progress.best_epoch):
            self._train_epoch(progress.epochs_done)
        self._model.load_weights(self.best_weights)

    def encoder(self) -> Any:
        """Return the whole encoder around the network, once `finish` is done."""
        images = self._rois.images
        some = images[:: max(1, len(images) // _FITTED_ON)]
        return self._trainee.encoder(some, self._classifier.unit())

    def _train_epoch(self, epoch: int) -> None:
        recipe, trainee, began = self._recipe, self._trainee, time.monotonic()
        side_px = recipe.side_px(epoch) if trainee.any_side else trainee.side_px
        change = partial(_changed, trainee, side_px, recipe.changes)
        data = Batches(
            self._rois, change, size=recipe.batch, per_class=recipe.per_class, epoch=epoch,
            seed=recipe.seed,
        )  # fmt: skip
        # Keras would shuffle the batches once more, by a chance of its own.
        fitted = self._model.fit(data, shuffle=False, verbose=0)
        loss = float(fitted.history["loss"][-1])
        vectors = trainee.embed(self._validation.images)
        figures = evaluate_within(vectors, self._validation.classes, k=_JUDGED_AT)
        seconds = time.monotonic() - began
        self._note(epoch, loss, figures, seconds)
        log.info(
            "epoch %d of %d, %d px, loss %.3f, validation P@1 %.4f, mAP@%d %.4f%s; %.0f s, about "
            "%.0f min to go",
            epoch + 1, recipe.epochs, side_px, loss, figures.precision_at_1, _JUDGED_AT,
            figures.map_at_k, " (best)" if self.progress.best_epoch == epoch + 1 else "", seconds,
            (recipe.epochs - epoch - 1) * seconds / 60,
        )  # fmt: skip

    def _note(self, epoch: int, loss: float, figures: Retrieval, seconds: float) -> None:
        """Write down an epoch. The file that says so comes last, and whole."""
        progress = self.progress
        progress.epochs_done = epoch + 1
        progress.history.append(
            {"loss": loss, "p_at_1": figures.precision_at_1, "map_at_10": figures.map_at_k,
             "seconds": seconds}
        )  # fmt: skip
        if figures.map_at_k > progress.best:
            progress.best, progress.best_epoch = figures.map_at_k, epoch + 1
            self._save(self._model, self.best_weights)
        self._save(self._model, self._checkpoint(epoch + 1))
        note = {"recipe": _plain(self._recipe), "of": self._of(), **asdict(progress)}
        temporary = self._folder / "progress.json.new"
        temporary.write_text(json.dumps(note, indent=1))
        temporary.replace(self._folder / "progress.json")
        self._checkpoint(epoch).unlink(missing_ok=True)

    def _save(self, model: Any, path: Path) -> None:
        temporary = path.with_name(f"new-{path.name}")
        model.save_weights(temporary)
        temporary.replace(path)

    def _checkpoint(self, epochs_done: int) -> Path:
        return self._folder / f"checkpoint-{epochs_done}.weights.h5"

    def _of(self) -> dict[str, str]:
        """What is trained on what; a run is resumed for the same only."""
        return {
            "network": self._trainee.network.name,
            "start": Path(self._trainee.start).name,
            "images": self._rois.fingerprint,
        }

    def _resume(self) -> Progress:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "progress.json"
        if not file.exists():
            self._require_ours()
            return Progress()
        note = json.loads(file.read_text())
        if (note.pop("recipe"), note.pop("of")) != (_plain(self._recipe), self._of()):
            raise ConfigError(
                f"{self._folder} holds a run with other settings, another start or other images: "
                "give the same ones to resume it, another --out, or delete that folder to start "
                "afresh."
            )
        progress = Progress(**note)
        self._model.optimizer.build(self._model.trainable_variables)
        self._model.load_weights(self._checkpoint(progress.epochs_done))
        log.info("resuming after epoch %d", progress.epochs_done)
        return progress

    def _require_ours(self) -> None:
        """A run removes its folder at the end; one with other things in it is not a run's."""
        ours = (".weights.h5", "progress.json.new")
        if any(not file.name.endswith(ours) for file in self._folder.iterdir()):
            raise ConfigError(f"{self._folder} holds other files: give another --out.")


def _changed(
    trainee: Trainee, side_px: int, changes: Changes, images: list[Image], rng: Generator
) -> NDArray[np.float32]:
    return trainee.augment(images, side_px, changes, rng)


def _compiled(trainee: Trainee, head: CosineClassifier, rois: LabelledRois, recipe: Recipe) -> Any:
    """Return network and cosine classifier, ready for `fit`."""
    model = classifier(trainee.network, head)
    optimizer = keras.optimizers.AdamW(_rate(rois, recipe), weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, margin_loss(np.minimum(rois.class_counts, recipe.per_class)))
    return model


def _rate(rois: LabelledRois, recipe: Recipe) -> Any:
    """Warm-up, then a cosine down to zero over all epochs; the optimizer counts the steps."""
    drawn = int(np.minimum(rois.class_counts, recipe.per_class).sum())
    steps = recipe.epochs * (drawn // min(recipe.batch, drawn))
    rising = max(1, round(recipe.warm_up * steps))
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - rising, warmup_target=recipe.learning_rate, warmup_steps=rising
    )


def _plain(recipe: Recipe) -> Any:
    """The settings as JSON gives them back."""
    return json.loads(json.dumps(asdict(recipe)))
