"""What an audit looks at, and how it says how far it is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from plankton_stream.adapters.sql import Catalog, Scope
from plankton_stream.ports import ImageStore, LogReader, VectorIndex

Progress = Callable[[str, int], None]
"""Told what is looked at, and how many of it so far."""


def _silent(_what: str, _count: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The places that an audit compares.

    Attributes:
        open_index: the index of an encoder version, by its id and dimension.
        scope: which part of what they hold.
        silent_s: a camera that has said nothing for longer does not run.
    """

    log: LogReader
    catalog: Catalog
    store: ImageStore
    open_index: Callable[[str, int], VectorIndex]
    scope: Scope = field(default_factory=Scope)
    silent_s: float = 30.0
    progress: Progress = _silent
