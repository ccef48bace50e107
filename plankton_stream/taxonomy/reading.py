"""Reading a file of taxa: text in one of the formats, or a zip that holds one."""

import io
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from plankton_stream.ecotaxa import TABLE_NAME
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.taxonomy.formats import (
    READERS,
    Format,
    read_list,
    recognise,
    require_table,
)
from plankton_stream.taxonomy.source import Mistakes, Source, require_few
from plankton_stream.taxonomy.tables import MAX_BYTES, Table, decode, find_table

_META = "meta.xml"
_TEXT = "{http://rs.tdwg.org/dwc/text/}"
_TAXON = "http://rs.tdwg.org/dwc/terms/Taxon"
_ESCAPES = {r"\t": "\t", r"\n": "\n", r"\r": "\r"}


def read_file(path: Path, wanted: Format | None = None) -> Source:
    """What a file says.

    Args:
        path: text (UTF-8, or UTF-16 with its mark); a Darwin Core archive, which is a zip with a
            `meta.xml`; or an EcoTaxa export, a zip with an `ecotaxa….tsv`.
        wanted: the format; None: recognised by the first line.

    Raises:
        ConfigError: there is no such file, or it can't be read.
        RejectedError: it is too large or no text, or what it is can't be told.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RejectedError(f"{path.name}: larger than {MAX_BYTES // 2**20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    return read_bytes(data, path.name, wanted)


def read_bytes(data: bytes, file: str, wanted: Format | None = None) -> Source:
    """What the bytes of a file say; see `read_file`."""
    if data[:2] == b"PK":
        table, name = _unpacked(data, file)
        return _read(table.text, table, name, wanted)
    text = decode(data, file)
    return _read(text, find_table(text), file, wanted)


def _read(text: str, table: Table | None, file: str, wanted: Format | None) -> Source:
    kind = wanted or recognise(table)
    mistakes = Mistakes(file)
    if kind is Format.LIST:
        found = read_list(text, mistakes)
    else:
        table = require_table(table, file, kind)
        need = {Format.DARWIN_CORE: "scientificName", Format.CSV: "name"}.get(kind)
        if need is not None and need.lower() not in table.columns:
            raise RejectedError(f"{file}: there is no column {need!r}")
        found = READERS[kind](table, mistakes)
    try:
        return Source(require_few(found, file), mistakes)
    except RejectedError:
        mistakes.check()  # says more than that nothing was found
        raise


def _unpacked(data: bytes, file: str) -> tuple[Table, str]:
    """The table of taxa in a zip, and its name."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            metas = [name for name in names if PurePosixPath(name).name == _META]
            if metas:
                return _core(archive, metas[0], file)
            tables = [n for n in names if TABLE_NAME.fullmatch(PurePosixPath(n).name)]
            if not tables:
                raise RejectedError(
                    f"{file}: neither a Darwin Core archive (no {_META}) nor an EcoTaxa export "
                    "(no ecotaxa….tsv)"
                )
            name = f"{file}/{tables[0]}"
            found = find_table(decode(_member(archive, tables[0], file), name))
            return require_table(found, name, Format.ECOTAXA), name
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise RejectedError(f"{file}: the zip is damaged: {error}") from error


def _member(archive: zipfile.ZipFile, name: str, file: str) -> bytes:
    try:
        with archive.open(name) as member:
            data = member.read(MAX_BYTES + 1)
    except (KeyError, RuntimeError) as error:  # not there, or encrypted
        raise RejectedError(f"{file}: {name} can't be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise RejectedError(f"{file}: {name} is larger than {MAX_BYTES // 2**20} MiB")
    return data


def _core(archive: zipfile.ZipFile, meta: str, file: str) -> tuple[Table, str]:
    """The core table of a Darwin Core archive, which `meta.xml` describes."""
    xml = _member(archive, meta, file)
    if re.search(rb"<!(DOCTYPE|ENTITY)", xml, re.IGNORECASE):
        raise RejectedError(f"{file}: {_META} declares entities, which no archive needs")
    try:
        core = ElementTree.fromstring(xml).find(f"{_TEXT}core")  # noqa: S314  (no entities)
    except ElementTree.ParseError as error:
        raise RejectedError(f"{file}: {_META} is no XML: {error}") from error
    location = None if core is None else core.findtext(f"{_TEXT}files/{_TEXT}location")
    if core is None or not location:
        raise RejectedError(f"{file}: {_META} names no core file")
    if core.get("rowType", _TAXON) != _TAXON:
        raise RejectedError(f"{file}: the core's rows are {core.get('rowType')}, not {_TAXON}")
    data = _member(archive, str(PurePosixPath(meta).parent / location), file)
    name = f"{file}/{location}"
    text = decode(data, name)
    return _described(core, text, name), name


def _described(core: ElementTree.Element, text: str, name: str) -> Table:
    """A table whose columns are known from `meta.xml`, whatever its first line says."""
    delimiter = core.get("fieldsTerminatedBy", ",")
    delimiter = _ESCAPES.get(delimiter, delimiter)
    if len(delimiter) != 1:
        raise RejectedError(
            f"{name}: fieldsTerminatedBy is {delimiter!r}, allowed is one character"
        )
    columns: dict[int, str] = {}
    try:
        for field in core.iter(f"{_TEXT}field"):
            if field.get("index") is not None:  # one without has the same value everywhere
                columns[int(field.get("index", ""))] = field.get("term", "").rpartition("/")[2]
        number = core.find(f"{_TEXT}id")
        if number is not None and "taxonID" not in columns.values():
            columns[int(number.get("index", ""))] = "taxonID"
        headers = int(core.get("ignoreHeaderLines", "0"))
    except ValueError as error:
        raise RejectedError(f"{name}: {_META} has an index that is no number") from error
    if not columns or max(columns) > 1_000 or headers not in (0, 1):
        raise RejectedError(f"{name}: {_META} describes no columns, or several header lines")
    ordered = [columns.get(place, f"column {place + 1}") for place in range(max(columns) + 1)]
    return Table(text, delimiter, {one.lower(): one for one in ordered}, is_headed=headers == 1)
