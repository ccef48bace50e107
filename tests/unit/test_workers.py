"""The workers on in-memory ports and SQLite: what they do, also with what goes wrong."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import (
    Box,
    Capture,
    Cut,
    CutOutcome,
    Frame,
    GivenName,
    LabelState,
    LeftOut,
    Roi,
)
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.facts import ImageIndexed, LabelApplied, read_fact
from plankton_stream.events.images import frame_message, read_roi, roi_message
from plankton_stream.images import decode
from plankton_stream.ports import ImageFilter
from plankton_stream.segmentation import CameraParameters, CameraSegmenters
from plankton_stream.testing import (
    MemoryImageStore,
    MemoryIndex,
    MemoryLog,
    MemoryPublisher,
    MemorySubscriber,
)
from workers.embed import EmbedWorker
from workers.encoders import EncoderIdentity
from workers.loop import consume
from workers.relay import relay_once
from workers.rename import LabelIndexWorker
from workers.segment import SegmentWorker
from workers.versions.loaded import LoadedVersions, Version

CAPTURE = Capture(camera="cam-1", captured_at=datetime(2026, 5, 1, 12, tzinfo=UTC), live=True)


class MeanEncoder:
    """An encoder without a network: the mean and the spread of the grey levels."""

    identity = EncoderIdentity("mean", "v1", "0" * 16, 1, 2, "none")

    def encode(self, images: Sequence[np.ndarray], pixel_um: object = None) -> np.ndarray:  # noqa: ARG002
        vectors = np.array([[image.mean() + 1, image.std() + 1] for image in images], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class House:
    """All parts, in memory."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'catalog.sqlite'}"
        upgrade(url)
        self.log = MemoryLog()
        self.catalog = Catalog(url)
        self.index = MemoryIndex()
        self.store = MemoryImageStore()
        self.publisher = MemoryPublisher(self.log)
        self.segment = SegmentWorker(self.catalog, self.publisher)
        self.catalog.encoders.claim(MeanEncoder.identity.id, MeanEncoder.identity.dimension)
        self.versions = LoadedVersions(
            self.catalog, lambda _version: Version(MeanEncoder(), self.index)
        )
        self.versions.refresh()
        self.embed = EmbedWorker(self.versions, self.catalog, self.store, self.publisher)
        self.labels = LabelIndexWorker(lambda: [self.index], self.catalog, self.publisher)

    def records(self, topic: topics.Topic) -> list[Received]:
        return self.log.records[topic.name]

    def causes(self) -> list[str]:
        """Why records were rejected."""
        return [dict(r.headers)["ce_cause"].decode() for r in self.records(topics.DEADLETTER)]

    def publish(self, *messages: Message) -> None:
        for message in messages:
            self.log.append(message)

    def label(self, image_id: str, taxon: str) -> None:
        self.catalog.labels.apply(
            LabelRequest((image_id,), taxon, LabelState.VALIDATED, who="tester")
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.catalog.close()


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def frame_with_discs(*centres: tuple[int, int], key: str = "f1") -> Frame:
    pixels = np.full((300, 400), 200, np.uint8)
    for centre in centres:
        cv2.circle(pixels, centre, 15, 60, -1)
    return Frame(CAPTURE, key, "image/png", png(pixels))


def roi(key: str, grey: int = 128) -> Roi:
    return Roi(CAPTURE, key, None, "image/png", png(np.full((20, 30), grey, np.uint8)))


def broken(message: Message, value: bytes) -> Message:
    return Message(message.topic, message.key, value, message.headers)


def test_a_frame_becomes_one_roi_for_each_object(house: House) -> None:
    house.publish(frame_message(frame_with_discs((100, 80), (300, 200))))
    house.segment.handle(house.records(topics.FRAMES))
    rois = [read_roi(record) for record in house.records(topics.ROIS)]
    assert len(rois) == 2
    for found, centre in zip(rois, [(100, 80), (300, 200)], strict=True):
        box = found.box
        assert box is not None
        assert (box.x + box.width / 2, box.y + box.height / 2) == pytest.approx(centre, abs=3)
        assert decode(found.data, found.content_type).shape == (box.height, box.width)
        assert found.capture == CAPTURE


def test_measurements_travel_from_the_frame_into_the_catalog(house: House) -> None:
    frame = frame_with_discs((100, 80))
    known = replace(frame, capture=CAPTURE.model_copy(update={"pixel_size_um": 2.0}))
    house.publish(frame_message(known))
    house.segment.handle(house.records(topics.FRAMES))
    house.embed.handle(house.records(topics.ROIS))
    (image,) = house.catalog.images.page().images
    assert image.measurements is not None
    assert image.measurements.esd_px == pytest.approx(31, abs=2.5)
    assert image.measurements.esd_um == pytest.approx(62, abs=5)


def test_what_a_cut_left_out_is_recorded(house: House) -> None:
    parameters = CameraParameters(cameras={"cam-1": {"max_rois": 1}})
    worker = SegmentWorker(house.catalog, house.publisher, CameraSegmenters(parameters))
    house.publish(frame_message(frame_with_discs((100, 80), (300, 200))))
    worker.handle(house.records(topics.FRAMES))
    cut = house.catalog.cuts.get("cam-1", "f1")
    assert cut is not None
    assert cut.left_out == {LeftOut.OVER_CAP: 1}


def test_a_frame_without_objects_has_an_outcome(house: House) -> None:
    house.publish(frame_message(frame_with_discs()))
    house.segment.handle(house.records(topics.FRAMES))
    cut = house.catalog.cuts.get("cam-1", "f1")
    assert cut is not None
    assert cut.outcome is CutOutcome.EMPTY
    assert not house.records(topics.ROIS)


def test_a_replayed_frame_is_cut_where_it_was_cut_before(house: House) -> None:
    recorded = Cut(capture=CAPTURE, frame_key="f1", boxes=(Box(5, 6, 20, 10),))
    house.catalog.cuts.record(recorded)
    house.publish(frame_message(frame_with_discs((100, 80))))
    house.segment.handle(house.records(topics.FRAMES))
    assert [read_roi(r).box for r in house.records(topics.ROIS)] == [Box(5, 6, 20, 10)]


@pytest.mark.parametrize(
    ("value", "cause"),
    [(b"not an image", "not a PNG"), (b"", "empty"), (b"\x89PNG\r\n\x1a\n1234", "cut off")],
)
def test_an_unreadable_frame_goes_to_the_dead_letters_and_the_next_one_is_cut(
    house: House, value: bytes, cause: str
) -> None:
    good = frame_message(frame_with_discs((100, 80), key="f2"))
    house.publish(broken(frame_message(frame_with_discs()), value), good)
    house.segment.handle(house.records(topics.FRAMES))
    assert len(house.records(topics.ROIS)) == 1
    assert len(house.causes()) == 1
    assert cause in house.causes()[0]
    assert house.records(topics.DEADLETTER)[0].value == value


def test_a_frame_that_cannot_be_decoded_has_the_outcome_rejected(house: House) -> None:
    house.publish(broken(frame_message(frame_with_discs()), b"no image"))
    house.segment.handle(house.records(topics.FRAMES))
    cut = house.catalog.cuts.get("cam-1", "f1")
    assert cut is not None
    assert cut.outcome is CutOutcome.REJECTED


def test_wrong_headers_are_a_dead_letter(house: House) -> None:
    message = roi_message(roi("r1"))
    house.publish(
        Message(message.topic, message.key, message.value, ()),
        Message(
            message.topic,
            message.key,
            message.value,
            tuple(
                (name, b"plankton.roi.cut.v9" if name == "ce_type" else value)
                for name, value in message.headers
            ),
        ),
    )
    house.embed.handle(house.records(topics.ROIS))
    assert "ce_specversion" in house.causes()[0]
    assert "plankton.roi.cut.v9" in house.causes()[1]
    assert house.index.count() == 0


def test_an_embedded_roi_is_in_store_index_and_catalog_and_announced(house: House) -> None:
    house.publish(roi_message(roi("r1")))
    house.embed.handle(house.records(topics.ROIS))
    image_id = roi("r1").image_id
    image = house.catalog.images.get([image_id])[image_id]
    assert house.store.get(image_id, "image/png") == roi("r1").data
    assert set(house.index.ids()) == {image_id}
    assert (image.width_px, image.height_px) == (30, 20)
    fact = read_fact(house.records(topics.INDEXED)[0])
    assert isinstance(fact, ImageIndexed)
    assert fact.image_id == image_id
    assert fact.encoder == image.encoder == MeanEncoder.identity.id


def test_a_replay_changes_nothing(house: House) -> None:
    house.publish(roi_message(roi("r1")), roi_message(roi("r1")), roi_message(roi("r2")))
    house.embed.handle(house.records(topics.ROIS))
    first = house.catalog.images.page().images
    house.embed.handle(house.records(topics.ROIS))
    assert house.catalog.images.page().images == first
    assert len(first) == house.index.count() == len(set(house.store.ids())) == 2


def test_a_replayed_embedding_keeps_the_label(house: House) -> None:
    house.publish(roi_message(roi("r1")))
    house.embed.handle(house.records(topics.ROIS))
    house.label(roi("r1").image_id, "copepod")
    house.embed.handle(house.records(topics.ROIS))
    assert [i for i, (image, _) in house.index.rows.items() if image.naming.taxon == "copepod"]


def test_a_label_that_arrives_while_a_roi_is_embedded_again_wins(house: House) -> None:
    house.publish(roi_message(roi("r1")))
    house.embed.handle(house.records(topics.ROIS))
    image_id = roi("r1").image_id
    upsert = house.index.upsert

    def label_before_upsert(images: Sequence, vectors: np.ndarray) -> None:  # type: ignore[type-arg]
        house.label(image_id, "diatom")
        upsert(images, vectors)

    house.index.upsert = label_before_upsert  # type: ignore[method-assign]
    house.embed.handle(house.records(topics.ROIS))
    assert house.index.rows[image_id][0].naming.taxon == "diatom"


def test_a_label_reaches_the_index_by_its_event(house: House) -> None:
    house.publish(roi_message(roi("r1")), roi_message(roi("r2")))
    house.embed.handle(house.records(topics.ROIS))
    house.label(roi("r1").image_id, "copepod")
    assert relay_once(house.catalog, house.publisher) == 1
    house.labels.handle(house.records(topics.LABELS))
    found = house.index.search(np.array([1, 0], np.float32), 10, where=ImageFilter(taxon="copepod"))
    assert [hit.image_id for hit in found] == [roi("r1").image_id]


def test_the_relay_keeps_what_the_log_does_not_take(house: House) -> None:
    house.publish(roi_message(roi("r1")))
    house.embed.handle(house.records(topics.ROIS))
    house.label(roi("r1").image_id, "copepod")
    house.log.available = False
    with pytest.raises(RetryableError):
        relay_once(house.catalog, house.publisher)
    assert house.catalog.outbox.count() == 1
    house.log.available = True
    relay_once(house.catalog, house.publisher)
    assert house.catalog.outbox.count() == 0
    (record,) = house.records(topics.LABELS)
    assert isinstance(read_fact(record), LabelApplied)


def test_the_loop_retries_until_a_part_is_back_and_commits_once(house: House) -> None:
    house.publish(roi_message(roi("r1")))
    house.index.available = False
    stop = threading.Event()
    tries = []

    def handle(batch: Sequence[Received]) -> None:
        tries.append(len(batch))
        if len(tries) == 2:
            house.index.available = True
        house.embed.handle(batch)
        stop.set()

    consume(_subscriber(house), Scripted(handle), house.publisher, stop)
    assert tries == [1, 1]
    assert house.log.committed == {("g", topics.ROIS.name): 1}


def test_the_loop_commits_nothing_when_it_is_stopped_before_a_part_is_back(house: House) -> None:
    house.publish(roi_message(roi("r1")))
    house.index.available = False
    stop = threading.Event()

    def handle(batch: Sequence[Received]) -> None:
        stop.set()
        house.embed.handle(batch)

    consume(_subscriber(house), Scripted(handle), house.publisher, stop)
    assert house.log.committed == {}


def test_a_record_that_a_part_refuses_is_a_dead_letter_and_the_others_are_done(
    house: House,
) -> None:
    house.publish(roi_message(roi("r1")), roi_message(roi("r2")), roi_message(roi("r3")))
    stop = threading.Event()

    def handle(batch: Sequence[Received]) -> None:
        if any(read_roi(record).frame_key == "r2" for record in batch):
            raise RejectedError("the catalog refuses r2")
        house.embed.handle(batch)
        stop.set()

    consume(_subscriber(house), Scripted(handle), house.publisher, stop)
    assert set(house.index.ids()) == {roi("r1").image_id, roi("r3").image_id}
    assert house.causes() == ["the catalog refuses r2"]
    assert house.log.committed == {("g", topics.ROIS.name): 3}


def test_a_frame_that_was_unreadable_is_cut_when_it_comes_whole(house: House) -> None:
    whole = frame_message(frame_with_discs((100, 80)))
    house.publish(broken(whole, whole.value[:60]), whole)
    house.segment.handle(house.records(topics.FRAMES))
    assert len(house.records(topics.ROIS)) == 1
    cut = house.catalog.cuts.get("cam-1", "f1")
    assert cut is not None
    assert cut.outcome is CutOutcome.CUT


def test_a_label_is_not_erased_by_a_worker_that_comes_late(house: House) -> None:
    """Another worker did the batch, an expert labelled, then the first upsert arrives."""
    house.publish(roi_message(roi("r1")))
    image_id = roi("r1").image_id
    upsert = house.index.upsert

    def late(images: Sequence, vectors: np.ndarray) -> None:  # type: ignore[type-arg]
        house.index.upsert = upsert  # type: ignore[method-assign]
        house.embed.handle(house.records(topics.ROIS))
        house.label(image_id, "copepod")
        upsert(images, vectors)

    house.index.upsert = late  # type: ignore[method-assign]
    house.embed.handle(house.records(topics.ROIS))
    assert house.index.rows[image_id][0].naming.taxon == "copepod"


def test_an_unexpected_error_of_one_record_does_not_stop_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., np.ndarray] = decode

    def sometimes(data: bytes, content_type: str) -> np.ndarray:
        if data == roi("bad", grey=7).data:
            raise ZeroDivisionError
        return real(data, content_type)

    monkeypatch.setattr("workers.embed.decode", sometimes)
    house.publish(roi_message(roi("bad", grey=7)), roi_message(roi("good")))
    house.embed.handle(house.records(topics.ROIS))
    assert set(house.index.ids()) == {roi("good").image_id}
    assert "ZeroDivisionError" in house.causes()[0]


