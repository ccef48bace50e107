"""A segment and an embed worker in threads, on real parts but for the network."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from plankton_stream.adapters.kafka import KafkaPublisher, KafkaSubscriber
from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog
from plankton_stream.events import topics
from plankton_stream.ports import Vector
from plankton_stream.testing import MemoryImageStore
from workers.embed import EmbedWorker
from workers.encoders import EncoderIdentity
from workers.loop import Worker, consume
from workers.segment import SegmentWorker
from workers.versions.loaded import LoadedVersions, Version

_SIDE = 4


class ThumbnailEncoder:
    """The image itself, made tiny."""

    identity = EncoderIdentity("thumbnail", "v1", "0" * 16, _SIDE, _SIDE * _SIDE, "none")

    def encode(self, images: Sequence[np.ndarray], pixel_um: object = None) -> Vector:  # noqa: ARG002
        small = [
            cv2.resize(image, (_SIDE, _SIDE)).reshape(_SIDE**2, -1).mean(1) for image in images
        ]
        vectors = np.array(small, np.float32) + 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@contextmanager
def light_workers(kafka: str, milvus: str, catalog_url: str) -> Iterator[MilvusIndex]:
    """Work while the block lasts; gives the index."""
    identity = ThumbnailEncoder.identity
    catalog, stop = Catalog(catalog_url), threading.Event()
    catalog.encoders.claim(identity.id, identity.dimension)
    index = MilvusIndex(milvus, encoder=identity.id, dimension=identity.dimension)
    versions = LoadedVersions(catalog, lambda _: Version(ThumbnailEncoder(), index))
    versions.refresh()
    publishers = [KafkaPublisher(kafka) for _ in range(2)]
    workers: list[tuple[Worker, topics.Topic, str]] = [
        (SegmentWorker(catalog, publishers[0]), topics.FRAMES, topics.SEGMENT_GROUP),
        (
            EmbedWorker(versions, catalog, MemoryImageStore(), publishers[1]),
            topics.ROIS,
            topics.EMBED_GROUP,
        ),
    ]
    threads = [
        threading.Thread(
            target=consume,
            args=(KafkaSubscriber(kafka, [topic], group=group), worker, publisher, stop),
        )
        for (worker, topic, group), publisher in zip(workers, publishers, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield index
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for publisher in publishers:
            publisher.close()
        catalog.close()
