"""What happens to a query image before it searches: turned, out of focus.

Only the query is changed; the gallery stays sharp and as it was. That is what happens to a lab: the
archive was imaged and named when all was well, and then the camera drifts out of focus. Were both
sides blurred alike, the loss would partly cancel.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator, default_rng

from workers.encoders.preprocessing import Image, background

KERNELS_PX = tuple(range(1, 33, 2))
"""Sides of the Gaussian kernels of the blur curve; 1 changes nothing."""

KERNEL_PX = 9
"""The kernel of the figure "turned and blurred"."""


def sigma_px(kernel_px: int) -> float:
    """Standard deviation of OpenCV's Gaussian kernel of this side, if none is given.

    0.3·((k - 1)/2 - 1) + 0.8 (OpenCV, `getGaussianKernel`); 0 for a kernel of one pixel.
    """
    return 0.0 if kernel_px == 1 else 0.3 * ((kernel_px - 1) / 2 - 1) + 0.8


def blurred(image: Image, kernel_px: int) -> Image:
    """The image through a Gaussian kernel, the water around it going on beyond its border.

    Args:
        image: (h, w) or (h, w, 3) uint8.
        kernel_px: side of the kernel, odd; its sigma is `sigma_px`.
    """
    if kernel_px == 1:
        return image
    margin = kernel_px // 2
    grown = cv2.copyMakeBorder(
        image, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=_water(image)
    )
    smooth = cv2.GaussianBlur(grown, (kernel_px, kernel_px), 0)
    return np.ascontiguousarray(smooth[margin:-margin, margin:-margin], dtype=np.uint8)


def turned(image: Image, rng: Generator) -> Image:
    """The image rotated by a random angle, its box grown to hold it and filled with water.

    Args:
        image: (h, w) or (h, w, 3) uint8.
        rng: the only source of chance; one draw, uniform over the circle.
    """
    height, width = image.shape[:2]
    centre = (width - 1) / 2, (height - 1) / 2
    turn = cv2.getRotationMatrix2D(centre, rng.uniform(0, 360), 1)
    cos, sin = np.abs(turn[0, :2])
    size = int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos))
    turn[:, 2] += (np.array(size) - 1) / 2 - centre
    return np.asarray(
        cv2.warpAffine(
            image,
            turn,
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=_water(image),
        ),
        dtype=np.uint8,
    )


@dataclass(frozen=True)
class Disturbance:
    """Changes an image in the same way on every run, whatever other images there are.

    Attributes:
        turn: rotate it by an angle that follows from its path and the seed.
        kernel_px: then blur it; 1 does not.
        seed: of the angles.
    """

    turn: bool = False
    kernel_px: int = 1
    seed: int = 0

    def __call__(self, image: Image, path: str) -> Image:
        """The image, changed; `path` names it."""
        if self.turn:
            digest = hashlib.sha256(f"{self.seed}/{path}".encode()).digest()
            image = turned(image, default_rng(int.from_bytes(digest[:8])))
        return blurred(image, self.kernel_px)


def _water(image: Image) -> tuple[float, ...]:
    level = background(image)
    return tuple(float(value) for value in np.atleast_1d(level))
