"""The catalog: metadata and labels in SQL, the truth about what each image is called."""

import sqlalchemy as sa

from plankton_stream.adapters.sql.cases import CasesInDoubt
from plankton_stream.adapters.sql.claims import Claims
from plankton_stream.adapters.sql.cuts import Cuts
from plankton_stream.adapters.sql.deletions import Deletions
from plankton_stream.adapters.sql.disputes import Disputes
from plankton_stream.adapters.sql.encoders import Encoders
from plankton_stream.adapters.sql.engine import connect
from plankton_stream.adapters.sql.engine import upgrade as _migrate
from plankton_stream.adapters.sql.given_names import GivenNames
from plankton_stream.adapters.sql.images import Images, Page
from plankton_stream.adapters.sql.labels import Action, LabelRequest, Labels
from plankton_stream.adapters.sql.logbook import Logbook
from plankton_stream.adapters.sql.maps import Maps
from plankton_stream.adapters.sql.merges import Merges
from plankton_stream.adapters.sql.opinions import Opinions
from plankton_stream.adapters.sql.outbox import Outbox, OutboxRow
from plankton_stream.adapters.sql.people import People
from plankton_stream.adapters.sql.predictions import Predictions
from plankton_stream.adapters.sql.progress import Progress
from plankton_stream.adapters.sql.queues import Queues
from plankton_stream.adapters.sql.references import References
from plankton_stream.adapters.sql.samples import Samples
from plankton_stream.adapters.sql.sessions import Sessions
from plankton_stream.adapters.sql.stale import NamedMeanwhile, StaleError
from plankton_stream.adapters.sql.surroundings import Surroundings
from plankton_stream.adapters.sql.taxa import Taxa
from plankton_stream.adapters.sql.taxonomy import Taxonomy
from plankton_stream.adapters.sql.walks import RecordedCut, Scope, Walks
from plankton_stream.taxa import STARTER

__all__ = [
    "Action",
    "Catalog",
    "LabelRequest",
    "NamedMeanwhile",
    "OutboxRow",
    "Page",
    "RecordedCut",
    "Scope",
    "StaleError",
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
        taxonomy: the tree that they make, edited.
        merges: taxa that become others, with all that they name.
        outbox: events that still have to be published.
        encoders: whose vectors are searched.
        walks: all of it, in pages.
        samples: samples and the projects that hold them.
        deletions: samples that were deleted for good.
        predictions: what the machine thinks of unlabelled images.
        queues: what to look at next.
        logbook: what each person labelled.
        people: who can log in.
        sessions: who is logged in, and the tokens of scripts.
        claims: who looks at what now.
        cases: what waits for a reviewer.
        disputes: objections to names.
        opinions: what people call images blindly.
        references: images of known truth.
        surroundings: what lies around an image.
        progress: counts of labels and of named images.
        maps: the vectors projected onto a plane.
    """

    def __init__(self, url: str) -> None:
        self.engine: sa.Engine = connect(url)
        self.cuts = Cuts(self.engine)
        self.images = Images(self.engine)
        self.labels = Labels(self.engine)
        self.given_names = GivenNames(self.engine)
        self.taxa = Taxa(self.engine)
        self.taxonomy = Taxonomy(self.engine)
        self.merges = Merges(self.engine)
        self.outbox = Outbox(self.engine)
        self.encoders = Encoders(self.engine)
        self.walks = Walks(self.engine)
        self.samples = Samples(self.engine)
        self.deletions = Deletions(self.engine)
        self.predictions = Predictions(self.engine)
        self.queues = Queues(self.engine)
        self.logbook = Logbook(self.engine)
        self.people = People(self.engine)
        self.sessions = Sessions(self.engine)
        self.claims = Claims(self.engine)
        self.cases = CasesInDoubt(self.engine)
        self.disputes = Disputes(self.engine)
        self.opinions = Opinions(self.engine)
        self.references = References(self.engine)
        self.surroundings = Surroundings(self.engine)
        self.progress = Progress(self.engine)
        self.maps = Maps(self.engine)

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
