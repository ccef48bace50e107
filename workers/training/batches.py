"""Shuffled, augmented batches of labelled images."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workers.encoders.preprocessing import Image
from workers.encoders.runtime import keras
from workers.training.data import LabelledRois

Augment = Callable[[list[Image], Generator], NDArray[np.float32]]
"""n images to the network's input, (n, side, side, channels)."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras is untyped
    """One epoch for `fit`, made in a thread while the network trains.

    Chance depends on (seed, epoch, batch) alone, so neither threads nor a resumed run change what
    is drawn.
    """

    def __init__(
        self, rois: LabelledRois, augment: Augment, *, size: int, per_class: int, epoch: int,
        seed: int,
    ) -> None:  # fmt: skip
        """Draw the epoch's images and shuffle them.

        Args:
            rois: images and their classes.
            augment: makes the network's input.
            size: images in a batch.
            per_class: most images of a class in an epoch; each epoch draws others.
            epoch: which pass over the images this is.
            seed: of order and augmentation.
        """
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._rois, self._augment, self._seed = rois, augment, (seed, epoch)
        shuffled = np.random.default_rng(self._seed).permutation(len(rois.images))
        self._order = shuffled[_place_in_class(rois.classes[shuffled]) < per_class]
        self._size = min(size, len(self._order))

    def __len__(self) -> int:
        """Return full batches in an epoch; the rest of the shuffled images waits for the next."""
        return len(self._order) // self._size

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows = self._order[index * self._size : (index + 1) * self._size]
        rng = np.random.default_rng((*self._seed, index))
        images = [self._rois.images[row] for row in rows]
        return self._augment(images, rng), self._rois.classes[rows]


def _place_in_class(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many of the same class come before each, (n,)."""
    by_class = np.argsort(classes, kind="stable")
    counts = np.bincount(classes)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    places = np.empty(len(classes), dtype=np.int64)
    places[by_class] = np.arange(len(classes)) - first
    return places
