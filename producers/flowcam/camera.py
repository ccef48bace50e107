"""FlowCam runs below a folder as a source."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plankton_stream.domain import Box, Capture, Extra, Roi
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import Pixels, encode_png
from plankton_stream.slugs import slug
from producers.flowcam.table import Particle, read_particles
from producers.metadata import checked
from producers.plausible import implausible

log = logging.getLogger(__name__)

_PLACED = {
    "id", "collage_file", "image_x", "image_y", "image_w", "image_h", "src_x", "src_y", "timestamp",
    "calibration_factor",
}  # fmt: skip
_LONGEST_SIDE_PX = 65_535
_COLUMNS = {"captured_at": "timestamp", "pixel_size_um": "calibration_factor"}


class FlowcamRuns:
    """The particles of all runs (`.lst` files) below a folder, cut out of their collages.

    A particle's frame key is `<run>/<id>`, its box where in the camera's frame it
    was, if the table tells. A run whose table is wrong is told and left out, the next one goes on;
    so is a particle whose place lies outside of its collage.

    Attributes:
        camera: id that all items carry.
        counts: runs by what became of them, see `Archive`; particles that can't be cut as
            `rois_refused`.
        done: runs that were worked through.
        total: runs that there are.
    """

    keeps = True
    idle_s = 1.0
    unit = "runs"

    def __init__(self, folder: Path, *, camera: str, **common: Any) -> None:
        """Look for runs; none is read yet.

        Args:
            folder: searched with all its sub-folders for `.lst` files; or one of these.
            camera: its id.
            common: fields of `Capture` for all particles; they win over the tables.

        Raises:
            ConfigError: there is no run.
        """
        self.camera = camera
        self.counts: Counter[str] = Counter()
        self.done = 0
        self._folder = folder if folder.is_dir() else folder.parent
        self._common = common | {"camera": camera}
        self._tables = [folder] if folder.is_file() else sorted(folder.rglob("*.lst"))
        self.total = len(self._tables)
        if not self._tables:
            raise ConfigError(f"{str(folder)!r} has no FlowCam run (a .lst file and collages).")

    def __iter__(self) -> Iterator[Roi]:
        """See `Source`."""
        for lst in self._tables:
            yield from self._run(lst)
            self.done += 1

    def _run(self, lst: Path) -> Iterator[Roi]:
        try:
            particles = list(read_particles(lst))
            captures = [self._capture(lst, particle) for particle in particles]
        except ConfigError as error:
            self._leave("unreadable", f"run {self._path(lst)} is not sent", error)
            return
        self.counts["taken"] += 1
        collages, run = _Collages(lst.parent), self._path(lst.with_suffix(""))
        for particle, capture in zip(particles, captures, strict=True):
            try:
                roi = _roi(run, particle, capture, collages)
            except (RejectedError, ConfigError) as error:
                self._leave("rois_refused", particle.where, error)
            else:
                yield roi

    def _capture(self, lst: Path, particle: Particle) -> Capture:
        factor = particle.cells.get("calibration_factor")
        fields: dict[str, Any] = {
            "sample": slug(lst.stem) or None, "captured_at": particle.time("timestamp"),
            "pixel_size_um": factor or None, "instrument": "FlowCam",
            "source_file": self._path(lst),
        } | self._common  # fmt: skip
        capture = checked(Capture, particle.where, fields, _COLUMNS)
        for field, problem in implausible(capture):
            raise ConfigError(f"{particle.where}, column {_COLUMNS.get(field, field)}: {problem}.")
        return capture

    def _leave(self, count: str, what: str, error: Exception) -> None:
        self.counts[count] += 1
        log.error("%s: %s", what, error)

    def _path(self, lst: Path) -> str:
        return lst.relative_to(self._folder).as_posix()


class _Collages:
    """The collages of a run; the last one is kept, as particles follow each other in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name, self._pixels = "", np.empty((0, 0), np.uint8)

    def get(self, name: str) -> Pixels:
        if name != self._name:
            path = self._folder / name
            if path.parent != self._folder:
                raise RejectedError(f"collage {name!r} is not beside the table")
            try:
                data = np.fromfile(path, np.uint8)
                pixels = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR) if data.size else None
            except (OSError, cv2.error) as error:
                raise RejectedError(f"collage {name!r} cannot be read: {error}") from error
            if pixels is None:
                raise RejectedError(f"collage {name!r} is no readable image")
            self._name, self._pixels = name, np.asarray(pixels, np.uint8)
        return self._pixels


def _roi(run: str, particle: Particle, capture: Capture, collages: _Collages) -> Roi:
    x, y, width, height = (particle.whole(f"image_{side}") for side in "xywh")
    collage = collages.get(particle.text("collage_file"))
    if not (0 < width <= _LONGEST_SIDE_PX and 0 < height <= _LONGEST_SIDE_PX):
        raise RejectedError(f"its image has {width} x {height} pixels")
    if y + height > collage.shape[0] or x + width > collage.shape[1]:
        raise RejectedError(
            f"x {x}, y {y}, {width} x {height} lies outside of collage "
            f"{particle.text('collage_file')!r}, which has {collage.shape[1]} x {collage.shape[0]}"
        )
    number = particle.whole("id")
    extra: Extra = {k: v for k, v in particle.cells.items() if k not in _PLACED}
    box = None
    if "src_x" in particle.cells and "src_y" in particle.cells:
        box = Box(particle.whole("src_x"), particle.whole("src_y"), width, height)
    data = encode_png(np.ascontiguousarray(collage[y : y + height, x : x + width]))
    own: Extra = {"id": number, "collage_file": particle.text("collage_file")}
    return Roi(capture, f"{run}/{number}", box, "image/png", data, extra | own)
