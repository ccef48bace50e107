"""The predict worker on in-memory ports and SQLite."""

from pathlib import Path

import numpy as np
import pytest

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState, new_id
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.events.facts import (
    ImageIndexed,
    fact_message,
    read_fact,
    read_label_event,
)
from plankton_stream.events.prediction import ImagePredicted
from plankton_stream.predictions import Prediction
from plankton_stream.testing import MemoryLog, MemoryPublisher, MemorySubscriber
from tests.web_parts import Web, image, new_web, turned
from workers.predict import TOUCHED, PredictWorker
from workers.relay import relay_once


class Predicting:
    """A catalog with images, and the worker that votes on them."""

    def __init__(self, web: Web) -> None:
        self.web, self.log = web, MemoryLog()
        self.publisher = MemoryPublisher(self.log)
        self.worker = PredictWorker(lambda: web.index, web.catalog, self.publisher)
        self.labels = MemorySubscriber(self.log, [topics.LABELS], group="t", max_records=1_000)

    def label(self, *ids: str, taxon: str = "copepod", state: str = "validated") -> str:
        done = self.web.catalog.labels.apply(
            LabelRequest(image_ids=ids, taxon=taxon, state=LabelState(state), who="ann")
        )
        self.settle()
        return done.action_id

    def settle(self) -> None:
        """Let the worker see what was labelled, a moment before the index hears of it."""
        relay_once(self.web.catalog, self.publisher)
        batch = self.labels.poll(0)
        self.worker.handle(batch)
        changed = [read_label_event(record).image_id for record in batch]
        self.web.index.rename(list(self.web.catalog.images.get(changed).values()))

    def said(self, *ids: str) -> list[Prediction | None]:
        known = self.web.catalog.predictions.get(ids)
        return [known.get(image_id) for image_id in ids]

    def published(self) -> list[ImagePredicted]:
        facts = [read_fact(record) for record in self.log.records[topics.PREDICTIONS.name]]
        return [fact for fact in facts if isinstance(fact, ImagePredicted)]


@pytest.fixture
def predicting(tmp_path: Path) -> Predicting:
    return Predicting(new_web(tmp_path))


@pytest.fixture
def ids(predicting: Predicting) -> list[str]:
    """Ten images in a fan: each is nearest to those beside it."""
    return predicting.web.add([image(n) for n in range(10)])


def test_a_label_speaks_for_the_images_around_it_at_once(
    predicting: Predicting, ids: list[str]
) -> None:
    predicting.label(ids[0])
    (near, far) = predicting.said(ids[1], ids[9])
    assert near is not None
    assert far is not None
    assert near.taxon == far.taxon == "copepod"
    assert near.score > far.score
    assert [voter.image_id for voter in near.evidence] == [ids[0]]
    assert near.nearest == pytest.approx(1 - np.cos(0.01), abs=1e-6)
    assert {fact.image_id for fact in predicting.published()} == set(ids[1:])


def test_no_label_is_written_and_the_labelled_are_not_voted_on(
    predicting: Predicting, ids: list[str]
) -> None:
    predicting.label(ids[0])
    assert predicting.said(ids[0]) == [None]
    assert predicting.web.catalog.images.count_labelled() == 1
    assert predicting.web.catalog.labels.history(ids[1]) == []


def test_only_what_somebody_validated_speaks(predicting: Predicting, ids: list[str]) -> None:
    predicting.label(ids[0], state="dubious")
    (one,) = predicting.said(ids[1])
    assert one is not None
    assert (one.taxon, one.nearest, one.evidence) == (None, None, ())
    assert predicting.published() == []


def test_a_label_taken_back_speaks_no_more_and_its_image_is_voted_on(
    predicting: Predicting, ids: list[str]
) -> None:
    predicting.label(ids[4], taxon="egg")
    action = predicting.label(ids[0])
    predicting.web.catalog.labels.retract_action(action, who="ann")
    predicting.settle()
    said = predicting.said(ids[0], ids[1])
    assert [one and one.taxon for one in said] == ["egg", "egg"]


def test_a_rejected_taxon_is_not_proposed_again(predicting: Predicting, ids: list[str]) -> None:
    predicting.label(ids[9], taxon="egg")
    predicting.label(ids[0])
    predicting.web.catalog.predictions.reject([ids[1]], "copepod", who="ann")
    (at_once,) = predicting.said(ids[1])
    assert at_once is not None
    assert at_once.taxon is None
    predicting.worker.sweep()
    predicting.label(ids[2])
    (later,) = predicting.said(ids[1])
    assert later is not None
    assert later.taxon == "egg"


