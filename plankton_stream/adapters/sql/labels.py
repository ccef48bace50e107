"""Labels: an append-only history, each change in one transaction with its outbox rows."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from plankton_stream.adapters.sql.claims import give_back
from plankton_stream.adapters.sql.engine import in_chunks, reading, writing
from plankton_stream.adapters.sql.images import to_image
from plankton_stream.adapters.sql.schema import actions, images, labels, outbox
from plankton_stream.adapters.sql.stale import require_seen
from plankton_stream.adapters.sql.taxon_rows import require_taxon, valid_keys
from plankton_stream.domain import (
    UNNAMED,
    Image,
    Label,
    LabelSource,
    LabelState,
    Naming,
    new_id,
)
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.events.facts import LabelApplied, LabelRetracted


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """Give images a name, all or none.

    Attributes:
        idempotency_key: a request that is repeated with its key is done once.
        seen: versions of the names that whoever asks has seen, by image id; an image whose name
            changed since is not overwritten unseen.
        owner: the page that asks, as `Claims` knows it: the images are not kept for it any more.
    """

    image_ids: tuple[str, ...]
    taxon: str
    state: LabelState
    who: str
    source: LabelSource = LabelSource.HUMAN
    why: str | None = None
    idempotency_key: str | None = None
    seen: Mapping[str, int] = field(default_factory=dict, hash=False)
    owner: str | None = None

    @property
    def sha256(self) -> str:
        """Fingerprint of what is asked for, without the key, what was seen and by which page."""
        asked = [self.image_ids, self.taxon, self.state, self.who, self.source, self.why]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Action:
    """What one request did.

    Attributes:
        versions: of the names that it gave, by image id, as far as they still hold.
    """

    action_id: str
    labels: list[Label]
    versions: Mapping[str, int] = field(default_factory=dict)


class Labels:
    """Applies and takes back labels; reads their history."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def apply(self, request: LabelRequest) -> Action:
        """Give images a name.

        Raises:
            NotFoundError: an image is unknown; nothing was labelled.
            RejectedError: the taxon is unknown, the state is no label, there are no images, or
                the idempotency key belongs to another request.
            StaleError: an image was named by somebody else since it was seen; nothing was labelled.
        """
        if request.state is LabelState.UNLABELLED or not request.image_ids:
            raise RejectedError(
                "a label needs at least one image and a state other than unlabelled"
            )
        try:
            with writing(self._engine) as connection:
                return apply_label(connection, request)
        except IntegrityError:
            # The same key at the same moment: the other one was first, so this finds its result.
            with writing(self._engine) as connection:
                return apply_label(connection, request)

    def retract(self, label_id: str, *, who: str) -> list[Image]:
        """Take one label back; a label that was taken back already stays so.

        Returns:
            The image, as it is called now.

        Raises:
            NotFoundError: there is no such label.
        """
        return self._retract(labels.c.label_id == label_id, f"label {label_id!r}", who)

    def retract_action(self, action_id: str, *, who: str) -> list[Image]:
        """Take back all labels of an action, those taken back before excepted.

        Returns:
            The images of the action, as they are called now.

        Raises:
            NotFoundError: there is no such action.
        """
        return self._retract(labels.c.action_id == action_id, f"action {action_id!r}", who)

    def history(self, image_id: str) -> list[Label]:
        """All labels that an image ever had, first one first."""
        query = sa.select(labels).where(labels.c.image_id == image_id).order_by(labels.c.sequence)
        with reading(self._engine) as connection:
            return [to_label(row) for row in connection.execute(query)]

    def get(self, label_ids: Sequence[str]) -> dict[str, Label]:
        """Labels by id; unknown ids are left out."""
        found: dict[str, Label] = {}
        with reading(self._engine) as connection:
            for chunk in in_chunks(label_ids):
                query = sa.select(labels).where(labels.c.label_id.in_(chunk))
                found |= {row.label_id: to_label(row) for row in connection.execute(query)}
        return found

    def _retract(self, which: sa.ColumnElement[bool], name: str, who: str) -> list[Image]:
        with writing(self._engine) as connection:
            rows = connection.execute(sa.select(labels).where(which)).all()
            if not rows:
                raise NotFoundError(f"there is no {name}")
            found = lock_images(connection, [row.image_id for row in rows])
            # Read again under the lock: somebody may have retracted meanwhile.
            rows = connection.execute(
                sa.select(labels).where(which, labels.c.retracted_at.is_(None))
            ).all()
            if rows:
                take_back(connection, [to_label(row) for row in rows], found, who)
            return list(_read_images(connection, list(found)).values())


