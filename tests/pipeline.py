"""The whole path of a frame with workers that a test runs step by step, on parts of its choice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plankton_stream.adapters.sql import Catalog, LabelRequest, Scope, upgrade
from plankton_stream.audit.findings import Findings
from plankton_stream.audit.look import audit
from plankton_stream.audit.parts import Parts
from plankton_stream.domain import Capture, Frame, LabelState, Roi, new_id
from plankton_stream.events.envelope import Received, now
from plankton_stream.events.facts import fact_message
from plankton_stream.events.health import CameraStatus
from plankton_stream.events.images import frame_message, roi_message
from plankton_stream.events.topics import (
    EMBED_GROUP,
    FRAMES,
    LABELS,
    LABELS_GROUP,
    REEMBED,
    REEMBED_GROUP,
    ROIS,
    SEGMENT_GROUP,
    Topic,
)
from plankton_stream.ports import ImageStore, LogReader, Publisher, Subscriber, VectorIndex
from plankton_stream.testing import (
    MemoryImageStore,
    MemoryIndex,
    MemoryLog,
    MemoryLogReader,
    MemoryPublisher,
    MemorySubscriber,
)
from workers.embed import EmbedWorker
from workers.encoders import EncoderIdentity
from workers.relay import relay_once
from workers.rename import LabelIndexWorker
from workers.segment import SegmentWorker
from workers.versions.loaded import LoadedVersions, Version
from workers.versions.reembed import ReembedWorker

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DIMENSION = 16

Subscribe = Callable[[Topic, str], Subscriber]


class NoisyEncoder:
    """An encoder without a network: numbers drawn from the image's own bytes."""

    def __init__(self) -> None:
        self.identity = EncoderIdentity("noise", new_id().lower(), "0" * 16, 1, DIMENSION, "none")

    def encode(self, images: Sequence[np.ndarray], pixel_um: object = None) -> np.ndarray:  # noqa: ARG002
        seeds = [int(image.astype(np.int64).sum()) for image in images]
        vectors = np.array([np.random.default_rng(s).normal(size=DIMENSION) for s in seeds])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class Pipeline:
    """Workers and what they work on; a step does what waits now and commits it."""

    catalog: Catalog
    publisher: Publisher
    reader: LogReader
    store: ImageStore
    index: VectorIndex
    subscribe: Subscribe
    encoder: NoisyEncoder

    def __post_init__(self) -> None:
        identity = self.encoder.identity
        self.catalog.encoders.claim(identity.id, identity.dimension)
        self.versions = LoadedVersions(
            self.catalog, lambda _version: Version(self.encoder, self.index)
        )
        self.versions.refresh()
        parts = (self.versions, self.catalog, self.store, self.publisher)
        self.segment_worker = SegmentWorker(self.catalog, self.publisher)
        self.embed_worker = EmbedWorker(*parts)
        self.reembed_worker = ReembedWorker(*parts)
        self.label_worker = LabelIndexWorker(lambda: [self.index], self.catalog, self.publisher)
        self._subscribers: dict[str, Subscriber] = {}

    def publish(self, *items: Frame | Roi) -> None:
        for item in items:
            as_message = frame_message if isinstance(item, Frame) else roi_message
            self.publisher.send(as_message(item))  # type: ignore[arg-type]
        self.publisher.flush()

    def say(
        self,
        camera: str,
        *,
        sent: int,
        dropped: int = 0,
        spooled: int = 0,
        last_sequence: int = 0,
        lost_before: int = 0,
        state: str = "running",
    ) -> None:
        """What a camera says of itself, having started a minute ago."""
        status = CameraStatus(
            camera=camera, at=now(), started_at=now() - timedelta(minutes=1), state=state,
            seen=sent + dropped + spooled, sent=sent, dropped=dropped, spooled=spooled, rate_hz=0.0,
            last_sequence=last_sequence, lost_before=lost_before,
        )  # fmt: skip
        self.publisher.send(fact_message(status, event_id=new_id(), source=f"/cameras/{camera}"))
        self.publisher.flush()

    def segment(self) -> None:
        self._work(FRAMES, SEGMENT_GROUP, self.segment_worker)

    def embed(self) -> None:
        self._work(ROIS, EMBED_GROUP, self.embed_worker)

    def reembed(self) -> None:
        self._work(REEMBED, REEMBED_GROUP, self.reembed_worker)

    def name(self) -> None:
        """Labels to the topic, and from there into the index."""
        while relay_once(self.catalog, self.publisher):
            pass
        self._work(LABELS, LABELS_GROUP, self.label_worker)

    def run(self) -> None:
        """Everything that waits, to its end."""
        for step in (self.segment, self.embed, self.reembed, self.name):
            step()

    def label(self, *ids: str, taxon: str = "copepod") -> None:
        self.catalog.labels.apply(LabelRequest(ids, taxon, LabelState.VALIDATED, who="tester"))

    def parts(self, **scope: Any) -> Parts:
        return Parts(
            log=self.reader, catalog=self.catalog, store=self.store,
            open_index=lambda _encoder, _dimension: self.index, scope=Scope(**scope),
        )  # fmt: skip

    def audit(self, **scope: Any) -> Findings:
        return audit(self.parts(**scope))

    def ids(self, camera: str) -> list[str]:
        """Of the images of a camera that the catalog has, ascending."""
        pages = self.catalog.walks.images(Scope(camera=camera))
        return [image.image_id for page in pages for image in page]

    def _work(self, topic: Topic, group: str, worker: Any) -> None:
        """Until nothing waits: the first polls may give nothing, while the group forms."""
        if group not in self._subscribers:
            self._subscribers[group] = self.subscribe(topic, group)
        subscriber = self._subscribers[group]
        while any(span.waiting for span in self.reader.spans(topic, group).values()):
            if batch := subscriber.poll(0.5):
                worker.handle(batch)
                subscriber.commit()

    def close(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.close()
        self.catalog.close()


class MemoryPipeline(Pipeline):
    """All in memory but the catalog, so that a test can take things away."""

    log: MemoryLog
    index: MemoryIndex
    store: MemoryImageStore

    @classmethod
    def at(cls, folder: Path) -> "MemoryPipeline":
        """A new one, with its catalog in a folder."""
        url = f"sqlite:///{folder / 'catalog.sqlite'}"
        upgrade(url)
        log, encoder = MemoryLog(), NoisyEncoder()
        line = cls(
            Catalog(url), MemoryPublisher(log), MemoryLogReader(log), MemoryImageStore(),
            MemoryIndex(encoder.identity.id),
            lambda topic, group: MemorySubscriber(log, [topic], group=group), encoder,
        )  # fmt: skip
        line.log = log
        return line

    def records(self, topic: Topic) -> list[Received]:
        return self.log.records[topic.name]


def a_frame(key: str, *, camera: str, objects: int = 2, sample: str | None = None) -> Frame:
    """A frame with so many discs, elsewhere than in the frame before: what stays is background."""
    pixels = np.full((200, 600), 200, np.uint8)
    y = 40 + 60 * (sum(key.encode()) % 3)
    for place in range(objects):
        cv2.circle(pixels, (80 + 140 * place, y), 14 + 2 * place, 60, -1)
    capture = Capture(camera=camera, captured_at=NOON, sample=sample)
    return Frame(capture, key, "image/png", png(pixels))


def a_roi(key: str, *, camera: str, sample: str | None = None, grey: int = 128) -> Roi:
    """A ROI that an instrument cut by itself."""
    capture = Capture(camera=camera, captured_at=NOON, sample=sample)
    return Roi(capture, key, None, "image/png", png(np.full((20, 30), grey, np.uint8)))


def png(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])