class Scripted:
    """A worker that does what a test says."""

    name = "/workers/scripted"

    def __init__(self, handle: Callable[[Sequence[Received]], None]) -> None:
        self.handle = handle


def _subscriber(house: House) -> MemorySubscriber:
    return MemorySubscriber(house.log, [topics.ROIS], group="g")


def test_what_came_with_an_image_is_in_the_catalog_and_its_name_in_the_index(house: House) -> None:
    named = replace(
        roi("a"), extra={"area": 12.5}, name=GivenName(taxon="Salpida", who="Ann", origin="EcoTaxa")
    )
    plain = roi("b")
    for _ in range(2):  # the log may bring it again
        for one in (named, plain):
            house.publish(roi_message(one))
        house.embed.handle(house.records(topics.ROIS))
    known = house.catalog.images.get([named.image_id, plain.image_id])
    assert known[named.image_id].extra == {"area": 12.5}
    assert known[named.image_id].naming.taxon == "salp"
    assert known[plain.image_id].naming.taxon is None
    (label,) = house.catalog.labels.history(named.image_id)
    assert (label.who, label.why) == ("Ann", "import: EcoTaxa")
    (hit,) = house.index.search(
        house.index.vector(named.image_id), 5, where=ImageFilter(taxon="salp")
    )
    assert hit.image_id == named.image_id


def test_what_came_with_a_frame_goes_with_its_rois(house: House) -> None:
    frame = replace(frame_with_discs((100, 80)), extra={"cast": 7})
    house.publish(frame_message(frame))
    house.segment.handle(house.records(topics.FRAMES))
    assert [read_roi(record).extra for record in house.records(topics.ROIS)] == [{"cast": 7}]