def test_an_image_that_arrives_is_voted_on(predicting: Predicting, ids: list[str]) -> None:
    predicting.label(*ids)
    (new,) = predicting.web.add([image(99)], turned(0.05)[np.newaxis])
    arrived = ImageIndexed(
        image_id=new, capture=image(99).capture, frame_key="f", encoder="test-encoder",
        indexed_at=image(99).indexed_at,
    )  # fmt: skip
    predicting.publisher.send(fact_message(arrived, event_id=new_id(), source="/test"))
    predicting.publisher.flush()
    records = predicting.log.records[topics.INDEXED.name]
    predicting.worker.handle(records)
    (said,) = predicting.said(new)
    assert said is not None
    assert said.taxon == "copepod"


def test_the_work_for_a_label_is_bounded_and_the_sweep_reaches_the_rest(
    predicting: Predicting,
) -> None:
    ids = predicting.web.add([image(n) for n in range(3 * TOUCHED)])
    predicting.label(ids[0])
    voted = [one for one in predicting.said(*ids) if one is not None]
    assert len(voted) <= TOUCHED
    assert predicting.worker.sweep() == len(ids) - 1 - len(voted)
    assert predicting.worker.sweep() == 0
    assert all(one is not None for one in predicting.said(*ids[1:]))


def test_the_work_for_many_labels_is_bounded_and_goes_to_what_is_nearest(
    predicting: Predicting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.predict.TOUCHED_BY_BATCH", 6)
    angles = np.linspace(0.0, 1.2, 40)
    ids = predicting.web.add(
        [image(n) for n in range(40)], np.stack([turned(angle) for angle in angles])
    )
    predicting.label(ids[0], ids[20])
    voted = {i for i, one in zip(ids, predicting.said(*ids), strict=True) if one is not None}
    assert voted == {*ids[1:3], *ids[18:20], *ids[21:23]}
    assert predicting.worker.sweep() == 40 - 2 - 6


@pytest.mark.parametrize("more_wait", [False, True])
def test_between_many_votes_it_rests_unless_more_wait(
    predicting: Predicting, monkeypatch: pytest.MonkeyPatch, *, more_wait: bool
) -> None:
    """Whoever named something goes on searching in the same index."""
    monkeypatch.setattr("workers.predict._AT_ONCE", 10)
    monkeypatch.setattr("workers.predict.BATCH", 1 if more_wait else 2)
    rests: list[float] = []
    web = predicting.web
    predicting.worker = PredictWorker(
        lambda: web.index, web.catalog, predicting.publisher, rest=rests.append
    )
    ids = web.add([image(n) for n in range(36)])
    predicting.label(ids[0])
    assert all(predicting.said(*ids[1:]))
    assert len(rests) == (0 if more_wait else 3), "35 votes, ten at once"
    assert all(0 < seconds <= 2 for seconds in rests)


def test_those_named_a_moment_ago_vote_by_their_distance(predicting: Predicting) -> None:
    angles = np.linspace(0.0, 1.2, 60)
    ids = predicting.web.add(
        [image(n) for n in range(60)], np.stack([turned(angle) for angle in angles])
    )
    predicting.label(*ids[:58])
    (said, _) = predicting.said(*ids[58:])
    assert said is not None
    assert [voter.image_id for voter in said.evidence] == [ids[57], ids[56], ids[55]]
    distances = [1 - float(turned(angles[58]) @ turned(angles[n])) for n in (57, 56, 55)]
    assert [voter.distance for voter in said.evidence] == pytest.approx(distances, abs=1e-6)


def test_repeated_events_change_and_publish_nothing(predicting: Predicting, ids: list[str]) -> None:
    predicting.label(ids[0])
    before, told = predicting.said(*ids[1:]), len(predicting.published())
    predicting.worker.handle(predicting.log.records[topics.LABELS.name])
    again = predicting.said(*ids[1:])
    assert [one and one.score for one in again] == [one and one.score for one in before]
    assert len(predicting.published()) == told


def test_a_part_that_is_away_is_waited_for(predicting: Predicting, ids: list[str]) -> None:
    predicting.web.index.available = False
    with pytest.raises(RetryableError):
        predicting.label(ids[0])
    predicting.web.index.available = True
    predicting.worker.handle(predicting.log.records[topics.LABELS.name])
    assert predicting.said(ids[1])[0] is not None


def test_a_record_of_another_kind_is_a_dead_letter(
    predicting: Predicting, ids: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    predicting.label(ids[0])
    predicting.worker.handle(predicting.log.records[topics.PREDICTIONS.name][:1])
    assert len(predicting.log.records[topics.DEADLETTER.name]) == 1
    assert "this consumer reads labels" in caplog.text
