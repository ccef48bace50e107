"""What waits for a reviewer: disputed and dubious images, with all that was said about each."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.disputes import Disputes, is_disputed, open_disputes
from plankton_stream.adapters.sql.engine import in_chunks, reading
from plankton_stream.adapters.sql.images import MAX_PAGE, to_image
from plankton_stream.adapters.sql.labels import to_label
from plankton_stream.adapters.sql.opinions import Opinions
from plankton_stream.adapters.sql.schema import images, labels
from plankton_stream.domain import Image, Label, LabelState, from_microseconds
from plankton_stream.errors import RejectedError
from plankton_stream.review.records import (
    Case,
    CaseKind,
    Cases,
    Dispute,
    Opinion,
    OpinionKind,
    Voice,
    VoiceKind,
)


class CasesInDoubt:
    """Reads what waits for a reviewer; images leave when somebody settles them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._disputes = Disputes(engine)
        self._opinions = Opinions(engine)

    def page(
        self, kind: CaseKind | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Cases:
        """Images in doubt, the one that waits longest first.

        Args:
            kind: only those; None: both. An image that is both is disputed.
            limit: 1…`MAX_PAGE`.
            cursor: `next_cursor` of the page before.

        Raises:
            RejectedError: the cursor is not one that a page gave, or the limit is out of range.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise RejectedError(f"limit is {limit}, allowed are 1…{MAX_PAGE}")
        cases = _cases(kind)
        since = sa.type_coerce(cases.c.since, sa.BigInteger)
        query = (
            sa.select(images, cases.c.kind, since.label("since"))
            .join(cases, cases.c.image_id == images.c.image_id)
            .order_by(since, images.c.image_id)
            .limit(limit + 1)
        )
        if cursor is not None:
            at, image_id = _parse(cursor)
            query = query.where(
                sa.or_(since > at, sa.and_(since == at, images.c.image_id > image_id))
            )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        more, rows = len(rows) > limit, rows[:limit]
        found = self._with_voices([(to_image(tuple(row)[: len(images.c)]), row) for row in rows])
        return Cases(found, f"{rows[-1].since}-{rows[-1].image_id}" if more else None)

    def waiting(self) -> dict[CaseKind, int]:
        """How many images wait, by why."""
        cases = _cases(None)
        query = sa.select(cases.c.kind, sa.func.count()).group_by(cases.c.kind)
        with reading(self._engine) as connection:
            counted = {CaseKind(kind): number for kind, number in connection.execute(query)}
        return {kind: counted.get(kind, 0) for kind in CaseKind}

    def _with_voices(self, found: Sequence[tuple[Image, Any]]) -> list[Case]:
        ids = [image.image_id for image, _ in found]
        said: dict[str, list[Voice]] = defaultdict(list)
        for label in self._labels(ids):
            said[label.image_id].append(_of_label(label))
        for opinion in self._opinions.of_images(ids):
            said[opinion.image_id].append(_of_opinion(opinion))
        disputed: dict[str, list[Dispute]] = defaultdict(list)
        for dispute in self._disputes.of_images(ids):
            disputed[dispute.image_id].append(dispute)
            if dispute.opinion_id is None:  # else the opinion speaks already
                said[dispute.image_id].append(_of_dispute(dispute))
        return [
            Case(
                image=image, kind=CaseKind(row.kind), since=from_microseconds(row.since),
                voices=_in_order(said[image.image_id], image), disputes=disputed[image.image_id],
            )
            for image, row in found
        ]  # fmt: skip

    def _labels(self, ids: Sequence[str]) -> list[Label]:
        """All labels of images that were not taken back, first one first."""
        found: list[Label] = []
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(labels).where(
                    labels.c.image_id.in_(chunk), labels.c.retracted_at.is_(None)
                )
                rows = connection.execute(query.order_by(labels.c.sequence))
                found += [to_label(row) for row in rows]
        return found


def _cases(kind: CaseKind | None) -> sa.Subquery:
    """Image, kind and time of everything in doubt."""
    disputes = open_disputes().subquery()
    disputed = sa.select(
        disputes.c.image_id,
        sa.literal(str(CaseKind.DISPUTED)).label("kind"),
        sa.func.min(disputes.c.at).label("since"),
    ).group_by(disputes.c.image_id)
    dubious = (
        sa.select(
            images.c.image_id,
            sa.literal(str(CaseKind.DUBIOUS)).label("kind"),
            sa.func.coalesce(labels.c.at, images.c.indexed_at).label("since"),
        )
        .outerjoin(labels, labels.c.label_id == images.c.label_id)
        .where(images.c.state == LabelState.DUBIOUS, ~is_disputed(images.c.image_id))
    )
    wanted = {CaseKind.DISPUTED: [disputed], CaseKind.DUBIOUS: [dubious]}
    return sa.union_all(*(wanted[kind] if kind else [disputed, dubious])).subquery("cases")


def _in_order(voices: list[Voice], image: Image) -> list[Voice]:
    """First one first, and the last label marked as the one that holds."""
    ordered = sorted(voices, key=lambda voice: voice.at)
    given = [voice for voice in ordered if voice.kind is VoiceKind.LABEL]
    if image.naming.taxon is None or not given:
        return ordered
    return [
        voice.model_copy(update={"stands": True}) if voice is given[-1] else voice
        for voice in ordered
    ]


def _of_label(label: Label) -> Voice:
    return Voice(
        kind=VoiceKind.LABEL, who=label.who, at=label.at, taxon=label.taxon, state=label.state,
        note=label.why,
    )  # fmt: skip


def _of_opinion(opinion: Opinion) -> Voice:
    kind = VoiceKind.SELF if opinion.kind is OpinionKind.SELF else VoiceKind.SECOND
    return Voice(kind=kind, who=opinion.who, at=opinion.at, taxon=opinion.taxon, note=opinion.note)


def _of_dispute(dispute: Dispute) -> Voice:
    return Voice(
        kind=VoiceKind.DISPUTE, who=dispute.who, at=dispute.at, taxon=dispute.taxon,
        note=dispute.note,
    )  # fmt: skip


def _parse(cursor: str) -> tuple[int, str]:
    at, _, image_id = cursor.rpartition("-")
    try:
        return int(at), image_id
    except ValueError as error:
        raise RejectedError(f"cursor {cursor!r}: use the next_cursor of the page before") from error
