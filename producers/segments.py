"""Segment files of the spool: records one after the other, each with its checksums.

    magic | number | length of body | CRC-32 of body | CRC-32 of all before | body

The head has a checksum of its own, so a damaged body does not hide where the next record starts;
behind a damaged head the next one is found by its magic. CRC-32 from zlib: 1 GB/s, always there.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from plankton_stream.events.envelope import Message

SUFFIX = ".frames"

_MAGIC = b"\xf7PKS"
_FIELDS = struct.Struct("<4sQII")
_CHECKSUM = struct.Struct("<I")
HEAD_BYTES = _FIELDS.size + _CHECKSUM.size
_LENGTH = struct.Struct("<I")
_SEARCH_BYTES = 1024 * 1024


class Found(NamedTuple):
    """A piece of a segment: a record, or what is left of one.

    Attributes:
        sequence: its number; None where the head is damaged.
        start: where it starts in its file, bytes.
        end: where the next one starts.
        checksum: of its body.
    """

    sequence: int | None
    start: int
    end: int
    checksum: int = 0


class Segment:
    """One file of records, open for reading and appending.

    Attributes:
        size: bytes of whole records; what lies behind was not accepted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.size = os.fstat(self._file).st_size

    def append(self, sequence: int, body: bytes) -> None:
        """Add a record, whole or not at all.

        Raises:
            OSError: the disk does not take it.
        """
        fields = _FIELDS.pack(_MAGIC, sequence, len(body), zlib.crc32(body))
        record = fields + _CHECKSUM.pack(zlib.crc32(fields)) + body
        try:
            self._write(record)
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(record)

    def _write(self, record: bytes) -> None:
        done = 0
        while done < len(record):  # a disk that is nearly full takes a part
            done += os.pwrite(self._file, memoryview(record)[done:], self.size + done)

    def pieces(self, start: int = 0) -> Iterator[Found]:
        """All records from a place on, and the damaged stretches between them."""
        while start < self.size:
            found = self._at(start)
            if found is None:
                found = Found(None, start, self._next_head(start + 1))
            yield found
            start = found.end

    def body(self, found: Found) -> bytes | None:
        """The body of a record; None if it is damaged."""
        if found.sequence is None:
            return None
        length = found.end - found.start - HEAD_BYTES
        body = os.pread(self._file, length, found.start + HEAD_BYTES)
        return body if len(body) == length and zlib.crc32(body) == found.checksum else None

    def raw(self, found: Found) -> bytes:
        """The bytes of a piece as they lie there."""
        return os.pread(self._file, found.end - found.start, found.start)

    def cut_torn_end(self) -> int:
        """Give up a last record that was not written to its end; returns the bytes given up."""
        pieces = list(self.pieces())
        if not pieces or pieces[-1].end <= self.size:
            return 0
        torn, self.size = self.size - pieces[-1].start, pieces[-1].start
        os.ftruncate(self._file, self.size)
        return torn

    def empty(self) -> None:
        """Forget all records."""
        os.ftruncate(self._file, 0)
        self.size = 0

    def remove(self) -> None:
        """Give up the file and what is in it."""
        self.close()
        self.path.unlink()

    def sync(self) -> None:
        """Force what was appended to the disk, so that a power cut does not take it back."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Give up the file."""
        os.close(self._file)

    def _at(self, start: int) -> Found | None:
        """The record that starts here; None if none does. Its end may lie behind the file's."""
        head = os.pread(self._file, HEAD_BYTES, start)
        if len(head) < HEAD_BYTES:
            # The start of a head that was cut off: a torn record of unknown length.
            return Found(None, start, self.size + 1) if _is_head_start(head) else None
        magic, sequence, length, checksum = _FIELDS.unpack_from(head)
        if magic != _MAGIC or _CHECKSUM.unpack_from(head, _FIELDS.size)[0] != zlib.crc32(
            head[: _FIELDS.size]
        ):
            return None
        return Found(sequence, start, start + HEAD_BYTES + length, checksum)

    def _next_head(self, start: int) -> int:
        """Where the next record with a sound head starts; the end if there is none."""
        while start < self.size:
            window = os.pread(self._file, _SEARCH_BYTES, start)
            at = window.find(_MAGIC)
            if at < 0:
                start += max(1, len(window) - len(_MAGIC) + 1)
            elif self._at(start + at):
                return start + at
            else:
                start += at + 1
        return self.size


def _is_head_start(head: bytes) -> bool:
    return head[: len(_MAGIC)] == _MAGIC[: len(head)]


def to_body(message: Message) -> bytes:
    """A message as a record's body."""
    envelope = [
        message.topic,
        message.key,
        [(name, value.decode("utf-8", "surrogateescape")) for name, value in message.headers],
    ]
    text = json.dumps(envelope).encode()
    return b"".join((_LENGTH.pack(len(text)), text, message.value))


def from_body(body: bytes) -> Message:
    """The message in a record's body."""
    (length,) = _LENGTH.unpack_from(body)
    start = _LENGTH.size + length
    topic, key, headers = json.loads(body[_LENGTH.size : start])
    return Message(
        topic=topic,
        key=key,
        value=body[start:],
        headers=tuple((name, value.encode("utf-8", "surrogateescape")) for name, value in headers),
    )
