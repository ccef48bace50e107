"""Frames from files, decoded."""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from plankton_stream.domain import Frame
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import Pixels, decode
from producers.folder import FolderCamera
from producers.pictures import CONTENT_TYPES

log = logging.getLogger(__name__)


class FolderFrames:
    """The readable frames below a folder, in the order of their paths.

    Attributes:
        read: frames so far.
        lost: files that are images by their name, and could not be read.
    """

    def __init__(self, folder: Path) -> None:
        """Look at a folder.

        Raises:
            ConfigError: there is no such folder, or no image file in it.
        """
        self._files = FolderCamera(folder, camera="folder")
        self._damaged = 0
        self.read = 0

    @property
    def lost(self) -> int:
        """See the class."""
        counts = self._files.counts
        return counts["unreadable"] + counts["refused"] + self._damaged

    def __iter__(self) -> Iterator[tuple[str, Pixels]]:
        """Path below the folder, and pixels: uint8, (h, w) or (h, w, 3) BGR."""
        for frame in self._files:
            if not isinstance(frame, Frame):
                continue
            try:
                pixels = decode(frame.data, frame.content_type)
            except RejectedError as error:
                self._damaged += 1
                log.warning("%s: %s", ascii(frame.frame_key), error)
                continue
            self.read += 1
            yield frame.frame_key, pixels


def frames_of(source: Path, most: int) -> Iterator[tuple[str, Pixels]]:
    """The first frames of a folder, or the only one of a file.

    Raises:
        ConfigError: no such file or folder, or no image of a type that we read.
    """
    if not source.is_file():
        yield from islice(FolderFrames(source), most)
        return
    content_type = CONTENT_TYPES.get(source.suffix.lower())
    if content_type is None or source.suffix.lower() == ".bmp":
        raise ConfigError(f"{str(source)!r} is no PNG, JPEG or TIFF file.")
    try:
        yield source.name, decode(source.read_bytes(), content_type)
    except (OSError, RejectedError) as error:
        raise ConfigError(f"{str(source)!r} can't be read: {error}") from error
