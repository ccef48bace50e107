"""The names that can be given."""

from collections.abc import Iterable

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert, reading, writing
from plankton_stream.adapters.sql.schema import taxa
from plankton_stream.domain import Taxon
from plankton_stream.errors import RejectedError


class Taxa:
    """Reads and adds taxa."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def all(self) -> list[Taxon]:
        """All taxa by name."""
        with reading(self._engine) as connection:
            return [
                Taxon(**row)
                for row in connection.execute(sa.select(taxa).order_by(taxa.c.name)).mappings()
            ]

    def add(self, taxon: Taxon) -> Taxon:
        """Add a taxon; adding the very same again changes nothing.

        Raises:
            RejectedError: its key belongs to another taxon, or its parent is unknown.
        """
        with writing(self._engine) as connection:
            if taxon.parent is not None and _get(connection, taxon.parent) is None:
                raise RejectedError(
                    f"parent {taxon.parent!r} of taxon {taxon.key!r} is unknown: add it first"
                )
            have = _get(connection, taxon.key)
            if have not in (None, taxon):
                raise RejectedError(
                    f"taxon {taxon.key!r} exists with other properties: choose another key"
                )
            connection.execute(_insert(connection, [taxon]))
        return taxon

    def add_missing(self, starters: Iterable[Taxon]) -> None:
        """Add those whose key is new; parents must come before their children."""
        with writing(self._engine) as connection:
            connection.execute(_insert(connection, starters))


def _get(connection: sa.Connection, key: str) -> Taxon | None:
    row = connection.execute(sa.select(taxa).where(taxa.c.key == key)).mappings().one_or_none()
    return None if row is None else Taxon(**row)


def _insert(connection: sa.Connection, new: Iterable[Taxon]) -> sa.Executable:
    rows = [taxon.model_dump() for taxon in new]
    statement: sa.Executable = insert(connection, taxa).values(rows).on_conflict_do_nothing()
    return statement
