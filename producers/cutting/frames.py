"""Frames from files, decoded."""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from plankton_stream.domain import Frame
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import Pixels, decode
from producers.folder import FolderCamera
from producers.pictures import CONTENT_TYPES, png_of
from producers.video import VideoCamera, is_live

log = logging.getLogger(__name__)

_QUALITY = 95  # of the JPEG that a video's frames travel as
_MOST_LOOKS = 40  # that a live camera is waited for, half a second each


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


def frames_of(source: str, most: int) -> Iterator[tuple[str, Pixels]]:
    """The first frames of a folder or video, or the only one of an image.

    Args:
        source: a path, the number of a device, or the URL of a stream.
        most: frames.

    Raises:
        ConfigError: no such file or folder, or nothing that we read.
    """
    path = Path(source)
    if is_live(source):
        yield from islice(_video_frames(source), most)
    elif not path.is_file():
        yield from islice(FolderFrames(path), most)
    elif path.suffix.lower() in CONTENT_TYPES:
        yield path.name, _decoded(path)
    else:
        yield from islice(_video_frames(source), most)


def _decoded(path: Path) -> Pixels:
    suffix = path.suffix.lower()
    try:
        data = path.read_bytes()
        return decode(png_of(data) if suffix == ".bmp" else data, CONTENT_TYPES[suffix])
    except (OSError, RejectedError) as error:
        raise ConfigError(f"{str(path)!r} can't be read: {error}") from error


def _video_frames(source: str) -> Iterator[tuple[str, Pixels]]:
    waited = 0
    for frame in VideoCamera(source, camera="preview", quality=_QUALITY):
        if frame is not None:
            waited = 0
            yield frame.frame_key, decode(frame.data, frame.content_type)
        elif (waited := waited + 1) > _MOST_LOOKS:
            raise ConfigError(f"{source!r} gives no frame: see the log.")
