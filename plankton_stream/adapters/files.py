"""The image store on a folder or on S3, through fsspec."""

import io
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import BinaryIO

import fsspec

from plankton_stream.domain import IMAGE_TYPES, new_id
from plankton_stream.errors import ConfigError, NotFoundError, RejectedError, RetryableError

_PARTS = ".parts"


class FileImageStore:
    """`ImageStore` under an fsspec URL, e.g. `file:///data/images` or `s3://bucket/plankton`.

    Images lie in 1,024 folders by the last two characters of their id, which are part of a hash
    and so fill the folders evenly. In a folder of this machine an image is written under another
    name, forced to the disk, and renamed: a reader sees the whole file or none, and a power cut
    takes back nothing that was put.
    """

    def __init__(self, url: str) -> None:
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"PLANKTON_IMAGES {url!r}: {error}") from error
        self._url = url
        self._parts = Path(self._root, _PARTS) if "file" in self._fs.protocol else None
        if self._parts:
            sweep(self._parts)

    def put(self, image_id: str, content_type: str, data: bytes) -> None:
        """See `ImageStore.put`."""
        path = self._path(image_id, content_type)
        try:
            if self._parts:
                write_whole(self._parts / new_id(), Path(path), io.BytesIO(data))
            else:
                self._fs.pipe_file(path, data)  # object stores write whole objects
        except OSError as error:
            raise RetryableError(
                f"image store {self._url}: {image_id} not written: {error}"
            ) from error

    def get(self, image_id: str, content_type: str) -> bytes:
        """See `ImageStore.get`."""
        try:
            data: bytes = self._fs.cat_file(self._path(image_id, content_type))
        except FileNotFoundError as error:
            raise NotFoundError(f"the image store has no bytes of {image_id}") from error
        except OSError as error:
            raise RetryableError(f"image store {self._url}: {image_id}: {error}") from error
        return data

    def size(self, image_id: str, content_type: str) -> int | None:
        """See `ImageStore.size`."""
        try:
            return int(self._fs.info(self._path(image_id, content_type))["size"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RetryableError(f"image store {self._url}: {image_id}: {error}") from error

    def remove(self, image_id: str, content_type: str) -> None:
        """See `ImageStore.remove`."""
        try:
            self._fs.rm_file(self._path(image_id, content_type))
        except FileNotFoundError:
            return
        except OSError as error:
            raise RetryableError(
                f"image store {self._url}: {image_id} not deleted: {error}"
            ) from error

    def ids(self) -> Iterator[str]:
        """See `ImageStore.ids`."""
        if not self._fs.exists(self._root):
            return
        for folder in self._fs.ls(self._root, detail=False):
            # What is being written comes and goes, and is no image yet.
            if PurePosixPath(folder).name != _PARTS:
                yield from (PurePosixPath(path).stem for path in self._fs.find(folder))

    def _path(self, image_id: str, content_type: str) -> str:
        extension = IMAGE_TYPES.get(content_type)
        if extension is None:
            raise RejectedError(
                f"content type {content_type!r}: allowed are {', '.join(IMAGE_TYPES)}"
            )
        return f"{self._root}/{image_id[-2:]}/{image_id}.{extension}"


def write_whole(part: Path, path: Path, data: BinaryIO) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut.

    Args:
        part: a name that nobody else uses, on the same disk; see `sweep`.
        path: its final name.
        data: what it is going to hold, from here to the end.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as file:
        copyfileobj(data, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def sweep(parts: Path) -> None:
    """Remove what writers that were killed left behind: what has not grown for a minute."""
    for part in parts.glob("*"):
        with suppress(FileNotFoundError):  # another process sweeps as well
            if time.time() - part.stat().st_mtime > 60:
                part.unlink()
