"""Fills a version: asks for the images that its index lacks until it has all, then swaps it in.

What it lacks is what the index itself says, image by image, so nothing has to be remembered: after
a crash, for a version that was given up and published again, or for one that is rolled back to
weeks later, the same look finds the same thing. The last look, which finds nothing, is the proof.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from plankton_stream.adapters.sql import Catalog
from plankton_stream.events.facts import embedding_request
from plankton_stream.ports import Publisher, VectorIndex
from plankton_stream.retrying import insist
from plankton_stream.versions import EncoderVersion, VersionState

log = logging.getLogger(__name__)

MAX_FAILED_SHARE = 0.1
"""More images than this that can't be read are an image store that is not there, not bad luck."""

_SOURCE = "/workers/versions"
_PAGE = 500
_MOST_WAITING = 500
"""Requests that may wait: some seconds of work, so that a version that is abandoned stops soon."""

_LOOK_EVERY_S = 0.2
_IDLE_S = 1.0
_RATE_OVER_S = 30.0


class Filling:
    """What `plankton worker versions` does; one of them is enough, two do no harm."""

    def __init__(
        self,
        catalog: Catalog,
        open_index: Callable[[str, int], VectorIndex],
        publisher: Publisher,
        unread: Callable[[], int],
        stop: threading.Event,
        *,
        drop: Callable[[str], None],
    ) -> None:
        """Nothing is looked at yet.

        Args:
            catalog: says what is to be filled, and is told how far it is.
            open_index: the index of a version, by id and dimension.
            publisher: takes the requests.
            unread: requests that the embed workers have not finished with.
            stop: ends everything within a second.
            drop: gives up a version's vectors, by its id.
        """
        self._catalog, self._open_index, self._publisher = catalog, open_index, publisher
        self._unread, self._stop, self._drop = unread, stop, drop
        self._progress: deque[tuple[float, int]] = deque()
        self._opened: tuple[EncoderVersion, VectorIndex] | None = None

    def run(self) -> None:
        """Fill whatever is to be filled until `stop` is set."""
        while not self._stop.is_set():
            insist(self.step, self._stop)
            self._stop.wait(_IDLE_S)

    def step(self) -> None:
        """One look at everything; a version that was found whole goes live.

        Raises:
            RetryableError: a part does not answer.
        """
        filling = [v for v in self._catalog.encoders.kept() if v.filling]
        for version in filling:
            if self._is_whole(version, self._index_of(version)):
                self._catalog.encoders.finish(version.encoder)
                log.info("%s has every image: it is live", version.encoder)
        if not filling:
            self._opened = None
            self._drop_ended()

    def _index_of(self, version: EncoderVersion) -> VectorIndex:
        """The index of what is being filled, opened once each time that it is begun with."""
        known = self._opened
        begun = (version.encoder, version.registered_at)
        if known is None or (known[0].encoder, known[0].registered_at) != begun:
            self._progress.clear()
            self._opened = known = version, self._open_index(version.encoder, version.dimension)
        return known[1]

    def _is_whole(self, version: EncoderVersion, index: VectorIndex) -> bool:
        """Look through all images, ask for those that the index lacks; whether it lacks none.

        An embed worker writes an image into the index before the catalog if it knows of the
        version, and else asks for it after the catalog. So an image that comes during the look is
        in the index or among the requests, and when neither has a gap there is none.
        """
        asked = 0
        if not self._until_few_wait(version, index, 0):  # those of a run before this one
            return False
        for ids in _in_pages(self._catalog.images.ids()):
            asked += self._ask_for_missing(version, index, ids)
            if not self._until_few_wait(version, index, _MOST_WAITING):
                return False
        # Reporting waits for all that was written, and meanwhile a worker that had not noticed the
        # version may have put an image into the catalog and asked for it: hence the second look.
        is_whole = asked == 0 and self._unread() == 0 and self._report(version, index)
        return is_whole and self._unread() == 0

    def _ask_for_missing(
        self, version: EncoderVersion, index: VectorIndex, ids: Sequence[str]
    ) -> int:
        known = index.known(ids)
        missing = [image_id for image_id in ids if image_id not in known]
        failed = self._catalog.encoders.failures(version.encoder, missing)
        wanted = [image_id for image_id in missing if image_id not in failed]
        for image_id in wanted:
            self._publisher.send(embedding_request(image_id, version.encoder, source=_SOURCE))
        self._publisher.flush()
        return len(wanted)

    def _until_few_wait(self, version: EncoderVersion, index: VectorIndex, few: int) -> bool:
        """Wait for the embed workers; False if the version is no longer to be filled."""
        while not self._stop.is_set():
            if self._is_time_to_report() and not self._report(version, index):
                return False
            if self._unread() <= few:
                return True
            self._stop.wait(_LOOK_EVERY_S)
        return False

    def _is_time_to_report(self) -> bool:
        return not self._progress or time.monotonic() - self._progress[-1][0] >= 1.0

    def _report(self, version: EncoderVersion, index: VectorIndex) -> bool:
        """Write down how far the version is; False if it is no longer to be filled."""
        every = self._catalog.encoders.all()
        (current,) = (v for v in every if v.encoder == version.encoder)
        total = self._catalog.images.count()
        is_live = current.state is VersionState.LIVE
        if current.failed > MAX_FAILED_SHARE * total and not is_live:
            reason = (
                f"{current.failed:,} of {total:,} images can't be read (plankton tail deadletter "
                "says why): is PLANKTON_IMAGES the folder that holds them?"
            )
            log.error("%s is given up: %s", version.encoder, reason)
            self._catalog.encoders.fail(version.encoder, reason)
            return False
        done = index.count()
        rate = self._rate(done)
        self._catalog.encoders.report(version.encoder, done=done, total=total, images_per_s=rate)
        return current.filling

    def _rate(self, done: int) -> float | None:
        at_s = time.monotonic()
        self._progress.append((at_s, done))
        while at_s - self._progress[0][0] > _RATE_OVER_S:
            self._progress.popleft()
        first_s, first = self._progress[0]
        return max(0, done - first) / (at_s - first_s) if at_s > first_s else None

    def _drop_ended(self) -> None:
        # Looked at anew each time: another worker may have dropped one while this one dropped
        # another, and then it may be published again.
        while ended := self._catalog.encoders.to_drop():
            version = ended[0]
            self._drop(version.encoder)
            self._catalog.encoders.mark_dropped(version.encoder)
            log.info("the vectors of %s (%s) are gone", version.encoder, version.state)


def _in_pages(ids: Iterable[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for image_id in ids:
        page.append(image_id)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
