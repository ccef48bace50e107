"""Vignettes of the simulated camera, many of them quickly: for benchmarks and screenshots.

A few thousand are drawn; turned, mirrored and a little brighter or darker they make many more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count, islice

import cv2
import numpy as np

from plankton_stream.domain import Box, Capture, Image, Measurements, image_id
from plankton_stream.images import Pixels, encode_png
from plankton_stream.ports import Vector
from plankton_stream.segmentation.measuring import measure
from producers.simulated.scene import SimulatedScene
from producers.simulated.species import PIXEL_SIZE_UM

FRAME_PX = (1280, 960)
_MARGIN_PX = 8
_ORGANISM = 20.0  # grey levels from the background
_SPREAD = 0.35  # of vectors around that of their taxon
_WAYS = 8  # four turns, each mirrored or not


@dataclass(frozen=True)
class Vignette:
    """A cut-out, grey uint8 (h, w), what was drawn in it, and where it lay in which frame."""

    pixels: Pixels
    taxon: str
    frame: int = 0
    box: Box | None = None


def drawn(number: int, *, seed: int = 7) -> list[Vignette]:
    """So many vignettes, as a camera's frames hold them."""
    scene = SimulatedScene(seed, *FRAME_PX, rois_per_frame=14.0)
    return list(islice(_cut(scene), number))


def varied(vignettes: list[Vignette], number: int) -> Vignette:
    """Vignette number so-and-so of any number of them: no two have the same pixels."""
    base = vignettes[number % len(vignettes)]
    turn, way = divmod(number // len(vignettes), _WAYS)
    pixels = np.rot90(base.pixels, way % 4)
    pixels = pixels[:, ::-1] if way >= 4 else pixels
    brighter = np.clip(pixels.astype(np.int16) + turn % 24 - 12, 0, 255).astype(np.uint8)
    return Vignette(np.ascontiguousarray(brighter), base.taxon)


def indexed(
    vignette: Vignette, number: int, *, camera: str, at: datetime, depth_m: float, encoder: str
) -> tuple[Image, bytes]:
    """The image of a vignette as the catalog knows it, and its file."""
    data = encode_png(vignette.pixels)
    height, width = vignette.pixels.shape
    capture = Capture(
        camera=camera, captured_at=at, depth_m=depth_m, latitude=54.18, longitude=7.9,
        pixel_size_um=PIXEL_SIZE_UM, sample=f"cast-{at:%m%d-%H}", instrument="simulated",
    )  # fmt: skip
    key = f"{number if vignette.box is None else vignette.frame:09d}"
    image = Image(
        image_id=image_id(capture, key, vignette.box), capture=capture, frame_key=key,
        box=vignette.box,
        content_type="image/png", byte_size=len(data), sha256=sha256(data).hexdigest(),
        width_px=width, height_px=height, encoder=encoder,
        indexed_at=at + timedelta(seconds=1), measurements=_measured(vignette.pixels),
    )  # fmt: skip
    return image, data


def vectors(taxa: list[str], numbers: list[int], dimension: int) -> Vector:
    """Unit vectors, near to one another where the taxon is the same; float32 (n, dimension)."""
    found = np.empty((len(taxa), dimension), np.float32)
    for row, (taxon, number) in enumerate(zip(taxa, numbers, strict=True)):
        centre = np.random.default_rng(list(taxon.encode())).normal(size=dimension)
        own = np.random.default_rng(number).normal(size=dimension)
        found[row] = centre + _SPREAD * own
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def _cut(scene: SimulatedScene) -> Iterator[Vignette]:
    for number in count():
        frame = scene.frame(number)
        height, width = frame.image.shape
        for one in frame.truth:
            left, top = max(0, one.x - _MARGIN_PX), max(0, one.y - _MARGIN_PX)
            right = min(width, one.x + one.width + _MARGIN_PX)
            bottom = min(height, one.y + one.height + _MARGIN_PX)
            pixels = frame.image[top:bottom, left:right].copy()
            box = Box(left, top, right - left, bottom - top)
            yield Vignette(pixels, one.taxon, number, box)


def _measured(pixels: Pixels) -> Measurements:
    away = cv2.absdiff(pixels, np.full_like(pixels, np.median(pixels)))
    return measure(pixels, np.asarray(away, np.uint8), _ORGANISM, PIXEL_SIZE_UM)
