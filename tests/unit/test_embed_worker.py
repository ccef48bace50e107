"""From ROIs to names in the index: the embed and label workers, the relay, the loop."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from plankton_stream.domain import (
    GivenName,
    LeftOut,
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
    MemorySubscriber,
)
from tests.worker_parts import (
    CAPTURE,
    House,
    MeanEncoder,
    Scripted,
    frame_with_discs,
    roi,
)
from workers.loop import consume
from workers.relay import relay_once
from workers.segment import SegmentWorker


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
