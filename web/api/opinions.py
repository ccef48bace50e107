"""Naming images blindly, images of known truth, and how far people agree."""

from plankton_stream.people import Role
from plankton_stream.review.panel import Panel
from web.api.images import check_id
from web.operations import Operation
from web.parts import Parts
from web.people import asking
from web.reviewing import (
    AgreementQuery,
    AgreementView,
    BlindImage,
    BlindPage,
    BlindQuery,
    Counted,
    KappaView,
    MatrixQuery,
    MatrixView,
    MemberView,
    OpinionBody,
    OpinionGiven,
    PairView,
    References,
    ReferencesBody,
)


def list_blind(parts: Parts, query: BlindQuery) -> BlindPage:
    """Images for whoever asks to name without seeing what they are called.

    Images that somebody else named, some that they named themselves, some of known truth: which is
    which is not told.
    """
    ids = parts.catalog.opinions.offered(asking(parts).name, query.limit)
    found = parts.catalog.images.get(ids)
    return BlindPage(images=[BlindImage.of(found[i]) for i in ids if i in found])


def post_opinion(parts: Parts, body: OpinionBody) -> OpinionGiven:
    """Say blindly what an image is; its label stays. Saying the same again changes nothing."""
    given = parts.catalog.opinions.give(
        body.image_id, body.taxon, who=asking(parts).name, note=body.note
    )
    return OpinionGiven.of(given)


def delete_opinion(parts: Parts, opinion_id: str) -> OpinionGiven:
    """Take one's own opinion back. Harmless when repeated."""
    return OpinionGiven.of(parts.catalog.opinions.withdraw(opinion_id, who=asking(parts).name))


def list_references(parts: Parts) -> References:
    """Images of known truth, by taxon."""
    return References(references=parts.catalog.references.all())


def post_references(parts: Parts, body: ReferencesBody) -> Counted:
    """Hand images of known truth out among others from now on."""
    truths = dict.fromkeys(body.image_ids, body.taxon)
    parts.catalog.references.put(truths, who=asking(parts).name, note=body.note)
    return Counted(images=len(truths))


def delete_reference(parts: Parts, image_id: str) -> Counted:
    """Make an image an ordinary one again: answers on it count no more."""
    check_id(image_id)
    return Counted(images=parts.catalog.references.remove([image_id]))


def get_agreement(parts: Parts, query: AgreementQuery) -> AgreementView:
    """How far people agree: all together, each two, each with themselves and with references."""
    panel = _panel(parts, query)
    return AgreementView(
        together=KappaView.of(panel.together()),
        pairs=[PairView.of(pair) for pair in panel.pairs()],
        people=[MemberView.of(member) for member in panel.members()],
    )


def get_matrix(parts: Parts, query: MatrixQuery) -> MatrixView:
    """The confusion matrix of two people, of one or all with themselves, or with the truth."""
    found = _panel(parts, query).matrix(query.compared, query.first, query.second)
    return MatrixView.of(query, found)


def _panel(parts: Parts, query: AgreementQuery) -> Panel:
    return Panel(parts.catalog.opinions.all(after=query.after, before=query.before))


OPERATIONS = (
    Operation(
        "GET", "/api/v1/queues/second", list_blind, BlindPage, query=BlindQuery,
        role=Role.LABELLER,
    ),
    Operation(
        "POST", "/api/v1/opinions", post_opinion, OpinionGiven, 201, body=OpinionBody,
        role=Role.LABELLER, problems=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/opinions/<opinion_id>", delete_opinion, OpinionGiven,
        role=Role.LABELLER, problems=(404, 422),
    ),
    Operation("GET", "/api/v1/references", list_references, References, role=Role.REVIEWER),
    Operation(
        "POST", "/api/v1/references", post_references, Counted, body=ReferencesBody,
        role=Role.REVIEWER, problems=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/references/<image_id>", delete_reference, Counted,
        role=Role.REVIEWER, problems=(404,),
    ),
    Operation(
        "GET", "/api/v1/agreement", get_agreement, AgreementView, query=AgreementQuery,
        role=Role.REVIEWER,
    ),
    Operation(
        "GET", "/api/v1/agreement/matrix", get_matrix, MatrixView, query=MatrixQuery,
        role=Role.REVIEWER,
    ),
)  # fmt: skip
