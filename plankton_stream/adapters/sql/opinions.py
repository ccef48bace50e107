"""Blind opinions: whom an image is offered to, what they call it, images of known truth.

An opinion never changes a label. One that differs from somebody else's label disputes it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.claims import Claims
from plankton_stream.adapters.sql.engine import in_chunks, reading, writing
from plankton_stream.adapters.sql.labels import lock_images
from plankton_stream.adapters.sql.offers import again, owner, references, second
from plankton_stream.adapters.sql.schema import (
    disputes,
    images,
    labels,
    opinions,
    reference_images,
    review_shares,
)
from plankton_stream.adapters.sql.taxon_rows import read_merged, require_taxon
from plankton_stream.domain import Image, new_id
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.review import blind
from plankton_stream.review.records import Opinion, OpinionKind, Shares

LEASE = timedelta(minutes=30)
"""How long an image that was offered for a second opinion is offered to nobody else: no page holds
on to it, as that would tell it from a reference, which everybody is offered."""

_STANDS = opinions.c.withdrawn_at.is_(None)


class Opinions:
    """Hands out images to be named blindly, and keeps the answers."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._claims = Claims(engine)

    def shares(self) -> Shares:
        """How much is looked at twice: nothing, until somebody sets it."""
        with reading(self._engine) as connection:
            return _shares(connection)

    def set_shares(self, shares: Shares, *, who: str) -> None:
        """Set how much is looked at twice from now on."""
        with writing(self._engine) as connection:
            connection.execute(
                review_shares.insert().values(**shares.model_dump(), who=who, at=now())
            )

    def offered(self, who: str, number: int) -> list[str]:
        """Ids of images for somebody to name blindly, the kinds mixed; see `review.blind.mixed`.

        The same question gets the same answer until something was answered or labelled. What is
        handed out for a second opinion is handed to nobody else meanwhile, see `LEASE`.

        Args:
            who: is asking. Nobody is offered, as a second opinion, what they named themselves.
            number: at most so many.
        """
        with reading(self._engine) as connection:
            shares = _shares(connection)
            theirs, own, known = [
                list(connection.scalars(query.limit(number)))
                for query in (second(who, shares), again(who, shares), references(who))
            ]
            mine = sa.select(sa.func.count()).where(opinions.c.who == who, _STANDS)
            given = connection.scalar(mine) or 0
        handed = blind.mixed(
            theirs, own, known, reference_percent=shares.reference_percent, who=who, given=given,
            number=number,
        )  # fmt: skip
        wanted = set(theirs).intersection(handed)
        held = self._claims.take(sorted(wanted), owner(who), lease=LEASE) if wanted else set()
        left = [image_id for image_id in handed if image_id not in wanted - held]
        return left if set(left) - set(known) else []  # references alone would be no secret

    def give(self, image_id: str, taxon: str, *, who: str, note: str | None = None) -> Opinion:
        """Say blindly what an image is. Saying the same again changes nothing.

        Raises:
            NotFoundError: there is no such image.
            RejectedError: the image is not offered to them, the taxon is unknown, or they said
                something else before.
        """
        with writing(self._engine) as connection:
            image = lock_images(connection, [image_id]).get(image_id)
            if image is None:
                raise NotFoundError(f"there is no image {image_id!r}")
            before = (
                connection.execute(
                    sa.select(opinions).where(
                        opinions.c.image_id == image_id, opinions.c.who == who, _STANDS
                    )
                )
                .mappings()
                .first()
            )
            if before is not None:
                return _said_before(to_opinion(before), taxon)
            require_taxon(connection, taxon)
            opinion = _compared(connection, image, taxon, who=who, note=note)
            connection.execute(opinions.insert().values(opinion.model_dump()))
            if opinion.kind is OpinionKind.SECOND and not opinion.agrees:
                connection.execute(
                    disputes.insert().values(
                        dispute_id=new_id(), image_id=image_id, who=who, at=opinion.at,
                        taxon=taxon, note=note, opinion_id=opinion.opinion_id,
                    )
                )  # fmt: skip
            return opinion

    def withdraw(self, opinion_id: str, *, who: str) -> Opinion:
        """Take an opinion back, with the dispute that it opened; harmless when repeated.

        Raises:
            NotFoundError: they gave no such opinion.
            RejectedError: what it disputed was settled: it was part of that decision.
        """
        mine = sa.and_(opinions.c.opinion_id == opinion_id, opinions.c.who == who)
        with writing(self._engine) as connection:
            row = connection.execute(sa.select(opinions).where(mine)).mappings().first()
            if row is None:
                raise NotFoundError(f"{who} gave no opinion {opinion_id!r}")
            lock_images(connection, [row["image_id"]])
            opened = disputes.c.opinion_id == opinion_id
            settled = sa.select(disputes).where(opened, disputes.c.settled_label_id.is_not(None))
            if connection.execute(settled).first() is not None:
                raise RejectedError("a reviewer has settled this opinion: it can't be taken back")
            gone = {"withdrawn_at": now()}
            connection.execute(opinions.update().where(mine, _STANDS).values(gone))
            standing = disputes.c.withdrawn_at.is_(None)
            connection.execute(disputes.update().where(opened, standing).values(gone))
            return to_opinion(row)

    def all(
        self, *, after: datetime | None = None, before: datetime | None = None
    ) -> list[Opinion]:
        """All opinions that stand, first one first.

        Those on references are compared with the truth as it is known now; of a reference that was
        taken away they are left out.

        Args:
            after: given then or later.
            before: given earlier.
        """
        truth = reference_images.alias("truth")
        of_reference = opinions.c.kind == OpinionKind.REFERENCE
        query = (
            sa.select(opinions, truth.c.taxon.label("truth"))
            .outerjoin(truth, sa.and_(truth.c.image_id == opinions.c.image_id, of_reference))
            .where(_STANDS, sa.or_(~of_reference, truth.c.image_id.is_not(None)))
            .order_by(opinions.c.at, opinions.c.opinion_id)
        )
        if after is not None:
            query = query.where(opinions.c.at >= after)
        if before is not None:
            query = query.where(opinions.c.at < before)
        with reading(self._engine) as connection:
            merged = read_merged(connection)
            return [_as_of_now(row, merged) for row in connection.execute(query).mappings()]

    def of_images(self, ids: Sequence[str]) -> list[Opinion]:
        """Opinions on images that stand, first one first; those on references stay hidden."""
        found: list[Opinion] = []
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(opinions).where(
                    opinions.c.image_id.in_(chunk),
                    opinions.c.kind != OpinionKind.REFERENCE,
                    _STANDS,
                )
                rows = connection.execute(query.order_by(opinions.c.at, opinions.c.opinion_id))
                found += [to_opinion(row) for row in rows.mappings()]
        return found


