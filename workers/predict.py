"""The predict worker: votes on unlabelled images as labels and images arrive."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

import numpy as np

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import UNNAMED, LabelState, new_id
from plankton_stream.errors import RejectedError
from plankton_stream.events.envelope import Received, now
from plankton_stream.events.facts import (
    ImageDeleted,
    ImageIndexed,
    LabelApplied,
    LabelRetracted,
    fact_message,
    read_fact,
)
from plankton_stream.events.prediction import ImagePredicted
from plankton_stream.ports import Hit, ImageFilter, Publisher, Vector, VectorIndex
from plankton_stream.predictions import Prediction
from plankton_stream.votes import VOTERS, Voter, crowd, vote
from workers.loop import REST, examine, publish_rejections

log = logging.getLogger(__name__)

TOUCHED = 50
"""Unlabelled images around a new label that are voted on at once; the sweep reaches the others."""
TOUCHED_BY_BATCH = 1_000  # and around all labels of a batch: what arrives must not wait for long
BATCH = 500
"""Most records of a batch; so many say that more wait."""
_CROWD = 30
_SPARE = 10  # hits may have got or lost a name a moment ago
_LONGEST_REST_S = 2.0  # a batch must end before Kafka gives its records to another worker
_AT_ONCE = 100  # voted on together
_SWEPT = 100
_OLD = timedelta(minutes=1)
_LAG = timedelta(seconds=10)  # until the index has heard of a label
_WORTH_TELLING = 0.05

_UNLABELLED = ImageFilter(state=LabelState.UNLABELLED)
_VALIDATED = ImageFilter(state=LabelState.VALIDATED)


class PredictWorker:
    """Handles batches of the label topic and of the indexed topic.

    Events say where something changed; names come from the catalog, so a late or repeated event
    does no harm. Human labels are read and never written.
    """

    name = "/workers/predict"

    def __init__(
        self,
        index: Callable[[], VectorIndex],
        catalog: Catalog,
        publisher: Publisher,
        *,
        clock: Callable[[], datetime] = now,
        rest: Callable[[float], object] = time.sleep,
    ) -> None:
        """Connect to nothing yet.

        Args:
            index: gives the index that is searched now.
            catalog: the truth about names; keeps the predictions.
            publisher: for predictions and dead letters.
            clock: the present moment.
            rest: waits for so many seconds, or less if it is time to stop.
        """
        self._index, self._catalog, self._publisher, self._clock = index, catalog, publisher, clock
        self._rest = rest
        self._last_renamed_at = clock()  # or before: so all is swept once after a start

    def handle(self, batch: Sequence[Received]) -> None:
        """Vote on the images that arrived, and on those around images whose name changed.

        What arrived comes first. Between votes around new names it rests, unless more events wait:
        whoever gave the names goes on searching in the same index.

        Raises:
            RetryableError: a part does not answer.
        """
        facts, rejections = examine(batch, _read)
        labelled = [fact for fact in facts if isinstance(fact, LabelApplied | LabelRetracted)]
        renamed = sorted({fact.image_id for fact in labelled})
        if renamed:
            self._last_renamed_at = self._clock()
        index = self._index()
        vectors = index.vectors(renamed)
        told = {fact.image_id for fact in facts}
        self._vote(index, sorted(told), vectors)
        around = sorted(_around(index, vectors) - told)
        self._vote(index, around, vectors, may_rest=len(batch) < BATCH)
        publish_rejections(rejections, self._publisher, consumer=self.name)
        self._publisher.flush()

    def sweep(self) -> int:
        """Vote on some images that never had a vote, or whose last one is old; returns how many.

        A vote is old when names have changed since, or so shortly before that it missed them.

        Raises:
            RetryableError: a part does not answer.
        """
        before = min(self._clock() - _OLD, self._last_renamed_at + _LAG)
        waiting = self._catalog.predictions.waiting(_SWEPT, before=before)
        self._vote(self._index(), waiting, {})
        self._publisher.flush()
        return len(waiting)

    def _vote(
        self,
        index: VectorIndex,
        ids: Sequence[str],
        fresh: dict[str, Vector],
        *,
        may_rest: bool = False,
    ) -> None:
        """Vote on those of some images that are unlabelled.

        Args:
            index: of the live encoder.
            ids: of images.
            fresh: vectors of images that were named a moment ago: the index may not know it yet.
            may_rest: whether what comes next can wait.
        """
        named = self._catalog.images.namings(list(fresh))
        validated = {
            i: fresh[i] for i, naming in named.items() if naming.state is LabelState.VALIDATED
        }
        for start in range(0, len(ids), _AT_ONCE):
            began_s = time.perf_counter()
            known = self._catalog.images.namings(ids[start : start + _AT_ONCE])
            asked = [i for i, naming in known.items() if naming.taxon is None]
            ballot = _Ballot(index, self._catalog, index.vectors(asked), validated)
            self._keep(list(ballot.votes(self._clock())))
            if may_rest and start + _AT_ONCE < len(ids):
                self._rest(min(_LONGEST_REST_S, REST * (time.perf_counter() - began_s)))

    def _keep(self, votes: Sequence[Prediction]) -> None:
        before = self._catalog.predictions.get([one.image_id for one in votes])
        self._catalog.predictions.put(votes)
        for one in votes:
            old = before.get(one.image_id)
            if one.taxon is not None and (old is None or _differs(old, one)):
                fact = ImagePredicted(
                    image_id=one.image_id, taxon=one.taxon, score=one.score, margin=one.margin,
                    evidence=one.evidence, encoder=one.encoder, at=one.voted_at,
                )  # fmt: skip
                self._publisher.send(fact_message(fact, event_id=new_id(), source=self.name))


class _Ballot:
    """The votes on up to a hundred images: two searches and two statements for all of them."""

    def __init__(
        self,
        index: VectorIndex,
        catalog: Catalog,
        vectors: dict[str, Vector],
        fresh: dict[str, Vector],
    ) -> None:
        self._vectors, self._encoder = vectors, index.encoder
        self._fresh = _nearest_of(fresh, vectors)
        self._validated = _search(index, vectors, VOTERS + _SPARE, _VALIDATED)
        self._unlabelled = _search(index, vectors, _CROWD + _SPARE, _UNLABELLED)
        found = {
            hit.image_id
            for hits in (*self._validated.values(), *self._unlabelled.values())
            for hit in hits
        }
        self._known = catalog.images.namings(sorted(found | fresh.keys()))
        self._rejected = catalog.predictions.rejected(list(vectors))

    def votes(self, at: datetime) -> Iterator[Prediction]:
        """One for each image."""
        for image_id in self._vectors:
            voters = self._voters(image_id)
            others = self._others(image_id)
            proposal = vote(voters, others, self._rejected.get(image_id, ()))
            yield Prediction(
                image_id=image_id,
                taxon=proposal.taxon if proposal else None,
                score=proposal.score if proposal else 0.0,
                margin=proposal.margin if proposal else 0.0,
                nearest=voters[0].distance if voters else None,
                crowd=crowd(others[:_CROWD]),
                evidence=proposal.evidence if proposal else (),
                encoder=self._encoder,
                voted_at=at,
            )

    def _voters(self, image_id: str) -> list[Voter]:
        distances = {hit.image_id: hit.distance for hit in self._validated[image_id]}
        distances |= self._fresh[image_id]
        distances.pop(image_id, None)
        named = [(i, d, self._name(i)) for i, d in distances.items()]
        voters = [Voter(image_id=i, taxon=taxon, distance=d) for i, d, taxon in named if taxon]
        return sorted(voters, key=lambda voter: voter.distance)

    def _others(self, image_id: str) -> list[float]:
        return [
            hit.distance
            for hit in self._unlabelled[image_id]
            if hit.image_id != image_id
            and hit.image_id in self._known
            and self._known[hit.image_id].taxon is None
        ]

    def _name(self, image_id: str) -> str | None:
        naming = self._known.get(image_id, UNNAMED)
        return naming.taxon if naming.state is LabelState.VALIDATED else None


def _around(index: VectorIndex, vectors: dict[str, Vector]) -> set[str]:
    """The unlabelled images next to some that were named, the nearest if they are many."""
    found = [hit for hits in _search(index, vectors, TOUCHED, _UNLABELLED).values() for hit in hits]
    found.sort(key=lambda hit: hit.distance)
    # The index may still hold the named ones for unlabelled.
    nearest = dict.fromkeys(hit.image_id for hit in found if hit.image_id not in vectors)
    return set(islice(nearest, TOUCHED_BY_BATCH))


def _nearest_of(
    fresh: dict[str, Vector], vectors: dict[str, Vector]
) -> dict[str, dict[str, float]]:
    """The fresh images that can have a vote on each image, with their cosine distances."""
    if not fresh or not vectors:
        return {image_id: {} for image_id in vectors}
    ids = list(fresh)
    distances = 1.0 - np.stack(list(vectors.values())) @ np.stack(list(fresh.values())).T
    count = min(len(ids), VOTERS + 1)  # one more: it may be the image itself
    near = np.argpartition(distances, count - 1, axis=1)[:, :count]
    return {
        image_id: {ids[at]: max(0.0, float(row[at])) for at in columns}
        for image_id, row, columns in zip(vectors, distances, near, strict=True)
    }


def _search(
    index: VectorIndex, vectors: dict[str, Vector], k: int, where: ImageFilter
) -> dict[str, list[Hit]]:
    if not vectors:
        return {}
    found = index.search_many(np.stack(list(vectors.values())), k, where=where)
    return dict(zip(vectors, found, strict=True))


_Read = ImageIndexed | ImageDeleted | LabelApplied | LabelRetracted


def _read(received: Received) -> _Read:
    fact = read_fact(received)
    if not isinstance(fact, _Read):
        raise RejectedError(
            f"event type {fact.event_type!r}: this consumer reads labels and indexed images"
        )
    return fact


def _differs(old: Prediction, new: Prediction) -> bool:
    return old.taxon != new.taxon or abs(old.score - new.score) >= _WORTH_TELLING
