"""`VectorIndex` on two Milvus collections: vectors, and their binary codes."""

import logging
import math
from collections.abc import Iterator, Sequence

import numpy as np
from pymilvus import DataType

from plankton_stream.adapters.milvus.collection import Collection, Layout, Row, connect, drop
from plankton_stream.adapters.milvus.rows import (
    expression,
    fields,
    later_fields_of,
    naming,
    to_naming,
)
from plankton_stream.codes import BITS, binary_codes
from plankton_stream.domain import Image, Naming
from plankton_stream.errors import RejectedError
from plankton_stream.ports import ANY_IMAGE, MAX_HITS, Hit, ImageFilter, Metric, Vector
from plankton_stream.ranking import first_stage, nearest

log = logging.getLogger(__name__)

GRAPH = {"M": 16, "efConstruction": 200}
"""HNSW as it is built: links of a vector on each level, and the width of the search for them."""
MIN_EF = 128
"""HNSW's search width; recall@100 needs more than k when k is small."""
_PAGE = 4_000
"""Rows that are read at once: 40 MB of the largest encoder's."""
_VECTOR_BYTES_A_CALL = 32_000_000
"""Of vectors that are read at once: pymilvus makes several times as much of an answer, and an
answer of more than 64 MB is refused."""


def drop_index(uri: str, encoder: str, *, token: str = "") -> None:
    """Give up all vectors of an encoder version for good, by its id; harmless when repeated.

    Nothing is opened: a large collection that is no longer loaded would have to be loaded first.

    Raises:
        RetryableError: Milvus does not answer.
    """
    client = connect(uri, token)
    try:
        for name in _names(encoder):
            drop(client, uri, name)
    finally:
        client.close()


