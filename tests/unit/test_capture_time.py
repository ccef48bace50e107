"""Capture times from names and EXIF data."""

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from producers.capture_time import time_from_exif, time_from_name

TIME = datetime(2023, 12, 20, 14, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "20231220T140308.png",
        "D20231220T140308_IFCB123_00001.png",
        "2023-12-20_14-03-08.tif",
        "2023-12-20T14:03:08Z.jpg",
        "cam1_20231220_140308_0007.png",
        "2023-12-20 14.png 20231220140308.png",
        "99999999T999999_20231220T140308.png",
    ],
)
def test_names_with_a_time(name: str) -> None:
    assert time_from_name(name) == TIME


@pytest.mark.parametrize(
    ("name", "microsecond"),
    [
        ("20231220T140308.5.png", 500_000),
        ("2023-12-20_14-03-08,123456.png", 123_456),
        ("20231220T140308.007Z.png", 7_000),
    ],
)
def test_names_with_a_fraction(name: str, microsecond: int) -> None:
    assert time_from_name(name) == TIME.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    "name",
    ["a.png", "20231220.png", "20231320T140308.png", "20231220T250308.png", "frame_0001.png",
     "120231220140308.png", "202312201403081.png", "00000000T000000.png"],
)  # fmt: skip
def test_names_without_a_time(name: str) -> None:
    assert time_from_name(name) is None


def picture(kind: str, tags: dict[int, str]) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "A maker with a long name"
    exif.get_ifd(0x8769).update(tags)
    file = io.BytesIO()
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(file, kind, exif=exif.tobytes())
    return file.getvalue()


KINDS = ["JPEG", "PNG", "TIFF"]


@pytest.mark.parametrize("kind", KINDS)
def test_exif_time(kind: str) -> None:
    assert time_from_exif(picture(kind, {0x9003: "2023:12:20 14:03:08"})) == TIME


@pytest.mark.parametrize("kind", KINDS)
def test_exif_fraction_and_zone(kind: str) -> None:
    tags = {0x9003: "2023:12:20 16:03:08", 0x9011: "+02:00", 0x9291: "25"}
    assert time_from_exif(picture(kind, tags)) == TIME.replace(microsecond=250_000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", ["0000:00:00 00:00:00", "    :  :     :  :  ", "soon"])
def test_exif_without_a_valid_time(kind: str, value: str) -> None:
    assert time_from_exif(picture(kind, {0x9003: value})) is None


def test_files_without_exif() -> None:
    for data in (b"", b"GIF89a", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"II*\0"):
        assert time_from_exif(data) is None


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_exif_never_raises(kind: str) -> None:
    whole = picture(kind, {0x9003: "2023:12:20 14:03:08", 0x9011: "+02:00", 0x9291: "25"})
    rng = np.random.default_rng(0)
    for length in range(0, len(whole), 3):
        time_from_exif(whole[:length])
    for _ in range(500):
        damaged = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 300), 5):
            damaged[place] = rng.integers(0, 256)
        time_from_exif(bytes(damaged))
