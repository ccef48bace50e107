"""What the web process works with: given to `create_app`, so that tests can give something else."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from plankton_stream.adapters.sql import Catalog
from plankton_stream.errors import RetryableError
from plankton_stream.ports import ImageStore, QueryEncoder, VectorIndex
from web.accounts.guesses import Guesses
from web.board import Board
from web.kept import Kept
from web.live import Live
from web.news import News
from web.streaming import Streams
from web.thumbnails import Thumbnails
from web.totals import Totals

LiveEncoder = tuple[str, int]
"""Id and dimension of the encoder whose vectors are searched."""


@dataclass(frozen=True)
class Parts:
    """Everything that requests need; made once per process, after the fork.

    Attributes:
        catalog: metadata and labels.
        index: gives the index that is searched now, see `LiveIndex`.
        store: image bytes.
        encoder: embeds uploaded images, in a worker.
        live: what streams and cameras last said.
        totals: counts, rates and lag.
        thumbnails: small pictures that were asked for lately.
        user: who labels where there is no login.
        registry: what `/metrics` shows.
        guesses: wrong passwords of the last minutes.
        news: what happens to images, as it happens.
        board: how things stand, for those who follow.
        streams: how many may.
        kept: answers that cost much.
    """

    catalog: Catalog
    index: Callable[[], VectorIndex]
    store: ImageStore
    encoder: QueryEncoder
    live: Live
    totals: Totals
    user: str = "local"
    thumbnails: Thumbnails = field(default_factory=Thumbnails)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    guesses: Guesses = field(default_factory=Guesses)
    news: News = field(default_factory=News)
    board: Board = field(default_factory=Board)
    streams: Streams = field(default_factory=Streams)
    kept: Kept = field(default_factory=Kept)


class LiveIndex:
    """The index of the live encoder, opened once and kept until another encoder is live.

    A request finds it without asking the catalog; `refresh`, called in the background, follows a
    change of the live encoder.
    """

    def __init__(
        self,
        live_encoder: Callable[[], LiveEncoder | None],
        open_index: Callable[[str, int], VectorIndex],
    ) -> None:
        self._live_encoder = live_encoder
        self._open_index = open_index
        self._lock = threading.Lock()
        self._current: tuple[LiveEncoder, VectorIndex] | None = None

    def __call__(self) -> VectorIndex:
        """The index that is searched now.

        Raises:
            RetryableError: nothing is indexed yet, or the index does not answer.
        """
        if self._current is None:
            self.refresh()
        if self._current is None:
            raise RetryableError("nothing can be searched yet: no embed worker has started so far")
        return self._current[1]

    def refresh(self) -> None:
        """Open the live encoder's index unless it is open already."""
        with self._lock:
            encoder = self._live_encoder()
            if encoder is not None and (self._current is None or self._current[0] != encoder):
                # The one before is not closed: requests may still be using it. It happens once
                # per change of encoder.
                self._current = encoder, self._open_index(*encoder)
