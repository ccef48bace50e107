"""An EcoTaxa import as a source."""

import logging
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from plankton_stream.domain import MAX_IMAGE_BYTES, Roi
from plankton_stream.ecotaxa import TABLE_NAME, Column
from plankton_stream.errors import ConfigError
from producers.ecotaxa.objects import Object, read_object
from producers.ecotaxa.table import AnyPath, Row, read_rows
from producers.pictures import CONTENT_TYPES, png_of

log = logging.getLogger(__name__)


class EcotaxaImport:
    """The objects of all tables in a zip or folder, with their images.

    All tables are read and checked before the first image is sent: one wrong value, and nothing
    changes. An object that has several images gets the first one; the others are counted.

    Attributes:
        camera: id that all items carry.
        counts: rows by what became of them, see `Archive`.
        done: rows that were worked through.
        total: rows that there are.
    """

    keeps = True
    idle_s = 1.0
    unit = "rows"

    def __init__(self, path: Path, *, camera: str, **common: Any) -> None:
        """Check all tables.

        Args:
            path: a zip, or a folder.
            camera: its id.
            common: fields of `Capture` that hold for all rows, whatever the tables say.

        Raises:
            ConfigError: there is no table, or a row that is not right; names line and column.
        """
        self.camera = camera
        self.counts: Counter[str] = Counter()
        self.done = 0
        self._common = common | {"camera": camera}
        self._root = _open(path)
        self._tables = sorted(_tables(self._root, PurePosixPath()))
        if not self._tables:
            raise ConfigError(f"{path} has no table ecotaxa*.tsv.")
        self.total = self._check()

    def __iter__(self) -> Iterator[Roi]:
        """See `Source`."""
        seen: set[str] = set()
        for row in self._rows():
            one = read_object(row, self._common)
            if row.text(Column.ID) in seen:
                self.counts["skipped"] += 1
            else:
                seen.add(row.text(Column.ID))
                yield from self._roi(row, one)
            self.done += 1

    def _rows(self) -> Iterator[Row]:
        for place in self._tables:
            table = self._root.joinpath(*place.parts)
            folder = self._root.joinpath(*place.parent.parts) if place.parent.parts else self._root
            yield from read_rows(table, folder, str(place))

    def _check(self) -> int:
        """The number of rows.

        Raises:
            ConfigError: one of them is not right.
        """
        images: dict[tuple[str, str], str] = {}
        keys: dict[object, str] = {}
        for row in self._rows():
            one = read_object(row, self._common)
            identity = (row.text(Column.ID), one.file)
            if identity in images:
                raise row.error(Column.ID, f"{identity[0]!r} stands in {images[identity]} too")
            images[identity] = row.where
            key = (one.frame_key, one.box)
            if keys.setdefault(key, identity[0]) != identity[0]:
                raise row.error(Column.FRAME_KEY, f"object {keys[key]!r} has the same")
            self._check_image(row, one)
        return len(images)

    def _check_image(self, row: Row, one: Object) -> None:
        suffix = PurePosixPath(one.file).suffix.lower()
        if suffix not in CONTENT_TYPES:
            allowed = ", ".join(CONTENT_TYPES)
            raise row.error(Column.FILE, f"{one.file!r} is no image that travels ({allowed})")
        if ".." in PurePosixPath(one.file).parts or not _image(row, one).is_file():
            raise row.error(Column.FILE, f"there is no file {one.file!r} beside the table")

    def _roi(self, row: Row, one: Object) -> Iterator[Roi]:
        """The ROI of an object; none if its bytes can't be had, which is counted and logged."""
        try:
            with _image(row, one).open("rb") as file:
                data = file.read(MAX_IMAGE_BYTES + 1)
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            self._leave(row, "unreadable", f"{one.file} cannot be read: {error}")
            return
        suffix = PurePosixPath(one.file).suffix.lower()
        if suffix == ".bmp":
            data = png_of(data)
        if not data or len(data) > MAX_IMAGE_BYTES:
            problem = f"{one.file} is empty, damaged or larger than {MAX_IMAGE_BYTES} bytes"
            self._leave(row, "refused", problem)
            return
        self.counts["taken"] += 1
        yield Roi(
            one.capture,
            one.frame_key,
            one.box,
            CONTENT_TYPES[suffix],
            data,
            extra=one.extra,
            name=one.name,
            measurements=one.measurements,
        )

    def _leave(self, row: Row, count: str, problem: str) -> None:
        self.counts[count] += 1
        log.error("%s: %s", row.where, problem)


def _open(path: Path) -> AnyPath:
    if path.is_dir():
        return path
    try:
        return zipfile.Path(zipfile.ZipFile(path))
    except (OSError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path} is neither a folder nor a readable zip: {error}") from error


def _tables(folder: AnyPath, place: PurePosixPath) -> Iterator[PurePosixPath]:
    """Tables below a folder, relative to the root."""
    for entry in folder.iterdir():
        if entry.name.startswith((".", "__MACOSX")):
            continue
        if entry.is_dir():
            yield from _tables(entry, place / entry.name)
        elif TABLE_NAME.fullmatch(entry.name):
            yield place / entry.name


def _image(row: Row, one: Object) -> AnyPath:
    return row.folder.joinpath(*PurePosixPath(one.file).parts)
