"""Giving images names and taking names back."""

import re

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from plankton_stream.errors import NotFoundError
from web.answers import ActionDone, GivenLabel, ImageView, Renamed
from web.operations import Operation
from web.parts import Parts
from web.queries import IdempotencyHeader, LabelsBody

_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def post_labels(parts: Parts, headers: IdempotencyHeader, body: LabelsBody) -> ActionDone:
    """Give images a name: all of them or none, and once however often it is sent."""
    done = parts.catalog.labels.apply(
        LabelRequest(
            image_ids=body.image_ids, taxon=body.taxon, state=LabelState(body.state),
            who=parts.user, why=body.why, idempotency_key=headers.idempotency_key,
        )
    )  # fmt: skip
    given = [GivenLabel(label_id=one.label_id, image_id=one.image_id) for one in done.labels]
    return ActionDone(action_id=done.action_id, labels=given)


def delete_label(parts: Parts, label_id: str) -> Renamed:
    """Take one label back; the label before it holds again. Harmless when repeated."""
    _check(label_id, "label")
    images = parts.catalog.labels.retract(label_id, who=parts.user)
    return Renamed(images=[ImageView.of(image) for image in images])


def delete_action(parts: Parts, action_id: str) -> Renamed:
    """Take back all labels of an action. Harmless when repeated."""
    _check(action_id, "action")
    images = parts.catalog.labels.retract_action(action_id, who=parts.user)
    return Renamed(images=[ImageView.of(image) for image in images])


def _check(ulid: str, what: str) -> None:
    if not _ULID.fullmatch(ulid):
        raise NotFoundError(f"there is no {what} {ulid!r}: its id is a ULID, 26 characters")


OPERATIONS = (
    Operation(
        "POST", "/api/v1/labels", post_labels, ActionDone, 201,
        headers=IdempotencyHeader, body=LabelsBody, problems=(404,),
    ),
    Operation("DELETE", "/api/v1/labels/<label_id>", delete_label, Renamed, problems=(404,)),
    Operation("DELETE", "/api/v1/actions/<action_id>", delete_action, Renamed, problems=(404,)),
)  # fmt: skip
