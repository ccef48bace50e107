"""Official in-memory implementations of the ports, for unit tests of whatever uses them.

They keep the contract of the real ones (tests/contract runs the same suite over both), and can be
told to fail.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from plankton_stream.domain import IMAGE_TYPES, Image, Naming
from plankton_stream.errors import NotFoundError, RejectedError, RetryableError
from plankton_stream.events.envelope import Message, Received, now
from plankton_stream.events.spans import Span
from plankton_stream.events.topics import Topic, max_bytes
from plankton_stream.ports import ANY_IMAGE, MAX_HITS, Hit, ImageFilter, Metric, Vector
from plankton_stream.ranking import first_stage, nearest


@dataclass
class MemoryLog:
    """An event log with one partition a topic.

    Attributes:
        records: what was published, by topic.
        available: set it to False and nothing is taken or confirmed.
        forgotten: offset of the first record that is left, by topic, see `forget`.
    """

    records: dict[str, list[Received]] = field(default_factory=lambda: defaultdict(list))
    committed: dict[tuple[str, str], int] = field(default_factory=dict)
    available: bool = True
    forgotten: dict[str, int] = field(default_factory=dict)

    def append(self, message: Message) -> None:
        """Publish a record at once."""
        records = self.records[message.topic]
        records.append(
            Received(
                topic=message.topic, partition=0, offset=len(records), key=message.key_bytes,
                value=message.value, headers=message.headers, appended_at=now(),
            )
        )  # fmt: skip

    def forget(self, topic: str) -> None:
        """Delete what a topic holds by its age, as far as `LogReader` is concerned."""
        self.forgotten[topic] = len(self.records[topic])


class MemoryPublisher:
    """`Publisher` on a `MemoryLog`."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._queue: list[Message] = []

    def send(self, message: Message) -> None:
        """See `Publisher.send`."""
        if message.size > max_bytes(message.topic):
            raise RejectedError(
                f"{message.topic} {message.key}: larger than {max_bytes(message.topic)} bytes"
            )
        if not self._log.available:
            raise RetryableError("the log is away")
        self._queue.append(message)

    def flush(self, timeout_s: float = 30.0) -> None:  # noqa: ARG002
        """See `Publisher.flush`."""
        queue, self._queue = self._queue, []
        if queue and not self._log.available:
            raise RetryableError("the log is away")
        for message in queue:
            self._log.append(message)

    def close(self) -> None:
        """See `Publisher.close`."""


class MemorySubscriber:
    """`Subscriber` on a `MemoryLog`."""

    def __init__(
        self, log: MemoryLog, topics: Sequence[Topic], *, group: str, max_records: int = 64
    ) -> None:
        self._log, self._group, self._max_records = log, group, max_records
        self._topics = [topic.name for topic in topics]
        self._next = {name: log.committed.get((group, name), 0) for name in self._topics}

    def poll(self, timeout_s: float) -> list[Received]:  # noqa: ARG002
        """See `Subscriber.poll`; never waits."""
        batch: list[Received] = []
        for name in self._topics:
            start = self._next[name]
            taken = self._log.records[name][start : start + self._max_records - len(batch)]
            self._next[name] += len(taken)
            batch += taken
        return batch

    def commit(self) -> None:
        """See `Subscriber.commit`."""
        if not self._log.available:
            raise RetryableError("the log is away")
        self._log.committed |= {(self._group, name): at for name, at in self._next.items()}

    def keep_alive(self) -> None:
        """See `Subscriber.keep_alive`."""

    def close(self) -> None:
        """See `Subscriber.close`."""


