"""The map worker: fits a projection, fills a map with it, and keeps the map current."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import numpy as np

from plankton_stream.adapters.sql import Catalog
from plankton_stream.adapters.sql.maps import FIRST
from plankton_stream.maps import LEAST_IMAGES, Map, Unplaced
from plankton_stream.ports import VectorIndex
from plankton_stream.retrying import insist
from workers.mapping.projection import LANDMARKS, Landmarks, Places, StoppedError, fit

log = logging.getLogger(__name__)

_AT_ONCE = 1_000  # placed together; 1 MB of vectors, 20 MB of distances
_READ = 500  # vectors in one answer of the index
_GROWN = 2  # times as many images: the map is fitted again
_OVERLAP = timedelta(minutes=1)
"""How late an image may become visible after its `indexed_at`: the next walk looks again."""
_CLEARED = 2_000
_REST_S = 0.1  # between steps: others want the index, too
_IDLE_S = 3.0


class MapWorker:
    """Works in steps of a second or so, fits excepted; killed at any moment it goes on from there.

    The places of a map are in the catalog, its landmarks among them: a restart reads those and fits
    nothing again.
    """

    def __init__(
        self,
        index: Callable[[], VectorIndex],
        catalog: Catalog,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        landmarks: int = LANDMARKS,
    ) -> None:
        """Connect to nothing yet.

        Args:
            index: gives the index that is searched now.
            catalog: has the images; keeps the maps.
            should_stop: ends a fit that is under way.
            landmarks: most images that are fitted.
        """
        self._index, self._catalog, self._should_stop = index, catalog, should_stop
        self._most = landmarks
        self._random = np.random.default_rng(0)
        self._known: tuple[str, Landmarks] | None = None
        self._reached: tuple[str, Unplaced] = ("", FIRST)

    def step(self) -> int:
        """Do one piece of work; returns how many images it did something for, 0: nothing to do.

        Raises:
            RetryableError: a part does not answer.
            StoppedError: a fit was ended.
        """
        index, maps = self._index(), self._catalog.maps
        live, filling = maps.live(), maps.filling()
        if filling is not None and filling.encoder != index.encoder:
            maps.give_up(filling.map_id)
            filling = None
        current = filling or live
        if current is not None and current.encoder == index.encoder:
            placed = self._place_some(current, index)
            if placed:
                return placed
            if filling is not None:
                maps.show(filling.map_id)
                return 1
        return self._fit_if_due(index, live) or maps.clear(_CLEARED)

    def _fit_if_due(self, index: VectorIndex, live: Map | None) -> int:
        number = self._catalog.images.count()
        fits = live is not None and live.encoder == index.encoder
        if number < LEAST_IMAGES or (fits and live and number < _GROWN * live.images):
            return 0
        ids = self._sample(number)
        vectors = _vectors(index, ids)
        ids = list(vectors)
        if len(ids) < LEAST_IMAGES:
            return 0  # the index has not got them yet
        stacked = np.stack(list(vectors.values()))
        log.info("fitting a map to %d of %d images", len(ids), number)
        before = self._before(live, stacked) if fits and live else None
        places = fit(stacked, before, self._should_stop)
        known = {i: (float(x), float(y)) for i, (x, y) in zip(ids, places, strict=True)}
        new = self._catalog.maps.begin(index.encoder, number, known)
        self._known = new.map_id, Landmarks(stacked, places)
        return len(ids)

    def _sample(self, number: int) -> list[str]:
        """Some images, each as likely; every id is read, in pages, and those chosen are kept."""
        share = self._most / number
        if share >= 1:
            return list(self._catalog.images.ids())[: self._most]
        draws = self._random.random
        found = [image_id for image_id in self._catalog.images.ids() if draws() < share]
        return found[: self._most]

    def _before(self, live: Map, vectors: np.ndarray) -> Places | None:
        """Where images would lie on the map that is shown, to begin the next one with."""
        old = self._landmarks(live, self._index())
        return None if old is None else old.place(vectors)

    def _place_some(self, current: Map, index: VectorIndex) -> int:
        map_id, reached = self._reached
        if map_id != current.map_id:
            reached = FIRST
        found = self._catalog.maps.unplaced(current.map_id, _AT_ONCE, after=reached)
        if not found:
            return 0
        known = self._landmarks(current, index)
        if known is None:  # the index was lost and filled anew
            self._catalog.maps.give_up(current.map_id)
            return 1
        vectors = _vectors(index, [one.image_id for one in found])
        if vectors:
            places = known.place(np.stack(list(vectors.values())))
            self._catalog.maps.place(
                current.map_id,
                {i: (float(x), float(y)) for i, (x, y) in zip(vectors, places, strict=True)},
            )
        last = found[-1]
        is_end = len(found) < _AT_ONCE
        if is_end:  # for now: look again at what may come late
            last = Unplaced("", max(reached.indexed_at, last.indexed_at - _OVERLAP))
        self._reached = current.map_id, last
        return len(vectors) if is_end else len(found)

    def _landmarks(self, current: Map, index: VectorIndex) -> Landmarks | None:
        if self._known is None or self._known[0] != current.map_id:
            places = self._catalog.maps.landmarks(current.map_id)
            vectors = _vectors(index, list(places))
            if not vectors:
                return None
            xy = np.array([places[i] for i in vectors])
            self._known = current.map_id, Landmarks(np.stack(list(vectors.values())), xy)
        return self._known[1]


def keep_current(worker: MapWorker, stop: threading.Event) -> None:
    """Work until `stop` is set, resting between steps and while there is nothing to do."""
    done = 0

    def step() -> None:
        nonlocal done
        done = worker.step()

    while not stop.is_set():
        try:
            if insist(step, stop):
                stop.wait(_REST_S if done else _IDLE_S)
        except StoppedError:
            return


def _vectors(index: VectorIndex, ids: list[str]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for start in range(0, len(ids), _READ):
        found |= index.vectors(ids[start : start + _READ])
    return found
