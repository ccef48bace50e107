"""The embed worker: ROIs to vectors, in micro-batches. Afterwards an image can be searched."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image, Roi
from plankton_stream.errors import RejectedError
from plankton_stream.events.envelope import Received, now
from plankton_stream.events.facts import ImageIndexed, fact_message
from plankton_stream.events.images import read_roi
from plankton_stream.images import Pixels, decode
from plankton_stream.ports import ImageStore, Publisher, VectorIndex
from workers.encoders import Encoder
from workers.loop import examine, publish_rejections
from workers.rename import bring_names_up_to_date

MAX_ROI_PIXELS = 32 * 1024 * 1024
"""Largest ROI, pixels; a whole batch of them has to fit into memory."""

_WRITERS = 8  # an image is forced to the disk; several at once share the wait


class EmbedWorker:
    """Handles batches of the ROI topic."""

    name = "/workers/embed"

    def __init__(
        self,
        encoder: Encoder,
        index: VectorIndex,
        catalog: Catalog,
        store: ImageStore,
        publisher: Publisher,
    ) -> None:
        self._encoder = encoder
        self._index = index
        self._catalog = catalog
        self._store = store
        self._publisher = publisher
        self._writers = ThreadPoolExecutor(_WRITERS, "image-store")

    def handle(self, batch: Sequence[Received]) -> None:
        """Make a batch searchable: bytes, vector, catalog, event, in this order.

        Whoever finds an image in one of these finds it in those before it. Idempotent: everything
        is keyed by the image id, and label fields come from the catalog.

        Raises:
            RetryableError: a part does not answer; some of the effects may have happened.
        """
        readable, rejections = examine(batch, _read)
        # The last one of a double; a batch may hold a record and its replay.
        rois = {roi.image_id: (roi, pixels) for roi, pixels in readable}
        if rois:
            images = self._index_images(rois)
            self._publish(images)
        publish_rejections(rejections, self._publisher, consumer=self.name)
        self._publisher.flush()

    def _index_images(self, rois: dict[str, tuple[Roi, Pixels]]) -> list[Image]:
        vectors = self._encoder.encode([pixels for _, pixels in rois.values()])
        self._store_bytes(rois)
        known = self._catalog.images.get(list(rois))
        encoder = self._encoder.identity.id
        images = [
            _image(roi, pixels, encoder, known.get(image_id))
            for image_id, (roi, pixels) in rois.items()
        ]
        self._index.upsert(images, vectors)
        searchable_at = now()
        images = [
            image
            if image.image_id in known
            else image.model_copy(update={"indexed_at": searchable_at})
            for image in images
        ]
        self._catalog.images.upsert(images)
        # A label may have arrived after `known` was read, and the index got the one before it; also
        # of a fresh image, if this worker was so slow that another one did its batch meanwhile.
        bring_names_up_to_date(images, self._catalog, self._index)
        return images

    def _store_bytes(self, rois: dict[str, tuple[Roi, Pixels]]) -> None:
        puts = [
            self._writers.submit(self._store.put, image_id, roi.content_type, roi.data)
            for image_id, (roi, _) in rois.items()
        ]
        for put in puts:
            put.result()

    def _publish(self, images: Sequence[Image]) -> None:
        for image in images:
            fact = ImageIndexed(
                image_id=image.image_id,
                capture=image.capture,
                frame_key=image.frame_key,
                encoder=image.encoder,
                indexed_at=image.indexed_at,
            )
            event_id = f"{image.image_id}/{image.encoder}"
            self._publisher.send(fact_message(fact, event_id=event_id, source=self.name))


def _read(record: Received) -> tuple[Roi, Pixels]:
    roi = read_roi(record)
    pixels = decode(roi.data, roi.content_type)
    if pixels.shape[0] * pixels.shape[1] > MAX_ROI_PIXELS:
        raise RejectedError(f"{pixels.shape[:2]} pixels, allowed are {MAX_ROI_PIXELS} in all")
    return roi, pixels


def _image(roi: Roi, pixels: Pixels, encoder: str, known: Image | None) -> Image:
    """The image as it is now; when it was first indexed and its naming are the catalog's."""
    fresh = Image(
        image_id=roi.image_id,
        capture=roi.capture,
        frame_key=roi.frame_key,
        box=roi.box,
        content_type=roi.content_type,
        byte_size=len(roi.data),
        sha256=hashlib.sha256(roi.data).hexdigest(),
        width_px=pixels.shape[1],
        height_px=pixels.shape[0],
        encoder=encoder,
        indexed_at=now(),
    )
    if known is None:
        return fresh
    kept = ("indexed_at", "naming", "label_id", "label_version")
    return fresh.model_copy(update={name: getattr(known, name) for name in kept})