def retract_all(connection: sa.Connection, ids: Sequence[str], *, who: str) -> dict[str, Image]:
    """Take back every label that images have, within a transaction that goes on.

    Returns:
        Those of the images that exist, locked, as they were called before.
    """
    found = lock_images(connection, ids)
    which = sa.and_(labels.c.image_id.in_(list(found)), labels.c.retracted_at.is_(None))
    rows = connection.execute(sa.select(labels).where(which)).all()
    if rows:
        take_back(connection, [to_label(row) for row in rows], found, who)
    return found


def apply_label(connection: sa.Connection, request: LabelRequest) -> Action:
    """See `Labels.apply`; within a transaction."""
    if (done := _done_before(connection, request)) is not None:
        return done
    found = lock_images(connection, request.image_ids)
    missing = [image_id for image_id in request.image_ids if image_id not in found]
    if missing:
        raise NotFoundError(f"unknown images: {', '.join(missing[:5])} ({len(missing)} in all)")
    require_taxon(connection, request.taxon)
    require_seen(connection, found, request.seen, request.taxon)
    action_id, at = new_id(), now()
    connection.execute(
        actions.insert().values(
            action_id=action_id, who=request.who, at=at,
            idempotency_key=request.idempotency_key, request_sha256=request.sha256,
        )
    )  # fmt: skip
    new = [
        Label(
            label_id=new_id(), action_id=action_id, image_id=image_id, taxon=request.taxon,
            state=request.state, source=request.source, who=request.who, at=at, why=request.why,
        )
        for image_id in dict.fromkeys(request.image_ids)
    ]  # fmt: skip
    append(connection, new, found)
    given = [label.image_id for label in new]
    if request.owner is not None:
        give_back(connection, request.owner, given)
    return Action(action_id, new, {i: found[i].label_version + 1 for i in given})


def append(connection: sa.Connection, new: Sequence[Label], found: dict[str, Image]) -> None:
    """Add labels to the history of locked images, one each, rename them, and say so."""
    connection.execute(labels.insert(), [label.model_dump() for label in new])
    for some in in_chunks([label.label_id for label in new]):
        # One statement for all: one each would take twice as long.
        connection.execute(
            images.update()
            .where(images.c.image_id == labels.c.image_id, labels.c.label_id.in_(some))
            .values(
                taxon=labels.c.taxon, state=labels.c.state, label_id=labels.c.label_id,
                label_version=images.c.label_version + 1,
            )
        )  # fmt: skip
    events = []
    for label in new:
        image = found[label.image_id]
        after = Naming(taxon=label.taxon, state=label.state)
        events.append(
            LabelApplied(**_event(label, image, after), who=label.who, at=label.at, why=label.why)
        )
    _tell(connection, events)


def take_back(
    connection: sa.Connection, gone: list[Label], found: dict[str, Image], who: str
) -> None:
    """Take labels of locked images back; the label before each, if any, holds again."""
    at = now()
    connection.execute(
        labels.update()
        .where(labels.c.label_id == sa.bindparam("gone"))
        .values(retracted_at=at, retracted_by=who),
        [{"gone": label.label_id} for label in gone],
    )
    standing = _standing(connection, list(found))
    valid = valid_keys(connection, (label.taxon for label in standing.values()))
    events = []
    for label in gone:
        holds = standing.get(label.image_id)
        # An older label may be of a taxon that was merged since: it holds as the valid one.
        after = Naming(taxon=valid[holds.taxon], state=holds.state) if holds else UNNAMED
        event = _event(label, found[label.image_id], after)
        events.append(LabelRetracted(**event, who=who, at=at))
    _rename(connection, events, {i: label.label_id for i, label in standing.items()})
    _tell(connection, events)


