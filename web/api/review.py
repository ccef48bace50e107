"""Names in doubt: objecting to one, what waits for a reviewer, settling it."""

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from plankton_stream.people import Role
from plankton_stream.review.records import Dispute, Shares
from web.answers import ActionDone
from web.api.images import check_id
from web.operations import Operation
from web.parts import Parts
from web.people import asking, require
from web.queries import IdempotencyHeader
from web.reviewing import CasesQuery, CasesView, CaseView, DisputeBody, SettlementBody


def list_cases(parts: Parts, query: CasesQuery) -> CasesView:
    """Disputed and dubious images with all opinions, the one that waits longest first."""
    page = parts.catalog.cases.page(query.kind, limit=query.limit, cursor=query.cursor)
    return CasesView(
        cases=[CaseView.of(case) for case in page.found],
        next_cursor=page.next_cursor,
        waiting=parts.catalog.cases.waiting(),
    )


def post_dispute(parts: Parts, body: DisputeBody) -> Dispute:
    """Object to an image's name, which stays until a reviewer settles it.

    One open objection a person and image: sent again, it is replaced.
    """
    return parts.catalog.disputes.open(
        body.image_id, who=asking(parts).name, taxon=body.taxon, note=body.note
    )


def delete_dispute(parts: Parts, dispute_id: str) -> Dispute:
    """Take an objection back: one's own, or as a reviewer anybody's. Harmless when repeated."""
    dispute = parts.catalog.disputes.get(dispute_id)
    if dispute.who != asking(parts).name:
        require(parts, Role.REVIEWER)
    parts.catalog.disputes.withdraw(dispute_id)
    return dispute


def post_settlement(
    parts: Parts, image_id: str, headers: IdempotencyHeader, body: SettlementBody
) -> ActionDone:
    """Give an image in doubt its name for good; its disputes are closed in the same transaction.

    Taking the action back (DELETE /api/v1/actions/{action_id}) opens them again.
    """
    check_id(image_id)
    request = LabelRequest(
        image_ids=(image_id,), taxon=body.taxon, state=LabelState.VALIDATED,
        who=asking(parts).name, why=body.why, idempotency_key=headers.idempotency_key,
    )  # fmt: skip
    done = parts.catalog.disputes.settle(request, seen=body.seen)
    return ActionDone.of(done)


def get_shares(parts: Parts) -> Shares:
    """How much is looked at twice."""
    return parts.catalog.opinions.shares()


def put_shares(parts: Parts, body: Shares) -> Shares:
    """Set how much is looked at twice from now on."""
    parts.catalog.opinions.set_shares(body, who=asking(parts).name)
    return body


OPERATIONS = (
    Operation(
        "GET", "/api/v1/review", list_cases, CasesView, query=CasesQuery, role=Role.LABELLER
    ),
    Operation(
        "POST", "/api/v1/disputes", post_dispute, Dispute, 201, body=DisputeBody,
        role=Role.LABELLER, problems=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/disputes/<dispute_id>", delete_dispute, Dispute,
        role=Role.LABELLER, problems=(404,),
    ),
    Operation(
        "POST", "/api/v1/review/<image_id>/settlement", post_settlement, ActionDone, 201,
        headers=IdempotencyHeader, body=SettlementBody, role=Role.REVIEWER, problems=(404, 409),
    ),
    Operation("GET", "/api/v1/review/shares", get_shares, Shares, role=Role.LABELLER),
    Operation(
        "PUT", "/api/v1/review/shares", put_shares, Shares, body=Shares, role=Role.ADMIN
    ),
)  # fmt: skip
