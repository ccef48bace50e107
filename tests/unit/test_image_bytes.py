"""Decoding of image bytes: what is whole is read, what is not is refused."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from plankton_stream.errors import RejectedError
from plankton_stream.images import Pixels, decode, encode_png, thumbnail

EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg", "image/tiff": ".tiff"}


def picture(height: int = 120, width: int = 90) -> Pixels:
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)


def encoded(pixels: np.ndarray, content_type: str) -> bytes:
    return cv2.imencode(EXTENSIONS[content_type], pixels)[1].tobytes()


def strip_tiff(
    pixels: Pixels, order: str = "<", strips: int = 4, *, deflate: bool = False
) -> bytes:
    """A grey TIFF as scientific programs write it: the directory before the pixels."""
    height, width = pixels.shape
    rows = -(-height // strips)
    parts = [pixels[at : at + rows].tobytes() for at in range(0, height, rows)]
    parts = [zlib.compress(part) for part in parts] if deflate else parts
    lists_at = 8 + 2 + 12 * 9 + 4
    start = lists_at + 8 * len(parts)
    offsets = [start + sum(map(len, parts[:n])) for n in range(len(parts))]

    def long(tag: int, value: int, count: int = 1) -> bytes:
        return struct.pack(order + "HHII", tag, 4, count, value)

    entries = [
        long(256, width), long(257, height), struct.pack(order + "HHIHH", 258, 3, 1, 8, 0),
        struct.pack(order + "HHIHH", 259, 3, 1, 8 if deflate else 1, 0),
        struct.pack(order + "HHIHH", 262, 3, 1, 1, 0), long(273, lists_at, len(parts)),
        struct.pack(order + "HHIHH", 277, 3, 1, 1, 0), long(278, rows),
        long(279, lists_at + 4 * len(parts), len(parts)),
    ]  # fmt: skip
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    lists = struct.pack(f"{order}{2 * len(parts)}I", *offsets, *map(len, parts))
    return head + b"".join(entries) + bytes(4) + lists + b"".join(parts)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(side_px: int) -> bytes:
    """A small file that unpacks to a black square of any size."""
    pack = zlib.compressobj(9)
    rows = b"".join(pack.compress(bytes(1 + side_px)) for _ in range(side_px)) + pack.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("content_type", EXTENSIONS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (33, 47)])
def test_grey_stays_grey_and_colour_stays_colour(content_type: str, shape: tuple[int, int]) -> None:
    colour = picture(*shape)
    assert decode(encoded(colour, content_type), content_type).shape == (*shape, 3)
    assert decode(encoded(colour[:, :, 0], content_type), content_type).shape == shape


@pytest.mark.parametrize("content_type", ["image/png", "image/tiff"])
def test_lossless_pixels_come_back_exactly_and_alpha_is_dropped(content_type: str) -> None:
    colour = picture()
    assert np.array_equal(decode(encoded(colour, content_type), content_type), colour)
    with_alpha = np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)])
    assert np.array_equal(decode(encoded(with_alpha, content_type), content_type), colour)


@pytest.mark.parametrize("content_type", ["image/png", "image/tiff"])
def test_sixteen_bits_become_eight(content_type: str) -> None:
    deep = np.arange(0, 65_536, 256, dtype=np.uint16).reshape(16, 16)
    pixels = decode(encoded(deep, content_type), content_type)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - (deep >> 8).astype(int)).max() <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
def test_the_tiffs_of_other_programs_are_read(order: str, *, deflate: bool) -> None:
    grey = picture()[:, :, 0]
    assert np.array_equal(decode(strip_tiff(grey, order, deflate=deflate), "image/tiff"), grey)


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "png": ("image/png", lambda: encoded(picture(), "image/png")),
    "jpeg": ("image/jpeg", lambda: encoded(picture(), "image/jpeg")),
    "progressive jpeg": (
        "image/jpeg",
        lambda: bytes(cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1]),
    ),
    "tiff": ("image/tiff", lambda: encoded(picture(), "image/tiff")),
    "plain tiff": ("image/tiff", lambda: strip_tiff(picture()[:, :, 1])),
    "deflated tiff": ("image/tiff", lambda: strip_tiff(picture()[:, :, 0], deflate=True)),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_was_cut_off_anywhere_is_refused(kind: str) -> None:
    content_type, make = FILES[kind]
    data = make()
    decode(data, content_type)
    size = len(data)
    cuts = {0, 1, 3, 4, 8, 20, 100, *range(0, size, size // 40), size - 100, size - 12, size - 1}
    for cut in sorted(cuts):
        with pytest.raises(RejectedError):
            decode(data[:cut], content_type)


@pytest.mark.parametrize("content_type", EXTENSIONS)
@pytest.mark.parametrize("data", [b"", b"\0", b"not an image", b"<html>" * 100, b"\xff" * 1000])
def test_bytes_that_are_no_image_are_refused(content_type: str, data: bytes) -> None:
    with pytest.raises(RejectedError):
        decode(data, content_type)


def test_a_file_must_be_what_it_claims_to_be() -> None:
    for claimed in EXTENSIONS:
        for real in set(EXTENSIONS) - {claimed}:
            with pytest.raises(RejectedError):
                decode(encoded(picture(), real), claimed)
    with pytest.raises(RejectedError, match="image/gif"):
        decode(b"GIF89a", "image/gif")


def test_a_damaged_png_is_refused() -> None:
    data = bytearray(encoded(picture(), "image/png"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(RejectedError):
        decode(bytes(data), "image/png")


def test_a_png_bomb_is_refused_before_it_takes_memory() -> None:
    """In a process of its own, whose memory tells: 400 million pixels in a file of 400 kB."""
    code = (
        "import sys, resource\n"
        "from plankton_stream.images import decode\n"
        "from plankton_stream.errors import RejectedError\n"
        "data = sys.stdin.buffer.read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: decode(data, 'image/png'); sys.exit('it was read')\n"
        "except RejectedError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    bomb = png_bomb(20_000)
    assert len(bomb) < 1_000_000
    done = subprocess.run(
        [sys.executable, "-c", code], input=bomb, capture_output=True, timeout=30, check=True
    )
    assert int(done.stdout) < 50_000, "kB"


def test_pixels_written_as_png_come_back() -> None:
    for pixels in (picture(), picture()[:, :, 0], picture(1, 1)):
        assert np.array_equal(decode(encode_png(pixels), "image/png"), pixels)


@pytest.mark.parametrize(
    ("size", "expected"), [((400, 200), (100, 50)), ((30, 20), (30, 20)), ((1, 5_000), (1, 100))]
)
def test_a_thumbnail_fits_and_never_grows(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert thumbnail(picture(*size), 100).shape[:2] == expected
