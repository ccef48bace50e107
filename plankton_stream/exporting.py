"""`plankton export`: images with all that is known about them, for other programs."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from plankton_stream.adapters.files import FileImageStore
from plankton_stream.adapters.sql import Catalog
from plankton_stream.connections import open_catalog
from plankton_stream.domain import IMAGE_TYPES, Image, Label, LabelState, Taxon
from plankton_stream.ecotaxa import NUMBER, NUMBERS, TEXT, Cell, Column, cells
from plankton_stream.errors import ConfigError, NotFoundError
from plankton_stream.images import decode, encode_png
from plankton_stream.ports import ImageFilter, ImageStore
from plankton_stream.settings import load_settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Export images with their metadata and labels."
)

_TABLE = "ecotaxa_export.tsv"
_Types = dict[str, str]  # of columns, by name
_Found = tuple[str, bytes, dict[str, Cell]]  # file name, bytes, cells
_FIRST = tuple(Column)  # in this order; others follow by name


@app.callback()
def _exports() -> None:
    """Export images with their metadata and labels."""


@app.command()
def ecotaxa(
    *,
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    camera: Annotated[str | None, typer.Option(help="Only of this camera.")] = None,
    instrument: Annotated[str | None, typer.Option(help="Only of this instrument.")] = None,
    project: Annotated[str | None, typer.Option(help="Only of this project.")] = None,
    sample: Annotated[str | None, typer.Option(help="Only of this sample.")] = None,
    state: Annotated[
        LabelState | None, typer.Option(help="Only with this state of their name.")
    ] = None,
    taxon: Annotated[str | None, typer.Option(help="Only with this taxon's key.")] = None,
    after: Annotated[
        datetime | None, typer.Option(help="Only captured then or later, UTC.")
    ] = None,
    before: Annotated[datetime | None, typer.Option(help="Only captured earlier, UTC.")] = None,
) -> None:
    """Write a zip that EcoTaxa imports: images, and a table with metadata and labels."""
    settings = load_settings()
    where = ImageFilter(
        camera=camera, instrument=instrument, project=project, sample=sample, state=state,
        taxon=taxon, after=after and after.replace(tzinfo=UTC),
        before=before and before.replace(tzinfo=UTC),
    )  # fmt: skip
    with open_catalog(settings) as catalog:
        done = export_ecotaxa(out, catalog, FileImageStore(settings.images_url), where)
    print(f"{done.images} images, {done.labelled} with a label, in {out}")  # noqa: T201
    if done.without_bytes:
        print(f"{done.without_bytes} are left out: the image store lacks their bytes")  # noqa: T201
        raise typer.Exit(1)


@dataclass
class Exported:
    """What an export has.

    Attributes:
        images: in the table.
        labelled: of those, with a label that holds.
        without_bytes: left out, because the image store lacks their bytes.
    """

    images: int = 0
    labelled: int = 0
    without_bytes: int = 0


def export_ecotaxa(out: Path, catalog: Catalog, store: ImageStore, where: ImageFilter) -> Exported:
    """Write an EcoTaxa import of all images that match.

    The zip is there whole or not at all. Memory does not grow with the images.

    Args:
        out: the zip to write; one that is there is replaced.
        catalog: the images, labels and taxa, see `adapters.sql.Catalog`.
        store: the images' bytes.
        where: which images.

    Raises:
        ConfigError: no image matches, or the file can't be written.
        RetryableError: the catalog or the store does not answer.
    """
    part = out.with_name(out.name + ".part")
    done = Exported()
    try:
        with (
            zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
            tempfile.TemporaryFile("w+", encoding="utf-8") as lines,
        ):
            columns = _write_images(archive, lines, _found(catalog, store, where, done))
            if done.images:
                _write_table(archive, lines, columns)
        if not done.images:
            raise ConfigError(f"No image matches: {out} is not written.")
        part.replace(out)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return done


def _write_images(archive: zipfile.ZipFile, lines: IO[str], found: Iterator[_Found]) -> _Types:
    """Images into the zip and cells as lines of JSON; gives all columns with their types."""
    types: _Types = {}
    for file, data, row in found:
        archive.writestr(file, data)
        lines.write(json.dumps(row) + "\n")
        for column, cell in row.items():
            types[column] = _type(column, cell, types.get(column, NUMBER))
    return types


def _found(
    catalog: Catalog, store: ImageStore, where: ImageFilter, done: Exported
) -> Iterator[_Found]:
    """What is to be written of each image; counts it."""
    taxa: dict[str, Taxon] = catalog.taxa.by_key()
    for image, label in _labelled(catalog, where):
        file, data = _picture(image, store)
        if data is None:
            done.without_bytes += 1
            continue
        done.images += 1
        done.labelled += label is not None
        yield file, data, cells(image, label, taxa.get(image.naming.taxon or ""), file)


def _labelled(catalog: Catalog, where: ImageFilter) -> Iterator[tuple[Image, Label | None]]:
    """Images that match, last indexed first, each with the label that holds."""
    cursor: str | None = None
    while True:
        page = catalog.images.page(where, limit=1_000, cursor=cursor)
        standing = [image.label_id for image in page.images if image.label_id]
        labels: dict[str, Label] = catalog.labels.get(standing)
        for image in page.images:
            yield image, labels.get(image.label_id or "")
        cursor = page.next_cursor
        if cursor is None:
            return


def _picture(image: Image, store: ImageStore) -> tuple[str, bytes | None]:
    """File name and bytes; TIFF, which EcoTaxa does not take, as PNG of the same pixels."""
    try:
        data = store.get(image.image_id, image.content_type)
    except NotFoundError:
        return "", None
    if image.content_type == "image/tiff":
        return f"{image.image_id}.png", encode_png(decode(data, image.content_type))
    return f"{image.image_id}.{IMAGE_TYPES[image.content_type]}", data


def _type(column: str, cell: Cell, before: str) -> str:
    if column in NUMBERS:
        return NUMBER
    is_number = not isinstance(cell, str | bool) and column not in set(Column)
    return NUMBER if is_number and before == NUMBER else TEXT


def _write_table(archive: zipfile.ZipFile, lines: IO[str], columns: _Types) -> None:
    known = [column for column in _FIRST if column in columns]
    ordered = [*known, *sorted(columns.keys() - set(_FIRST))]
    lines.seek(0)
    with (
        archive.open(_TABLE, "w", force_zip64=True) as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="") as text,
    ):
        table = csv.writer(text, delimiter="\t", lineterminator="\n")
        table.writerow(ordered)
        table.writerow([columns[column] for column in ordered])
        for line in lines:
            found = json.loads(line)
            table.writerow([found.get(column, "") for column in ordered])