class MilvusIndex:
    """`VectorIndex` in two Milvus collections of one encoder version.

    `images_…` has the vectors and answers cosine; Euclidean distances come from the same index:
    vectors are L2-normalised, so |a-b|² = 2 - 2·cos. `codes_…` has their binary codes and answers
    Hamming (Milvus 2.3 allows one vector field a collection). Both have the same filter fields.

    With `candidates`, cosine and Euclidean searches take two stages: the codes find candidates that
    match the filter, and exact distances put them in order. Of collections that are created so,
    only the codes are in memory; the vectors, without a graph, stay in files.
    """

    def __init__(
        self, uri: str, *, encoder: str, dimension: int, token: str = "", candidates: int = 0
    ) -> None:
        """Connect, create the collections if they are not there, and complete the codes.

        An index from before there were codes gets them here, which takes a minute for a million
        images. It goes on where it was broken off, and other processes may do the same meanwhile.

        Args:
            uri: of the server.
            encoder: id of the encoder version.
            dimension: of its vectors.
            token: user:password or token; empty: none.
            candidates: fewest of a two-stage search; 0: one stage. Collections that are there
                already can be searched either way, and stay in memory or on disk as they are.

        Raises:
            RetryableError: Milvus does not answer, or is still busy with an index.
            ContractError: a collection has another dimension or lacks a field.
        """
        self.encoder = encoder
        self._candidates = candidates
        self._client = connect(uri, token)
        self._vectors_a_call = max(1, _VECTOR_BYTES_A_CALL // (dimension * 4))
        images, codes = _names(encoder)
        vectors = _on_disk(dimension) if candidates else _in_memory(dimension)
        self._images = Collection(self._client, uri, images, vectors)
        self._codes = Collection(self._client, uri, codes, _CODES)
        self._complete_codes()

    def upsert(self, images: Sequence[Image], vectors: Vector) -> None:
        """See `VectorIndex.upsert`."""
        rows = [
            {**fields(image), "vector": vector}
            for image, vector in zip(images, vectors, strict=True)
        ]
        # Codes first: whoever finds an image's vector can count on its code.
        self._codes.upsert(_coded(rows))
        self._images.upsert(rows)

    def rename(self, images: Sequence[Image]) -> None:
        """See `VectorIndex.rename`. Milvus 2.3 replaces whole rows, so this reads them first."""
        by_id = {image.image_id: image for image in images}
        ids = list(by_id)
        for start in range(0, len(ids), _PAGE):
            # Strong: a row that the embed worker wrote just now must be seen.
            rows = self._images.get(ids[start : start + _PAGE], ["*", "vector"], "Strong")
            renamed = [{**row, **naming(by_id[row["image_id"]])} for row in rows]
            self._images.upsert(renamed)
            self._codes.upsert(_coded(renamed))  # last: see `_copy_codes`

    def vector(self, image_id: str) -> Vector | None:
        """See `VectorIndex.vector`."""
        # Only what has just appeared in the page is worth waiting for.
        for consistency in ("Bounded", "Strong"):
            rows = self._images.get([image_id], ["vector"], consistency)
            if rows:
                return np.asarray(rows[0]["vector"], np.float32)
        return None

    def search(
        self,
        vector: Vector,
        k: int,
        *,
        where: ImageFilter = ANY_IMAGE,
        metric: Metric = Metric.COSINE,
    ) -> list[Hit]:
        """See `VectorIndex.search`."""
        if not 1 <= k <= MAX_HITS:
            raise RejectedError(f"k is {k}, allowed are 1…{MAX_HITS}")
        self._check_fields(where)
        if metric is Metric.HAMMING:
            return self._search_codes(vector, k, where)
        if self._candidates:
            return self._search_twice(vector, k, where, metric)
        ef = {"ef": max(k, MIN_EF)}
        found = self._images.search(vector, k, where=expression(where), params=ef)
        return [Hit(image_id, _distance(cosine, metric)) for image_id, cosine in found]

    def count(self) -> int:
        """See `VectorIndex.count`."""
        return self._images.count()

    def ids(self, where: ImageFilter = ANY_IMAGE) -> Iterator[str]:
        """See `VectorIndex.ids`."""
        for page in self._images.pages(10_000, expression(where)):
            yield from page

    def known(self, ids: Sequence[str]) -> set[str]:
        """See `VectorIndex.known`."""
        found: set[str] = set()
        # As in `vector`: only what a bounded read misses is worth waiting for.
        for consistency in ("Bounded", "Strong"):
            asked = [image_id for image_id in ids if image_id not in found]
            found |= {row["image_id"] for row in self._images.get(asked, [], consistency)}
        return found

    def namings(self, ids: Sequence[str]) -> dict[str, Naming]:
        """See `VectorIndex.namings`."""
        # Strong: a name that was written just now must not be taken for a stale one.
        rows = self._images.get(ids, ["state", "taxon"], "Strong")
        return {row["image_id"]: to_naming(row) for row in rows}

    def remove(self, ids: Sequence[str]) -> None:
        """See `VectorIndex.remove`."""
        # Vectors first, the reverse of `upsert`: whoever finds a vector finds its code.
        self._images.remove(ids)
        self._codes.remove(ids)

    def drop(self) -> None:
        """See `VectorIndex.drop`."""
        self._images.drop()
        self._codes.drop()

    def close(self) -> None:
        """Give up the connection."""
        self._client.close()

    def _check_fields(self, where: ImageFilter) -> None:
        lacking = later_fields_of(where) & (self._images.lacks | self._codes.lacks)
        if lacking:
            raise RejectedError(
                f"the index of encoder {self.encoder} was made before it knew "
                f"{' and '.join(sorted(lacking))}: filter by sample or camera, or publish another "
                "encoder version, whose index will have it"
            )

    def _search_codes(self, vector: Vector, k: int, where: ImageFilter) -> list[Hit]:
        code = binary_codes(vector[np.newaxis])[0].tobytes()
        found = self._codes.search(code, k, where=expression(where), params={})
        return [Hit(image_id, float(bits)) for image_id, bits in found]

    def _search_twice(
        self, vector: Vector, k: int, where: ImageFilter, metric: Metric
    ) -> list[Hit]:
        candidates = self._search_codes(vector, first_stage(k, self._candidates), where)
        # A code may be there a moment before its vector: such an image is not found yet.
        ids, vectors = self._read([hit.image_id for hit in candidates])
        return nearest(vector, k, ids, vectors, metric) if ids else []

    def _read(self, ids: Sequence[str]) -> tuple[list[str], Vector]:
        """Those of some images that have a vector, and their vectors, (n, d) float32."""
        found: list[str] = []
        pages: list[Vector] = []
        for start in range(0, len(ids), self._vectors_a_call):
            page = ids[start : start + self._vectors_a_call]
            rows = self._images.get(page, ["vector"], "Bounded")
            found += [row["image_id"] for row in rows]
            pages += [np.array([row["vector"] for row in rows], np.float32)] if rows else []
        return found, np.concatenate(pages) if pages else np.empty((0, 0), np.float32)

    def _complete_codes(self) -> None:
        """Give every image a code that has none: an older version wrote none."""
        # In this order: what other processes write meanwhile has its code first.
        images, codes = self._images.count(), self._codes.count()
        if codes >= images:
            return
        log.warning("%d of %d images have no binary code yet: adding them", images - codes, images)
        for page in self._images.pages(_PAGE):
            coded = {row["image_id"] for row in self._codes.get(page, [], "Bounded")}
            self._copy_codes([image_id for image_id in page if image_id not in coded])
        log.info("every image has its binary code")

    def _copy_codes(self, ids: Sequence[str]) -> None:
        rows = self._images.get(ids, ["*", "vector"], "Bounded")
        self._codes.upsert(_coded(rows))
        # An image may have been renamed between the two lines above, and its new name in the codes
        # replaced by the old one. Renaming writes the codes last, so the new name is here by now.
        old = {row["image_id"]: (row["state"], row["taxon"]) for row in rows}
        again = self._images.get(ids, ["*", "vector"], "Strong")
        # One that only the second look found was written meanwhile, as it is now.
        renamed = [row for row in again if (row["state"], row["taxon"]) != old.get(row["image_id"])]
        self._codes.upsert(_coded(renamed))


_CODES = Layout(DataType.BINARY_VECTOR, BITS, "BIN_FLAT", "HAMMING")
# Exact, and nothing to build: see docs/adr/0009-binary-codes.md for BIN_IVF_FLAT.


def _names(encoder: str) -> tuple[str, str]:
    """The collections of a version's vectors and of their codes."""
    name = "".join(c if c.isalnum() else "_" for c in encoder)  # Milvus allows no others
    return f"images_{name}", f"codes_{name}"


def _in_memory(dimension: int) -> Layout:
    return Layout(DataType.FLOAT_VECTOR, dimension, "HNSW", "COSINE", GRAPH)


def _on_disk(dimension: int) -> Layout:
    return Layout(DataType.FLOAT_VECTOR, dimension, "FLAT", "COSINE", on_disk=True)


def _coded(rows: Sequence[Row]) -> list[Row]:
    """The same rows with their vectors' codes."""
    if not rows:
        return []
    codes = binary_codes(np.array([row["vector"] for row in rows], np.float32))
    return [{**row, "vector": code.tobytes()} for row, code in zip(rows, codes, strict=True)]


def _distance(cosine: float, metric: Metric) -> float:
    # Rounding takes the cosine of a vector with itself a little past 1.
    distance = max(0.0, 1.0 - cosine)
    return distance if metric is Metric.COSINE else math.sqrt(2.0 * distance)
