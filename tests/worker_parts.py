"""The workers on in-memory ports and SQLite, and what they are given."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import (
    Capture,
    Frame,
    LabelState,
    Roi,
)
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message, Received
from plankton_stream.testing import (
    MemoryImageStore,
    MemoryIndex,
    MemoryLog,
    MemoryPublisher,
)
from workers.embed import EmbedWorker
from workers.encoders import EncoderIdentity
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


class Scripted:
    """A worker that does what a test says."""

    name = "/workers/scripted"

    def __init__(self, handle: Callable[[Sequence[Received]], None]) -> None:
        self.handle = handle
