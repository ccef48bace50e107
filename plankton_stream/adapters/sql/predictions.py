"""What the machine thinks of unlabelled images, and what people said they are not.

Nothing here writes a label: whoever accepts a proposal gives a label like any other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import in_chunks, insert, reading, writing
from plankton_stream.adapters.sql.schema import images, predictions, rejections
from plankton_stream.adapters.sql.taxon_rows import require_taxon, valid_keys
from plankton_stream.domain import LabelState, from_microseconds
from plankton_stream.errors import NotFoundError
from plankton_stream.events.envelope import now
from plankton_stream.predictions import Expected, Prediction

_UNLABELLED = images.c.state == LabelState.UNLABELLED


class Predictions:
    """Reads and writes predictions and rejections."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, votes: Sequence[Prediction]) -> None:
        """Keep the last vote on each image; how often it was passed over stays.

        An image that was deleted meanwhile is skipped.
        """
        if not votes:
            return
        by_id = {one.image_id: one for one in sorted(votes, key=lambda one: one.image_id)}
        with writing(self._engine) as connection:
            rows = [by_id[image_id].model_dump() for image_id in held(connection, list(by_id))]
            if not rows:
                return
            # The vote may be older than the merging of its taxon into another.
            valid = valid_keys(connection, (row["taxon"] for row in rows if row["taxon"]))
            rows = [row | {"taxon": valid.get(row["taxon"])} for row in rows]
            statement = insert(connection, predictions)
            renewed = {name: statement.excluded[name] for name in Prediction.model_fields}
            statement = statement.on_conflict_do_update(index_elements=["image_id"], set_=renewed)
            connection.execute(statement, rows)

    def get(self, ids: Sequence[str]) -> dict[str, Prediction]:
        """The last votes by image id; those that there was no vote on are left out."""
        found: dict[str, Prediction] = {}
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(predictions).where(predictions.c.image_id.in_(chunk))
                found |= {
                    row["image_id"]: _prediction(dict(row))
                    for row in connection.execute(query).mappings()
                }
        return found

    def proposed(self, ids: Sequence[str], taxon: str) -> set[str]:
        """Those of some images that are unlabelled, and for which a taxon is proposed."""
        found: set[str] = set()
        joined = predictions.join(images, images.c.image_id == predictions.c.image_id)
        query = sa.select(predictions.c.image_id).select_from(joined)
        query = query.where(_UNLABELLED, predictions.c.taxon == taxon)
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                found |= set(connection.scalars(query.where(predictions.c.image_id.in_(chunk))))
        return found

    def waiting(self, limit: int, *, before: datetime) -> list[str]:
        """Unlabelled images without a vote, then those whose last vote is older than a moment."""
        joined = images.outerjoin(predictions, predictions.c.image_id == images.c.image_id)
        voted_at = predictions.c.voted_at
        query = (
            sa.select(images.c.image_id)
            .select_from(joined)
            .where(_UNLABELLED, sa.or_(voted_at.is_(None), voted_at < before))
            .order_by(voted_at.is_not(None), voted_at)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return list(connection.scalars(query))

    def reject(self, ids: Sequence[str], taxon: str, *, who: str) -> None:
        """Remember that images are not of a taxon: it is not proposed for them again.

        Harmless when repeated. Proposals of it are withdrawn at once, and voted on anew soon.

        Raises:
            NotFoundError: an image is unknown; nothing was remembered.
            RejectedError: the taxon is unknown.
        """
        ids = sorted(set(ids))
        with writing(self._engine) as connection:
            _require(connection, ids, taxon)
            rows = [{"image_id": i, "taxon": taxon, "who": who, "at": now()} for i in ids]
            connection.execute(insert(connection, rejections).on_conflict_do_nothing(), rows)
            for chunk in in_chunks(ids):
                withdrawn = predictions.c.image_id.in_(chunk) & (predictions.c.taxon == taxon)
                connection.execute(
                    predictions.update()
                    .where(withdrawn)
                    .values(taxon=None, score=0.0, margin=0.0, evidence=[], voted_at=_LONG_AGO)
                )

    def rejected(self, ids: Sequence[str]) -> dict[str, set[str]]:
        """The taxa that images are known not to be, by image id."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(rejections).where(rejections.c.image_id.in_(chunk))
                for row in connection.execute(query):
                    found[row.image_id].add(row.taxon)
        return dict(found)

    def pass_over(self, ids: Sequence[str]) -> None:
        """Let other clusters come before those of these seeds."""
        with writing(self._engine) as connection:
            for chunk in in_chunks(sorted(set(ids))):
                connection.execute(
                    predictions.update()
                    .where(predictions.c.image_id.in_(chunk))
                    .values(passed=predictions.c.passed + 1)
                )

    def expected(self) -> list[Expected]:
        """What waits under each proposed taxon, most first."""
        total = sa.func.sum(predictions.c.score)
        query = (
            sa.select(predictions.c.taxon, sa.func.count(), total)
            .join(images, images.c.image_id == predictions.c.image_id)
            .where(_UNLABELLED, predictions.c.taxon.is_not(None))
            .group_by(predictions.c.taxon)
            .order_by(total.desc(), predictions.c.taxon)
        )
        with reading(self._engine) as connection:
            return [Expected(*row) for row in connection.execute(query)]


_LONG_AGO = from_microseconds(0)


def _prediction(row: Mapping[str, Any]) -> Prediction:
    """A prediction from a row that has the columns of its table."""
    return Prediction(**{name: row[name] for name in Prediction.model_fields})


def held(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Those of some images that there are, kept from being deleted until the transaction ends."""
    found: list[str] = []
    for chunk in in_chunks(ids):
        query = sa.select(images.c.image_id).where(images.c.image_id.in_(chunk))
        lock = query.order_by(images.c.image_id).with_for_update(read=True, key_share=True)
        found += connection.scalars(lock)
    return found


def _require(connection: sa.Connection, ids: Sequence[str], taxon: str) -> None:
    known: set[str] = set()
    for chunk in in_chunks(ids):
        query = sa.select(images.c.image_id).where(images.c.image_id.in_(chunk))
        known |= set(connection.scalars(query))
    missing = [image_id for image_id in ids if image_id not in known]
    if missing:
        raise NotFoundError(f"unknown images: {', '.join(missing[:5])} ({len(missing)} in all)")
    require_taxon(connection, taxon)
