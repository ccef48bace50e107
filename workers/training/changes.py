"""What augmentation may change in an image, and how far: ranges and where they come from."""

from dataclasses import dataclass
from typing import Any, Self

REFERENCE_PX = 64
"""Lengths of blurs are given for pictures of this side and scaled to others."""


@dataclass(frozen=True)
class Changes:
    """How far images are changed; a share or largest value of 0 leaves a change out.

    Ranges are drawn from uniformly, those of factors on a log scale. Where no source is named, the
    range was set by looking at contact sheets (`plankton augment`) for what an expert still names.

    Attributes:
        rotation: share of images that are turned. Plankton has no upright (Dieleman, van den Oord
            et al. 2015, who won the National Data Science Bowl, turned by any angle).
        right_angles: share of the turned ones that turn by a multiple of 90°: a segmenter's box
            fits an organism tighter than the box of a turned image does.
        flips: share of images that are mirrored half of the time.
        scale: largest factor, and the inverse of the smallest (Dieleman et al. used 1.6).
        stretch: largest change of the aspect ratio, a factor less one (Dieleman et al.: 0.3).
        shift: largest shift, share of the side (Dieleman et al.: 10 of 95 px).
        blur: share of images that get a Gaussian blur.
        blur_px: smallest and largest standard deviation, px of a picture of `REFERENCE_PX`. The
            largest is what makes two specimens of neighbouring classes hard to tell by eye.
        brightness: largest shift of the level, share of full scale.
        contrast: largest factor of the contrast, and the inverse of the smallest (Hendrycks and
            Dietterich 2019, "Benchmarking neural network robustness to common corruptions", scale
            it to 0.4 at their first severity).
        turbidity: share of images seen through turbid water: contrast falls as exp(-c·d) by
            Beer-Lambert's law, and backscatter adds a veil that grows towards one side (the
            direct and backscattered components of Jaffe 1990, "Computer modeling and the design
            of optimal underwater imaging systems", IEEE J. Oceanic Eng. 15:101).
        attenuation: largest optical depth c·d; exp(-1) leaves 37% of the contrast.
        veil: largest backscatter across the picture, share of full scale.
        uneven_light: share of images lit from one side or by a beam's cone (the Gaussian footprint
            of artificial light in Jaffe 1990).
        light_fall: largest loss of light across the picture, share.
        defocus: share of images out of focus, a disc as the kernel (thin lens; radii up to those of
            Hendrycks and Dietterich's second severity, scaled from 224 px).
        defocus_px: largest radius of that disc, px of a picture of `REFERENCE_PX`.
        motion: share of images smeared by the tow, a straight line as the kernel.
        motion_px: longest line, px of a picture of `REFERENCE_PX`.
        marine_snow: share of images with flakes of marine snow: small, soft, bright or dark (after
            Sato et al. 2021, "Marine snow removal benchmarking dataset", who draw soft discs).
        flakes: most flakes in a picture.
        noise: share of images with sensor noise: Gaussian, plus a part that grows with the root
            of the light (Foi et al. 2008, "Practical Poissonian-Gaussian noise modeling and
            fitting for single-image raw-data", IEEE Trans. Image Process. 17:1737).
        noise_level: largest standard deviation of each part, share of full scale (Hendrycks and
            Dietterich start at 0.08, for photographs of 224 px).
    """

    rotation: float = 1.0
    right_angles: float = 0.5
    flips: float = 1.0
    scale: float = 1.4
    stretch: float = 0.12
    shift: float = 0.06
    blur: float = 0.3
    blur_px: tuple[float, float] = (0.3, 2.6)
    brightness: float = 0.03
    contrast: float = 1.8
    turbidity: float = 0.2
    attenuation: float = 1.0
    veil: float = 0.12
    uneven_light: float = 0.2
    light_fall: float = 0.5
    defocus: float = 0.06
    defocus_px: float = 2.0
    motion: float = 0.08
    motion_px: float = 7.0
    marine_snow: float = 0.08
    flakes: int = 6
    noise: float = 0.5
    noise_level: float = 0.04

    @classmethod
    def only(cls, *groups: str) -> Self:
        """Return the default changes of some of `GROUPS`, and nothing else.

        Raises:
            KeyError: there is no such group.
        """
        kept = {name for group in groups for name in GROUPS[group]}
        off: Any = {name: 1.0 if name in _FACTORS else 0.0 for name in _SWITCHES - kept}
        return cls(**off)


GROUPS: dict[str, tuple[str, ...]] = {
    "rotation": ("rotation",),
    "flips": ("flips",),
    "scale": ("scale", "stretch"),
    "shift": ("shift",),
    "blur": ("blur",),
    "brightness": ("brightness",),
    "contrast": ("contrast",),
    "underwater": (
        "turbidity", "uneven_light", "defocus", "motion", "marine_snow", "noise",
    ),
}  # fmt: skip
"""The changes that are studied one by one, and the attributes of `Changes` that switch them."""

_SWITCHES = {name for names in GROUPS.values() for name in names}
_FACTORS = {"scale", "contrast"}
ALL = Changes()
NONE = Changes.only()
