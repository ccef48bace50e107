"""What sources share whose items lie in files: instruments' archives, imports."""

from collections import Counter
from typing import Protocol

from producers.source import Source


class Archive(Source, Protocol):
    """A source of kept files.

    Attributes:
        unit: what its files are to a reader: `files`, `bins`, `rows`.
        counts: files, or rows of a table, by what became of them: `taken`, `skipped` (nothing to
            take), `unreadable`, `refused`. What is unreadable or refused was logged with its cause.
        done: of `total`, what the source has worked through.
        total: files, bins or rows that there are.
    """

    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def counts(self) -> Counter[str]: ...  # noqa: D102
    @property
    def done(self) -> int: ...  # noqa: D102
    @property
    def total(self) -> int: ...  # noqa: D102
