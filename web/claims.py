"""Who works at which page, and what a queue may give to it."""

from collections.abc import Sequence

from plankton_stream.people import Role
from web.parts import Parts
from web.people import asking
from web.queries import ClientHeader


def owner_of(parts: Parts, headers: ClientHeader) -> str | None:
    """The page that asks, as claims know it; None of one that says no id, or may not label."""
    person = asking(parts)
    if headers.client is None or not person.may(Role.LABELLER):
        return None
    return f"{person.name}/{headers.client}"


def claimed(parts: Parts, ids: Sequence[str], owner: str | None) -> set[str]:
    """Those of some unlabelled images that a page may have: they are its own from now on.

    Without an owner nothing is claimed, and what others hold is left out all the same.
    """
    if owner is None:
        return set(ids) - parts.catalog.claims.of_others(ids, None)
    mine = parts.catalog.claims.take(ids, owner)
    # Somebody may have named and given back some between the look at the queue and the claim.
    return parts.catalog.images.unlabelled(sorted(mine))
