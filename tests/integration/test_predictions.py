"""The predict worker on real Kafka and Milvus: a label speaks, and what it says is published."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaPublisher, KafkaReader, KafkaSubscriber
from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import Image, LabelState, new_id
from plankton_stream.events import topics
from plankton_stream.events.facts import ImageIndexed, fact_message, read_fact
from plankton_stream.events.prediction import ImagePredicted
from tests.contract.conftest import an_image
from tests.waiting import wait_until
from workers.loop import consume
from workers.predict import PredictWorker
from workers.relay import relay
from workers.rename import LabelIndexWorker

pytestmark = pytest.mark.services

PATIENCE_S = 60.0
IMAGES = 60


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(url)
    catalog = Catalog(url)
    yield catalog
    catalog.close()


@pytest.fixture
def index(milvus: str) -> Iterator[MilvusIndex]:
    index = MilvusIndex(milvus, encoder=f"predict-{new_id().lower()}", dimension=2)
    yield index
    index.drop()
    index.close()


@pytest.fixture
def images(catalog: Catalog, index: MilvusIndex) -> list[Image]:
    """A fan: the first half around one direction, the others around another."""
    camera = f"cam-{new_id().lower()}"
    images = [an_image(n, camera=camera) for n in range(IMAGES)]
    angles = [0.01 * n + (2.0 if n >= IMAGES / 2 else 0.0) for n in range(IMAGES)]
    catalog.images.upsert(images)
    index.upsert(images, np.float32([[np.cos(a), np.sin(a)] for a in angles]))
    return images


@pytest.fixture
def running(kafka: str, catalog: Catalog, index: MilvusIndex) -> Iterator[KafkaPublisher]:
    """Relay, label-index worker and predict worker, beside each other."""
    admin = KafkaAdmin(kafka)
    admin.ensure_topics(topics.ALL)
    admin.close()
    stop, publishers = threading.Event(), [KafkaPublisher(kafka) for _ in range(3)]
    rename = LabelIndexWorker(lambda: [index], catalog, publishers[1])
    predict = PredictWorker(lambda: index, catalog, publishers[2])

    def subscriber(*read: topics.Topic) -> KafkaSubscriber:
        return KafkaSubscriber(kafka, list(read), group=new_id(), max_records=500)

    work = (
        partial(relay, catalog, publishers[0], stop),
        partial(consume, subscriber(topics.LABELS), rename, publishers[1], stop),
        partial(
            consume, subscriber(topics.LABELS, topics.INDEXED), predict, publishers[2], stop,
            idle=predict.sweep,
        ),
    )  # fmt: skip
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    yield publishers[0]
    stop.set()
    for thread in threads:
        thread.join()
    for publisher in publishers:
        publisher.close()


def test_labels_become_predictions_that_are_stored_and_published(
    kafka: str, catalog: Catalog, images: list[Image], index: MilvusIndex, running: KafkaPublisher
) -> None:
    ids = [image.image_id for image in images]
    for taxon, some in (("copepod", ids[:2]), ("egg", ids[-2:])):
        catalog.labels.apply(
            LabelRequest(
                image_ids=tuple(some), taxon=taxon, state=LabelState.VALIDATED, who="ann"
            )
        )  # fmt: skip

    def said() -> list[str | None]:
        known = catalog.predictions.get(ids[2:-2])
        return [known[i].taxon if i in known else None for i in ids[2:-2]]

    half = IMAGES // 2 - 2
    wanted = ["copepod"] * half + ["egg"] * half
    wait_until(lambda: said() == wanted, within_s=PATIENCE_S, what=lambda: str(said()))

    late = an_image(999, camera=images[0].capture.camera)
    catalog.images.upsert([late])
    index.upsert([late], np.float32([[1.0, 0.0]]))
    arrived = ImageIndexed(
        image_id=late.image_id, capture=late.capture, frame_key=late.frame_key,
        encoder=index.encoder, indexed_at=datetime.now(UTC),
    )  # fmt: skip
    running.send(fact_message(arrived, event_id=new_id(), source="/test"))
    running.flush()
    told: dict[str, ImagePredicted] = {}
    reader = KafkaReader(kafka, [topics.PREDICTIONS])

    def all_told() -> bool:
        for record in reader.poll(0.5):
            fact = read_fact(record)
            assert isinstance(fact, ImagePredicted)
            told[fact.image_id] = fact
        return {*ids[2:-2], late.image_id} <= told.keys()

    wait_until(all_told, within_s=PATIENCE_S, what=lambda: f"{len(told)} told")
    reader.close()
    assert told[late.image_id].taxon == "copepod"
    assert told[late.image_id].evidence[0].image_id in ids[:2]
    assert catalog.images.count_labelled() == 4
