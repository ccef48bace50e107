"""When a picture was taken, as far as the file itself tells: its EXIF data or its name.

The time at which the file was last changed is never used: copying an archive would date all of it
to the day of the copy. Times without a zone are taken as UTC, which instruments run on.
"""

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime

_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)-?(\d\d)-?(\d\d)"  # 2023-12-20 or 20231220
    r"[T_ -]?(\d\d)[-:_]?(\d\d)[-:_]?(\d\d)"  # 14-03-08, 14:03:08 or 140308
    r"(?:[.,](\d{1,6})(?=\D|$))?(?!\d)"
)
_IN_EXIF = re.compile(
    r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)()"
)  # the empty group: EXIF has the fraction in a tag of its own

_EXIF_IFD, _TIME_ORIGINAL, _OFFSET_ORIGINAL, _SUBSEC_ORIGINAL = 0x8769, 0x9003, 0x9011, 0x9291
_PNG = b"\x89PNG\r\n\x1a\n"


def time_from_name(name: str) -> datetime | None:
    """The first complete date with time in a file name, such as `D20231220T140308.png`; or None.

    Dashes, colons, underscores between the parts and a fraction after a point are understood.
    """
    for match in _IN_NAME.finditer(name):
        time = _time(match)
        if time is not None:
            return time
    return None


def time_from_exif(data: bytes) -> datetime | None:
    """EXIF's DateTimeOriginal of a JPEG, PNG or TIFF file, with fraction and zone; None if absent.

    Malformed data gives None: a time is a courtesy, the picture may be whole.
    """
    try:
        tags = _exif_tags(_tiff_part(data))
        match = _IN_EXIF.match(tags.get(_TIME_ORIGINAL, ""))
        time = _time(match) if match else None
        if time is None:
            return None
        fraction = tags.get(_SUBSEC_ORIGINAL, "").strip()
        if fraction.isascii() and fraction.isdigit():
            time = time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        zone = tags.get(_OFFSET_ORIGINAL, "").strip()
        if re.fullmatch(r"[+-]\d\d:\d\d", zone):
            time = datetime.fromisoformat(f"{time:%Y-%m-%dT%H:%M:%S.%f}{zone}")
        return time.astimezone(UTC)
    except (struct.error, ValueError, OverflowError):
        return None


def _time(match: re.Match[str]) -> datetime | None:
    *parts, fraction = match.groups()
    try:
        year, month, day, hour, minute, second = map(int, parts)
        microsecond = int((fraction or "0")[:6].ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    except ValueError:  # no such day or hour
        return None


def _tiff_part(data: bytes) -> bytes:
    """The TIFF structure that holds the tags: the file itself, a JPEG segment or a PNG chunk."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return data
    parts = _png_chunks(data) if data.startswith(_PNG) else _jpeg_segments(data)
    for kind, part in parts:
        if kind == b"eXIf":
            return part
        if kind == b"\xff\xe1" and part.startswith(b"Exif\0\0"):
            return part[6:]
    return b""


def _jpeg_segments(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Marker and content of each segment before the picture itself."""
    at = 2 if data.startswith(b"\xff\xd8") else len(data)
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield data[at : at + 2], data[at + 4 : at + 2 + length]
        at += 2 + length


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _exif_tags(tiff: bytes) -> dict[int, str]:
    """Text tags of the EXIF directory."""
    if not tiff:
        return {}
    order = "<" if tiff[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    for tag, _, value in _directory(tiff, order, start):
        if tag == _EXIF_IFD:
            (start,) = struct.unpack(order + "I", value)
            return {
                tag: _text(tiff, order, size, value)
                for tag, size, value in _directory(tiff, order, start)
            }
    return {}


def _directory(tiff: bytes, order: str, start: int) -> Iterator[tuple[int, int, bytes]]:
    """Tag, number of values and the 4 bytes that hold the values or their place."""
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for number in range(entries):
        tag, _, size, value = struct.unpack_from(order + "HHI4s", tiff, start + 2 + 12 * number)
        yield tag, size, value


def _text(tiff: bytes, order: str, size: int, value: bytes) -> str:
    if size > 4:
        (place,) = struct.unpack(order + "I", value)
        value = tiff[place : place + size]
    return value[:size].split(b"\0")[0].decode("ascii", errors="replace")
