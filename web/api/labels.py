"""Giving images names and taking names back."""

import re

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from plankton_stream.errors import NotFoundError
from plankton_stream.people import Role
from web.answers import ActionDone, ImageView, Renamed
from web.claims import owner_of
from web.operations import Operation
from web.parts import Parts
from web.people import asking, require
from web.queries import LabelHeaders, LabelsBody

_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def post_labels(parts: Parts, headers: LabelHeaders, body: LabelsBody) -> ActionDone:
    """Give images a name: all of them or none, and once however often it is sent."""
    done = parts.catalog.labels.apply(
        LabelRequest(
            image_ids=body.image_ids, taxon=body.taxon, state=LabelState(body.state),
            who=asking(parts).name, why=body.why, idempotency_key=headers.idempotency_key,
            seen=body.seen or {}, owner=owner_of(parts, headers),
        )
    )  # fmt: skip
    return ActionDone.of(done)


def delete_label(parts: Parts, label_id: str) -> Renamed:
    """Take one label back; the label before it holds again. Harmless when repeated.

    What somebody else gave takes a reviewer.
    """
    _check(label_id, "label")
    _require_own(parts, parts.catalog.logbook.author_of_label(label_id))
    images = parts.catalog.labels.retract(label_id, who=asking(parts).name)
    return Renamed(images=[ImageView.of(image) for image in images])


def delete_action(parts: Parts, action_id: str) -> Renamed:
    """Take back all labels of an action. Harmless when repeated.

    What somebody else gave takes a reviewer.
    """
    _check(action_id, "action")
    _require_own(parts, parts.catalog.logbook.author_of_action(action_id))
    images = parts.catalog.labels.retract_action(action_id, who=asking(parts).name)
    return Renamed(images=[ImageView.of(image) for image in images])


def _require_own(parts: Parts, author: str) -> None:
    """Who names images takes back what is their own; what others said takes a reviewer."""
    if asking(parts).name != author:
        require(parts, Role.REVIEWER)


def _check(ulid: str, what: str) -> None:
    if not _ULID.fullmatch(ulid):
        raise NotFoundError(f"there is no {what} {ulid!r}: its id is a ULID, 26 characters")


OPERATIONS = (
    Operation(
        "POST", "/api/v1/labels", post_labels, ActionDone, 201, role=Role.LABELLER,
        headers=LabelHeaders, body=LabelsBody, problems=(404, 409),
    ),
    Operation(
        "DELETE", "/api/v1/labels/<label_id>", delete_label, Renamed,
        role=Role.LABELLER, problems=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/actions/<action_id>", delete_action, Renamed,
        role=Role.LABELLER, problems=(404,),
    ),
)  # fmt: skip
