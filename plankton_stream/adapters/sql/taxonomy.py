"""Editing the tree of names, and its history."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from plankton_stream.adapters.sql.engine import reading
from plankton_stream.adapters.sql.schema import (
    images,
    labels,
    merges,
    predictions,
    rejections,
    synonyms,
    taxa,
    taxon_changes,
)
from plankton_stream.adapters.sql.taxon_rows import (
    check_unique,
    described,
    editing,
    get_taxon,
    line,
    read_merged,
    read_taxa,
    record,
    to_taxon,
    write_changed,
    write_new,
)
from plankton_stream.domain import LabelState, Taxon
from plankton_stream.errors import RejectedError
from plankton_stream.events.taxon import TaxonChanged
from plankton_stream.taxonomy.plan import Plan
from plankton_stream.taxonomy.records import Did, TaxonChange, TaxonCounts, TaxonEvent
from plankton_stream.taxonomy.tree import parents_first, require_tree

MAX_LINES = 1_000
"""Most lines of the history at once."""


class Taxonomy:
    """Changes taxa, counts what is under them, and reads what was done to them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def change(self, key: str, change: TaxonChange, *, who: str) -> Taxon:
        """Change a taxon; its key, and with it what images are called by, stays.

        Returns:
            The taxon as it is now.

        Raises:
            NotFoundError: there is no such taxon.
            RejectedError: its parent is unknown, is itself or lies below it; or its AphiaID or a
                synonym is another's.
        """
        with editing(self._engine) as connection:
            have = read_taxa(connection)
            old = get_taxon(have, key)
            new = Taxon.model_validate(old.model_dump() | change.given())
            new = new.model_copy(update={"synonyms": tuple(sorted(new.synonyms, key=str.casefold))})
            if new == old:
                return old
            require_tree({one.key: one.parent for one in (*have.values(), new)}, [key])
            check_unique(new, have)
            write_changed(connection, [(old, new)], who=who)
        return new

    def delete(self, key: str, *, who: str) -> Taxon:
        """Delete a taxon that nothing was ever called by.

        Returns:
            The taxon as it was.

        Raises:
            NotFoundError: there is no such taxon.
            RejectedError: images are or were called by it, or taxa lie below it.
        """
        with editing(self._engine) as connection:
            old = get_taxon(read_taxa(connection), key)
            # Nobody gives it to an image from here on.
            connection.execute(sa.select(taxa).where(taxa.c.key == key).with_for_update())
            _require_unused(connection, key)
            for table in (rejections, synonyms):
                connection.execute(table.delete().where(table.c.taxon == key))
            hidden = (taxa.c.parent == key) & taxa.c.merged_into.is_not(None)
            connection.execute(taxa.update().where(hidden).values(parent=old.parent))
            try:
                with connection.begin_nested():
                    connection.execute(taxa.delete().where(taxa.c.key == key))
            except IntegrityError as error:
                raise RejectedError(
                    f"taxon {key!r} is in use: merge it into another instead"
                ) from error
            record(connection, [line(key, Did.DELETED, before=described(old))], who)
        return old

    def take_in(self, plan: Plan, *, who: str, why: str) -> None:
        """Carry out what a file asks for, all or nothing; the same plan again changes nothing.

        Args:
            plan: made of taxa that were read a moment ago, see `taxonomy.plan`.
            who: takes it in.
            why: what the history says, e.g. the file's name.

        Raises:
            RejectedError: somebody changed one of the taxa meanwhile.
        """
        with editing(self._engine) as connection:
            have = read_taxa(connection)
            known = have.keys() | read_merged(connection).keys()
            stale = [one.key for one in plan.new if one.key in known]
            stale += [old.key for old, _ in plan.changed if have.get(old.key) != old]
            if stale:
                raise RejectedError(
                    f"{', '.join(stale[:5])}: changed meanwhile; nothing was taken in, try again"
                )
            try:
                with connection.begin_nested():
                    write_new(connection, plan.new, who=who, why=why)
                    write_changed(connection, plan.changed, who=who, why=why)
            except IntegrityError as error:
                raise RejectedError(
                    "a name was given meanwhile; nothing was taken in, try again"
                ) from error

    def history(
        self, key: str | None = None, *, limit: int = 100, before: int | None = None
    ) -> list[TaxonEvent]:
        """What was done to one taxon, or to all, last first.

        Args:
            key: of the taxon; None: all.
            limit: 1…`MAX_LINES`.
            before: `sequence` of the last line of the page before.
        """
        query = sa.select(taxon_changes).order_by(taxon_changes.c.sequence.desc()).limit(limit)
        if key is not None:
            query = query.where(taxon_changes.c.taxon == key)
        if before is not None:
            query = query.where(taxon_changes.c.sequence < before)
        with reading(self._engine) as connection:
            return [TaxonEvent(**row) for row in connection.execute(query).mappings()]

    def facts(self) -> list[TaxonChanged]:
        """All taxa as the log tells of them, parents first: valid, merged and deleted ones."""
        with reading(self._engine) as connection:
            valid = read_taxa(connection)
            merged = connection.execute(
                sa.select(taxa).where(taxa.c.merged_into.is_not(None)).order_by(taxa.c.key)
            )
            found = [_fact(taxon) for taxon in _parents_first(valid)]
            found += [_fact(to_taxon(row, []), merged_into=row.merged_into) for row in merged]
            gone = sa.select(taxon_changes).where(taxon_changes.c.kind == Did.DELETED)
            last = connection.execute(gone.order_by(taxon_changes.c.sequence)).all()
        known = {fact.taxon for fact in found}
        deleted = {row.taxon: row.before for row in last if row.taxon not in known}
        return found + [
            _fact(Taxon.model_validate({"key": key, **before}), deleted=True)
            for key, before in deleted.items()
        ]

    def counts(self) -> list[TaxonCounts]:
        """Images under each taxon, in one statement; taxa without any are left out."""
        with reading(self._engine) as connection:
            return [TaxonCounts(**row) for row in connection.execute(_COUNTS).mappings()]


