"""A frame with its boxes, for the eye."""

from pathlib import Path

import cv2
import numpy as np

from plankton_stream.errors import ConfigError
from plankton_stream.images import Pixels
from plankton_stream.segmentation import Segmented

_COLOUR = (60, 60, 255)  # BGR: a red that is seen on bright and on dark water
_SMALLEST_TEXT = 0.35


def with_boxes(pixels: Pixels, segmented: Segmented) -> Pixels:
    """The frame, uint8 (h, w, 3), with each box and its equivalent spherical diameter.

    The diameter is µm where the pixel size is known, else px.
    """
    grey = pixels.ndim == 2
    picture = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if grey else pixels.copy()
    size = max(_SMALLEST_TEXT, max(pixels.shape[:2]) / 4000)
    for box in segmented.boxes:
        corner = (box.x + box.width - 1, box.y + box.height - 1)
        cv2.rectangle(picture, (box.x, box.y), corner, _COLOUR, 1)
        measured = segmented.measure(pixels, box)
        text = f"{measured.esd_px:.0f} px"
        if measured.esd_um is not None:
            text = f"{measured.esd_um:.0f} um"  # OpenCV's letters are ASCII
        below = (box.x, corner[1] + round(30 * size))
        cv2.putText(picture, text, below, cv2.FONT_HERSHEY_SIMPLEX, size, _COLOUR, 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


def write_picture(picture: Pixels, path: Path) -> None:
    """Write it in the format that the file's name ends with.

    Raises:
        ConfigError: no such format or folder.
    """
    try:
        done, data = cv2.imencode(path.suffix or ".png", picture)
        if done:
            path.write_bytes(data.tobytes())
            return
        problem = "no such format"
    except (cv2.error, OSError) as error:
        problem = str(error)
    raise ConfigError(f"--out {str(path)!r} can't be written (.png or .jpg): {problem}")
