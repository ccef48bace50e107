"""The large networks all the way: fine-tuned, saved, loaded, published, filled, searched."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.adapters.weights import WeightsStore
from plankton_stream.events import topics
from plankton_stream.events.images import roi_message
from plankton_stream.images import encode_png
from plankton_stream.search import Neighbour, neighbours_of
from plankton_stream.testing import MemoryImageStore, MemoryIndex, MemoryLog, MemoryPublisher
from plankton_stream.versions import EncoderVersion
from tests.unit.test_encoders import drawn_organism
from tests.unit.test_training import draw
from tests.waiting import wait_until
from tests.worker_parts import roi
from workers.embed import EmbedWorker
from workers.encoders import Encoder, load_encoder
from workers.encoders.runtime import tf
from workers.training.data import from_folder
from workers.training.recipe import Recipe
from workers.training.train import Plan, train
from workers.versions import weights
from workers.versions.filling import Filling
from workers.versions.loaded import LoadedVersions, Version
from workers.versions.publishing import publish
from workers.versions.reembed import ReembedWorker

ONE_EPOCH = Recipe(epochs=1, batch=8, per_class=8)
IMAGES = 12


@pytest.fixture
def eager() -> Iterator[None]:
    """No graph of the training step: for a few steps of 780 layers it would take minutes."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.services
def test_a_fine_tuned_resnet_is_published_and_searched(tmp_path: Path, milvus: str) -> None:
    fine_tuned_published_and_searched(tmp_path, milvus, "resnet50-256", side_px=32)


@pytest.mark.services
@pytest.mark.usefixtures("eager")
def test_a_fine_tuned_inception_resnet_is_published_and_searched(
    tmp_path: Path, milvus: str
) -> None:
    fine_tuned_published_and_searched(tmp_path, milvus, "inceptionresnetv2-256", side_px=75)


def fine_tuned_published_and_searched(tmp_path: Path, milvus: str, name: str, side_px: int) -> None:
    images = tmp_path / "images"
    images.mkdir()
    draw(images, per_class=20)
    file = tmp_path / "tuned.keras"
    plan = Plan(file, encoder=name, start="none", side_px=side_px)

    train(from_folder(images), plan, ONE_EPOCH)

    tuned, found = published_and_searched(tmp_path, milvus, file)
    assert tuned.identity.dimension == 256
    assert tuned.identity.input_size_px == side_px
    vectors = tuned.encode([drawn_organism(seed=number) for number in range(IMAGES)])
    expected = np.sort(1 - vectors[1:] @ vectors[0])
    np.testing.assert_allclose(found, expected, atol=1e-3)


def published_and_searched(tmp_path: Path, milvus: str, file: Path) -> tuple[Encoder, list[float]]:
    """The published encoder, and the distances of all images to the first by its Milvus index."""
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(url)
    catalog, store = Catalog(url), WeightsStore(f"file://{tmp_path / 'encoders'}")
    log, bytes_of = MemoryLog(), MemoryImageStore()
    publisher = MemoryPublisher(log)
    first = load_encoder("compact", "random", batch_size=4)
    kept = weights.keep_copy(first, "compact", "random", store)
    catalog.encoders.claim(first.identity.id, first.identity.dimension, kept)

    def open_index(encoder: str, dimension: int) -> MemoryIndex | MilvusIndex:
        if encoder == first.identity.id:
            return MemoryIndex(encoder)
        return MilvusIndex(milvus, encoder=encoder, dimension=dimension)

    def load(version: EncoderVersion) -> Version:
        index = open_index(version.encoder, version.dimension)
        return Version(weights.load(version, store, 1), index)

    versions = LoadedVersions(catalog, load)
    versions.refresh()
    pictures = [encode_png(drawn_organism(seed=number)) for number in range(IMAGES)]
    rois = [replace(roi(str(number)), data=data) for number, data in enumerate(pictures)]
    for one in rois:
        log.append(roi_message(one))
    EmbedWorker(versions, catalog, bytes_of, publisher).handle(log.records[topics.ROIS.name])

    version = publish(str(file), "", catalog=catalog, store=store, batch_size=1, who="ann")
    versions.refresh()
    worker, done = ReembedWorker(versions, catalog, bytes_of, publisher), 0

    def unread() -> int:
        nonlocal done
        waiting = log.records[topics.REEMBED.name][done:]
        worker.handle(waiting)
        done += len(waiting)
        return 0

    filling = Filling(
        catalog, open_index, publisher, unread, threading.Event(), drop=lambda _encoder: None
    )
    filling.step()
    filling.step()

    assert catalog.encoders.live() == (version.encoder, version.dimension)
    index = open_index(version.encoder, version.dimension)

    def all_others() -> list[Neighbour] | None:
        hits = neighbours_of(rois[0].image_id, IMAGES, index=index, records=catalog.images)
        return hits if len(hits) == IMAGES - 1 else None

    hits = wait_until(all_others, within_s=10, what="what was written is searched")
    assert {hit.image.encoder for hit in hits} == {version.encoder}
    loaded = versions.get(version.encoder)
    assert loaded is not None
    return loaded.encoder, [hit.distance for hit in hits]
