"""The catalog: metadata and labels in SQL, the truth about what each image is called."""

import sqlalchemy as sa

from plankton_stream.adapters.sql.cuts import Cuts
from plankton_stream.adapters.sql.deletions import Deletions
from plankton_stream.adapters.sql.encoders import Encoders
from plankton_stream.adapters.sql.engine import connect
from plankton_stream.adapters.sql.engine import upgrade as _migrate
from plankton_stream.adapters.sql.given_names import GivenNames
from plankton_stream.adapters.sql.images import Images, Page
from plankton_stream.adapters.sql.labels import Action, LabelRequest, Labels
from plankton_stream.adapters.sql.outbox import Outbox, OutboxRow
from plankton_stream.adapters.sql.samples import Samples
from plankton_stream.adapters.sql.taxa import Taxa
from plankton_stream.adapters.sql.walks import RecordedCut, Scope, Walks
from plankton_stream.taxa import STARTER

__all__ = [
    "Action",
    "Catalog",
    "LabelRequest",
    "OutboxRow",
    "Page",
    "RecordedCut",
    "Scope",
    "upgrade",
]


class Catalog:
    """All of the catalog, by subject. Create one per process, after any fork.

    Attributes:
        cuts: frames and what was decided about each.
        images: indexed images.
        labels: the label history.
        given_names: names that images came with, on their way into it.
        taxa: the names that can be given.
        outbox: events that still have to be published.
        encoders: whose vectors are searched.
        walks: all of it, in pages.
        samples: samples and the projects that hold them.
        deletions: samples that were deleted for good.
    """

    def __init__(self, url: str) -> None:
        self.engine: sa.Engine = connect(url)
        self.cuts = Cuts(self.engine)
        self.images = Images(self.engine)
        self.labels = Labels(self.engine)
        self.given_names = GivenNames(self.engine)
        self.taxa = Taxa(self.engine)
        self.outbox = Outbox(self.engine)
        self.encoders = Encoders(self.engine)
        self.walks = Walks(self.engine)
        self.samples = Samples(self.engine)
        self.deletions = Deletions(self.engine)

    def close(self) -> None:
        """Give up the connections."""
        self.engine.dispose()


def upgrade(url: str) -> None:
    """Bring the catalog to this version's schema and starter taxa; safe to repeat.

    Raises:
        ConfigError: the URL is wrong.
        RetryableError: the database does not answer.
    """
    _migrate(url)
    catalog = Catalog(url)
    try:
        catalog.taxa.add_missing(STARTER)
    finally:
        catalog.close()
