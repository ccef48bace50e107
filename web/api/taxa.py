"""The names that can be given, and the tree that they make."""

from dataclasses import replace

from flask import Response, request

from plankton_stream.domain import Taxon
from plankton_stream.errors import RejectedError
from plankton_stream.people import Role
from plankton_stream.ports import ImageFilter
from plankton_stream.taxonomy.records import TaxonChange
from web.operations import JSON, Operation
from web.parts import Parts
from web.people import asking
from web.queries import Filter
from web.taxonomy import (
    Changes,
    ChangesQuery,
    ChangeView,
    Counts,
    MergeBody,
    MergeView,
    Taxa,
)

_WITHIN_S = 2.0
"""How long a request works on a merge: the next one, or the background, does what is left."""

_FORMAT = 2  # of the answer: an older one in a browser's cache is of no use


def list_taxa(parts: Parts) -> Response:
    """All taxa, by name, with an ETag: asked again with it, an unchanged list is not sent."""
    tag = f"taxa-{_FORMAT}-{parts.catalog.taxa.revision()}"
    if tag in request.if_none_match:
        answer = Response(status=304)
    else:
        catalog = parts.catalog.taxa
        body = Taxa.model_construct(taxa=catalog.all(), merged=catalog.merged())
        answer = Response(body.model_dump_json(), mimetype=JSON)
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def post_taxon(parts: Parts, body: Taxon) -> Taxon:
    """Add a taxon. Its key never changes; adding the very same again changes nothing."""
    return parts.catalog.taxa.add(body, who=asking(parts).name)


def patch_taxon(parts: Parts, key: str, body: TaxonChange) -> Taxon:
    """Change a taxon: what is not in the body stays. Its key, and so what labels say, stays too."""
    return parts.catalog.taxonomy.change(key, body, who=asking(parts).name)


def delete_taxon(parts: Parts, key: str) -> Taxon:
    """Delete a taxon that no image was ever called by; one that is in use can be merged."""
    return parts.catalog.taxonomy.delete(key, who=asking(parts).name)


def post_merge(parts: Parts, key: str, body: MergeBody) -> MergeView:
    """Merge a taxon into another, whose synonym it becomes; images that it names follow.

    Large merges take several requests: while something is left, the same request goes on.
    """
    done = parts.catalog.merges.merge(key, body.into, who=asking(parts).name, within_s=_WITHIN_S)
    return MergeView.of(done)


def delete_merge(parts: Parts, key: str) -> MergeView:
    """Take the merging of a taxon back, with the labels that it gave; goes on as a merge does."""
    done = parts.catalog.merges.undo(key, who=asking(parts).name, within_s=_WITHIN_S)
    return MergeView.of(done)


def list_counts(parts: Parts) -> Counts:
    """Images under each taxon, alone and with all that is below it in the tree."""
    return Counts(counts=parts.catalog.taxonomy.counts())


def list_changes(parts: Parts, query: ChangesQuery) -> Changes:
    """What was done to the taxonomy, by whom and when, last first."""
    found = parts.catalog.taxonomy.history(query.taxon, limit=query.limit, before=query.before)
    return Changes(changes=[ChangeView.of(event) for event in found])


def filter_of(parts: Parts, query: Filter) -> ImageFilter:
    """The filter of a query; `below` becomes the taxa that it means, a project its samples."""
    where = parts.catalog.samples.resolved(query.where())
    if not query.below or query.taxon is None:
        return where
    return replace(where, taxon=None, taxa=parts.catalog.taxa.below(query.taxon))


def require_known(parts: Parts, key: str | None) -> None:
    """Tell a taxon that nothing is called from one that does not exist.

    Asked only when a search came back empty, so the usual request pays nothing for it.

    Raises:
        RejectedError: there is no such taxon, or it was merged into another.
    """
    if key is None or any(taxon.key == key for taxon in parts.catalog.taxa.all()):
        return
    into = parts.catalog.taxa.merged().get(key)
    if into is not None:
        raise RejectedError(f"taxon {key!r} was merged into {into!r}: use that")
    raise RejectedError(f"unknown taxon {key!r}: GET /api/v1/taxa lists those allowed")


OPERATIONS = (
    Operation("GET", "/api/v1/taxa", list_taxa, Taxa),
    Operation("POST", "/api/v1/taxa", post_taxon, Taxon, 201, body=Taxon, role=Role.ADMIN),
    Operation(
        "PATCH", "/api/v1/taxa/<key>", patch_taxon, Taxon,
        body=TaxonChange, role=Role.ADMIN, problems=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/taxa/<key>", delete_taxon, Taxon,
        role=Role.ADMIN, problems=(404, 422),
    ),
    Operation(
        "POST", "/api/v1/taxa/<key>/merge", post_merge, MergeView,
        body=MergeBody, role=Role.ADMIN, problems=(404,),
    ),
    Operation(
        "DELETE", "/api/v1/taxa/<key>/merge", delete_merge, MergeView,
        role=Role.ADMIN, problems=(404, 422),
    ),
    Operation("GET", "/api/v1/taxon-counts", list_counts, Counts),
    Operation("GET", "/api/v1/taxon-changes", list_changes, Changes, query=ChangesQuery),
)  # fmt: skip
