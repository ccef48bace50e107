"""What taxa are called and where they lie, for consumers that know their keys only."""

from pydantic import Field

from plankton_stream.domain import Name, Rank, Slug, TaxonKind
from plankton_stream.events import topics
from plankton_stream.events.fact import Fact


class TaxonChanged(Fact):
    """A taxon as it is now; comes again, the same, when the relay starts."""

    event_type = "plankton.taxon.changed.v1"
    topic = topics.TAXA

    taxon: Slug = Field(description="Its key, which never changes.")
    name: Name
    rank: Rank | None = None
    parent: Slug | None = Field(default=None, description="Key of the taxon that it lies below.")
    aphia_id: int | None = Field(default=None, description="Id in WoRMS.")
    kind: TaxonKind
    synonyms: tuple[Name, ...] = ()
    merged_into: Slug | None = Field(
        default=None, description="The taxon that is valid instead; images follow by label events."
    )
    deleted: bool = Field(default=False, description="It is gone; no label ever named it.")

    @property
    def key(self) -> str:
        """The taxon's key."""
        return self.taxon
