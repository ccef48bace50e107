"""The bins below a folder as a source."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from plankton_stream.domain import Capture, Extra, Roi
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import encode_png
from producers.ifcb.bins import (
    Target,
    cut_out,
    read_header,
    read_targets,
)
from producers.ifcb.growing import SETTLE_S, Growing
from producers.ifcb.names import BinName, read_name
from producers.ifcb.volume import volume_analysed_ml

log = logging.getLogger(__name__)

PIXEL_SIZE_UM = 1 / 3.4
"""3.4 pixels a micrometre: what WHOI's ifcb-analysis takes for the instrument's standard optics."""

_FROM_HEADER = ("sampletype", "filecomment", "temperature", "humidity")
_POSITION = ("gpslatitude", "gpslongitude")


class IfcbCamera:
    """The ROIs of all bins below a folder, in the order of the bins' names.

    A ROI's frame key is `<bin>/<trigger>`, its box where in that frame it was. A bin that cannot be
    read is logged and counted, and the next one goes on; so is a ROI whose bytes are not there.

    Attributes:
        camera: id that all items carry.
        counts: bins by what became of them, see `Archive`, and ROIs that are not there as
            `rois_refused`.
        done: bins that were worked through.
        total: bins that there are.
    """

    keeps = True
    idle_s = 1.0
    unit = "bins"

    def __init__(
        self,
        folder: Path,
        *,
        camera: str,
        sample: str | None = None,
        project: str | None = None,
        pixel_size_um: float = PIXEL_SIZE_UM,
        watch: bool = False,
        settle_s: float = SETTLE_S,
    ) -> None:
        """Look for bins; none is read yet.

        Args:
            folder: searched with all its sub-folders for `.adc` files.
            camera: its id.
            sample: of all ROIs; None: each bin is a sample, by its own name.
            project: of all ROIs.
            pixel_size_um: of the optics.
            watch: go on looking for new bins; one is taken when it is whole, see `Growing`.
            settle_s: how long the last bin must not have changed.

        Raises:
            ConfigError: there is no such folder; or, without `watch`, no bin in it.
        """
        if not folder.is_dir():
            raise ConfigError(f"Folder {str(folder)!r} does not exist or is not a folder.")
        self.camera = camera
        self.counts: Counter[str] = Counter()
        self.done = 0
        self._folder = folder
        self._sample = sample
        self._common = {"project": project, "pixel_size_um": pixel_size_um}
        self._growing = Growing(settle_s) if watch else None
        self._adcs = [] if watch else self._found()
        self.total = len(self._adcs)
        if not self._adcs and not watch:
            raise ConfigError(f"Folder {str(folder)!r} has no bin (.adc, .hdr and .roi files).")

    def __iter__(self) -> Iterator[Roi | None]:
        """See `Source`; when watching None after each look at the folder, and no end."""
        for adc in self._adcs:
            yield from self._bin(adc)
            self.done += 1
        while self._growing:
            for adc in self._growing.whole(self._found()):
                yield from self._bin(adc)
                self.done += 1
            yield None

    def _found(self) -> list[Path]:
        return sorted(self._folder.rglob("*.adc"), key=lambda path: (path.name, path))

    def _bin(self, adc: Path) -> Iterator[Roi]:
        try:
            name = read_name(adc.stem)
            targets = read_targets(adc, name)
            header = read_header(adc.with_suffix(".hdr"))
            pixels = _read_roi(adc.with_suffix(".roi"))
            common = self._common | _from_header(header)
            common["sample"] = self._sample or name.name.lower()
            volume_ml = volume_analysed_ml(header, adc, name)
        except RejectedError as error:
            self._leave("unreadable", self._path(adc), error)
            return
        self.counts["taken"] += 1
        source_file = self._path(adc.with_suffix(".roi"))
        extra: Extra = {key: header[key] for key in _FROM_HEADER if header.get(key)}
        for target in targets:
            if target.box is not None:
                capture = Capture(
                    camera=self.camera, instrument=name.instrument, volume_ml=volume_ml,
                    captured_at=name.started_at + timedelta(seconds=target.after_s),
                    source_file=source_file, **common,
                )  # fmt: skip
                yield from self._roi(name, target, pixels, capture, extra)

    def _roi(
        self, name: BinName, target: Target, pixels: bytes, capture: Capture, extra: Extra
    ) -> Iterator[Roi]:
        """The ROI of a target; none if its bytes are not there, which is counted and logged."""
        try:
            data = encode_png(cut_out(pixels, target, f"{name.name}.roi"))
        except RejectedError as error:
            self._leave("rois_refused", name.name, error)
            return
        own: Extra = {"roi_number": target.number, "roi_id": f"{name.name}_{target.number:05d}"}
        yield Roi(
            capture,
            f"{name.name}/{target.trigger}",
            target.box,
            "image/png",
            data,
            extra=extra | own,
        )

    def _leave(self, count: str, what: str, error: RejectedError) -> None:
        self.counts[count] += 1
        log.error("bin %s: not sent: %s", what, error)

    def _path(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


def _read_roi(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RejectedError(f"{path.name} cannot be read: {error.strerror}") from error


def _from_header(header: dict[str, str]) -> dict[str, float]:
    """The position, if the instrument had a GPS and it told one."""
    try:
        latitude, longitude = (float(header[key]) for key in _POSITION)
    except (KeyError, ValueError):
        return {}
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
        return {}
    return {"latitude": latitude, "longitude": longitude}
