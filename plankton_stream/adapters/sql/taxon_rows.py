"""Rows of the tree of names: read, checked, written with their history, locked."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert, writing
from plankton_stream.adapters.sql.schema import synonyms, taxa, taxon_changes
from plankton_stream.domain import Taxon, TaxonKind
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.taxonomy.records import Did

_TAXONOMY_LOCK = 0x7461786F6E  # any number that nobody else in the database uses: "taxon"


@contextmanager
def editing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that edits the tree, one after the other: two moves can make no circle.

    Raises:
        RetryableError: the database does not answer.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TAXONOMY_LOCK)))
        yield connection


def read_taxa(connection: sa.Connection) -> dict[str, Taxon]:
    """All taxa that can be given, by key."""
    others: defaultdict[str, list[str]] = defaultdict(list)
    for name, key in connection.execute(sa.select(synonyms.c.name, synonyms.c.taxon)):
        others[key].append(name)
    query = sa.select(taxa).where(taxa.c.merged_into.is_(None))
    return {row.key: to_taxon(row, others[row.key]) for row in connection.execute(query)}


def to_taxon(row: Any, others: list[str]) -> Taxon:
    """A taxon from a row of its table, and its synonyms."""
    # What the catalog holds was validated on its way in.
    return Taxon.model_construct(
        key=row.key, name=row.name, rank=row.rank, parent=row.parent, aphia_id=row.aphia_id,
        kind=TaxonKind(row.kind), synonyms=tuple(sorted(others, key=str.casefold)),
    )  # fmt: skip


def read_merged(connection: sa.Connection) -> dict[str, str]:
    """Keys that were merged, each with the valid one."""
    query = sa.select(taxa.c.key, taxa.c.merged_into).where(taxa.c.merged_into.is_not(None))
    return dict(connection.execute(query).tuples().all())


def require_taxon(connection: sa.Connection, key: str, *, lock: bool = True) -> None:
    """Refuse a taxon that can't be given; it stays as it is until the transaction ends.

    Args:
        connection: of a transaction, where `lock` is asked for.
        key: of the taxon.
        lock: keep it from being merged or deleted meanwhile.

    Raises:
        RejectedError: there is none with this key, or it was merged: then the valid one is named.
    """
    query = sa.select(taxa.c.key, taxa.c.merged_into).where(taxa.c.key == key)
    if lock:
        query = query.with_for_update(read=True)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RejectedError(f"unknown taxon {key!r}: GET /api/v1/taxa lists those allowed")
    if row.merged_into is not None:
        raise RejectedError(f"taxon {key!r} was merged into {row.merged_into!r}: use that")


def valid_keys(connection: sa.Connection, keys: Iterable[str]) -> dict[str, str]:
    """Keys with the valid key of each, their own unless they were merged.

    They are locked: none of them is merged until the transaction ends.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query = sa.select(taxa.c.key, taxa.c.merged_into).where(taxa.c.key.in_(wanted))
    rows = connection.execute(query.order_by(taxa.c.key).with_for_update(read=True))
    return {key: into or key for key, into in rows}


def get_taxon(have: dict[str, Taxon], key: str) -> Taxon:
    """One of the taxa.

    Raises:
        NotFoundError: there is none with this key.
    """
    try:
        return have[key]
    except KeyError:
        raise NotFoundError(
            f"there is no taxon {key!r}: GET /api/v1/taxa lists those there are"
        ) from None


def check_unique(taxon: Taxon, have: dict[str, Taxon]) -> None:
    """Refuse a taxon whose AphiaID or synonyms belong to another, or whose name is a synonym.

    Two taxa may have one name: there are eggs of copepods and eggs of fish.
    """
    mine = [synonym.casefold() for synonym in taxon.synonyms]
    if len(set(mine)) < len(mine) or taxon.name.casefold() in mine:
        raise RejectedError(f"taxon {taxon.key!r} has one name twice among its synonyms")
    for other in have.values():
        if other.key == taxon.key:
            continue
        if taxon.aphia_id is not None and taxon.aphia_id == other.aphia_id:
            raise RejectedError(f"AphiaID {taxon.aphia_id} is that of taxon {other.key!r}")
        if other.name.casefold() in mine:
            raise RejectedError(
                f"{other.name!r} is the name of taxon {other.key!r}: a synonym leads to one taxon; "
                "merge them if they are the same"
            )
        theirs = {synonym.casefold() for synonym in other.synonyms}
        if theirs & {*mine, taxon.name.casefold()}:
            taken = next(s for s in (taxon.name, *taxon.synonyms) if s.casefold() in theirs)
            raise RejectedError(f"{taken!r} is a synonym of taxon {other.key!r}: remove it there")


def write_new(
    connection: sa.Connection, new: Sequence[Taxon], *, who: str, why: str | None = None
) -> None:
    """Add checked taxa, parents before children, and say so in the history."""
    if not new:
        return
    rows = [taxon.model_dump(exclude={"synonyms"}) for taxon in new]
    connection.execute(insert(connection, taxa).on_conflict_do_nothing(), rows)
    _write_synonyms(connection, new)
    record(connection, [line(one.key, Did.ADDED, after=described(one)) for one in new], who, why)


def write_changed(
    connection: sa.Connection,
    changed: Sequence[tuple[Taxon, Taxon]],
    *,
    who: str,
    why: str | None = None,
) -> None:
    """Change checked taxa, given as they were and as they are to be, and say so in the history."""
    if not changed:
        return
    rows = [
        {f"new_{name}": value for name, value in new.model_dump(exclude={"synonyms"}).items()}
        for _, new in changed
    ]
    values: dict[str, Any] = {
        c: sa.bindparam(f"new_{c}") for c in ("name", "rank", "parent", "aphia_id", "kind")
    }
    which = taxa.c.key == sa.bindparam("new_key")
    connection.execute(taxa.update().where(which).values(values), rows)
    others = [new for old, new in changed if old.synonyms != new.synonyms]
    if others:
        gone = synonyms.c.taxon == sa.bindparam("of")
        connection.execute(synonyms.delete().where(gone), [{"of": one.key} for one in others])
        _write_synonyms(connection, others)
    lines = []
    for old, new in changed:
        before, after = (one.model_dump(mode="json", exclude={"key"}) for one in (old, new))
        differ = [name for name, value in after.items() if value != before[name]]
        before, after = ({name: one[name] for name in differ} for one in (before, after))
        lines.append(line(new.key, Did.CHANGED, before=before, after=after))
    record(connection, lines, who, why)


def _write_synonyms(connection: sa.Connection, having: Sequence[Taxon]) -> None:
    rows = [
        {"folded": name.casefold(), "name": name, "taxon": taxon.key}
        for taxon in having
        for name in taxon.synonyms
    ]
    if rows:
        connection.execute(synonyms.insert(), rows)


def described(taxon: Taxon) -> dict[str, Any]:
    """What the history says of a taxon: the fields that it has."""
    values = taxon.model_dump(mode="json", exclude={"key"})
    return {name: value for name, value in values.items() if value not in (None, [])}


def line(
    key: str,
    kind: Did,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A line of the history of the taxonomy, to be given to `record`."""
    return {"taxon": key, "kind": kind, "before": before, "after": after}


def record(
    connection: sa.Connection, lines: Sequence[dict[str, Any]], who: str, why: str | None = None
) -> None:
    """Add lines to the history of the taxonomy."""
    more = {"who": who, "at": now(), "why": why}
    if lines:
        connection.execute(taxon_changes.insert(), [one | more for one in lines])
