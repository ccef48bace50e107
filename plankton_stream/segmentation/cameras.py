"""The segmenters of all cameras that a process serves, and their backgrounds on disk."""

import logging
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from plankton_stream.segmentation.background import Background
from plankton_stream.segmentation.parameters import CameraParameters
from plankton_stream.segmentation.segmenter import Segmenter

log = logging.getLogger(__name__)

_FIRST_KEPT, _KEPT_EVERY = 10, 100  # frames


class CameraSegmenters:
    """One segmenter for each camera, made when its first frame comes.

    Backgrounds survive a restart as files in a folder. They are written now and then and may be
    lost: a background that is missing, damaged, or of frames of another size starts anew.
    """

    def __init__(self, parameters: CameraParameters, folder: Path | None = None) -> None:
        """Nothing is read or written yet.

        Args:
            parameters: of all cameras.
            folder: where backgrounds are kept; None: nowhere.
        """
        self._parameters = parameters
        self._folder = folder
        self._segmenters: dict[str, Segmenter] = {}

    def of(self, camera: str) -> Segmenter:
        """The segmenter of a camera."""
        if camera not in self._segmenters:
            kept = load_background(self._path(camera)) if self._folder else None
            self._segmenters[camera] = Segmenter(self._parameters.of(camera), kept)
        return self._segmenters[camera]

    def keep(self, camera: str) -> None:
        """To be called after each frame: writes the camera's background if it is time to."""
        background = self.of(camera).background
        if self._folder is None or background is None:
            return
        if background.frames % _KEPT_EVERY == _FIRST_KEPT:
            save_background(background, self._path(camera))

    def _path(self, camera: str) -> Path:
        return (self._folder or Path()) / f"{camera}.npz"


def save_background(background: Background, path: Path) -> None:
    """Write a background, whole or not at all; what fails is logged, for it can be learned again.

    Args:
        background: levels are rounded to 1/256 grey.
        path: of the file.
    """
    levels = np.rint(np.clip(background.levels, 0, 255) * 256).astype(np.uint16)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, levels=levels, frames=background.frames)
        part.replace(path)
    except OSError as error:
        log.warning("the background is not kept: %s", error)


def load_background(path: Path) -> Background | None:
    """A background that was kept; None if there is none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            levels, frames = kept["levels"], int(kept["frames"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        log.warning("%s can't be read, the background starts anew: %s", path, error)
        return None
    if levels.dtype != np.uint16 or levels.ndim not in (2, 3) or frames < 1:
        log.warning("%s holds no background, it starts anew", path)
        return None
    return Background(levels.astype(np.float32) / 256, frames)