def to_opinion(row: Any) -> Opinion:
    """An opinion from a row of its table, which was validated on its way in."""
    values = {name: row[name] for name in Opinion.model_fields}
    return Opinion.model_construct(**values | {"kind": OpinionKind(row["kind"])})


def _shares(connection: sa.Connection) -> Shares:
    query = sa.select(review_shares).order_by(review_shares.c.sequence.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return Shares()
    return Shares(**{name: getattr(row, name) for name in Shares.model_fields})


def _as_of_now(row: Any, merged: Mapping[str, str]) -> Opinion:
    """An opinion, compared with the truth as it is known now; merged taxa are the valid ones."""
    said, compared = row["taxon"], row["truth"] or row["compared_taxon"]
    names = {"taxon": merged.get(said, said), "compared_taxon": merged.get(compared, compared)}
    return to_opinion({**row, **names})


def _said_before(before: Opinion, taxon: str) -> Opinion:
    if before.taxon == taxon:
        return before
    raise RejectedError(
        f"{before.who} called this image {before.taxon} before: take that opinion back first"
    )


def _compared(
    connection: sa.Connection, image: Image, taxon: str, *, who: str, note: str | None
) -> Opinion:
    """The opinion, compared with what it is for."""
    shares, this = _shares(connection), images.c.image_id == image.image_id
    known = reference_images.c.image_id == image.image_id
    values = {
        "opinion_id": new_id(), "image_id": image.image_id, "who": who, "taxon": taxon,
        "at": now(), "note": note,
    }  # fmt: skip
    if connection.execute(references(who).where(known)).first() is not None:
        truth = connection.scalar(sa.select(reference_images.c.taxon).where(known))
        truth = read_merged(connection).get(str(truth), truth)
        kind, with_taxon, with_who = OpinionKind.REFERENCE, truth, None
    else:
        holds = connection.execute(sa.select(labels).where(labels.c.label_id == image.label_id))
        label = holds.first()
        # Somebody else may have been quicker: a third opinion is as good.
        if connection.execute(second(who, shares, taken=True).where(this)).first() is not None:
            kind = OpinionKind.SECOND
        elif connection.execute(again(who, shares).where(this)).first() is not None:
            kind = OpinionKind.SELF
        else:
            raise RejectedError(
                f"image {image.image_id} does not wait for {who}'s opinion (any more): "
                "GET /api/v1/queues/second"
            )
        with_taxon, with_who = image.naming.taxon, label.who if label else None
    return Opinion(**values, kind=kind, compared_taxon=with_taxon, compared_who=with_who)
