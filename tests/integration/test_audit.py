"""The audit on real Kafka, Milvus and SQLite: taken away behind its back, found, brought back."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.adapters.files import FileImageStore
from plankton_stream.adapters.kafka import (
    KafkaAdmin,
    KafkaLogReader,
    KafkaPublisher,
    KafkaSubscriber,
)
from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.audit.findings import Fate, Where
from plankton_stream.audit.repair import repair
from plankton_stream.domain import Naming, new_id
from plankton_stream.events import topics
from plankton_stream.events.topics import Topic
from plankton_stream.retrying import wait_for
from tests.pipeline import DIMENSION, NoisyEncoder, Pipeline, a_frame, a_roi

pytestmark = pytest.mark.services

FRAMES = 12


@pytest.fixture
def line(kafka: str, milvus: str, tmp_path: Path) -> Iterator[Pipeline]:
    admin = KafkaAdmin(kafka)
    admin.ensure_topics(topics.ALL)
    admin.close()
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(url)
    encoder = NoisyEncoder()
    index = MilvusIndex(milvus, encoder=encoder.identity.id, dimension=DIMENSION)
    catalog, publisher, reader = Catalog(url), KafkaPublisher(kafka), KafkaLogReader(kafka)
    # A new broker finds out who coordinates groups when it is first asked.
    wait_for(lambda: reader.spans(topics.FRAMES, topics.SEGMENT_GROUP), threading.Event())

    def subscribe(topic: Topic, group: str) -> KafkaSubscriber:
        return KafkaSubscriber(kafka, [topic], group=group)

    line = Pipeline(
        catalog, publisher, reader, FileImageStore(f"file://{tmp_path / 'images'}"), index,
        subscribe, encoder,
    )  # fmt: skip
    yield line
    line.close()
    index.drop()
    for part in (index, publisher, reader):
        part.close()


def test_losses_in_every_place_are_found_and_repaired(line: Pipeline) -> None:
    camera, instrument = (f"{name}-{new_id().lower()}" for name in ("cam", "ifcb"))
    line.publish(*(a_frame(f"f{n}", camera=camera, objects=n % 4) for n in range(FRAMES)))
    line.publish(*(a_roi(f"r{n}", camera=instrument, grey=10 + n) for n in range(5)))
    line.say(camera, sent=FRAMES)
    waiting = line.audit(camera=camera)
    assert (waiting.missing, waiting.cameras[camera].frames) == (0, {Fate.WAITING: FRAMES})
    line.run()
    for name in (camera, instrument):
        whole = line.audit(camera=name)
        assert (whole.missing, whole.waiting) == (0, 0)
    ids, own = line.ids(camera), line.ids(instrument)
    assert (len(ids), len(own)) == (18, 5)

    line.store.remove(ids[0], "image/png")
    line.index.remove(ids[1:4])
    line.label(ids[4])
    with line.catalog.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM outbox")  # the index will never hear of it
        gone = ", ".join(f"'{image_id}'" for image_id in (ids[5], ids[6], own[0]))
        connection.exec_driver_sql(f"DELETE FROM images WHERE image_id IN ({gone})")
        connection.exec_driver_sql(
            f"DELETE FROM frames WHERE camera = '{camera}' AND frame_key = 'f0'"
        )
    found = line.audit(camera=camera)
    assert dict(found.kinds()) == {
        Where.OUTCOME: 1, Where.ROIS: 2, Where.BYTES: 1, Where.VECTORS: 3, Where.NAMES: 1,
    }  # fmt: skip

    for name in (camera, instrument):
        repair(line.parts(camera=name), line.audit(camera=name), line.publisher, threading.Event())
    assert line.audit(camera=camera).missing == 0  # it waits
    line.run()
    for name, count in ((camera, 18), (instrument, 5)):
        after = line.audit(camera=name)
        assert (after.missing, after.waiting) == (0, 0)
        assert len(line.ids(name)) == count
    assert line.index.known(ids) == set(ids)
    assert line.index.namings(ids)[ids[4]] == Naming(taxon="copepod", state="validated")
    assert all(line.store.size(image_id, "image/png") for image_id in ids)
