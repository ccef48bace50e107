"""The page as the expert's hands meet it: the real application, asked over HTTP.

Catalog, workers and web are the real ones. Instead of Kafka and Milvus there are their in-memory
implementations, which pass the same contract suite, so that the benchmark needs no server; workers
run between two requests instead of beside them.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import Capture, Image, image_id, new_id
from plankton_stream.events import topics
from plankton_stream.ports import Vector
from plankton_stream.settings import Settings
from plankton_stream.testing import (
    FixedQueryEncoder,
    MemoryImageStore,
    MemoryIndex,
    MemoryLog,
    MemoryPublisher,
    MemorySubscriber,
)
from web.app import create_app
from web.lag import Lag
from web.live import Live
from web.parts import Parts
from web.totals import Totals
from workers.predict import PredictWorker
from workers.relay import relay_once
from workers.rename import LabelIndexWorker

ENCODER = "benchmark"
_SWEEP_EVERY_S = 1.0  # the worker sweeps about so often when nothing else waits
AT = datetime(2026, 6, 1, tzinfo=UTC)
Item = dict[str, Any]


class Bench:
    """One page without labels, over all images of a folder.

    Attributes:
        truth: taxon by image id.
        taxa: keys of all taxa that images may be given.
    """

    def __init__(self, folder: Path, paths: list[str], vectors: Vector) -> None:
        """Start the application and index the images.

        Args:
            folder: for the catalog.
            paths: class/file of n images.
            vectors: theirs, float32 (n, d), L2-normalised.
        """
        url = f"sqlite:///{folder / 'catalog.sqlite'}"
        upgrade(url)
        self._catalog = Catalog(url)
        self._catalog.encoders.claim(ENCODER, vectors.shape[1])
        self._index, log = MemoryIndex(ENCODER), MemoryLog()
        self._publisher = MemoryPublisher(log)
        self._labels = MemorySubscriber(log, [topics.LABELS], group="benchmark", max_records=1_000)
        self._rename = LabelIndexWorker(lambda: [self._index], self._catalog, self._publisher)
        self._at = AT
        self._predict = PredictWorker(
            lambda: self._index, self._catalog, self._publisher, clock=lambda: self._at,
            rest=lambda _seconds: None,
        )  # fmt: skip
        live = Live()
        parts = Parts(
            catalog=self._catalog, index=lambda: self._index, store=MemoryImageStore(),
            encoder=FixedQueryEncoder(vectors[0]), live=live,
            totals=Totals(self._catalog, live, Lag), user="oracle",
        )  # fmt: skip
        self._client = create_app(parts, Settings(auth="none", _env_file=None)).test_client()
        images = [_image(number, path) for number, path in enumerate(_shuffled(paths))]
        rows = {path: row for row, path in enumerate(paths)}
        self._catalog.images.upsert(images)
        self._index.upsert(images, vectors[[rows[image.frame_key] for image in images]])
        self.truth = {image.image_id: _slug(image.frame_key.partition("/")[0]) for image in images}
        self.taxa = sorted(set(self.truth.values()))
        for key in set(self.taxa) - {one.key for one in self._catalog.taxa.all()}:
            self._post("taxa", {"key": key, "name": key})
        while self._predict.sweep():
            pass

    def close(self) -> None:
        """Give up the catalog."""
        self._catalog.close()

    def queue(self, name: str, **query: Any) -> list[Item]:
        """The first page of a queue."""
        return list(self._get(f"queues/{name}", query)["images"])

    def expected(self) -> list[Item]:
        """What waits under each proposed taxon, most first."""
        return list(self._get("queues", {})["predicted"])

    def group(self, image_id: str, k: int) -> list[Item]:
        """Unlabelled look-alikes of a specimen, itself first."""
        return list(self._get(f"images/{image_id}/group", {"k": k})["images"])

    def neighbours(self, image_id: str, k: int) -> list[Item]:
        """The nearest unlabelled images."""
        query = {"k": k, "state": "unlabelled"}
        return list(self._get(f"images/{image_id}/neighbours", query)["neighbours"])

    def label(self, ids: list[str], taxon: str) -> None:
        """Give images a name; workers see it before the next request."""
        if ids:
            headers = {"Idempotency-Key": new_id()}
            self._post("labels", {"image_ids": ids, "taxon": taxon}, headers)

    def reject(self, ids: list[str], taxon: str) -> None:
        """Say that images are not of a taxon."""
        if ids:
            self._post("rejections", {"image_ids": ids, "taxon": taxon})

    def skip(self, ids: list[str]) -> None:
        """Leave the clusters of these seeds for later."""
        self._post("queues/clusters/skips", {"image_ids": ids})

    def settle(self, worked_s: float) -> None:
        """Let the workers do what waits for them, and sweep while the expert worked.

        Args:
            worked_s: by the expert since he began.
        """
        while relay_once(self._catalog, self._publisher):
            pass
        while batch := self._labels.poll(0):
            self._rename.handle(batch)
            self._predict.handle(batch)
        before, self._at = self._at, AT + timedelta(seconds=worked_s)
        for _ in range(int((self._at - before).total_seconds() / _SWEEP_EVERY_S)):
            if not self._predict.sweep():
                break

    def _get(self, path: str, query: dict[str, Any]) -> Item:
        answer = self._client.get(f"/api/v1/{path}", query_string=query)
        return _checked(answer, path)

    def _post(self, path: str, body: Item, headers: dict[str, str] | None = None) -> Item:
        answer = self._client.post(f"/api/v1/{path}", json=body, headers=headers or {})
        return _checked(answer, path)


def _checked(answer: Any, path: str) -> Item:
    if answer.status_code not in (200, 201):
        raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
    return dict(answer.json)


def _shuffled(paths: list[str]) -> list[str]:
    """The order of arrival: any, but always the same, whatever the folder is called."""
    return sorted(paths, key=lambda path: hashlib.sha256(path.encode()).digest())


def _image(number: int, path: str) -> Image:
    capture = Capture(camera="benchmark", captured_at=AT + timedelta(seconds=number))
    return Image(
        image_id=image_id(capture, path, None), capture=capture, frame_key=path,
        content_type="image/png", byte_size=1, sha256="0" * 64, width_px=1, height_px=1,
        encoder=ENCODER, indexed_at=AT + timedelta(seconds=number + 1),
    )  # fmt: skip


def _slug(name: str) -> str:
    """A class as a taxon's key."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("._-")[:64]
    return slug or "class"