def _done_before(connection: sa.Connection, request: LabelRequest) -> Action | None:
    if request.idempotency_key is None:
        return None
    key = actions.c.idempotency_key == request.idempotency_key
    row = connection.execute(sa.select(actions).where(key)).one_or_none()
    if row is None:
        return None
    if row.request_sha256 != request.sha256:
        raise RejectedError("this Idempotency-Key was used for another request: take a fresh one")
    query = sa.select(labels).where(labels.c.action_id == row.action_id).order_by(labels.c.sequence)
    given = [to_label(label) for label in connection.execute(query)]
    known = _read_images(connection, [label.image_id for label in given])
    holds = {label.image_id for label in given if known[label.image_id].label_id == label.label_id}
    return Action(row.action_id, given, {i: known[i].label_version for i in holds})


def lock_images(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Image]:
    """Images by id, locked until the transaction ends, so that changes of one follow each other.

    In ascending order: two transactions that want the same images can't wait for each other.
    """
    found: dict[str, Image] = {}
    for chunk in in_chunks(sorted(set(ids))):
        query = sa.select(images).where(images.c.image_id.in_(chunk))
        rows = connection.execute(query.order_by(images.c.image_id).with_for_update())
        found |= {row.image_id: to_image(row) for row in rows}
    return found


def _read_images(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Image]:
    found: dict[str, Image] = {}
    for chunk in in_chunks(ids):
        rows = connection.execute(sa.select(images).where(images.c.image_id.in_(chunk)))
        found |= {row.image_id: to_image(row) for row in rows}
    return found


def _standing(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Label]:
    """The label that holds for each image: the last one that was not taken back."""
    holds: dict[str, Label] = {}
    for chunk in in_chunks(ids):
        query = sa.select(labels).where(
            labels.c.image_id.in_(chunk), labels.c.retracted_at.is_(None)
        )
        for row in connection.execute(query.order_by(labels.c.sequence)):
            holds[row.image_id] = to_label(row)
    return holds


def _event(label: Label, image: Image, after: Naming) -> dict[str, Any]:
    return {
        "image_id": label.image_id,
        "version": image.label_version + 1,
        "label_id": label.label_id,
        "action_id": label.action_id,
        "taxon": label.taxon,
        "state": label.state,
        "source": label.source,
        "before": image.naming,
        "after": after,
        "capture": image.capture,
    }


def _rename(
    connection: sa.Connection, events: Sequence[LabelRetracted], holding: dict[str, str]
) -> None:
    """Write what images are called from now on."""
    connection.execute(
        images.update()
        .where(images.c.image_id == sa.bindparam("which"))
        .values(
            taxon=sa.bindparam("new_taxon"), state=sa.bindparam("new_state"),
            label_id=sa.bindparam("holds"), label_version=sa.bindparam("version"),
        ),
        [
            {
                "which": event.image_id, "new_taxon": event.after.taxon,
                "new_state": event.after.state, "holds": holding.get(event.image_id),
                "version": event.version,
            }
            for event in events
        ],
    )  # fmt: skip


def _tell(connection: sa.Connection, events: Sequence[LabelApplied | LabelRetracted]) -> None:
    """Have events published."""
    connection.execute(
        outbox.insert(),
        [
            {"event_id": new_id(), "event_type": event.event_type, "fact": event.model_dump_json()}
            for event in events
        ],
    )


def to_label(row: Any) -> Label:
    """A label from a row of its table."""
    return Label(**{name: getattr(row, name) for name in Label.model_fields})
