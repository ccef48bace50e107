"""Images that an encoder version lacks: their bytes from the store, their vector into its index."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import (
    EmbeddingRequested,
    ImageIndexed,
    fact_message,
    read_embedding_request,
)
from plankton_stream.images import Pixels
from plankton_stream.ports import ImageStore, Publisher, Vector
from workers.embed import decode_roi, give_up
from workers.loop import Rejection, examine, publish_rejections
from workers.rename import bring_names_up_to_date
from workers.versions.loaded import LoadedVersions, Version

log = logging.getLogger(__name__)

Asked = tuple[Received, EmbeddingRequested]


class ReembedWorker:
    """Handles batches of the re-embedding topic."""

    name = "/workers/reembed"

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

    def handle(self, batch: Sequence[Received]) -> None:
        """Embed a batch for the versions that its requests name. Idempotent.

        Requests of a version that was given up meanwhile are done with. An image whose bytes are
        gone or unreadable, or whose vector is none, is a dead letter, and the catalog remembers it,
        so that its version is not filled for ever. A version that is being filled and fails
        otherwise is given up.

        Raises:
            RetryableError: a part does not answer, or the version is not loaded yet.
        """
        requests, rejections = examine(
            batch, lambda record: (record, read_embedding_request(record))
        )
        wanted = {v.encoder for v in self._catalog.encoders.kept() if v.is_written}
        by_version: dict[str, list[Asked]] = defaultdict(list)
        for record, request in requests:
            if request.encoder in wanted:
                by_version[request.encoder].append((record, request))
        for encoder, asked in by_version.items():
            version = self._versions.get(encoder)
            if version is None:
                raise RetryableError(f"encoder version {encoder} is being loaded")
            rejections += self._embed(version, asked)
        publish_rejections(rejections, self._publisher, consumer=self.name)
        self._publisher.flush()

    def _embed(self, version: Version, asked: Sequence[Asked]) -> list[Rejection]:
        known = self._catalog.images.get([request.image_id for _, request in asked])
        pixels: dict[str, Pixels] = {}
        causes: dict[str, str] = {}
        for _, request in asked:
            try:
                pixels[request.image_id] = self._pixels(request, known.get(request.image_id))
            except RejectedError as error:
                causes[request.image_id] = str(error)
        try:
            vectors, refused = _vectors(version, pixels, known)
        except Exception as error:  # the boundary of a network that somebody else made
            live = self._catalog.encoders.live()
            if live is None or live[0] == version.id:
                raise
            log.exception("%s is given up", version.id)
            give_up(version, error, self._catalog)
            return []
        causes |= refused
        if vectors:
            self._index(version, [known[image_id] for image_id in vectors], vectors)
        in_catalog = {image_id: cause for image_id, cause in causes.items() if image_id in known}
        self._catalog.encoders.record_failures(version.id, in_catalog)
        return [
            Rejection(record, causes[request.image_id])
            for record, request in asked
            if request.image_id in causes
        ]

    def _index(
        self, version: Version, images: Sequence[Image], vectors: Mapping[str, Vector]
    ) -> None:
        version.index.upsert(images, np.stack([vectors[image.image_id] for image in images]))
        self._catalog.images.set_encoder(list(vectors), version.id)
        bring_names_up_to_date(images, self._catalog, version.index)
        self._publish(images, version.id)

    def _pixels(self, request: EmbeddingRequested, image: Image | None) -> Pixels:
        if image is None:
            raise RejectedError(f"image {request.image_id} is not in the catalog")
        return decode_roi(self._store.get(image.image_id, image.content_type), image.content_type)

    def _publish(self, images: Iterable[Image], encoder: str) -> None:
        for image in images:
            fact = ImageIndexed(
                image_id=image.image_id, capture=image.capture, frame_key=image.frame_key,
                encoder=encoder, indexed_at=image.indexed_at,
            )  # fmt: skip
            event_id = f"{image.image_id}/{encoder}"
            self._publisher.send(fact_message(fact, event_id=event_id, source=self.name))


def _vectors(
    version: Version, pixels: Mapping[str, Pixels], known: Mapping[str, Image]
) -> tuple[dict[str, Vector], dict[str, str]]:
    """Vectors by image id, and why there is none of the others.

    The encoder refuses a batch as a whole: then one by one, it shows which image it is.
    """
    if not pixels:
        return {}, {}
    pixel_um = [known[image_id].capture.pixel_size_um for image_id in pixels]
    try:
        together = version.encoder.encode(list(pixels.values()), pixel_um)
    except RejectedError as error:
        if len(pixels) == 1:
            return {}, dict.fromkeys(pixels, str(error))
    else:
        return dict(zip(pixels, together, strict=True)), {}
    vectors: dict[str, Vector] = {}
    causes: dict[str, str] = {}
    for image_id, one in pixels.items():
        own, refused = _vectors(version, {image_id: one}, known)
        vectors |= own
        causes |= refused
    return vectors, causes
