"""The names that can be given."""

from collections.abc import Iterable

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import reading
from plankton_stream.adapters.sql.schema import taxa, taxon_changes
from plankton_stream.adapters.sql.taxon_rows import (
    check_unique,
    editing,
    read_merged,
    read_taxa,
    require_taxon,
    write_new,
)
from plankton_stream.domain import Taxon
from plankton_stream.errors import RejectedError
from plankton_stream.taxonomy.records import Did

SYSTEM = "plankton stream"
"""Who adds the starter taxa."""


class Taxa:
    """Reads and adds taxa. Those that were merged into others are not among them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def all(self) -> list[Taxon]:
        """All taxa by name."""
        with reading(self._engine) as connection:
            return sorted(read_taxa(connection).values(), key=lambda taxon: taxon.name)

    def by_key(self) -> dict[str, Taxon]:
        """Taxa by key; a key that was merged leads to the taxon that is valid instead."""
        with reading(self._engine) as connection:
            valid = read_taxa(connection)
            merged = read_merged(connection)
        return valid | {old: valid[new] for old, new in merged.items() if new in valid}

    def merged(self) -> dict[str, str]:
        """Keys that were merged, each with the key that is valid instead."""
        with reading(self._engine) as connection:
            return read_merged(connection)

    def revision(self) -> str:
        """Changes whenever a taxon does, and never comes back."""
        last = sa.select(sa.func.coalesce(sa.func.max(taxon_changes.c.sequence), 0))
        count = sa.select(sa.func.count()).select_from(taxa)
        with reading(self._engine) as connection:
            return f"{connection.scalar(last)}-{connection.scalar(count)}"

    def below(self, key: str) -> tuple[str, ...]:
        """A taxon's key and those of all below it, merged ones too: an image may not have followed.

        Raises:
            RejectedError: there is no such taxon, or it was merged.
        """
        with reading(self._engine) as connection:
            require_taxon(connection, key, lock=False)
            above = sa.func.coalesce(taxa.c.merged_into, taxa.c.parent)
            found = sa.select(sa.literal(key, sa.String(64)).label("key")).cte(recursive=True)
            # UNION leaves out what was found before: it ends whatever the tree is like.
            found = found.union(sa.select(taxa.c.key).join(found, above == found.c.key))
            return tuple(sorted(connection.scalars(sa.select(found.c.key))))

    def add(self, taxon: Taxon, *, who: str = SYSTEM) -> Taxon:
        """Add a taxon; adding the very same again changes nothing.

        Raises:
            RejectedError: its key belongs to another taxon, its parent is unknown, or its AphiaID
                or a synonym is another's.
        """
        with editing(self._engine) as connection:
            have = read_taxa(connection)
            if have.get(taxon.key) == taxon:
                return taxon
            if taxon.parent is not None and taxon.parent not in have:
                raise RejectedError(
                    f"parent {taxon.parent!r} of taxon {taxon.key!r} is unknown: add it first"
                )
            if taxon.key in have or taxon.key in read_merged(connection):
                raise RejectedError(
                    f"taxon {taxon.key!r} exists with other properties: choose another key"
                )
            check_unique(taxon, have)
            write_new(connection, [taxon], who=who)
        return taxon

    def add_missing(self, starters: Iterable[Taxon]) -> None:
        """Add those that are new; parents must come before their children.

        What people did stands: a starter that they deleted stays away, and so does one, or a
        synonym, whose name or AphiaID they gave to another taxon.
        """
        with editing(self._engine) as connection:
            have = read_taxa(connection)
            merged = read_merged(connection)
            gone = set(connection.scalars(_deleted())) | merged.keys()
            names = _names(have.values())
            ids = {one.aphia_id for one in have.values()} - {None}
            new = []
            for starter in starters:
                taken = starter.name.casefold() in names or starter.aphia_id in ids
                if starter.key in have or starter.key in gone or taken:
                    continue
                other = [s for s in starter.synonyms if s.casefold() not in names]
                parent = starter.parent if starter.parent in have else None
                parent = parent or merged.get(starter.parent or "")
                one = starter.model_copy(update={"synonyms": tuple(other), "parent": parent})
                have[one.key] = one
                names |= _names([one])
                new.append(one)
            write_new(connection, new, who=SYSTEM)


def _deleted() -> sa.Select[tuple[str]]:
    return sa.select(taxon_changes.c.taxon).where(taxon_changes.c.kind == Did.DELETED)


def _names(having: Iterable[Taxon]) -> set[str]:
    """All that taxa are called, case folded."""
    return {name.casefold() for taxon in having for name in (taxon.name, *taxon.synonyms)}
