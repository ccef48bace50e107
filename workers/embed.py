"""The embed worker: ROIs to vectors, in micro-batches. Afterwards an image can be searched."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from plankton_stream.adapters.sql import Catalog
from plankton_stream.curation.erase import Places, erase
from plankton_stream.domain import Image, Roi
from plankton_stream.errors import RejectedError
from plankton_stream.events.envelope import Received, now
from plankton_stream.events.facts import ImageIndexed, embedding_request, fact_message
from plankton_stream.events.images import read_roi
from plankton_stream.images import Pixels, decode
from plankton_stream.ports import ImageStore, Publisher, Vector
from workers.loop import examine, publish_rejections
from workers.rename import bring_names_up_to_date
from workers.versions.loaded import LoadedVersions, Version

log = logging.getLogger(__name__)

Readable = tuple[Roi, Pixels]

MAX_ROI_PIXELS = 32 * 1024 * 1024
"""Largest ROI, pixels; a whole batch of them has to fit into memory."""

_LONGEST_REASON = 1_000  # TensorFlow's errors go on for pages
_WRITERS = 8  # an image is forced to the disk; several at once share the wait


class EmbedWorker:
    """Handles batches of the ROI topic."""

    name = "/workers/embed"

    def __init__(
        self,
        versions: LoadedVersions,
        catalog: Catalog,
        store: ImageStore,
        publisher: Publisher,
    ) -> None:
        self._versions = versions
        self._catalog = catalog
        self._store = store
        self._publisher = publisher
        self._writers = ThreadPoolExecutor(_WRITERS, "image-store")

    def handle(self, batch: Sequence[Received]) -> None:
        """Make a batch searchable: bytes, vectors, catalog, event, in this order.

        Whoever finds an image in one of these finds it in those before it. Idempotent: everything
        is keyed by the image id, and label fields come from the catalog. What belongs to a sample
        that was deleted is not indexed.

        Raises:
            ConfigError: the live encoder version can't be loaded.
            RetryableError: a part does not answer; some of the effects may have happened.
        """
        readable, rejections = examine(batch, _read)
        # The last one of a double; a batch may hold a record and its replay.
        rois = self._without_deleted({roi.image_id: (roi, pixels) for roi, pixels in readable})
        if rois:
            images, versions = self._index_images(rois, self._versions.written())
            kept = self._without_deleted(rois)  # a sample may have been deleted meanwhile
            images = [image for image in images if image.image_id in kept]
            self._publish(images)
            self._ask_for_others(images, versions)
        publish_rejections(rejections, self._publisher, consumer=self.name)
        self._publisher.flush()

    def _without_deleted(self, rois: dict[str, Readable]) -> dict[str, Readable]:
        """ROIs of samples that stand; what there is of the others is deleted.

        They are looked for, not only left out: a worker that was killed may have written them.
        """
        deleted = self._catalog.deletions.deleted()
        gone = {i: roi for i, (roi, _) in rois.items() if deleted.covers(roi.capture)}
        if gone:
            indexes = [version.index for version in self._versions.written()]
            erase(
                [(image_id, roi.content_type) for image_id, roi in gone.items()],
                Places(self._catalog, self._store, indexes),
                who=self.name, why="its sample was deleted before",
            )  # fmt: skip
            log.info("%d ROIs of a deleted sample left out", len(gone))
        return {image_id: one for image_id, one in rois.items() if image_id not in gone}

    def _index_images(
        self, rois: dict[str, Readable], versions: Sequence[Version]
    ) -> tuple[list[Image], list[Version]]:
        vectors = self._encode(rois, versions)
        self._store_bytes(rois)
        known = self._catalog.images.get(list(rois))
        live = versions[0].id
        images = [
            _image(roi, pixels, live, known.get(image_id))
            for image_id, (roi, pixels) in rois.items()
        ]
        for version, own in vectors:
            version.index.upsert(images, own)
        searchable_at = now()
        images = [
            image
            if image.image_id in known
            else image.model_copy(update={"indexed_at": searchable_at})
            for image in images
        ]
        self._catalog.images.upsert(images)
        names = {image_id: roi.name for image_id, (roi, _) in rois.items() if roi.name}
        self._catalog.given_names.adopt(names)
        # A label may have arrived after `known` was read, and the index got the one before it; also
        # of a fresh image, if this worker was so slow that another one did its batch meanwhile.
        for version, _ in vectors:
            bring_names_up_to_date(images, self._catalog, version.index)
        return images, [version for version, _ in vectors]

    def _encode(
        self, rois: dict[str, Readable], versions: Sequence[Version]
    ) -> list[tuple[Version, Vector]]:
        """Versions with their vectors of the ROIs, the live one first.

        One that is only being filled and fails is given up, whatever it fails of: what somebody
        published must not stop the live one.
        """
        pixels = [pixels for _, pixels in rois.values()]
        pixel_um = [roi.capture.pixel_size_um for roi, _ in rois.values()]
        live, *others = versions
        vectors = [(live, live.encoder.encode(pixels, pixel_um))]
        for version in others:
            try:
                vectors.append((version, version.encoder.encode(pixels, pixel_um)))
            except Exception as error:  # the boundary of a network that somebody else made
                log.exception("%s is given up", version.id)
                give_up(version, error, self._catalog)
        return vectors

    def _ask_for_others(self, images: Sequence[Image], written: Sequence[Version]) -> None:
        """Ask for these images in versions that the catalog has to have now, and had not before.

        Looked at after the images are in the catalog: who publishes, fills or swaps a version
        finds them there, or is found here.
        """
        wanted = {v.encoder for v in self._catalog.encoders.kept() if v.is_written}
        for encoder in sorted(wanted - {version.id for version in written}):
            for image in images:
                request = embedding_request(image.image_id, encoder, source=self.name)
                self._publisher.send(request)

    def _store_bytes(self, rois: dict[str, Readable]) -> None:
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


def give_up(version: Version, error: Exception, catalog: Catalog) -> None:
    """Mark a version that is being filled as failed; the catalog leaves the live one as it is.

    Raises:
        RetryableError: the catalog does not answer.
    """
    reason = f"it fails on an image: {type(error).__name__}: {error}"
    catalog.encoders.fail(version.id, reason[:_LONGEST_REASON])


def _read(record: Received) -> Readable:
    roi = read_roi(record)
    return roi, decode_roi(roi.data, roi.content_type)


def decode_roi(data: bytes, content_type: str) -> Pixels:
    """The pixels of a ROI, uint8 (h, w) or BGR (h, w, 3).

    Raises:
        RejectedError: they can't be read, or are more than `MAX_ROI_PIXELS`.
    """
    pixels = decode(data, content_type)
    if pixels.shape[0] * pixels.shape[1] > MAX_ROI_PIXELS:
        raise RejectedError(f"{pixels.shape[:2]} pixels, allowed are {MAX_ROI_PIXELS} in all")
    return pixels


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
        measurements=roi.measurements,
        extra=roi.extra,
    )
    if known is None:
        return fresh
    kept = ("indexed_at", "naming", "label_id", "label_version")
    return fresh.model_copy(update={name: getattr(known, name) for name in kept})
