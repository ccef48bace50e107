"""Batches of randomly changed ROIs, made on the fly.

Drift, focus and light change how the same organism looks; the taxon does not. One affine map per
image does rotation, mirror, scale, stretch and shift in one interpolation; the rest works on whole
batches.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workers.encoders.preprocessing import Image, background, contrast_from_background
from workers.encoders.runtime import keras
from workers.training.data import LabelledRois


@dataclass(frozen=True)
class Changes:
    """How far images are changed. Each range is drawn from uniformly.

    Attributes:
        right_angles: share of images that are turned by a multiple of 90° and not by any angle:
            a segmenter's box fits an organism tighter than the box of a turned image does.
        scale: smallest and largest factor, drawn on a log scale.
        stretch: largest change of the aspect ratio, a factor less one.
        shift: largest shift, as a share of the side.
        blurred: share of images that lose focus.
        blur_px: smallest and largest standard deviation of that blur.
        contrast: smallest and largest factor, drawn on a log scale.
        brightness: largest shift of the background, of full scale.
        noise: largest standard deviation of the sensor's noise, of full scale.
    """

    right_angles: float = 0.5
    scale: tuple[float, float] = (0.75, 1.15)
    stretch: float = 0.1
    shift: float = 0.06
    blurred: float = 0.25
    blur_px: tuple[float, float] = (0.4, 1.2)
    contrast: tuple[float, float] = (0.6, 1.5)
    brightness: float = 0.02
    noise: float = 0.03


def _affine(shape: tuple[int, int], side_px: int, changes: Changes, rng: Generator) -> Image:
    """Return a random 2x3 map from an image of this shape into the square."""
    height, width = shape
    fit = side_px / max(height, width)
    scale = fit * np.exp(rng.uniform(*np.log(changes.scale)))
    stretch = 1 + rng.uniform(0, changes.stretch)
    angle = rng.uniform(0, 2 * np.pi)
    if rng.random() < changes.right_angles:
        angle = np.round(angle / (np.pi / 2)) * np.pi / 2
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.diag([mirror * stretch, 1 / stretch])
    centre = np.array([width - 1, height - 1]) / 2
    target = (side_px - 1) / 2 + rng.uniform(-1, 1, size=2) * changes.shift * side_px
    return np.column_stack([linear, target - linear @ centre])


def augment(
    images: list[Image], side_px: int, changes: Changes, rng: Generator
) -> NDArray[np.float32]:
    """Return randomly changed images as the compact network takes them.

    Args:
        images: n grey images, (h, w) uint8, organism bright.
        side_px: side of the network's input.
        changes: how far.
        rng: the only source of chance.

    Returns:
        (n, side_px, side_px, 1) float32, about -1..1; the background is near 0.
    """
    squares = np.empty((len(images), side_px, side_px), dtype=np.uint8)
    levels = np.array([float(background(image)) for image in images])
    for row, image in enumerate(images):
        squares[row] = cv2.warpAffine(
            image,
            _affine((image.shape[0], image.shape[1]), side_px, changes, rng),
            (side_px, side_px),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=levels[row],
        )
        if rng.random() < changes.blurred:
            squares[row] = cv2.GaussianBlur(squares[row], (0, 0), rng.uniform(*changes.blur_px))
    x = contrast_from_background(squares, levels)
    per_image = (len(images), 1, 1, 1)
    lowest, highest = np.log(changes.contrast)
    x *= np.exp(rng.uniform(lowest, highest, size=per_image)).astype(np.float32)
    x += rng.uniform(-changes.brightness, changes.brightness, size=per_image).astype(np.float32)
    amount = rng.uniform(0, changes.noise, size=per_image).astype(np.float32)
    x += amount * rng.standard_normal(x.shape, dtype=np.float32)
    return x


class AugmentedRois(keras.utils.PyDataset):  # type: ignore[misc]  # keras is untyped
    """Shuffled, augmented batches for `fit`, made in a thread while the network trains.

    Chance depends on (seed, epoch, batch) alone, so threads don't change what is drawn.
    """

    def __init__(
        self, rois: LabelledRois, *, side_px: int, batch: int, epoch: int, seed: int
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._rois, self._side_px, self._batch = rois, side_px, batch
        self._epoch, self._seed = epoch, seed
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng((self._seed, self._epoch))
        self._order = rng.permutation(len(self._rois.images))

    def __len__(self) -> int:
        """Return full batches in an epoch; the rest of the shuffled images waits for the next."""
        return max(1, len(self._rois.images) // self._batch)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        images = [self._rois.images[row] for row in rows]
        return augment(images, self._side_px, Changes(), rng), self._rois.classes[rows]

    def on_epoch_end(self) -> None:
        """Shuffle anew."""
        self._epoch += 1
        self._shuffle()
