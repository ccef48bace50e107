"""Claims: what a queue gave to one page is not given to another while it is looked at."""

from pydantic import Field

from plankton_stream.domain import ImageId, Record
from plankton_stream.people import Role
from web.claims import claimed, owner_of
from web.operations import Operation
from web.parts import Parts
from web.queries import MAX_LABELLED, ClientHeader, Query


class ClaimBody(Query):
    """What a queue was seen to have (`peek`), to be looked at now."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LABELLED)


class RenewalBody(Query):
    """What is still looked at."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LABELLED)


class ReleaseBody(Query):
    """What is given back."""

    image_ids: tuple[ImageId, ...] | None = Field(
        default=None, max_length=MAX_LABELLED, description="Left out: all that the page holds."
    )


class Held(Record):
    """What a page holds of what it asked for; the rest belongs to somebody else by now."""

    image_ids: list[ImageId]


class GivenBack(Record):
    """How many images others may have from now on."""

    images: int


def post_claims(parts: Parts, headers: ClientHeader, body: ClaimBody) -> Held:
    """Get unlabelled images for this page, for five minutes; without those that others have."""
    owner = owner_of(parts, headers)
    return Held(image_ids=sorted(claimed(parts, body.image_ids, owner)) if owner else [])


def post_renewals(parts: Parts, headers: ClientHeader, body: RenewalBody) -> Held:
    """Hold on to what queues gave to this page, for another five minutes."""
    owner = owner_of(parts, headers)
    held = parts.catalog.claims.take(body.image_ids, owner) if owner else set()
    return Held(image_ids=sorted(held))


def post_releases(parts: Parts, headers: ClientHeader, body: ReleaseBody) -> GivenBack:
    """Give images back, so that others get them. Harmless when repeated."""
    owner = owner_of(parts, headers)
    given = parts.catalog.claims.release(owner, body.image_ids) if owner else 0
    return GivenBack(images=given)


OPERATIONS = (
    Operation(
        "POST", "/api/v1/claims", post_claims, Held,
        headers=ClientHeader, body=ClaimBody, role=Role.LABELLER,
    ),
    Operation(
        "POST", "/api/v1/claims/renewals", post_renewals, Held,
        headers=ClientHeader, body=RenewalBody, role=Role.LABELLER,
    ),
    Operation(
        "POST", "/api/v1/claims/releases", post_releases, GivenBack,
        headers=ClientHeader, body=ReleaseBody, role=Role.LABELLER,
    ),
)  # fmt: skip
