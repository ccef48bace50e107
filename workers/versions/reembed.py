"""Images that an encoder version lacks: their bytes from the store, their vector into its index."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

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
from plankton_stream.ports import ImageStore, Publisher
from workers.embed import decode_roi
from workers.loop import Rejection, examine, publish_rejections
from workers.rename import bring_names_up_to_date
from workers.versions.loaded import LoadedVersions, Version

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
        gone or unreadable is a dead letter, and the catalog remembers it, so that its version is
        not filled for ever.

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
        if pixels:
            images = [known[image_id] for image_id in pixels]
            pixel_um = [image.capture.pixel_size_um for image in images]
            vectors = version.encoder.encode(list(pixels.values()), pixel_um)
            version.index.upsert(images, vectors)
            self._catalog.images.set_encoder(list(pixels), version.id)
            bring_names_up_to_date(images, self._catalog, version.index)
            self._publish(images, version.id)
        in_catalog = {image_id: cause for image_id, cause in causes.items() if image_id in known}
        self._catalog.encoders.record_failures(version.id, in_catalog)
        return [
            Rejection(record, causes[request.image_id])
            for record, request in asked
            if request.image_id in causes
        ]

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
