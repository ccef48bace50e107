"""Tables of taxa in text files: encodings, separators, cells by column, the lines they stand in."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from plankton_stream.errors import RejectedError
from plankton_stream.taxonomy.source import Mistakes

MAX_BYTES = 64 * 1024 * 1024
"""Largest file, also unpacked."""

Cells = dict[str, str]
"""The cells of a line by column in lower case; stripped, those that are empty left out."""


@dataclass(frozen=True)
class Table:
    """A file with a line of column names.

    Attributes:
        columns: as they are written, by their names in lower case.
        is_headed: the first line names the columns.
    """

    text: str
    delimiter: str
    columns: dict[str, str]
    is_headed: bool = True

    def rows(self, mistakes: Mistakes) -> Iterator[tuple[int, Cells]]:
        """The lines with taxa, with their numbers from 1; empty ones are left out."""
        names = list(self.columns)
        for line, cells in read_cells(self.text, self.delimiter, mistakes):
            if (line == 1 and self.is_headed) or not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(names):
                mistakes.add(line, "", f"{len(cells)} cells for {len(names)} columns")
                continue
            found = zip(names, (cell.strip() for cell in cells), strict=False)
            yield line, {name: cell for name, cell in found if cell}


def decode(data: bytes, file: str) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark.

    Raises:
        RejectedError: it is neither, or has NUL characters.
    """
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise RejectedError(
            f"{file}: line {line} is not UTF-8: save the file as UTF-8, or as UTF-16 with its mark"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise RejectedError(f"{file}: line {line} has a NUL character: this is no text file")
    return text


def find_table(text: str) -> Table | None:
    """The table that a text is, with tabs, commas or semicolons; None: one column, or no table."""
    first = text.split("\n", 1)[0].rstrip("\r")
    delimiter = max("\t,;", key=first.count)
    if delimiter not in first and first.strip().lower() not in ("name", "scientificname"):
        return None
    cells = next(csv.reader([first], delimiter=delimiter), [])
    columns = {cell.strip().lower(): cell.strip() for cell in cells}
    return Table(text, delimiter, columns) if len(columns) == len(cells) else None


def read_cells(text: str, delimiter: str, mistakes: Mistakes) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table, each with its number from 1; a cell may go on over several lines.

    Between tabs quotation marks are taken as they are: such tables have loose ones in authorships.
    """
    plain = delimiter == "\t"
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=not plain,
        quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
    )  # fmt: skip
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            mistakes.add(line, "", f"not to be read: {error}")
            return
        yield line, [_unquoted(cell) for cell in cells] if plain else cells


def _unquoted(cell: str) -> str:
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell
