"""Encoder versions on the in-memory ports: filled, swapped, rolled back, interrupted."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import LabelState
from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.facts import fact_message, read_fact
from plankton_stream.events.images import roi_message
from plankton_stream.testing import (
    MemoryImageStore,
    MemoryIndex,
    MemoryLog,
    MemoryPublisher,
)
from plankton_stream.versions import EncoderSpec, EncoderVersion, VersionState
from tests.worker_parts import png, roi
from workers.embed import EmbedWorker
from workers.encoders import EncoderIdentity
from workers.rename import LabelIndexWorker
from workers.versions.filling import Filling
from workers.versions.indexes import KeptIndexes
from workers.versions.loaded import LoadedVersions, Version
from workers.versions.publishing import require_vectors
from workers.versions.reembed import ReembedWorker


class TurnedEncoder:
    """An encoder without a network; versions turn its vectors by different angles."""

    def __init__(self, number: int) -> None:
        self.identity = EncoderIdentity("turned", f"v{number}", "0" * 16, 1, 2, "none")
        self._turn = number

    def encode(self, images: Sequence[np.ndarray], pixel_um: object = None) -> np.ndarray:  # noqa: ARG002
        angles = np.array([image.mean() / 255 + self._turn for image in images], np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


V1, V2, V3 = (TurnedEncoder(number).identity.id for number in (1, 2, 3))


class Lab:
    """A catalog with version 1 live, one embed worker, and the worker that fills versions."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'catalog.sqlite'}"
        upgrade(url)
        self.catalog = Catalog(url)
        self.catalog.encoders.claim(V1, 2)
        self.log, self.store = MemoryLog(), MemoryImageStore()
        self.publisher = MemoryPublisher(self.log)
        self.indexes = {encoder: MemoryIndex(encoder) for encoder in (V1, V2, V3)}
        self.broken: set[str] = set()
        self.versions = LoadedVersions(self.catalog, self._load)
        self.versions.refresh()
        self.embed = EmbedWorker(self.versions, self.catalog, self.store, self.publisher)
        self.reembed = ReembedWorker(self.versions, self.catalog, self.store, self.publisher)
        self.labels = LabelIndexWorker(
            KeptIndexes(self.catalog, lambda encoder, _: self.indexes[encoder]),
            self.catalog, self.publisher,
        )  # fmt: skip
        self.stop = threading.Event()
        self.done = 0

    def _load(self, version: EncoderVersion) -> Version:
        if version.encoder in self.broken:
            raise ValueError("no such layer")
        number = int(version.encoder.split("-")[1][1:])
        return Version(TurnedEncoder(number), self.indexes[version.encoder])

    def filling(self, unread: Callable[[], int] | None = None) -> Filling:
        """A new worker that fills; while it waits for the embed worker, that one works."""
        return Filling(
            self.catalog, lambda encoder, _: self.indexes[encoder], self.publisher,
            unread or self.work_and_count, self.stop, drop=lambda i: self.indexes[i].drop(),
        )  # fmt: skip

    def work_and_count(self) -> int:
        self.work()
        return 0

    def work(self) -> None:
        """The embed worker does all requests that wait."""
        waiting = self.log.records[topics.REEMBED.name][self.done :]
        self.reembed.handle(waiting)
        self.done += len(waiting)

    def arrive(self, *keys: str) -> list[str]:
        """ROIs are embedded; gives their ids."""
        rois = [roi(key, grey=25) for key in keys]
        start = len(self.log.records[topics.ROIS.name])
        for one in rois:
            self.log.append(roi_message(one))
        self.embed.handle(self.log.records[topics.ROIS.name][start:])
        return [one.image_id for one in rois]

    def publish(self, encoder: str = V2, *, seen: bool = True) -> None:
        self.catalog.encoders.publish(encoder, 2, EncoderSpec(file="x"), who="ann")
        if seen:
            self.versions.refresh()

    def fill(self, looks: int = 2) -> None:
        """The first look asks for what is missing, the second finds nothing."""
        filling = self.filling()
        for _ in range(looks):
            filling.step()

    def live(self) -> str:
        found = self.catalog.encoders.live()
        assert found is not None
        return found[0]

    def label(self, image_id: str, taxon: str) -> None:
        request = LabelRequest((image_id,), taxon, LabelState.VALIDATED, who="ann")
        self.catalog.labels.apply(request)

    def causes(self) -> list[str]:
        letters = self.log.records[topics.DEADLETTER.name]
        return [dict(letter.headers)["ce_cause"].decode() for letter in letters]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.catalog.close()


def test_a_published_version_gets_every_image_and_then_goes_live(lab: Lab) -> None:
    ids = lab.arrive(*"abcdefg")
    lab.label(ids[0], "copepod")
    lab.publish()
    lab.fill(looks=1)
    assert lab.live() == V1, "one more look has to find nothing missing"
    lab.fill(looks=1)
    assert lab.live() == V2
    assert set(lab.indexes[V2].ids()) == set(ids)
    assert lab.indexes[V2].rows[ids[0]][0].naming.taxon == "copepod"
    assert np.allclose(
        lab.indexes[V2].rows[ids[1]][1], TurnedEncoder(2).encode([np.full((20, 30), 25)])[0]
    )
    assert {image.encoder for image in lab.catalog.images.get(ids).values()} == {V2}
    assert set(lab.indexes[V1].ids()) == set(ids), "to roll back to"


def test_images_that_arrive_meanwhile_are_written_to_both(lab: Lab) -> None:
    lab.arrive("a")
    lab.publish()
    late = lab.arrive("b", "c")
    assert lab.indexes[V1].known(late) == lab.indexes[V2].known(late) == set(late)
    assert {image.encoder for image in lab.catalog.images.get(late).values()} == {V1}, "it is live"
    announced = [read_fact(record) for record in lab.log.records[topics.INDEXED.name]]
    assert [fact.encoder for fact in announced] == [V1] * 3  # type: ignore[union-attr]
    lab.fill()
    assert lab.live() == V2
    assert lab.indexes[V2].count() == 3


def test_a_worker_that_has_not_noticed_the_new_version_asks_for_its_images(lab: Lab) -> None:
    lab.publish(seen=False)
    late = lab.arrive("a", "b")
    assert lab.indexes[V2].known(late) == set()
    asked = [record.key.decode() for record in lab.log.records[topics.REEMBED.name] if record.key]
    assert sorted(asked) == sorted(late)


def test_a_worker_that_has_not_noticed_the_swap_asks_for_its_images(lab: Lab) -> None:
    lab.publish(seen=False)
    lab.catalog.encoders.finish(V2)
    late = lab.arrive("a")
    assert lab.indexes[V1].known(late) == set(late)
    lab.versions.refresh()
    lab.work()
    assert lab.indexes[V2].known(late) == set(late)


def test_a_swap_waits_for_requests_of_workers_that_had_not_noticed(lab: Lab) -> None:
    lab.arrive("a")
    lab.publish()
    lab.fill(looks=1)
    waits = iter([0, 0, 3])  # before the look, during it, after it
    lab.filling(lambda: next(waits, 0)).step()
    assert lab.live() == V1


def test_a_swap_waits_for_what_was_asked_while_all_that_was_written_was_counted(lab: Lab) -> None:
    lab.arrive("a")
    lab.publish()
    lab.fill(looks=1)
    waits = iter([0, 0, 0, 3])  # before the look, during it, after it, after the count
    lab.filling(lambda: next(waits, 0)).step()
    assert lab.live() == V1


def test_what_another_worker_dropped_and_somebody_published_again_is_not_dropped(lab: Lab) -> None:
    for encoder in (V2, V3):
        lab.publish(encoder)
        lab.catalog.encoders.abandon("no")
    dropped: list[str] = []

    def drop(encoder: str) -> None:
        dropped.append(encoder)
        if encoder == V3:  # meanwhile
            lab.catalog.encoders.mark_dropped(V2)
            lab.publish(V2)

    def never(encoder: str, _dimension: int) -> MemoryIndex:
        raise AssertionError(f"{encoder} is opened to be dropped")

    Filling(lab.catalog, never, lab.publisher, lambda: 0, lab.stop, drop=drop).step()
    assert dropped == [V3]
    assert [version.id for version in lab.versions.written()] == [V1, V2]


def test_a_filling_that_was_killed_goes_on_and_does_nothing_twice(lab: Lab) -> None:
    ids = lab.arrive(*"abcdef")
    lab.publish()
    killed = lab.filling(lambda: 0)  # the embed worker has done two requests when it is killed
    killed.step()
    lab.reembed.handle(lab.log.records[topics.REEMBED.name][:2])
    lab.done = len(ids)
    lab.fill()
    assert lab.live() == V2
    assert len(lab.log.records[topics.REEMBED.name]) == 2 * len(ids) - 2
    assert set(lab.indexes[V2].ids()) == set(ids)


def test_rolling_back_embeds_only_what_came_since(lab: Lab) -> None:
    before = lab.arrive("a", "b")
    lab.publish()
    lab.fill()
    lab.versions.refresh()
    since = lab.arrive("c")
    assert lab.indexes[V1].known(since) == set()
    asked = len(lab.log.records[topics.REEMBED.name])
    lab.catalog.encoders.roll_back(at_once=False)
    lab.versions.refresh()
    lab.fill()
    assert lab.live() == V1
    assert set(lab.indexes[V1].ids()) == {*before, *since}
    assert len(lab.log.records[topics.REEMBED.name]) - asked == 1


def test_rolling_back_at_once_is_filled_afterwards(lab: Lab) -> None:
    lab.arrive("a")
    lab.publish()
    lab.fill()
    lab.versions.refresh()
    since = lab.arrive("b")
    lab.catalog.encoders.roll_back(at_once=True)
    assert lab.live() == V1
    lab.versions.refresh()
    lab.fill()
    assert lab.indexes[V1].known(since) == set(since)
    assert not any(version.filling for version in lab.catalog.encoders.all())


