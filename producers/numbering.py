"""The numbers of a camera's frames: they count on after a restart, so a gap is a lost frame.

They lie in the camera's own folder, which one process at a time may have.
"""

import fcntl
import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from plankton_stream.errors import ConfigError

log = logging.getLogger(__name__)

_PLACE = struct.Struct("<8sQQQ")
_CHECKSUM = struct.Struct("<I")
_MAGIC = b"plankto2"
_BEFORE = struct.Struct("<8sQQ")  # as it was written before losses were counted
_MAGIC_BEFORE = b"plankto1"


class Place(NamedTuple):
    """How far a camera is.

    Attributes:
        given: the number given last; 0: none so far.
        confirmed: everything up to this number is in Kafka, or given up and counted.
        lost: so many numbers, of all that were given, will never arrive.
    """

    given: int = 0
    confirmed: int = 0
    lost: int = 0


class Numbers:
    """Gives a camera's frames their numbers, from 1, and remembers how far it is.

    The file is overwritten in one piece: a kill leaves the old or the new place, and a full disk is
    no trouble. Threads may share it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._lock = threading.Lock()
        self.place = self._read()

    def next(self) -> int:
        """The number of a frame that the source gave just now."""
        with self._lock:
            self.place = self.place._replace(given=self.place.given + 1)
            return self.place.given

    def start_after(self, given: int) -> None:
        """Go on after a number that was given before a kill, if it is past what is remembered."""
        with self._lock:
            self.place = self.place._replace(given=max(given, self.place.given))

    def skip(self, count: int) -> None:
        """Leave out the numbers of frames that are lost."""
        with self._lock:
            place = self.place
            self._write(place._replace(given=place.given + count, lost=place.lost + count))

    def lose(self, count: int = 1) -> None:
        """Give up frames that have their numbers."""
        with self._lock:
            self._write(self.place._replace(lost=self.place.lost + count))

    def confirm(self, sequence: int) -> None:
        """Everything up to this number is in Kafka, or given up and counted."""
        with self._lock:
            self._write(self.place._replace(confirmed=max(sequence, self.place.confirmed)))

    def close(self) -> None:
        """Give up the file."""
        os.close(self._file)

    def _read(self) -> Place:
        data = os.pread(self._file, _PLACE.size + _CHECKSUM.size, 0)
        for layout, magic in ((_PLACE, _MAGIC), (_BEFORE, _MAGIC_BEFORE)):
            body, checksum = data[: layout.size], data[layout.size :][: _CHECKSUM.size]
            if body[: len(magic)] == magic and checksum == _CHECKSUM.pack(zlib.crc32(body)):
                return Place(*layout.unpack(body)[1:])
        if data:
            log.error("%s is damaged: numbers go on after those in the spool", self._path)
        return Place()

    def _write(self, place: Place) -> None:
        self.place = place
        body = _PLACE.pack(_MAGIC, *place)
        os.pwrite(self._file, body + _CHECKSUM.pack(zlib.crc32(body)), 0)


@contextmanager
def owned(folder: Path, camera: str) -> Iterator[None]:
    """Have a camera's folder to oneself while the block lasts, made if it is new.

    The system gives it back if we are killed.

    Raises:
        ConfigError: another producer of this camera runs, or the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise ConfigError(
            f"The spool of camera {camera} cannot be used: {error}. Set PLANKTON_HOME to a folder "
            "that can be written."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ConfigError(
                f"Camera {camera} is published already, by process {lock.read() or '?'} with the "
                f"spool {folder}: stop that one, or give this one another id with --camera."
            ) from None
        lock.truncate(0)
        with suppress(OSError):  # a full disk: the lock holds without the number as well
            lock.write(str(os.getpid()))
            lock.flush()
        yield
