"""A folder of image files as a source: an archive, or where an instrument drops its pictures."""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from plankton_stream.domain import MAX_IMAGE_BYTES, Capture, Frame, Roi
from plankton_stream.errors import ConfigError
from producers.capture_time import time_from_exif, time_from_name
from producers.metadata import Known
from producers.pictures import CONTENT_TYPES, png_of
from producers.plausible import implausible_time
from producers.source import Item

log = logging.getLogger(__name__)

_LONGEST_KEY = 1024  # of an event's frame key, characters

Stamp = tuple[int, int]  # size in bytes and time of last change in ns: equal while nobody writes


class FolderCamera:
    """The image files below a folder, in the order of their paths, bytes as they are.

    A file's identity is the camera and its path below the folder: sent again, it is known again.

    Attributes:
        camera: id that all items carry.
        counts: files by what became of them: `taken`, `skipped` (no images), `unreadable`,
            `refused` (too large, a name that cannot travel).
        total: files that there are; 0 for a folder that is watched.
    """

    keeps = True
    idle_s = 1.0
    unit = "files"

    def __init__(
        self,
        folder: Path,
        *,
        camera: str,
        rois: bool = False,
        watch: bool = False,
        metadata: Mapping[str, Known] | None = None,
        **common: Any,
    ) -> None:
        """Look at a folder.

        Args:
            folder: searched with all its sub-folders; hidden files and links to folders are not.
            camera: id of the camera.
            rois: each file is an already cut-out ROI, not a frame.
            watch: go on looking for new files. One is taken when it has not changed between two
                looks.
            metadata: see `read_metadata`; it wins over `common`.
            common: fields of `Capture` for all pictures.

        Raises:
            ConfigError: there is no such folder; or, without `watch`, no image file in it.
        """
        if not folder.is_dir():
            raise ConfigError(f"Folder {str(folder)!r} does not exist or is not a folder.")
        self.camera = camera
        self.counts: Counter[str] = Counter()
        self._folder, self._rois, self._watch = folder, rois, watch
        self._metadata, self._common = dict(metadata or {}), common
        self._noted: set[str] = set()  # what was taken, or counted and logged: once is enough
        self.total = 0 if watch else sum(1 for _ in self._images(folder))
        if not watch and not self.total:
            raise ConfigError(
                f"Folder {str(folder)!r} has no PNG, JPEG, TIFF or BMP file "
                f"({self.counts['skipped']} others)."
            )

    def __iter__(self) -> Iterator[Item | None]:
        """See `Source`; with `watch` None after each look at the folder, and no end."""
        if self._watch:
            yield from self._watched()
            return
        for path in self._images(self._folder):
            item = self._read(path, live=False)
            if item is not None:
                yield item

    @property
    def done(self) -> int:
        """Of `total`, the files that were taken or could not be."""
        return self.counts["taken"] + self.counts["unreadable"] + self.counts["refused"]

    @property
    def unmatched(self) -> list[str]:
        """Paths that the metadata name, but that no file had so far."""
        return sorted(self._metadata.keys() - self._noted)

    def _watched(self) -> Iterator[Item | None]:
        before: dict[Path, Stamp | None] = {}
        archive: set[Path] | None = None  # what lies there at the first look; the rest is live
        while True:
            stamps = {path: _stamp(path) for path in self._images(self._folder)}
            archive = set(stamps) if archive is None else archive
            for path, stamp in stamps.items():
                if stamp is not None and before.get(path) == stamp:
                    item = self._read(path, live=path not in archive)
                    if item is not None:
                        yield item
            before = stamps
            yield None

    def _images(self, folder: Path) -> Iterator[Path]:
        """Image files below a folder that were not taken yet, in the order of their paths."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._note(folder, "unreadable", f"cannot be read: {error}")
            return
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith("."):  # half a copy of rsync, a note of macOS
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._images(path)
            elif path.suffix.lower() in CONTENT_TYPES:
                if self._key(path) not in self._noted:
                    yield path
            elif entry.is_file():
                self._skip(path)

    def _skip(self, path: Path) -> None:
        key = self._key(path)
        if key not in self._noted:
            self._noted.add(key)
            self.counts["skipped"] += 1
            kind = path.suffix.lower()
            if kind not in self._noted:  # a line for each kind, not for each of a million files
                self._noted.add(kind)
                log.warning(
                    "%s is not an image (allowed: PNG, JPEG, TIFF, BMP): its kind is skipped",
                    ascii(key),
                )

    def _key(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _note(self, path: Path, count: str, problem: str) -> None:
        key = self._key(path)
        if key not in self._noted:
            self._noted.add(key)
            self.counts[count] += 1
            log.error("%s: %s", ascii(key), problem)

    def _read(self, path: Path, *, live: bool) -> Item | None:
        """The item of a file; None if it cannot be had, which is counted and logged."""
        try:
            size = path.stat().st_size
            if size > MAX_IMAGE_BYTES:
                self._note(path, "refused", f"has {size} bytes, at most {MAX_IMAGE_BYTES} travel")
                return None
            data = path.read_bytes()
        except OSError as error:
            self._note(path, "unreadable", f"cannot be read: {error}")
            return None
        key = self._key(path)
        if len(key) > _LONGEST_KEY or not _is_text(key):
            problem = f"its path is longer than {_LONGEST_KEY} characters or not UTF-8"
            self._note(path, "refused", problem)
            return None
        if path.suffix.lower() == ".bmp":
            data = png_of(data)
            if not data:
                self._note(path, "refused", "is not a readable BMP file")
                return None
        self._noted.add(key)
        self.counts["taken"] += 1
        return self._item(key, data, live)

    def _item(self, key: str, data: bytes, live: bool) -> Item:
        known = self._metadata.get(key, Known())
        path = PurePosixPath(key)
        fields = (
            self._common
            | known.capture
            | {"captured_at": known.capture.get("captured_at") or self._time(path, data)}
        )
        capture = Capture(camera=self.camera, live=live, source_file=key, **fields)
        content_type = CONTENT_TYPES[path.suffix.lower()]
        if self._rois:
            return Roi(capture, key, None, content_type, data, name=known.name)
        return Frame(capture, key, content_type, data)

    def _time(self, path: PurePosixPath, data: bytes) -> datetime | None:
        """The time that a file itself tells; None if it cannot be right, which is logged once."""
        time = time_from_exif(data) or time_from_name(path.name)
        problem = implausible_time(time) if time else None
        if problem and "time" not in self._noted:
            self._noted.add("time")
            log.warning("%s: its time is left out: %s (told once)", ascii(str(path)), problem)
        return None if problem else time


def _stamp(path: Path) -> Stamp | None:
    """None for a file that is gone or cannot be looked at; the next look tells."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:  # bytes of another encoding
        return False
    return True
