"""The tree of names, published to the log: whoever reads labels finds their names there.

The topic is compacted and keyed by taxon, and the catalog holds the state: so what was published
needs no book-keeping. All of it is sent when the relay starts, and from then on what differs.
"""

import hashlib

from plankton_stream.adapters.sql import Catalog
from plankton_stream.events.facts import fact_message
from plankton_stream.ports import Publisher

_SOURCE = "/catalog"


class PublishedTaxa:
    """Publishes taxa that changed since this process last did."""

    def __init__(self, catalog: Catalog, publisher: Publisher) -> None:
        self._catalog = catalog
        self._publisher = publisher
        self._revision = ""
        self._known: dict[str, str] = {}

    def refresh(self) -> int:
        """Publish what differs; returns how many.

        Raises:
            RetryableError: the catalog or the log does not answer; the next call sends it all
                again, each with the same event id.
        """
        revision = self._catalog.taxa.revision()
        if revision == self._revision:
            return 0
        facts = self._catalog.taxonomy.facts()
        now = {fact.taxon: fact.model_dump_json() for fact in facts}
        changed = [fact for fact in facts if self._known.get(fact.taxon) != now[fact.taxon]]
        for fact in changed:
            digest = hashlib.sha256(now[fact.taxon].encode()).hexdigest()[:16]
            event_id = f"{fact.taxon}/{digest}"
            self._publisher.send(fact_message(fact, event_id=event_id, source=_SOURCE))
        self._publisher.flush()
        self._known, self._revision = now, revision
        return len(changed)
