"""A contact sheet of augmentation, to be looked at."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.errors import ConfigError
from workers.encoders.preprocessing import Image, background, to_grey
from workers.training.augmentation import augment_one
from workers.training.changes import ALL, GROUPS, NONE, Changes

_MARGIN_PX = 4
_LABEL_PX = 132
_PAPER, _INK = 255, 30


def write_sheet(image: Image, out: Path, *, columns: int, side_px: int, seed: int) -> None:
    """Write a sheet: a row for each change alone, and two with all; the image as it is first.

    Args:
        image: (h, w) or BGR (h, w, 3) uint8.
        out: a PNG.
        columns: draws in a row.
        side_px: side of a picture.
        seed: of everything random.

    Raises:
        ConfigError: it can't be written.
    """
    rows = [(name, Changes.only(name)) for name in GROUPS]
    rows += [("all", ALL), ("all", ALL)]
    rng = np.random.default_rng(seed)
    lines = []
    for name, changes in rows:
        drawn = [_picture(image, NONE, side_px, rng)]
        drawn += [_picture(image, changes, side_px, rng) for _ in range(columns)]
        lines.append(_line(name, drawn))
    sheet = np.vstack(lines)
    if out.suffix.lower() != ".png" or not out.parent.is_dir() or not cv2.imwrite(str(out), sheet):
        raise ConfigError(f"{out} can't be written: name a .png file in a folder that is there.")


def _picture(
    image: Image, changes: Changes, side_px: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The changed image in its own polarity, as a camera would have seen it."""
    grey = to_grey(image)
    contrast = augment_one(grey, side_px, changes, rng)[..., 0]
    return np.clip(contrast * 255 + background(grey), 0, 255).astype(np.uint8)


def _line(name: str, pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    side = pictures[0].shape[0]
    label = np.full((side, _LABEL_PX), _PAPER, np.uint8)
    at = (8, side // 2 + 5)
    cv2.putText(label, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.55, _INK, 1, cv2.LINE_AA)
    gap = np.full((side, _MARGIN_PX), _PAPER, np.uint8)
    cells = [label, *(cell for picture in pictures for cell in (picture, gap))]
    line = np.hstack(cells)
    below = np.full((_MARGIN_PX, line.shape[1]), _PAPER, np.uint8)
    return np.vstack([line, below])
