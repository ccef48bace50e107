"""Labelled ROIs in a folder per class, split by rule, held in memory once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.errors import ConfigError
from workers.encoders.preprocessing import Image, brighten_organism, shrink_to

Split = Literal["held back", "test", "validation", "train"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"}


def split_of(file_name: str) -> Split:
    """Return the split of a file: first byte of the SHA-1 of its name, modulo 10.

    0 is held back, 1 test, 2 validation, the rest train. The rule needs no list and does not move
    when files are added, so that anyone with the same images has the same split.
    """
    digest = hashlib.sha1(file_name.encode(), usedforsecurity=False).digest()
    special: dict[int, Split] = {0: "held back", 1: "test", 2: "validation"}
    return special.get(digest[0] % 10, "train")


@dataclass(frozen=True)
class LabelledRois:
    """Images of one split.

    Attributes:
        images: n grey images, (h, w) uint8, organism brighter than the water.
        classes: (n,) int64, index into `names`.
        names: the classes of the whole folder, sorted.
    """

    images: list[Image]
    classes: NDArray[np.int64]
    names: list[str]

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Images of each class, (len(names),)."""
        return np.bincount(self.classes, minlength=len(self.names))


def load_rois(folder: Path, split: Split, longest_px: int | None = None) -> LabelledRois:
    """Decode a split of `folder/<class>/<image>`.

    Args:
        folder: one sub-folder per class.
        split: which images, by `split_of`.
        longest_px: shrink what is longer, to save memory and time in augmentation.

    Raises:
        ConfigError: there are no such images, or one cannot be decoded.
    """
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    images, classes = [], []
    for index, name in enumerate(names):
        for path in sorted((folder / name).iterdir()):
            if path.suffix.lower() in _SUFFIXES and split_of(path.name) == split:
                image = _decode(path)
                images.append(shrink_to(image, longest_px) if longest_px else image)
                classes.append(index)
    if not images:
        raise ConfigError(f"{folder} holds no {split} images; expected {folder}/<class>/<image>.")
    return LabelledRois(images, np.array(classes, dtype=np.int64), names)


def _decode(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ConfigError(f"{path} is not an image that OpenCV can read.")
    return brighten_organism(np.asarray(image, dtype=np.uint8))
