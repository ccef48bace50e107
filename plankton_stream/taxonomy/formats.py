"""The formats in which files name taxa, and how each is recognised by its columns."""

from collections.abc import Callable, Iterator
from enum import StrEnum

from plankton_stream.domain import TaxonKind
from plankton_stream.errors import RejectedError
from plankton_stream.taxonomy.source import Entry, Mistakes, aphia_of, urn
from plankton_stream.taxonomy.tables import Cells, Table

NOT_LIVING = "not-living"
"""EcoTaxa's branch of what is no organism."""


class Format(StrEnum):
    """Formats of a file of taxa."""

    CSV = "csv"
    DARWIN_CORE = "dwc"
    ECOTAXA = "ecotaxa"
    LIST = "list"


OURS = ("key", "name", "rank", "parent", "aphia_id", "kind", "synonyms")
"""Columns of our own format; all but `name` may be missing."""

SEPARATOR = "|"
"""Between the synonyms of a cell."""

_SYNONYMS = ("synonym", "junior", "unaccepted")

# What Darwin Core and the downloads of WoRMS call the same.
_DARWIN_CORE = {
    "ident": ("taxonid", "aphiaid", "id"),
    "name": ("scientificname",),
    "parent": ("parentnameusageid",),
    "parent_name": ("parentnameusage",),
    "accepted": ("acceptednameusageid", "valid_aphiaid", "aphiaid_accepted"),
    "accepted_name": ("acceptednameusage",),
    "rank": ("taxonrank", "rank"),
    "status": ("taxonomicstatus", "status"),
    "aphia_id": ("scientificnameid", "lsid"),
}
_ECOTAXA = {
    "ident": ("id",),
    "name": ("name",),
    "display": ("display_name",),
    "parent": ("parent_id",),
    "ids": ("id_lineage",),
    "accepted": ("renm_id", "rename_to"),
    "rank": ("rank",),
    "aphia_id": ("aphia_id",),
    "type": ("type", "taxotype"),
}
_ANNOTATIONS = ("object_annotation_hierarchy", "object_annotation_category")


def recognise(table: Table | None) -> Format:
    """The format that a table has by its columns."""
    columns = set() if table is None else table.columns.keys()
    if "scientificname" in columns:
        return Format.DARWIN_CORE
    if columns & {"display_name", *_ANNOTATIONS} or {"id", "parent_id"} <= columns:
        return Format.ECOTAXA
    return Format.CSV if "name" in columns else Format.LIST


def read_ours(table: Table, mistakes: Mistakes) -> Iterator[Entry]:
    """The entries of a table as `plankton taxa export` writes it."""
    mistakes.columns = dict(table.columns)
    unknown = table.columns.keys() - set(OURS)
    if unknown:
        mistakes.add(1, "", f"unknown columns {_list(unknown)}: allowed are {', '.join(OURS)}")
    for line, cells in table.rows(mistakes):
        if "name" not in cells:
            mistakes.add(line, "name", "is empty")
            continue
        key = cells.get("key")
        yield Entry(
            line=line, ident=key or f"line {line}", name=cells["name"], key=key,
            parent=_given(cells.get("parent")), rank=cells.get("rank"),
            aphia_id=_number(cells.get("aphia_id"), line, mistakes),
            kind=_kind(cells.get("kind"), line, mistakes),
            synonyms=_given(*(s.strip() for s in cells.get("synonyms", "").split(SEPARATOR))),
        )  # fmt: skip


def read_darwin_core(table: Table, mistakes: Mistakes) -> Iterator[Entry]:
    """The entries of a table of taxa in Darwin Core, or as WoRMS' own downloads call it."""
    cell = _Columns(table, _DARWIN_CORE, mistakes)
    numbers = table.columns.keys() & {"aphiaid", "valid_aphiaid", "aphiaid_accepted"}
    for line, cells in table.rows(mistakes):
        name = cell(cells, "name")
        if name is None:
            mistakes.add(line, "name", "is empty")
            continue
        ident, parent, accepted = (
            urn(text) if text and numbers and text.isdecimal() else text
            for text in (cell(cells, which) for which in ("ident", "parent", "accepted"))
        )
        ident = ident or f"line {line}"
        valid = _given(accepted, cell(cells, "accepted_name"))
        if ident in valid or (not accepted and valid == (name,)):
            valid = ()
        status = (cell(cells, "status") or "").lower()
        if not valid and ident != accepted and status.startswith(_SYNONYMS):
            mistakes.add(line, "accepted", f"the status is {status!r}, and no valid taxon is named")
        if cells.get("parentnameusageid") and parent == ident:
            parent = None  # some call the root its own parent
        yield Entry(
            line=line, ident=ident, name=name,
            parent=() if valid else _given(parent, cell(cells, "parent_name")), accepted=valid,
            rank=_lower(cell(cells, "rank")),
            aphia_id=aphia_of(ident) or aphia_of(cell(cells, "aphia_id") or ""),
        )  # fmt: skip


def read_ecotaxa(table: Table, mistakes: Mistakes) -> Iterator[Entry]:
    """The entries of EcoTaxa's taxonomy, or those that an export of its objects names."""
    if not table.columns.keys() & set(_ANNOTATIONS):
        return _ecotaxa_taxonomy(table, mistakes)
    return _ecotaxa_objects(table, mistakes)


