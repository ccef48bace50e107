"""The names that can be given."""

from plankton_stream.domain import Taxon
from plankton_stream.errors import RejectedError
from web.answers import Taxa
from web.operations import Operation
from web.parts import Parts


def list_taxa(parts: Parts) -> Taxa:
    """All taxa, by name."""
    return Taxa(taxa=parts.catalog.taxa.all())


def post_taxon(parts: Parts, body: Taxon) -> Taxon:
    """Add a taxon. Its key never changes; adding the very same again changes nothing."""
    return parts.catalog.taxa.add(body)


def require_known(parts: Parts, key: str | None) -> None:
    """Tell a taxon that nothing is called from one that does not exist.

    Asked only when a search came back empty, so the usual request pays nothing for it.

    Raises:
        RejectedError: there is no such taxon.
    """
    if key is not None and all(taxon.key != key for taxon in parts.catalog.taxa.all()):
        raise RejectedError(f"unknown taxon {key!r}: GET /api/v1/taxa lists those allowed")


OPERATIONS = (
    Operation("GET", "/api/v1/taxa", list_taxa, Taxa),
    Operation("POST", "/api/v1/taxa", post_taxon, Taxon, 201, body=Taxon),
)
