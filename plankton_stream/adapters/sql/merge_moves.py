"""The first transaction of a merge, and of its undoing: what moves in the tree."""

import hashlib
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert
from plankton_stream.adapters.sql.schema import actions, merges, synonyms, taxa
from plankton_stream.adapters.sql.taxon_rows import (
    check_unique,
    get_taxon,
    line,
    read_merged,
    read_taxa,
    record,
    require_taxon,
)
from plankton_stream.domain import Taxon, new_id
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.taxonomy.records import Did
from plankton_stream.taxonomy.tree import find_circle


def merged_before(connection: sa.Connection, key: str, target: str) -> str | None:
    """The action of a merge that was begun before; None: it was not."""
    into = read_merged(connection).get(key)
    if into is None:
        return None
    if into != target:
        raise RejectedError(f"taxon {key!r} was merged into {into!r} before")
    query = sa.select(merges.c.action_id).where(
        merges.c.taxon == key, merges.c.target == target, merges.c.undone_at.is_(None)
    )
    return connection.scalar(query)


def begin(connection: sa.Connection, key: str, target: str, who: str) -> str:
    """Give a taxon up for another; the action of the labels that are to follow.

    Raises:
        NotFoundError: one of them is unknown.
        RejectedError: they are the same, the other was merged, or a merge of one of them is still
            under way.
    """
    have = read_taxa(connection)
    merged = read_merged(connection)
    if key == target:
        raise RejectedError(f"taxon {key!r} can't be merged into itself")
    if target in merged:
        require_taxon(connection, target)
    old, new = get_taxon(have, key), get_taxon(have, target)
    _require_settled(connection, (key, target))
    action_id = new_id()
    asked = hashlib.sha256(f"merge {key} into {target}".encode()).hexdigest()
    connection.execute(
        actions.insert().values(action_id=action_id, who=who, at=now(), request_sha256=asked)
    )
    moved = _move(connection, old, new, have, merged)
    connection.execute(
        merges.insert().values(
            action_id=action_id, taxon=key, target=target, who=who, at=now(), moved=moved
        )
    )
    lines = [line(key, Did.MERGED, after={"merged_into": target})]
    lines += [
        line(one, Did.CHANGED, before={"parent": key}, after={"parent": target})
        for one in moved["children"]
    ]
    record(connection, lines, who, f"merged {old.name} into {new.name}")
    return action_id


def _move(
    connection: sa.Connection,
    old: Taxon,
    new: Taxon,
    have: dict[str, Taxon],
    merged: dict[str, str],
) -> dict[str, Any]:
    """Give a taxon up: all that hangs on it moves to another. Returns what moved."""
    children = [one.key for one in have.values() if one.parent == old.key and one.key != new.key]
    before = [key for key, into in merged.items() if into == old.key]
    parents = {one.key: one.parent for one in have.values()}
    # One that lay below takes the place of the one that is given up.
    below = find_circle(parents | {old.key: new.key}, old.key) != []
    if below:
        change = taxa.update().where(taxa.c.key == new.key)
        connection.execute(change.values(parent=old.parent))
    change = taxa.update().where(taxa.c.key.in_([old.key, *before])).values(merged_into=new.key)
    connection.execute(change)
    # Those that were merged before, too: nothing lies below what nobody can see.
    under = (taxa.c.parent == old.key) & (taxa.c.key != new.key)
    connection.execute(taxa.update().where(under).values(parent=new.key))
    connection.execute(synonyms.update().where(synonyms.c.taxon == old.key).values(taxon=new.key))
    named = _is_free(old.name, have, old.key)
    if named:
        row = {"folded": old.name.casefold(), "name": old.name, "taxon": new.key}
        connection.execute(insert(connection, synonyms).values(row).on_conflict_do_nothing())
    return {
        "children": children, "merged": before, "synonyms": list(old.synonyms),
        "name": old.name if named else None, "target_parent": new.parent if below else None,
    }  # fmt: skip


def _is_free(name: str, have: dict[str, Taxon], key: str) -> bool:
    """Whether a name is not that of another taxon, or another's synonym."""
    folded = name.casefold()
    others = [one for one in have.values() if one.key != key]
    names = {n.casefold() for one in others for n in (one.name, *one.synonyms)}
    return folded not in names


def open_merge(connection: sa.Connection, key: str) -> Any:
    """The merge of a taxon that holds, or whose undoing was broken off.

    Raises:
        NotFoundError: there is none.
    """
    query = sa.select(merges).where(merges.c.taxon == key, merges.c.undo_ended_at.is_(None))
    last = query.order_by(merges.c.action_id.desc()).limit(1).with_for_update()
    row = connection.execute(last).one_or_none()
    if row is None:
        raise NotFoundError(f"taxon {key!r} is not merged into another")
    return row


def begin_undo(connection: sa.Connection, row: Any, who: str) -> None:
    """Make a taxon valid again and move back what moved; its labels are to follow.

    Raises:
        RejectedError: the other taxon was merged since, or something took this one's place.
    """
    merged = read_merged(connection)
    del merged[row.taxon]
    if row.target in merged:
        raise RejectedError(
            f"taxon {row.target!r}, which {row.taxon!r} was merged into, was itself merged into "
            f"{merged[row.target]!r}: take that back first"
        )
    moved = row.moved
    free = taxa.update().where(taxa.c.key == row.taxon).values(merged_into=None)
    connection.execute(free)
    came = taxa.c.key.in_(moved["merged"]) & (taxa.c.merged_into == row.target)
    connection.execute(taxa.update().where(came).values(merged_into=row.taxon))
    came = taxa.c.key.in_(moved["children"]) & (taxa.c.parent == row.target)
    connection.execute(taxa.update().where(came).values(parent=row.taxon))
    if moved["target_parent"] not in (None, *merged):
        change = taxa.update().where(taxa.c.key == row.target)
        connection.execute(change.values(parent=moved["target_parent"]))
    if moved["name"] is not None:
        own = synonyms.c.folded == moved["name"].casefold()
        connection.execute(synonyms.delete().where(own & (synonyms.c.taxon == row.target)))
    came = synonyms.c.folded.in_([name.casefold() for name in moved["synonyms"]])
    came &= synonyms.c.taxon == row.target
    connection.execute(synonyms.update().where(came).values(taxon=row.taxon))
    have = read_taxa(connection)
    if find_circle({one.key: one.parent for one in have.values()}, row.taxon):
        raise RejectedError(f"taxon {row.taxon!r} would lie below itself: move its parent first")
    check_unique(have[row.taxon], have)
    which = merges.c.action_id == row.action_id
    at = now()
    ended = sa.func.coalesce(merges.c.ended_at, sa.literal(at, merges.c.ended_at.type))
    connection.execute(
        merges.update().where(which).values(undone_at=at, undone_by=who, ended_at=ended)
    )
    undone = line(row.taxon, Did.UNMERGED, before={"merged_into": row.target})
    record(connection, [undone], who)


def _require_settled(connection: sa.Connection, keys: tuple[str, str]) -> None:
    """Refuse to merge what images are still on their way to or from."""
    under_way = merges.c.ended_at.is_(None) | (
        merges.c.undone_at.is_not(None) & merges.c.undo_ended_at.is_(None)
    )
    either = merges.c.taxon.in_(keys) | merges.c.target.in_(keys)
    row = connection.execute(sa.select(merges).where(under_way, either)).first()
    if row is not None:
        raise RejectedError(
            f"merging {row.taxon!r} into {row.target!r} is still under way: try again in a moment"
        )
