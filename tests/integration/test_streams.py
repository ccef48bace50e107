"""The streams process against a real broker: the census equals a recount."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaPublisher
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message, read_envelope, to_text
from plankton_stream.events.facts import LabelCurrent, read_fact
from tests.label_events import Labelling, census_of
from tests.streams_worker import Follower, Worker, publish, wait_for_census
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("worker")]


@pytest.fixture(scope="module")
def worker(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker(kafka, tmp_path_factory.mktemp("streams")) as worker:
        worker.wait_ready()
        yield worker


@pytest.fixture
def census(kafka: str) -> Iterator[Follower]:
    follower = Follower(kafka, topics.CENSUS)
    yield follower
    follower.close()


@pytest.fixture
def current(kafka: str) -> Iterator[Follower]:
    follower = Follower(kafka, topics.LABELS_CURRENT)
    yield follower
    follower.close()


def test_the_census_equals_a_recount(kafka: str, census: Follower) -> None:
    labelling = Labelling(seed=1, prefix="plain.")
    publish(kafka, list(labelling.events(images=100, changes=200)))
    wait_for_census(census, labelling.counts(), prefix="plain.", timeout_s=60)


def test_duplicates_and_replays_change_nothing(kafka: str, census: Follower) -> None:
    labelling = Labelling(seed=2, prefix="twice.")
    events = list(labelling.events(images=50, changes=150))
    shuffled = random.Random(3).sample(events, len(events))
    publish(kafka, [*events, *events, *shuffled])
    wait_for_census(census, labelling.counts(), prefix="twice.", timeout_s=60)


def test_a_cell_whose_last_image_is_retracted_is_published_empty(
    kafka: str, census: Follower
) -> None:
    labelling = Labelling(seed=4, prefix="empty.")
    publish(kafka, list(labelling.events(images=5, changes=0)))
    retracted = []
    for one in list(labelling.now):
        while labelling.now[one][1].taxon is not None or not retracted:
            retracted.append(labelling.change(one))
    publish(kafka, retracted)
    assert labelling.counts() == {}

    def all_empty() -> bool:
        mine = {k: r for k, r in census.latest().items() if k.startswith("empty.")}
        return set(mine) == labelling.cell_keys() and census_of(mine) == {}

    wait_until(all_empty, within_s=60, what="empty counts of all cells")


def test_the_latest_naming_of_each_image_is_published_once_per_version(
    kafka: str, current: Follower
) -> None:
    labelling = Labelling(seed=5, prefix="current.")
    events = list(labelling.events(images=30, changes=90))
    publish(kafka, [*events, *random.Random(6).sample(events, len(events))])
    expected = {one: (version, naming) for one, (_, naming, version) in labelling.now.items()}

    def published() -> dict[str, LabelCurrent]:
        return {key: read_fact(record) for key, record in current.latest().items()}  # type: ignore[misc]

    def arrived() -> bool:
        facts = published()
        return all(
            one in facts and (facts[one].version, facts[one].naming) == wanted
            for one, wanted in expected.items()
        )

    wait_until(arrived, within_s=60, what="the latest namings")
    for record in current.records:
        fact = read_fact(record)
        assert isinstance(fact, LabelCurrent)
        assert read_envelope(to_text(record.headers)).id == f"{fact.image_id}/{fact.version}"
    partitions = {r.key: set() for r in current.records}  # type: ignore[var-annotated]
    for record in current.records:
        partitions[record.key].add(record.partition)
    assert all(len(found) == 1 for found in partitions.values()), "an image has one partition"


def test_a_bad_record_becomes_a_dead_letter_and_the_partition_moves_on(
    kafka: str, census: Follower
) -> None:
    letters = Follower(kafka, topics.DEADLETTER)
    publisher = KafkaPublisher(kafka)
    for key in ("bad-1", "bad-2", "bad-3", "bad-4", "bad-5", "bad-6"):
        publisher.send(Message(topics.LABELS.name, key, b"{}", (("ce_specversion", b"1.0"),)))
        publisher.send(Message(topics.LABELS.name, key, b"\xff\x00", ()))
    publisher.flush()
    publisher.close()
    labelling = Labelling(seed=7, prefix="after-bad.")
    publish(kafka, list(labelling.events(images=30, changes=0)))
    wait_for_census(census, labelling.counts(), prefix="after-bad.", timeout_s=60)
    wait_until(
        lambda: len([k for k in letters.latest() if k.startswith("bad-")]) == 6,
        within_s=30,
        what="letters",
    )
    letters.close()


def test_everything_is_committed(kafka: str) -> None:
    labelling = Labelling(seed=8, prefix="lag.")
    publish(kafka, list(labelling.events(images=50, changes=50)))
    admin = KafkaAdmin(kafka)
    read = (topics.LABELS, topics.LABELS_BY_CAMERA)
    wait_until(
        lambda: not sum(admin.lag(topics.STREAMS_GROUP, t) for t in read),
        within_s=60,
        what="no lag",
    )
    admin.close()


def test_a_stop_is_clean_and_a_restart_counts_on(
    kafka: str, worker: Worker, census: Follower
) -> None:
    labelling = Labelling(seed=9, prefix="restart.")
    events = list(labelling.events(images=60, changes=120))
    publish(kafka, events[:90])
    assert worker.stop() == 0, Path(worker.log).read_text()[-4000:]
    publish(kafka, events[90:])
    worker.start()
    wait_for_census(census, labelling.counts(), prefix="restart.", timeout_s=90)
