"""Files of pictures: which of them travel, and how."""

import cv2
import numpy as np

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/png",  # no type that travels: converted without loss
}
"""Content type in which a file is sent, by its ending in lower case."""


def png_of(bmp: bytes) -> bytes:
    """The same pixels as PNG; empty if they cannot be read."""
    pixels = cv2.imdecode(np.frombuffer(bmp, np.uint8), cv2.IMREAD_UNCHANGED) if bmp else None
    return b"" if pixels is None else cv2.imencode(".png", pixels)[1].tobytes()
