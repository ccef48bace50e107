"""Frames of a simulated underwater camera, with the truth of what was drawn where."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.domain import Specimen
from plankton_stream.errors import ConfigError
from producers.simulated.raster import Pose, rasterise
from producers.simulated.species import SPECIES, Species

Field = Literal["bright", "dark"]

VISIBLE_OPACITY = 0.06  # share of light held back from which on a pixel belongs to a truth box
_NOISE_PAD = (
    192  # the noise picture is larger than a frame by this much: each frame cuts its own part
)
_GREY = {"bright": 205.0, "dark": 14.0}  # of the empty background at the centre, 8-bit grey
_GLOW = 190.0  # dark field: grey added where a specimen scatters all light
_GREY_PER_ELECTRON = 0.012  # shot noise: variance = this times the grey value
_READ_NOISE = 0.9  # grey, standard deviation
_SNOW_STAMPS = 48


@dataclass(frozen=True)
class DrawnFrame:
    """One frame and what was drawn into it.

    Attributes:
        image: uint8 (height, width).
        truth: its specimens, each with the box of its visible pixels; none in an empty frame.
        blur_px: defocus of each specimen, standard deviation in px; below 1 it is in focus.
    """

    image: NDArray[np.uint8]
    truth: tuple[Specimen, ...]
    blur_px: tuple[float, ...]


@dataclass(frozen=True)
class _Patch:
    """Densities of one specimen, float32 (h, w), and where their upper left corner lies."""

    density: NDArray[np.float32]
    x: int
    y: int


class SimulatedScene:
    """What a simulated camera sees.

    Frame n depends on n and the arguments, on nothing else: any frame can be drawn again.
    Not to be shared between threads.
    """

    def __init__(
        self,
        seed: int,
        width_px: int = 1280,
        height_px: int = 960,
        field: Field = "bright",
        rois_per_frame: float = 6.0,
    ) -> None:
        """Prepare illumination and noise.

        Args:
            seed: 0 or more.
            width_px: of a frame, 64 or more.
            height_px: of a frame, 64 or more.
            field: bright (shadowgraph: specimens darker than the water) or dark (they glow).
            rois_per_frame: mean of the Poisson-distributed number of specimens in a frame.

        Raises:
            ConfigError: an argument is out of its range.
        """
        small = min(width_px, height_px) < 64
        if seed < 0 or small or rois_per_frame < 0 or field not in _GREY:
            raise ConfigError(
                "Simulated camera: seed and ROIs per frame must be 0 or more, width and height "
                "64 px or more, the field bright or dark "
                f"(got {seed}, {rois_per_frame}, {width_px} x {height_px}, {field!r})."
            )
        self._seed = seed
        self._size = (width_px, height_px)
        self._field = field
        self._rois_per_frame = rois_per_frame
        # The last word keeps this stream apart from every frame's: numpy pads [seed, n] with zeros.
        rng = np.random.default_rng([seed, 0, 1])
        self._light = _illumination(rng, width_px, height_px)
        padded = (height_px + _NOISE_PAD, width_px + _NOISE_PAD)
        self._noise = rng.standard_normal(padded, dtype=np.float32)
        grain = cv2.GaussianBlur(rng.standard_normal((512, 512)).astype(np.float32), (0, 0), 1.3)
        self._grain = np.clip(grain / grain.std(), -2.5, 2.5).astype(np.float32)
        self._snow = [_snow_stamp(rng) for _ in range(_SNOW_STAMPS)]
        shares = np.array([species.abundance for species in SPECIES])
        self._shares = shares / shares.sum()

    def frame(self, number: int) -> DrawnFrame:
        """Draw frame `number` (0 or more) of this scene."""
        rng = np.random.default_rng([self._seed, number])
        clean = self._light * np.float32(_GREY[self._field] * rng.normal(1, 0.008))
        for stamp in rng.integers(0, _SNOW_STAMPS, rng.poisson(60)):
            snow = self._snow[stamp]
            at = rng.integers(0, (self._size[0] - snow.shape[1], self._size[1] - snow.shape[0]))
            self._lay(clean, _Patch(snow, int(at[0]), int(at[1])))
        drawn = self._populate(clean, rng)
        image = self._exposed(clean, rng)
        return DrawnFrame(image, tuple(s for s, _ in drawn), tuple(blur for _, blur in drawn))

    def _exposed(self, clean: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
        """What the sensor makes of the light: shot noise, read noise, 8 bits."""
        x, y = rng.integers(0, _NOISE_PAD, 2)
        noise = self._noise[y : y + self._size[1], x : x + self._size[0]]
        deviation = cv2.addWeighted(clean, _GREY_PER_ELECTRON, clean, 0, _READ_NOISE**2)
        cv2.sqrt(deviation, dst=deviation)
        cv2.multiply(noise, deviation, dst=deviation)
        return np.asarray(cv2.add(clean, deviation, dtype=cv2.CV_8U), np.uint8)

    def _populate(
        self, clean: NDArray[np.float32], rng: np.random.Generator
    ) -> list[tuple[Specimen, float]]:
        """Lay the frame's specimens into it; returns each with its defocus."""
        drawn: list[tuple[Specimen, float]] = []
        for kind in rng.choice(len(SPECIES), rng.poisson(self._rois_per_frame), p=self._shares):
            species = SPECIES[kind]
            blur_px = _defocus(rng)
            density = self._specimen(species, rng, blur_px)
            patch, box = self._place(density, [specimen for specimen, _ in drawn], rng)
            if box is None:
                continue
            self._lay(clean, patch)
            x, y, width, height = box
            specimen = Specimen(taxon=species.taxon, x=x, y=y, width=width, height=height)
            drawn.append((specimen, blur_px))
        return drawn

    def _specimen(
        self, species: Species, rng: np.random.Generator, blur_px: float
    ) -> NDArray[np.float32]:
        """Optical densities of a new individual, float32 (h, w), with its grain and defocus."""
        pose = _pose(species, rng)
        density = rasterise(species.draw(rng), pose, margin_px=round(3 * blur_px) + 2)
        height, width = density.shape
        row, column = rng.integers(0, 512, 2)
        rows, columns = np.arange(row, row + height) % 512, np.arange(column, column + width) % 512
        strength = rng.uniform(0.9, 1.5)
        density *= self._grain[rows[:, None], columns] * np.float32(
            strength * species.grain
        ) + np.float32(strength)
        return np.asarray(cv2.GaussianBlur(density, (0, 0), max(0.45, blur_px)), np.float32)

    def _place(
        self, density: NDArray[np.float32], taken: list[Specimen], rng: np.random.Generator
    ) -> tuple[_Patch, tuple[int, int, int, int] | None]:
        """Find room; after a few tries two specimens may touch, as in real frames."""
        height, width = density.shape
        inside = rng.random() < 0.94
        for _ in range(10):
            if inside and width < self._size[0] and height < self._size[1]:
                x, y = rng.integers(0, (self._size[0] - width, self._size[1] - height))
            else:  # its middle is inside, the border may cut it
                x, y = rng.integers(0, self._size) - (width // 2, height // 2)
            patch = self._clipped(density, int(x), int(y))
            box = _visible_box(patch)
            if box is None or not any(_touch(box, other) for other in taken):
                break
        return patch, box

    def _clipped(self, density: NDArray[np.float32], x: int, y: int) -> _Patch:
        """The part of a specimen that lies inside the frame."""
        left, top = max(0, -x), max(0, -y)
        right, bottom = self._size[0] - x, self._size[1] - y
        return _Patch(density[top:bottom, left:right], x + left, y + top)

    def _lay(self, clean: NDArray[np.float32], patch: _Patch) -> None:
        """Absorb light (bright field) or scatter it towards the lens (dark field), in place."""
        height, width = patch.density.shape
        view = np.s_[patch.y : patch.y + height, patch.x : patch.x + width]
        passed = cv2.exp(-patch.density)
        if self._field == "bright":
            clean[view] *= passed
        else:
            clean[view] += (1 - passed) * self._light[view] * np.float32(_GLOW)


def _illumination(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Uneven light, float32 (height, width), about 0.7 to 1: vignetting, a slope, soft blotches."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre, slope = rng.normal(0, 0.15, 2), rng.normal(0, 0.025, 2)
    vignette = 1 - rng.uniform(0.08, 0.13) * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    coarse = rng.normal(0, 0.012, (6, 8)).astype(np.float32)
    blotches = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    light = vignette + slope[0] * x + slope[1] * y + blotches
    return np.asarray(np.clip(light, 0.3, 1.12), np.float32)


def _snow_stamp(rng: np.random.Generator) -> NDArray[np.float32]:
    """One speck of marine snow: far too small or too blurred to be named; densities (15, 15)."""
    stamp = np.zeros((15, 15), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.integers(5, 10, 2)
        stamp[y, x] += rng.uniform(0.3, 1.0)
    return np.asarray(cv2.GaussianBlur(stamp, (0, 0), rng.uniform(0.6, 2.2)), np.float32)


def _defocus(rng: np.random.Generator) -> float:
    """Blur of a specimen at a random depth, px: most lie within the depth of field."""
    depth = abs(rng.normal(0, 0.55))
    return float(0.45 + 3.2 * max(0.0, depth - 0.7))


def _pose(species: Species, rng: np.random.Generator) -> Pose:
    smallest, largest = species.size_px
    # small individuals are the more numerous ones
    length = smallest + (largest - smallest) * rng.beta(1.4, 2.2)
    tilt = rng.uniform(-1, 1) * species.tilt_max
    breadth = rng.uniform(0.88, 1.08) if species.tilt_max else 1.0
    return Pose(length, rng.uniform(0, 2 * np.pi), tilt, breadth)


def _visible_box(patch: _Patch) -> tuple[int, int, int, int] | None:
    """Box (x, y, width, height) of what can be seen, in frame pixels; None where nothing can."""
    visible = patch.density > -np.log(1 - VISIBLE_OPACITY)
    x, y, width, height = cv2.boundingRect(visible.astype(np.uint8))
    return (patch.x + x, patch.y + y, width, height) if width and height else None


def _touch(box: tuple[int, int, int, int], other: Specimen) -> bool:
    gap = 6  # px, so that a segmenter can tell two neighbours apart
    x, y, width, height = box
    return (
        x < other.x + other.width + gap
        and other.x < x + width + gap
        and y < other.y + other.height + gap
        and other.y < y + height + gap
    )
