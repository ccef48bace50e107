"""Image bytes to pixels and back, with checks that the decoder leaves out.

OpenCV decodes what it can of a truncated file and says nothing; these functions refuse it.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.errors import RejectedError

Pixels = NDArray[np.uint8]

# Any colour: grey stays grey; 16 bits become 8. Orientation marks are ignored, because boxes are
# counted in the sensor's pixels.
_FLAGS = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION


def decode(data: bytes, content_type: str) -> Pixels:
    """The pixels of an encoded image.

    Args:
        data: a PNG, JPEG or TIFF file.
        content_type: what it claims to be.

    Returns:
        uint8, (height, width) for grey or (height, width, 3) in BGR order for colour.

    Raises:
        RejectedError: not an image of that type, cut off, damaged, or too large.
    """
    check = _CHECKS.get(content_type)
    if check is None:
        raise RejectedError(f"content type {content_type!r}: allowed are {', '.join(_CHECKS)}")
    check(data)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS)
    except cv2.error as error:
        raise RejectedError(f"damaged image: {error.err or error}") from error
    if pixels is None:
        raise RejectedError(f"the bytes are not a readable {content_type} image")
    return np.asarray(pixels, np.uint8)


def encode_png(pixels: Pixels) -> bytes:
    """A PNG of grey (h, w) or BGR (h, w, 3) uint8 pixels, lossless, compressed lightly."""
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise RejectedError(f"pixels of shape {pixels.shape} can't be written as PNG")
    return data.tobytes()


def thumbnail(pixels: Pixels, size_px: int) -> Pixels:
    """The image scaled down to fit a square of `size_px`; small images are left as they are."""
    height, width = pixels.shape[:2]
    size = fitted(width, height, size_px)
    if size == (width, height):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def fitted(width: int, height: int, size_px: int) -> tuple[int, int]:
    """Width and height of the thumbnail of an image, pixels.

    The page computes the same (web/static/js/pictures.js) to find a picture in its cell of a sheet.
    """
    scale = min(1.0, size_px / max(width, height))
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def sheet(pictures: Sequence[Pixels | None], size_px: int, columns: int) -> Pixels:
    """Pictures side by side, each at the upper left of a square cell; cells of None stay grey.

    Args:
        pictures: grey (h, w) or BGR (h, w, 3), no side longer than `size_px`.
        size_px: of a cell.
        columns: cells in a row.
    """
    rows = -(-len(pictures) // columns)
    is_coloured = any(one is not None and one.ndim == 3 for one in pictures)
    shape = (rows * size_px, columns * size_px, 3)[: 3 if is_coloured else 2]
    whole = np.full(shape, 128, np.uint8)
    for number, one in enumerate(pictures):
        if one is None:
            continue
        top, left = (size_px * place for place in divmod(number, columns))
        height, width = one.shape[:2]
        fits = one[..., np.newaxis] if is_coloured and one.ndim == 2 else one
        whole[top : top + height, left : left + width] = fits
    return whole


def encode_jpeg(pixels: Pixels) -> bytes:
    """A JPEG of grey (h, w) or BGR (h, w, 3) uint8 pixels, for looking at."""
    # Colours as fine as brightness: else those of one cell of a sheet run into the next.
    how = [
        cv2.IMWRITE_JPEG_QUALITY, 92,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]  # fmt: skip
    done, data = cv2.imencode(".jpg", pixels, how)
    if not done:
        raise RejectedError(f"pixels of shape {pixels.shape} can't be written as JPEG")
    return data.tobytes()


def _check_png(data: bytes) -> None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise RejectedError("the bytes are not a PNG image")
    if b"IEND" not in data[-64:]:
        raise RejectedError("the PNG image is cut off: its end is missing")


def _check_jpeg(data: bytes) -> None:
    if not data.startswith(b"\xff\xd8\xff"):
        raise RejectedError("the bytes are not a JPEG image")
    # The end mark must follow the last scan; one before it belongs to an embedded preview.
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise RejectedError("the JPEG image is cut off: its end is missing")


def _check_tiff(data: bytes) -> None:
    if data[:4] not in (b"II*\x00", b"MM\x00*"):
        raise RejectedError("the bytes are not a TIFF image")


_CHECKS = {"image/png": _check_png, "image/jpeg": _check_jpeg, "image/tiff": _check_tiff}
