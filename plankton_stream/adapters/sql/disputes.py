"""Disputes: an image's name is objected to until a reviewer settles it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from plankton_stream.adapters.sql.engine import in_chunks, reading, writing
from plankton_stream.adapters.sql.labels import Action, LabelRequest, apply_label, lock_images
from plankton_stream.adapters.sql.schema import actions, disputes, labels
from plankton_stream.adapters.sql.taxon_rows import require_taxon
from plankton_stream.domain import Image, LabelState, new_id
from plankton_stream.errors import ConflictError, NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.review.records import Dispute

_SETTLING = labels.alias("settling")
_JOINED = disputes.outerjoin(_SETTLING, _SETTLING.c.label_id == disputes.c.settled_label_id)
OPEN = sa.and_(
    disputes.c.withdrawn_at.is_(None),
    sa.or_(_SETTLING.c.label_id.is_(None), _SETTLING.c.retracted_at.is_not(None)),
)
"""Whether a dispute, joined with the label that settles it, is open."""


def is_disputed(image_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether an image has an open dispute."""
    query = sa.select(sa.literal(1)).select_from(_JOINED)
    return query.where(disputes.c.image_id == image_id, OPEN).exists()


def open_disputes() -> sa.Select[Any]:
    """The open disputes: image and time of each."""
    return sa.select(disputes.c.image_id, disputes.c.at).select_from(_JOINED).where(OPEN)


class Disputes:
    """Opens, withdraws and settles disputes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open(
        self, image_id: str, *, who: str, taxon: str | None = None, note: str | None = None
    ) -> Dispute:
        """Object to an image's name, which stays. One open dispute a person: the last word counts.

        Args:
            image_id: of an image that has a name.
            who: objects.
            taxon: what it should be called instead, if they know.
            note: why.

        Raises:
            NotFoundError: there is no such image.
            RejectedError: the image has no name, the taxon is unknown, or the name is what they
                would have it called anyway.
        """
        with writing(self._engine) as connection:
            image = lock_images(connection, [image_id]).get(image_id)
            if image is None:
                raise NotFoundError(f"there is no image {image_id!r}")
            _check(connection, image, taxon)
            mine = sa.and_(disputes.c.image_id == image_id, disputes.c.who == who)
            standing = sa.select(disputes.c.dispute_id).select_from(_JOINED).where(mine, OPEN)
            dispute_id = connection.scalar(standing)
            said = {"taxon": taxon, "note": note, "at": now()}
            if dispute_id is None:
                dispute_id = new_id()
                connection.execute(
                    disputes.insert().values(
                        dispute_id=dispute_id, image_id=image_id, who=who, **said
                    )
                )
            else:
                which = disputes.c.dispute_id == dispute_id
                connection.execute(disputes.update().where(which).values(said))
            return _read(connection, disputes.c.dispute_id == dispute_id)[0]

    def get(self, dispute_id: str) -> Dispute:
        """One dispute.

        Raises:
            NotFoundError: there is none.
        """
        with reading(self._engine) as connection:
            found = _read(connection, disputes.c.dispute_id == dispute_id)
        if not found:
            raise NotFoundError(f"there is no dispute {dispute_id!r}")
        return found[0]

    def withdraw(self, dispute_id: str) -> None:
        """Take an objection back; harmless when repeated, or when it was settled."""
        which = sa.and_(disputes.c.dispute_id == dispute_id, disputes.c.withdrawn_at.is_(None))
        with writing(self._engine) as connection:
            connection.execute(disputes.update().where(which).values(withdrawn_at=now()))

    def of_images(self, ids: Sequence[str]) -> list[Dispute]:
        """The open disputes of images, first one first."""
        found: list[Dispute] = []
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                found += _read(connection, disputes.c.image_id.in_(chunk), OPEN)
        return found

    def settle(self, request: LabelRequest, *, seen: int | None = None) -> Action:
        """Give an image in doubt a validated name, and close its disputes with it.

        Taking that label back opens them again.

        Args:
            request: of one image, validated.
            seen: the image's `label_version` that the reviewer saw; None: whatever it is.

        Raises:
            NotFoundError: there is no such image; nothing was labelled.
            RejectedError: as of `Labels.apply`.
            ConflictError: it is not in doubt any more, or has another name than the one seen.
        """
        if len(request.image_ids) != 1 or request.state is not LabelState.VALIDATED:
            raise RejectedError("a settlement is a validated label of one image")
        try:
            with writing(self._engine) as connection:
                return _settle(connection, request, seen)
        except IntegrityError:
            # The same key at the same moment: the other one was first, so this finds its result.
            with writing(self._engine) as connection:
                return _settle(connection, request, seen)


def _settle(connection: sa.Connection, request: LabelRequest, seen: int | None) -> Action:
    (image_id,) = request.image_ids
    image = lock_images(connection, [image_id]).get(image_id)
    if image is not None and not _is_repeated(connection, request):
        _require_doubt(connection, image, seen)
    action = apply_label(connection, request)
    ids = sa.select(disputes.c.dispute_id).select_from(_JOINED)
    still_open = list(connection.scalars(ids.where(disputes.c.image_id == image_id, OPEN)))
    # What was opened since belongs to another decision.
    (label,) = action.labels
    connection.execute(
        disputes.update()
        .where(disputes.c.dispute_id.in_(still_open), disputes.c.at <= label.at)
        .values(settled_label_id=label.label_id)
    )
    return action


def _require_doubt(connection: sa.Connection, image: Image, seen: int | None) -> None:
    disputed = connection.scalar(sa.select(is_disputed(sa.literal(image.image_id))))
    if not disputed and image.naming.state is not LabelState.DUBIOUS:
        raise ConflictError(
            f"image {image.image_id} is not in doubt any more: it is {_called(connection, image)}"
        )
    if seen is not None and seen != image.label_version:
        raise ConflictError(
            f"image {image.image_id} has changed meanwhile: it is {_called(connection, image)}"
        )


def _called(connection: sa.Connection, image: Image) -> str:
    who = connection.scalar(sa.select(labels.c.who).where(labels.c.label_id == image.label_id))
    if image.naming.taxon is None:
        return "unlabelled"
    return f"{image.naming.taxon}, {image.naming.state}" + (f" by {who}" if who else "")


def _is_repeated(connection: sa.Connection, request: LabelRequest) -> bool:
    if request.idempotency_key is None:
        return False
    key = actions.c.idempotency_key == request.idempotency_key
    return connection.execute(sa.select(actions.c.action_id).where(key)).first() is not None


def _check(connection: sa.Connection, image: Image, taxon: str | None) -> None:
    if image.naming.taxon is None:
        raise RejectedError("an image without a name can't be disputed: label it")
    if taxon is None:
        return
    if taxon == image.naming.taxon and image.naming.state is LabelState.VALIDATED:
        raise RejectedError(f"it is called {taxon} already: there is nothing to dispute")
    require_taxon(connection, taxon)


def _read(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> list[Dispute]:
    settles = _SETTLING.c.retracted_at.is_(None)
    query = (
        sa.select(
            disputes,
            sa.case((settles, _SETTLING.c.who)).label("settled_by"),
            sa.case((settles, _SETTLING.c.at)).label("settled_at"),
        )
        .select_from(_JOINED)
        .where(*which)
        .order_by(disputes.c.at, disputes.c.dispute_id)
    )
    return [
        Dispute(**{name: getattr(row, name) for name in Dispute.model_fields})
        for row in connection.execute(query)
    ]
