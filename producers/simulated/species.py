"""What lives in the simulated sea: each taxon's drawing, size range and share of the catch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from producers.simulated.crustaceans import calanoid, cyclopoid, nauplius
from producers.simulated.drawing import Drawing
from producers.simulated.gelatinous import appendicularian, doliolid, hydromedusa
from producers.simulated.larvae import chaetognath, fish_larva, pluteus, pteropod
from producers.simulated.particles import bubble, detritus, faecal_pellet, fibre
from producers.simulated.protists import (
    diatom_chain,
    diatom_pennate,
    dinoflagellate,
    radiolarian,
)

PIXEL_SIZE_UM = 10.0  # of the simulated optics; at it, the size ranges are those of real animals


@dataclass(frozen=True)
class Species:
    """One kind of specimen.

    Attributes:
        taxon: stable key, snake_case.
        draw: makes a new individual from random numbers.
        size_px: smallest and largest length of the body axis in pixels.
        abundance: relative share of the catch.
        tilt_max: steepest lie towards the lens, radians; 0 for what looks the same from everywhere.
        grain: unevenness of its tissue, 0 (even) to 1.
    """

    taxon: str
    draw: Callable[[np.random.Generator], Drawing]
    size_px: tuple[float, float]
    abundance: float
    tilt_max: float = 0.7
    grain: float = 0.16


SPECIES: tuple[Species, ...] = (
    Species("copepod", calanoid, (75, 170), 16),
    Species("copepod_cyclopoid", cyclopoid, (60, 100), 9),
    Species("nauplius", nauplius, (32, 56), 7),
    Species("diatom_chain", diatom_chain, (80, 210), 9),
    Species("diatom_pennate", diatom_pennate, (50, 110), 6),
    Species("dinoflagellate", dinoflagellate, (60, 105), 6),
    Species("radiolarian", radiolarian, (60, 130), 5, tilt_max=0.2),
    Species("appendicularian", appendicularian, (90, 200), 6),
    Species("hydromedusa", hydromedusa, (70, 150), 5, tilt_max=0.4),
    Species("chaetognath", chaetognath, (180, 340), 4, tilt_max=0.5),
    Species("fish_larva", fish_larva, (170, 300), 2, tilt_max=0.5),
    Species("doliolid", doliolid, (60, 140), 4, tilt_max=0.5),
    Species("pluteus", pluteus, (70, 120), 4, tilt_max=0.5),
    Species("pteropod", pteropod, (55, 120), 3, tilt_max=0.5),
    Species("detritus", detritus, (40, 130), 12, grain=0.35),
    Species("faecal_pellet", faecal_pellet, (30, 75), 5),
    Species("fibre", fibre, (90, 260), 3),
    Species("bubble", bubble, (18, 60), 3, tilt_max=0.0, grain=0.02),
)
