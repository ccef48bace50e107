"""What a file of taxa says, line by line, before anybody asks what is there already."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from plankton_stream.domain import TaxonKind
from plankton_stream.errors import RejectedError

MAX_ENTRIES = 100_000
"""Most lines of a file: the page and the type-ahead hold the whole tree."""

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One taxon or one synonym, as a file has it. Cells that are empty are None.

    Attributes:
        line: where it stands, from 1.
        ident: what other lines of the file call it by.
        parent: what the file calls its parent, the first that is known counts; empty: at the top.
        accepted: the same of the valid taxon that it is a synonym of; empty: it is valid itself.
    """

    line: int
    ident: str
    name: str
    key: str | None = None
    parent: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    rank: str | None = None
    aphia_id: int | None = None
    kind: TaxonKind | None = None
    synonyms: tuple[str, ...] = ()


@dataclass
class Mistakes:
    """All that is wrong with a file, so that it is corrected once and not line by line.

    Attributes:
        columns: how the file calls the fields of an entry, where it has columns.
    """

    file: str
    columns: dict[str, str] = field(default_factory=dict)
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, field_name: str, message: str) -> None:
        """Note one, in a field of an entry; a file without columns has the line only."""
        column = self.columns.get(field_name)
        where = f"line {line}, column {column!r}" if column else f"line {line}"
        self.found.append((line, f"{where}: {message}"))

    def check(self) -> None:
        """Raise if there are any.

        Raises:
            RejectedError: names the first of them, in the order of the lines.
        """
        if not self.found:
            return
        number = len(self.found)
        shown = [message for _, message in sorted(self.found)[:_SHOWN]]
        more = [f"and {number - _SHOWN} more"] if number > _SHOWN else []
        what = "1 mistake" if number == 1 else f"{number} mistakes"
        raise RejectedError(
            "\n  ".join([f"{self.file}: {what}, nothing was taken in", *shown, *more])
        )


@dataclass(frozen=True)
class Source:
    """A file that was read: its entries, and what is wrong with it so far."""

    entries: list[Entry]
    mistakes: Mistakes

    def valid(self) -> Iterator[Entry]:
        """Those that are no synonyms."""
        return (one for one in self.entries if not one.accepted)


def urn(aphia_id: int | str) -> str:
    """How Darwin Core archives of WoRMS call an AphiaID."""
    return f"urn:lsid:marinespecies.org:taxname:{aphia_id}"


def aphia_of(reference: str) -> int | None:
    """The AphiaID in such a name; None: it is another."""
    start, _, number = reference.rpartition(":")
    is_worms = start == "urn:lsid:marinespecies.org:taxname"
    return int(number) if is_worms and number.isascii() and number.isdigit() else None


def require_few(entries: Iterable[Entry], file: str) -> list[Entry]:
    """The entries of a file that is not too large.

    Raises:
        RejectedError: there are more than `MAX_ENTRIES`, or none.
    """
    found: list[Entry] = []
    for one in entries:
        if len(found) == MAX_ENTRIES:
            raise RejectedError(
                f"{file}: more than {MAX_ENTRIES:,} lines: take the groups that you meet"
            )
        found.append(one)
    if not found:
        raise RejectedError(f"{file}: there are no taxa in it")
    return found
