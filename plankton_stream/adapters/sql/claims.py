"""Claims: who looks at which unlabelled images now, so that no two people get the same ones.

A claim is a lease, not a truth: it has no foreign keys, and one that ran out is as good as none.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import in_chunks, insert, reading, writing
from plankton_stream.adapters.sql.schema import claims
from plankton_stream.events.envelope import now

LEASE = timedelta(minutes=5)
"""How long images stay somebody's who is not heard of: longer than a page is looked at in silence,
and short enough for a colleague to wait."""

_KEPT = timedelta(hours=1)


class Claims:
    """Hands images to one owner at a time. An owner is a page that somebody has open."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def take(self, ids: Sequence[str], owner: str, *, lease: timedelta = LEASE) -> set[str]:
        """Claim images, or hold on to them; those that others hold stay theirs.

        What ran out is the owner's again if nobody has taken it since. Of several owners who want
        an image at the same moment one gets it.

        Returns:
            Those that the owner holds now.
        """
        at = now()
        with writing(self._engine) as connection:
            connection.execute(claims.delete().where(claims.c.until < at - _KEPT))
            # In ascending order: two owners can't wait for each other.
            taken = insert(connection, claims)
            taken = taken.on_conflict_do_update(
                index_elements=["image_id"],
                set_={"owner": taken.excluded.owner, "until": taken.excluded.until},
                where=sa.or_(claims.c.until < at, claims.c.owner == owner),
            ).returning(claims.c.image_id)
            # One statement for any number of rows: written out it would be compiled every time.
            rows = [{"image_id": i, "owner": owner, "until": at + lease} for i in sorted(set(ids))]
            return set(connection.scalars(taken, rows)) if rows else set()

    def release(self, owner: str, ids: Sequence[str] | None = None) -> int:
        """Give images back, or all that an owner has. Harmless when repeated.

        Returns:
            How many the owner had.
        """
        with writing(self._engine) as connection:
            if ids is None:
                return connection.execute(_of(owner)).rowcount
            return give_back(connection, owner, ids)

    def of_others(self, ids: Sequence[str], owner: str | None) -> set[str]:
        """Those of some images that somebody else holds."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(claims.c.image_id).where(
                    claims.c.image_id.in_(chunk), held_by_others(owner)
                )
                found |= set(connection.scalars(query))
        return found


def give_back(connection: sa.Connection, owner: str, ids: Sequence[str]) -> int:
    """See `Claims.release`; within a transaction."""
    chunks = in_chunks(sorted(set(ids)))
    given = (connection.execute(_of(owner).where(claims.c.image_id.in_(some))) for some in chunks)
    return sum(result.rowcount for result in given)


def _of(owner: str) -> sa.Delete:
    return claims.delete().where(claims.c.owner == owner)


def held_by_others(owner: str | None) -> sa.ColumnElement[bool]:
    """The condition that a claim holds, and is not the owner's; of nobody's, if that is None."""
    holds = claims.c.until >= now()
    return holds if owner is None else sa.and_(holds, claims.c.owner != owner)