def _ecotaxa_taxonomy(table: Table, mistakes: Mistakes) -> Iterator[Entry]:
    cell = _Columns(table, _ECOTAXA, mistakes)
    for line, cells in table.rows(mistakes):
        shown, _, above = (cell(cells, "display") or "").partition("<")
        name = cell(cells, "name") or shown
        if not name:
            mistakes.add(line, "name", "is empty")
            continue
        lineage = (cell(cells, "ids") or "").strip("[]").replace(",", " ").split()
        parent = cell(cells, "parent") or (lineage[1] if len(lineage) > 1 else None)
        instead = cell(cells, "accepted") or ""  # of one that EcoTaxa gave up
        instead = "" if instead in ("0", "None") else instead
        is_morphotype = (cell(cells, "type") or "").upper() == "M"
        rank = _lower(cell(cells, "rank"))
        number = _number(cell(cells, "aphia_id"), line, mistakes)
        yield Entry(
            line=line, ident=cell(cells, "ident") or f"line {line}", name=name,
            parent=_given(parent or above.strip()), accepted=_given(instead),
            rank=rank or ("morphotype" if is_morphotype else None),
            aphia_id=None if is_morphotype else number,
            kind=TaxonKind.NON_LIVING if NOT_LIVING in (name, above) else None,
        )  # fmt: skip


def _ecotaxa_objects(table: Table, mistakes: Mistakes) -> Iterator[Entry]:
    """Each name on the way from the root to what an object is called, once."""
    mistakes.columns = {"name": next(c for c in _ANNOTATIONS if c in table.columns)}
    said: set[str] = set()
    for line, cells in table.rows(mistakes):
        category = cells.get(_ANNOTATIONS[1], "")
        if "[t]" in (category, cells.get(_ANNOTATIONS[0])):
            continue  # the line with the columns' types
        way = cells.get(_ANNOTATIONS[0], "").split(">")
        way = [name.strip() for name in way if name.strip()]
        way = way or [part.strip() for part in reversed(category.split("<")) if part.strip()]
        kind = TaxonKind.NON_LIVING if NOT_LIVING in way else None
        for depth in range(1, len(way) + 1):
            ident = ">".join(way[:depth])
            if ident not in said:
                said.add(ident)
                yield Entry(
                    line=line, ident=ident, name=way[depth - 1],
                    parent=_given(">".join(way[: depth - 1])), kind=kind,
                )  # fmt: skip


def read_list(text: str, mistakes: Mistakes) -> Iterator[Entry]:
    """The entries of a list, one name a line; indented ones lie below the one before that is less.

    `Egg<Copepoda` is EcoTaxa's way to say which egg: the parent comes after the `<`.
    """
    way: list[tuple[int, str]] = []  # indentation and ident of those that are open
    said: set[str] = set()
    for line, raw in enumerate(text.splitlines(), 1):
        name = raw.strip()
        if not name or name.startswith("#"):
            continue
        indent = len(raw.expandtabs(8)) - len(raw.expandtabs(8).lstrip())
        levels = [level for level, _ in way]
        while way and way[-1][0] >= indent:
            way.pop()
        if levels and indent < levels[-1] and indent not in levels:
            allowed = ", ".join(map(str, levels))
            mistakes.add(line, "", f"indented by {indent}, where {allowed} are open")
        if not way and "<" in name:
            yield from _with_parent(line, name, said, mistakes)
            way = [(indent, _display(name))]
            continue
        ident = ">".join([*([way[-1][1]] if way else []), name])
        parent = _given(way[-1][1] if way else None)
        way.append((indent, ident))
        if ident in said:
            continue  # it was the parent of one before
        said.add(ident)
        yield Entry(line=line, ident=ident, name=name, parent=parent)


def _display(name: str) -> str:
    """The ident of what a display name names: its parent, and itself."""
    return ">".join(part.strip() for part in reversed(name.split("<")) if part.strip())


def _with_parent(line: int, name: str, said: set[str], mistakes: Mistakes) -> Iterator[Entry]:
    """What a display name names, and its parent: the list may not have a line for that."""
    way = _display(name).split(">")
    if not name.partition("<")[0].strip():
        mistakes.add(line, "name", f"{name!r} has no name before its <")
        return
    for depth in range(1, len(way) + 1):
        ident = ">".join(way[:depth])
        if ident not in said:
            said.add(ident)
            parent = _given(">".join(way[: depth - 1]))
            yield Entry(line=line, ident=ident, name=way[depth - 1], parent=parent)


READERS: dict[Format, Callable[[Table, Mistakes], Iterator[Entry]]] = {
    Format.CSV: read_ours,
    Format.DARWIN_CORE: read_darwin_core,
    Format.ECOTAXA: read_ecotaxa,
}


class _Columns:
    """Cells by what they mean, whatever a file calls them."""

    def __init__(self, table: Table, known: dict[str, tuple[str, ...]], mistakes: Mistakes) -> None:
        self._known = {
            field: [name for name in names if name in table.columns]
            for field, names in known.items()
        }
        mistakes.columns = {
            field: table.columns[names[0]] for field, names in self._known.items() if names
        }

    def __call__(self, cells: Cells, field: str) -> str | None:
        """The first cell that means this and is not empty."""
        return next((cells[name] for name in self._known[field] if name in cells), None)


def _given(*texts: str | None) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _number(text: str | None, line: int, mistakes: Mistakes) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        mistakes.add(line, "aphia_id", f"{text[:40]!r} is no number")
        return None
    return int(text[:12])


def _kind(text: str | None, line: int, mistakes: Mistakes) -> TaxonKind | None:
    if text is None:
        return None
    try:
        return TaxonKind(text.lower())
    except ValueError:
        allowed = " or ".join(TaxonKind)
        mistakes.add(line, "kind", f"{text[:40]!r}: allowed is {allowed}")
        return None


def _list(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def require_table(table: Table | None, file: str, kind: Format) -> Table:
    """A file's table, where its format needs one.

    Raises:
        RejectedError: the file has none.
    """
    if table is None:
        raise RejectedError(f"{file}: {kind} needs a first line with the names of the columns")
    return table