class MemoryLogReader:
    """`LogReader` on a `MemoryLog`."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def spans(self, topic: Topic, group: str = "") -> dict[int, Span]:
        """See `LogReader.spans`."""
        if topic.name not in self._log.records:
            return {}
        start, end = self._log.forgotten.get(topic.name, 0), len(self._log.records[topic.name])
        place = self._log.committed.get((group, topic.name), 0) if group else end
        return {0: Span(start, max(start, place), end)}

    def read(self, topic: Topic, ranges: Mapping[int, range]) -> Iterator[list[Received]]:
        """See `LogReader.read`."""
        for offsets in ranges.values():
            kept = self._log.records[topic.name][offsets.start : offsets.stop]
            if kept:
                yield kept

    def close(self) -> None:
        """See `LogReader.close`."""


class MemoryIndex:
    """`VectorIndex` that compares with every vector; with `candidates` in two stages."""

    def __init__(self, encoder: str = "test-encoder", *, candidates: int = 0) -> None:
        self.encoder = encoder
        self.rows: dict[str, tuple[Image, Vector]] = {}
        self.available = True
        self._candidates = candidates

    def upsert(self, images: Sequence[Image], vectors: Vector) -> None:
        """See `VectorIndex.upsert`."""
        self._check()
        for image, vector in zip(images, vectors, strict=True):
            self.rows[image.image_id] = (image, np.asarray(vector, np.float32))

    def rename(self, images: Sequence[Image]) -> None:
        """See `VectorIndex.rename`."""
        self._check()
        for image in images:
            if image.image_id in self.rows:
                old, vector = self.rows[image.image_id]
                self.rows[image.image_id] = (
                    old.model_copy(update={"naming": image.naming}),
                    vector,
                )

    def vector(self, image_id: str) -> Vector | None:
        """See `VectorIndex.vector`."""
        self._check()
        return self.rows[image_id][1] if image_id in self.rows else None

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """See `VectorIndex.vectors`."""
        self._check()
        return {i: self.rows[i][1] for i in ids if i in self.rows}

    def search_many(
        self, vectors: Vector, k: int, *, where: ImageFilter = ANY_IMAGE
    ) -> list[list[Hit]]:
        """See `VectorIndex.search_many`."""
        self._check()
        rows = list(self.rows.values())
        known = {image.image_id: other for image, other in rows if where.matches(image)}
        if not known or not len(vectors):
            return [[] for _ in vectors]
        ids, far = list(known), np.maximum(0.0, 1.0 - vectors @ np.stack(list(known.values())).T)
        nearest_first = np.argsort(far, axis=1, kind="stable")[:, :k]
        return [
            [Hit(ids[row], float(line[row])) for row in order]
            for line, order in zip(far, nearest_first, strict=True)
        ]

    def search(
        self,
        vector: Vector,
        k: int,
        *,
        where: ImageFilter = ANY_IMAGE,
        metric: Metric = Metric.COSINE,
    ) -> list[Hit]:
        """See `VectorIndex.search`."""
        self._check()
        if not 1 <= k <= MAX_HITS:
            raise RejectedError(f"k is {k}, allowed are 1…{MAX_HITS}")
        rows = list(self.rows.values())  # other threads may add meanwhile
        known = {image.image_id: other for image, other in rows if where.matches(image)}
        if self._candidates and metric is not Metric.HAMMING:
            wanted = first_stage(k, self._candidates)
            near = _nearest(vector, wanted, known, Metric.HAMMING)
            known = {hit.image_id: known[hit.image_id] for hit in near}
        return _nearest(vector, k, known, metric)

    def count(self) -> int:
        """See `VectorIndex.count`."""
        self._check()
        return len(self.rows)

    def ids(self, where: ImageFilter = ANY_IMAGE) -> Iterator[str]:
        """See `VectorIndex.ids`."""
        self._check()
        yield from [i for i, (image, _) in list(self.rows.items()) if where.matches(image)]

    def known(self, ids: Sequence[str]) -> set[str]:
        """See `VectorIndex.known`."""
        self._check()
        return {image_id for image_id in ids if image_id in self.rows}

    def namings(self, ids: Sequence[str]) -> dict[str, Naming]:
        """See `VectorIndex.namings`."""
        self._check()
        return {i: self.rows[i][0].naming for i in ids if i in self.rows}

    def remove(self, ids: Sequence[str]) -> None:
        """See `VectorIndex.remove`."""
        self._check()
        for image_id in ids:
            self.rows.pop(image_id, None)

    def drop(self) -> None:
        """See `VectorIndex.drop`."""
        self._check()
        self.rows.clear()

    def _check(self) -> None:
        if not self.available:
            raise RetryableError("the index is away")


def _nearest(vector: Vector, k: int, known: dict[str, Vector], metric: Metric) -> list[Hit]:
    if not known:
        return []
    return nearest(vector, k, list(known), np.stack(list(known.values())), metric)


class MemoryImageStore:
    """`ImageStore` in a dictionary."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str], bytes] = {}

    def put(self, image_id: str, content_type: str, data: bytes) -> None:
        """See `ImageStore.put`."""
        _check_type(content_type)
        self.data[image_id, content_type] = data

    def get(self, image_id: str, content_type: str) -> bytes:
        """See `ImageStore.get`."""
        _check_type(content_type)
        try:
            return self.data[image_id, content_type]
        except KeyError as error:
            raise NotFoundError(f"the image store has no bytes of {image_id}") from error

    def size(self, image_id: str, content_type: str) -> int | None:
        """See `ImageStore.size`."""
        _check_type(content_type)
        data = self.data.get((image_id, content_type))
        return None if data is None else len(data)

    def remove(self, image_id: str, content_type: str) -> None:
        """See `ImageStore.remove`."""
        _check_type(content_type)
        self.data.pop((image_id, content_type), None)

    def ids(self) -> Iterator[str]:
        """See `ImageStore.ids`."""
        yield from (image_id for image_id, _ in list(self.data))


def _check_type(content_type: str) -> None:
    if content_type not in IMAGE_TYPES:
        raise RejectedError(f"content type {content_type!r}: allowed are {', '.join(IMAGE_TYPES)}")


class FixedQueryEncoder:
    """`QueryEncoder` that gives every image the same vector.

    Attributes:
        asked: the encoder versions that vectors were wanted of.
        pixel_sizes_um: those of the images, in the same order.
    """

    def __init__(self, vector: Vector) -> None:
        self._vector = vector
        self.asked: list[str] = []
        self.pixel_sizes_um: list[float | None] = []

    def encode(
        self,
        data: bytes,
        content_type: str,  # noqa: ARG002
        encoder: str,
        *,
        pixel_size_um: float | None = None,
    ) -> Vector:
        """See `QueryEncoder.encode`."""
        self.asked.append(encoder)
        self.pixel_sizes_um.append(pixel_size_um)
        if not data:
            raise RejectedError("the image is empty (0 bytes)")
        return self._vector
