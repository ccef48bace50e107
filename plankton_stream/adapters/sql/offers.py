"""Whom images are offered to, to be named blindly: second opinions, their own again, references."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.claims import held_by_others
from plankton_stream.adapters.sql.disputes import is_disputed
from plankton_stream.adapters.sql.schema import claims, images, labels, opinions, reference_images
from plankton_stream.domain import LabelState
from plankton_stream.events.envelope import now
from plankton_stream.review import blind
from plankton_stream.review.records import OpinionKind, Shares

_STANDS = opinions.c.withdrawn_at.is_(None)
_LABEL = labels.alias("holding")

# Spelled as in the index, which a bound number would not be found by: `blind.LETTERS_FROM`.
_letters: sa.ColumnElement[str] = sa.literal_column("substr(images.image_id, 11)", sa.String)


def second(who: str, shares: Shares, *, taken: bool = False) -> sa.Select[Any]:
    """Validated images of the share that `who` never named.

    Args:
        who: is asked.
        shares: how large the share is.
        taken: also those that somebody else gave a second opinion on.
    """
    this = images.c.image_id
    query = _validated().where(
        _letters < blind.limit(shares.second_percent),
        ~_named_by(who, this),
        ~_opinion(this, opinions.c.who == who),
    )
    if not taken:
        held = sa.exists().where(claims.c.image_id == this, held_by_others(owner(who)))
        query = query.where(~_opinion(this, opinions.c.kind == OpinionKind.SECOND), ~held)
    return query


def owner(who: str) -> str:
    """Who holds a claim: a person, on whatever page."""
    return f"{who}/second opinion"


def again(who: str, shares: Shares) -> sa.Select[Any]:
    """Images that `who` named long enough ago, of the share that they are shown again."""
    until = now() - timedelta(days=shares.self_after_days)
    return (
        _validated()
        .join(_LABEL, _LABEL.c.label_id == images.c.label_id)
        .where(
            _LABEL.c.who == who,
            _LABEL.c.at <= until,
            _letters >= blind.limit(100 - shares.self_percent),
            ~_opinion(images.c.image_id, opinions.c.who == who),
        )
    )


def references(who: str) -> sa.Select[Any]:
    """Images of known truth that `who` neither named nor made one, nor gave an opinion on."""
    this = reference_images.c.image_id
    return (
        sa.select(this)
        .where(
            reference_images.c.who != who,
            ~_named_by(who, this),
            ~_opinion(this, opinions.c.who == who),
        )
        .order_by(sa.func.substr(this, blind.LETTERS_FROM))
    )


def _validated() -> sa.Select[Any]:
    known = sa.exists().where(reference_images.c.image_id == images.c.image_id)
    query = sa.select(images.c.image_id).where(
        images.c.state == LabelState.VALIDATED, ~known, ~is_disputed(images.c.image_id)
    )
    return query.order_by(_letters)


def _named_by(who: str, image_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether somebody ever named an image, also if it was taken back."""
    return sa.exists().where(labels.c.image_id == image_id, labels.c.who == who)


def _opinion(
    image_id: sa.ColumnElement[str], *which: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    return sa.exists().where(opinions.c.image_id == image_id, _STANDS, *which)
