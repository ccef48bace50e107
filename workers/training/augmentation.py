"""Random changes that leave the taxon as it is, made on the fly.

Drift, focus, light and water change how the same organism looks. Everything works on *contrast*:
how far a pixel is from its image's own background, in shares of full scale, so that a change of
light does not move the background of the padding. Geometry is one affine map per image; what the
water does follows in the order in which light meets it.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workers.encoders.preprocessing import Image, background, shrink_to
from workers.training.changes import Changes
from workers.training.water import WATER, Contrast

_ENLARGED = 0.6  # the exponent of the largest scale: more would cut off what touches the frame


def augment(
    images: Sequence[Image], side_px: int, changes: Changes, rng: Generator
) -> NDArray[np.float32]:
    """Return randomly changed images as contrast.

    Args:
        images: n images, (h, w) or (h, w, channels) uint8.
        side_px: side of the result.
        changes: how far.
        rng: the only source of chance.

    Returns:
        (n, side_px, side_px, channels) float32, about -1..1; the background is near 0.
    """
    return np.stack([augment_one(image, side_px, changes, rng) for image in images])


def augment_one(image: Image, side_px: int, changes: Changes, rng: Generator) -> Contrast:
    """Return one randomly changed image, (side_px, side_px, channels) float32."""
    x = _place(image, side_px, changes, rng)
    for change in WATER:
        x = change(x, changes, rng)
    return np.asarray(x if x.ndim == 3 else x[..., None], np.float32)


def _place(image: Image, side_px: int, changes: Changes, rng: Generator) -> Contrast:
    """Turn, mirror, scale, stretch and shift in one interpolation; then subtract the background."""
    level = background(image)
    small = shrink_to(image, 2 * side_px)  # the affine map takes single pixels: average first
    square = cv2.warpAffine(
        small,
        _affine(small, side_px, changes, rng),
        (side_px, side_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=np.atleast_1d(level).tolist(),
    )
    return np.asarray((square.astype(np.float32) - level.astype(np.float32)) / 255, np.float32)


def _affine(image: Image, side_px: int, changes: Changes, rng: Generator) -> NDArray[np.float64]:
    """Return a random 2x3 map from an image into the square."""
    height, width = image.shape[:2]
    scale = side_px / max(height, width) * changes.scale ** rng.uniform(-1, _ENLARGED)
    stretch = 1 + rng.uniform(0, changes.stretch)
    angle = rng.uniform(0, 2 * np.pi)
    if rng.random() < changes.right_angles:
        angle = np.round(angle / (np.pi / 2)) * np.pi / 2
    if rng.random() >= changes.rotation:
        angle = 0.0
    mirror = -1.0 if rng.random() < changes.flips / 2 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.diag([mirror * stretch, 1 / stretch])
    centre = np.array([width - 1, height - 1]) / 2
    target = (side_px - 1) / 2 + rng.uniform(-1, 1, size=2) * changes.shift * side_px
    return np.column_stack([linear, target - linear @ centre])
