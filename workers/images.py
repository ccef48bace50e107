"""Image files in folders, as an encoder gets them.

Everything that learns from or judges by a folder of images reads it through here, so that the
pixels are those that an embed worker would see.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import decode, encode_png
from workers.encoders.identity import Encoder
from workers.encoders.preprocessing import Image

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/png",  # no type that travels: a camera converts it without loss, and so do we
}
_AT_ONCE = 256  # decoded images held in memory
_NAMED = 10  # file names in an error message

Change = Callable[[Image, str], Image]
"""Changes an image before it is embedded; the second argument is its path below the folder."""


@dataclass(frozen=True)
class LabelledFolder:
    """The images of `folder/<class>/<image>`.

    Attributes:
        folder: where they are.
        paths: n paths below the folder, POSIX, sorted: class by class.
        classes: (n,) int64, index into `names`.
        names: classes with at least one image, sorted.
        unlabelled: images that lie in the folder itself and so have no class: left out.
    """

    folder: Path
    paths: list[str]
    classes: NDArray[np.int64]
    names: list[str]
    unlabelled: int

    def only(self, wanted: Callable[[str], bool]) -> "LabelledFolder":
        """The images whose file name is wanted; `names` stay those of the whole folder."""
        rows = [row for row, path in enumerate(self.paths) if wanted(path.rpartition("/")[2])]
        paths = [self.paths[row] for row in rows]
        return LabelledFolder(self.folder, paths, self.classes[rows], self.names, self.unlabelled)


@dataclass(frozen=True)
class Embedded:
    """Vectors of image files.

    Attributes:
        vectors: (m, d) float32, unit length.
        rows: (m,) int64, which of the paths they belong to: all but the unreadable ones.
        unreadable: a line for each file that is no readable image: its path and why.
    """

    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    unreadable: list[str]


def image_files(folder: Path) -> list[str]:
    """Paths of all image files below a folder, relative to it, POSIX, sorted.

    Told by their suffix, in any case. Hidden files are left out; links to files are followed, those
    to folders are not (they may lead in a circle).

    Raises:
        ConfigError: there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"Folder {str(folder)!r} does not exist or is not a folder.")
    return sorted(path.relative_to(folder).as_posix() for path in _walk(folder))


def labelled_folder(folder: Path) -> LabelledFolder:
    """Find the images of `folder/<class>/<image>`; a class may be a link to a folder.

    Raises:
        ConfigError: there is no such folder, no image in its sub-folders, or some lie deeper: then
            their class would be a guess.
    """
    inside = image_files(folder)  # also says what is wrong with the folder itself
    classes = sorted(entry.name for entry in folder.iterdir() if _may_be_class(entry))
    paths = [f"{name}/{path}" for name in classes for path in image_files(folder / name)]
    deeper = [path for path in paths if path.count("/") > 1]
    if deeper:
        raise ConfigError(
            f"{folder} holds {len(deeper)} images deeper than {folder.name}/<class>/<image>, the "
            f"first is {deeper[0]}: name the folder whose sub-folders are the classes."
        )
    unlabelled = sum("/" not in path for path in inside)
    if not paths:
        raise ConfigError(
            f"{folder} has no PNG, JPEG, TIFF or BMP file in a sub-folder ({unlabelled} in "
            f"itself); expected: {folder.name}/<class>/<image>."
        )
    names = sorted({path.partition("/")[0] for path in paths})
    index = {name: row for row, name in enumerate(names)}
    of = np.array([index[path.partition("/")[0]] for path in paths], dtype=np.int64)
    return LabelledFolder(folder, paths, of, names, unlabelled)


def read_image(path: Path) -> Image:
    """The pixels of an image file, exactly as an embed worker gets them.

    Returns:
        uint8, (h, w) for grey or (h, w, 3) in BGR order for colour; 16 bits become 8, transparency
        is dropped.

    Raises:
        RejectedError: it is no readable image; the message says why.
    """
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".bmp":
            data = _png_of(data)
        if path.suffix.lower() not in CONTENT_TYPES:
            raise RejectedError(f"{path.name} is none of {', '.join(CONTENT_TYPES)}")
        return decode(data, CONTENT_TYPES[path.suffix.lower()])
    except OSError as error:
        raise RejectedError(f"it cannot be read: {error.strerror or error}") from error


def embed_files(
    encoder: Encoder,
    folder: Path,
    paths: Sequence[str],
    *,
    change: Change | None = None,
    skip_unreadable: bool = False,
) -> Embedded:
    """Embed image files, a few hundred at a time.

    Args:
        encoder: turns images into vectors.
        folder: what the paths are relative to.
        paths: POSIX.
        change: applied to each image first.
        skip_unreadable: leave out what is no image instead of refusing all.

    Raises:
        RejectedError: files are no readable images; names them (the first ten).
    """
    parts, rows, unreadable = [encoder.encode([])], [], []
    for start in range(0, len(paths), _AT_ONCE):
        images = []
        for row, path in enumerate(paths[start : start + _AT_ONCE], start):
            try:
                image = read_image(folder / path)
            except RejectedError as error:
                unreadable.append(f"{path}: {error}")
                continue
            images.append(change(image, path) if change else image)
            rows.append(row)
        if skip_unreadable or not unreadable:  # else it only goes on to name them all
            parts.append(encoder.encode(images))
    if unreadable and not skip_unreadable:
        raise RejectedError(_refusal(unreadable, len(paths)))
    return Embedded(np.concatenate(parts), np.array(rows, dtype=np.int64), unreadable)


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise ConfigError(f"Folder {str(folder)!r} cannot be read: {error.strerror}.") from error
    for entry in entries:
        if entry.name.startswith("."):  # half a copy of rsync, a note of macOS
            continue
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path)
        elif path.suffix.lower() in CONTENT_TYPES and not entry.is_dir():
            yield path


def _may_be_class(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")


def _png_of(bmp: bytes) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(bmp, np.uint8), cv2.IMREAD_UNCHANGED) if bmp else None
    if pixels is None:
        raise RejectedError("it is not a readable BMP file")
    return encode_png(np.asarray(pixels, np.uint8))


def _refusal(unreadable: list[str], count: int) -> str:
    more = f"; and {len(unreadable) - _NAMED} more" if len(unreadable) > _NAMED else ""
    return (
        f"{len(unreadable)} of {count} images cannot be read: {'; '.join(unreadable[:_NAMED])}"
        f"{more}. Remove them, or leave them out with --skip-unreadable."
    )