def _parents_first(valid: dict[str, Taxon]) -> list[Taxon]:
    parents = {one.key: one.parent for one in valid.values()}
    return [valid[key] for key in parents_first(sorted(valid), parents)]


def _fact(taxon: Taxon, **more: Any) -> TaxonChanged:
    values = taxon.model_dump()
    return TaxonChanged(taxon=values.pop("key"), **values, **more)


def _require_unused(connection: sa.Connection, key: str) -> None:
    named = _count(connection, images.c.taxon == key)
    ever = _count(connection, labels.c.taxon == key)
    below = _count(connection, (taxa.c.parent == key) & taxa.c.merged_into.is_(None))
    merged = _count(connection, (merges.c.taxon == key) | (merges.c.target == key))
    if named or ever:
        raise RejectedError(
            f"taxon {key!r} can't be deleted: {named:,} images are called by it, and it is in the "
            f"history {ever:,} times. Merge it into another taxon instead"
        )
    if below:
        raise RejectedError(
            f"taxon {key!r} can't be deleted: {below:,} taxa lie below it. Move them first"
        )
    if merged:
        raise RejectedError(f"taxon {key!r} can't be deleted: it is part of a merge")
    gone = predictions.c.taxon == key
    connection.execute(
        predictions.update().where(gone).values(taxon=None, score=0.0, margin=0.0, evidence=[])
    )


def _count(connection: sa.Connection, where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).where(where)) or 0


def _counts() -> sa.Select[Any]:
    """Own counts, and those of all below, in one statement.

    A merged taxon lies below the one that is valid: its images are on their way there.
    """
    above = sa.func.coalesce(taxa.c.merged_into, taxa.c.parent)
    start = sa.select(taxa.c.key.label("top"), taxa.c.key.label("key"))
    line_of = start.where(taxa.c.merged_into.is_(None)).cte("line_of", recursive=True)
    line_of = line_of.union(
        sa.select(line_of.c.top, taxa.c.key).join(line_of, above == line_of.c.key)
    )
    own = _own().subquery("own")
    columns = []
    for name in ("validated", "dubious", "predicted", "proposed"):
        is_it = own.c.state == name
        here = sa.case((is_it & (own.c.taxon == line_of.c.top), own.c.number), else_=0)
        below = sa.case((is_it, own.c.number), else_=0)
        columns += [
            sa.cast(sa.func.sum(here), sa.BigInteger).label(name),
            sa.cast(sa.func.sum(below), sa.BigInteger).label(f"{name}_below"),
        ]
    query = sa.select(line_of.c.top.label("taxon"), *columns)
    query = query.join(own, own.c.taxon == line_of.c.key)
    return query.group_by(line_of.c.top).order_by(line_of.c.top)


def _own() -> sa.CompoundSelect[Any]:
    named = sa.select(images.c.taxon, images.c.state, sa.func.count().label("number"))
    named = named.where(images.c.taxon.is_not(None)).group_by(images.c.taxon, images.c.state)
    joined = predictions.join(images, images.c.image_id == predictions.c.image_id)
    proposed = sa.select(
        predictions.c.taxon, sa.literal("proposed").label("state"), sa.func.count().label("number")
    )
    proposed = proposed.select_from(joined).where(
        predictions.c.taxon.is_not(None), images.c.state == LabelState.UNLABELLED
    )
    return sa.union_all(named, proposed.group_by(predictions.c.taxon))


_COUNTS = _counts()