def test_the_version_before_the_previous_one_is_dropped_and_can_be_published_again(
    lab: Lab,
) -> None:
    ids = lab.arrive("a", "b")
    for encoder in (V2, V3):
        lab.publish(encoder)
        lab.fill()
    lab.fill(looks=1)
    assert list(lab.indexes[V1].ids()) == []
    lab.publish(V1)
    lab.fill()
    assert lab.live() == V1
    assert set(lab.indexes[V1].ids()) == set(ids)


def test_what_was_asked_for_a_version_that_was_abandoned_is_left(lab: Lab) -> None:
    lab.arrive("a")
    lab.publish()
    lab.filling(lambda: 0).step()
    lab.catalog.encoders.abandon("no")
    lab.work()
    assert lab.indexes[V2].count() == 0
    assert lab.live() == V1
    assert lab.causes() == []


def test_an_image_that_can_not_be_read_is_a_dead_letter_and_holds_nothing_up(lab: Lab) -> None:
    ids = lab.arrive(*(f"r{number}" for number in range(20)))
    del lab.store.data[ids[3], "image/png"]
    lab.publish()
    lab.fill()
    assert lab.live() == V2
    assert set(lab.indexes[V2].ids()) == set(ids) - {ids[3]}
    assert [ids[3] in cause for cause in lab.causes()] == [True]
    assert next(v for v in lab.catalog.encoders.all() if v.encoder == V2).failed == 1
    lab.store.put(ids[3], "image/png", png(np.full((9, 9), 7, np.uint8)))
    lab.catalog.encoders.repair()
    lab.fill()
    assert set(lab.indexes[V2].ids()) == set(ids)


def test_an_image_store_that_is_not_there_does_not_empty_the_search(lab: Lab) -> None:
    lab.arrive(*"abcdef")
    lab.store.data.clear()
    lab.publish()
    lab.fill()
    assert lab.live() == V1
    failed = next(v for v in lab.catalog.encoders.all() if v.encoder == V2)
    assert failed.state is VersionState.FAILED
    assert "PLANKTON_IMAGES" in str(failed.reason)


def test_a_version_that_can_not_be_loaded_is_given_up_and_the_live_one_stays(lab: Lab) -> None:
    lab.broken.add(V2)
    lab.publish()
    failed = next(v for v in lab.catalog.encoders.all() if v.encoder == V2)
    assert (failed.state, failed.filling) == (VersionState.FAILED, False)
    assert "no such layer" in str(failed.reason)
    assert [version.id for version in lab.versions.written()] == [V1]
    lab.broken.clear()
    lab.fill(looks=1)  # drops what there was of it
    lab.publish()
    assert [version.id for version in lab.versions.written()] == [V1, V2]


def test_a_live_version_that_can_not_be_loaded_stops_its_worker(lab: Lab) -> None:
    lab.broken.add(V1)
    fresh = LoadedVersions(lab.catalog, lab._load)
    with pytest.raises(RetryableError):
        fresh.live()
    fresh.refresh()
    with pytest.raises(ConfigError, match=V1):
        fresh.live()


def test_a_label_reaches_every_version_that_is_kept(lab: Lab) -> None:
    (image_id,) = lab.arrive("a")
    lab.publish()
    lab.fill(looks=1)
    lab.label(image_id, "diatom")
    for row in lab.catalog.outbox.waiting(10):
        lab.log.append(fact_message(row.fact, event_id=row.event_id, source="/tests"))
    lab.labels.handle(lab.log.records[topics.LABELS.name])
    assert [lab.indexes[i].rows[image_id][0].naming.taxon for i in (V1, V2)] == ["diatom"] * 2


class Odd:
    """An encoder that is none."""

    identity = EncoderIdentity("odd", "v1", "0" * 16, 1, 4, "none")

    def __init__(self, give: Callable[[int], np.ndarray]) -> None:
        self._give = give

    def encode(self, images: Sequence[np.ndarray], pixel_um: object = None) -> np.ndarray:  # noqa: ARG002
        return self._give(len(images))


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (lambda n: np.zeros((n, 5, 5, 4), np.float32), "shape"),
        (lambda n: np.eye(3, dtype=np.float32)[np.arange(n) % 3], "shape"),
        (lambda n: np.full((n, 4), np.nan, np.float32), "NaN"),
        (lambda n: np.full((n, 4), 2, np.float32), "unit length"),
        (lambda n: np.full((n, 4), 0.5, np.float32), "same vector"),
        (lambda n: np.float32([[1, 0, 0, 0]] * 4 + [[np.nan] * 4] * (n - 4)), "NaN"),
        (lambda n: [][n], "fails on an image"),
    ],
)
def test_what_gives_no_vectors_is_no_encoder(give: Callable[[int], np.ndarray], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        require_vectors(Odd(give))
