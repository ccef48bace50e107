"""From a ROI of any size, colour and lighting to the fixed square that a network takes.

Everything here is deterministic and works on whole arrays; the only loop is over images.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.errors import RejectedError

Image = NDArray[np.uint8]
"""A grey image (h, w) or a BGR image (h, w, 3), uint8, of any size from 1x1."""


def require_image(image: Image) -> Image:
    """Return the image if an encoder can take it.

    Args:
        image: what claims to be uint8, (h, w) or (h, w, 3), not empty.

    Raises:
        RejectedError: it is none of these; no retry will help.
    """
    grey_or_colour = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not grey_or_colour or image.size == 0:
        raise RejectedError(
            f"An encoder takes uint8 images (h, w) or (h, w, 3), got {image.dtype} {image.shape}."
        )
    return image


def to_grey(image: Image) -> Image:
    """Return the image as (h, w) uint8; BGR is weighted as in ITU-R BT.601."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def to_rgb(image: Image) -> Image:
    """Return the image as (h, w, 3) uint8, RGB; grey becomes three equal channels."""
    code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, code), dtype=np.uint8)


def background(image: Image) -> NDArray[np.float64]:
    """Return the median of the image's outermost pixels, per channel: shape () or (3,), 0..255.

    A segmenter leaves a margin around the organism, so the frame of a ROI is mostly water.
    """
    frame = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    frame.sort(axis=0)  # `np.median` takes six times as long for so few
    middle = len(frame) // 2
    return np.asarray((frame[-middle - 1].astype(np.float64) + frame[middle]) / 2)


def brighten_organism(image: Image) -> Image:
    """Return the image such that the organism is brighter than the water, inverted if need be.

    Bright-field and shadowgraph cameras see dark on light, dark-field ones light on dark. What
    deviates more from the background, in squared grey levels, is taken for the organism. An image
    and its inverse give the same result, except where both deviations are exactly equal.

    Args:
        image: (h, w) or (h, w, 3) uint8; colour is inverted as its grey would be.
    """
    grey = to_grey(image)
    deviation = grey.astype(np.float32) - background(grey)
    darker = float(np.square(np.minimum(deviation, 0)).sum())
    brighter = float(np.square(np.maximum(deviation, 0)).sum())
    return 255 - image if darker > brighter else image


def shrink_to(image: Image, longest_px: int) -> Image:
    """Return the image with its longest side at most `longest_px`, averaged over source pixels."""
    return resize_to(image, longest_px) if max(image.shape[:2]) > longest_px else image


def resize_to(image: Image, longest_px: int) -> Image:
    """Return the image with its longest side exactly `longest_px`; the aspect ratio is kept.

    Area averaging when it shrinks (no aliasing), bilinear when it grows (no overshoot).
    """
    height, width = image.shape[:2]
    scale = longest_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def fit_square(image: Image, side_px: int, level: NDArray[np.float64]) -> Image:
    """Return the image resized and centred in a square of its own background.

    Args:
        image: (h, w) or (h, w, 3) uint8.
        side_px: side of the square.
        level: its `background`.

    Returns:
        (side_px, side_px) or (side_px, side_px, 3), uint8.
    """
    small = resize_to(image, side_px)
    height, width = small.shape[:2]
    top, left = (side_px - height) // 2, (side_px - width) // 2
    square = np.empty((side_px, side_px, *image.shape[2:]), dtype=np.uint8)
    square[...] = level
    square[top : top + height, left : left + width] = small
    return square


def contrast_input(images: Sequence[Image], side_px: int) -> NDArray[np.float32]:
    """Return images as the compact network takes them: grey, organism bright, background 0.

    Which is the organism is decided as in `brighten_organism`, but on the squares.

    Args:
        images: n images, (h, w) or BGR (h, w, 3), uint8, sizes may differ.
        side_px: side of the network's input.

    Returns:
        (n, side_px, side_px, 1) float32 in -1..1.
    """
    squares = np.empty((len(images), side_px, side_px), dtype=np.float32)
    levels = np.empty((len(images), 1, 1), dtype=np.float32)
    for row, image in enumerate(images):
        grey = to_grey(image)
        level = background(grey)
        squares[row], levels[row] = fit_square(grey, side_px, level), level
    contrast = (squares - levels) / np.float32(255)
    brighter = np.einsum("nij,nij->n", contrast, np.abs(contrast))
    contrast[brighter < 0] *= -1
    return contrast[..., None]


def scales(images: Sequence[Image], side_px: int) -> NDArray[np.float64]:
    """Return by how much `fit_square` enlarges each image: (n,), less than 1 where it shrinks."""
    return np.array([side_px / max(image.shape[:2]) for image in images])


def rgb_input(images: Sequence[Image], side_px: int) -> NDArray[np.float32]:
    """Return images as networks trained on photographs take them, before their own scaling.

    Args:
        images: n images, (h, w) or BGR (h, w, 3), uint8, sizes may differ.
        side_px: side of the network's input.

    Returns:
        (n, side_px, side_px, 3) float32, RGB, 0..255, the organism brighter than the water.
    """
    squares = np.empty((len(images), side_px, side_px, 3), dtype=np.float32)
    for row, image in enumerate(images):
        rgb = to_rgb(brighten_organism(image))
        squares[row] = fit_square(rgb, side_px, background(rgb))
    return squares
