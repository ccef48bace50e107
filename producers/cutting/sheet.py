"""ROIs of an instrument that cuts for itself, side by side, for the eye."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from plankton_stream.domain import Roi
from plankton_stream.errors import ConfigError
from plankton_stream.images import Pixels, decode
from producers.flowcam.camera import FlowcamRuns
from producers.ifcb.camera import IfcbCamera

MOST_ROIS = 60
"""As many are shown."""

_WIDTH_PX = 1200
_GAP_PX = 8
_TEXT_PX = 12
_PAPER, _INK = 235, (60, 60, 60)


def rois_of(source: Path) -> Iterator[Roi] | None:
    """The ROIs of IFCB bins or FlowCam runs; None if there are none of these.

    Args:
        source: a folder, or the `.lst` of a run.
    """
    if source.suffix.lower() == ".lst" or (source.is_dir() and any(source.rglob("*.lst"))):
        return iter(FlowcamRuns(source, camera="preview"))
    if source.is_dir() and any(source.rglob("*.adc")):
        return (roi for roi in IfcbCamera(source, camera="preview") if roi is not None)
    return None


def sheet(rois: Sequence[Roi]) -> Pixels:
    """A picture, uint8 (h, w, 3), of the ROIs in rows, each with its width below it.

    Widths are micrometres where the pixel size is known, else pixels. One that is wider than the
    sheet is cut off there.

    Raises:
        ConfigError: there is none.
    """
    if not rois:
        raise ConfigError("There is no readable ROI: see the log.")
    placed, x, y, row_px = [], _GAP_PX, _GAP_PX, 0
    for roi in rois:
        picture = _colour(decode(roi.data, roi.content_type))[:, : _WIDTH_PX - 2 * _GAP_PX]
        text = _width(roi, picture.shape[1])
        wide = max(picture.shape[1], 8 * len(text))
        if x + wide + _GAP_PX > _WIDTH_PX and row_px:
            x, y, row_px = _GAP_PX, y + row_px + _TEXT_PX + _GAP_PX, 0
        placed.append((x, y, picture, text))
        x, row_px = x + wide + _GAP_PX, max(row_px, picture.shape[0])
    whole = np.full((y + row_px + _TEXT_PX + _GAP_PX, _WIDTH_PX, 3), _PAPER, np.uint8)
    for left, top, picture, text in placed:
        height, width = picture.shape[:2]
        whole[top : top + height, left : left + width] = picture
        below = (left, top + height + _TEXT_PX - 2)
        cv2.putText(whole, text, below, cv2.FONT_HERSHEY_SIMPLEX, 0.35, _INK, 1, cv2.LINE_AA)
    return whole


def _colour(pixels: Pixels) -> Pixels:
    if pixels.ndim == 3:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)


def _width(roi: Roi, width_px: int) -> str:
    pixel_um = roi.capture.pixel_size_um
    return f"{width_px} px" if pixel_um is None else f"{width_px * pixel_um:.0f} um"
