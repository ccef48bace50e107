"""The vector index on Milvus (2.3 embedded, or a newer server), through pymilvus."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from plankton_stream.domain import Image, to_microseconds
from plankton_stream.errors import ContractError, RejectedError, RetryableError
from plankton_stream.ports import ANY_IMAGE, MAX_HITS, Hit, ImageFilter, Metric, Vector

_TIMEOUT_S = 30.0
# pymilvus lets some of gRPC's own errors through, a deadline that has passed among them.
_AWAY = (MilvusException, grpc.RpcError)
_HNSW = {"M": 16, "efConstruction": 200}
_MIN_EF = 128
"""HNSW's search width; recall@100 needs more than k when k is small."""

# Milvus 2.3 has no NULL: these stand for "unknown", and lie outside of every range that a filter
# can name, because filters with an upper bound get a lower one as well.
_NO_TIME = -(2**62)  # long before year 1: archives have pictures from before 1970
_NO_NUMBER = -1.0e30
_NO_TEXT = ""

_FIELDS = (
    ("camera", DataType.VARCHAR, 64),
    ("sample", DataType.VARCHAR, 64),
    ("captured_us", DataType.INT64, None),
    ("indexed_us", DataType.INT64, None),
    ("depth_m", DataType.DOUBLE, None),
    ("latitude", DataType.DOUBLE, None),
    ("longitude", DataType.DOUBLE, None),
    ("state", DataType.VARCHAR, 16),
    ("taxon", DataType.VARCHAR, 64),
    # Milvus 2.3 cannot add a field to a collection: this one waits for machine predictions.
    ("predicted_taxon", DataType.VARCHAR, 64),
)


def ping(uri: str, token: str = "", *, timeout_s: float = 5.0) -> None:
    """Ask Milvus anything.

    Raises:
        RetryableError: it does not answer.
    """
    client = _connect(uri, token, timeout_s)
    try:
        client.list_collections(timeout=timeout_s)
    except _AWAY as error:
        raise RetryableError(f"Milvus at {uri} does not answer: {error}") from error
    finally:
        client.close()


def collection_name(encoder: str) -> str:
    """The collection of an encoder version's vectors; Milvus allows letters, digits and _."""
    return "images_" + "".join(c if c.isalnum() else "_" for c in encoder)


class MilvusIndex:
    """`VectorIndex` in one Milvus collection with an HNSW index over the cosine.

    Euclidean distances come from the same index: vectors are L2-normalised, so |a-b|² = 2 - 2·cos.
    """

    def __init__(self, uri: str, *, encoder: str, dimension: int, token: str = "") -> None:
        """Connect, and create the collection if it is not there.

        Raises:
            RetryableError: Milvus does not answer.
            ContractError: the collection has another dimension or lacks a field.
        """
        self.encoder = encoder
        self._uri = uri
        self._collection = collection_name(encoder)
        self._client = _connect(uri, token, _TIMEOUT_S)
        self._ensure_collection(dimension)

    def upsert(self, images: Sequence[Image], vectors: Vector) -> None:
        """See `VectorIndex.upsert`."""
        rows = [
            {**_fields(image), "image_id": image.image_id, "vector": vector}
            for image, vector in zip(images, vectors, strict=True)
        ]
        # A call may have 64 MB; the largest encoder's row is 10 KB.
        for start in range(0, len(rows), 2_000):
            self._call("upsert", self._client.upsert, data=rows[start : start + 2_000])

    def rename(self, images: Sequence[Image]) -> None:
        """See `VectorIndex.rename`. Milvus 2.3 replaces whole rows, so this reads them first."""
        by_id = {image.image_id: image for image in images}
        for start in range(0, len(images), 1_000):
            ids = list(by_id)[start : start + 1_000]
            # Strong: a row that the embed worker wrote just now must be seen.
            rows = self._call(
                "get", self._client.get, ids=ids, output_fields=["*", "vector"],
                consistency_level="Strong",
            )  # fmt: skip
            renamed = [{**row, **_naming(by_id[row["image_id"]])} for row in rows]
            if renamed:
                self._call("upsert", self._client.upsert, data=renamed)

    def vector(self, image_id: str) -> Vector | None:
        """See `VectorIndex.vector`."""
        # A bounded read is fast, but misses what was written in the last fifth of a second: an
        # image that has just appeared in the page. Only then it is worth waiting for.
        for consistency in ("Bounded", "Strong"):
            rows = self._call(
                "get", self._client.get, ids=[image_id], output_fields=["vector"],
                consistency_level=consistency,
            )  # fmt: skip
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
        (found,) = self._call(
            "search", self._client.search, data=[vector], limit=k, filter=expression(where),
            search_params={"metric_type": "COSINE", "params": {"ef": max(k, _MIN_EF)}},
            consistency_level="Bounded",
        )  # fmt: skip
        return [Hit(hit.id, _distance(hit.distance, metric)) for hit in found]

    def count(self) -> int:
        """See `VectorIndex.count`."""
        (row,) = self._call(
            "count", self._client.query, filter="", output_fields=["count(*)"],
            consistency_level="Strong",
        )  # fmt: skip
        return int(row["count(*)"])

    def ids(self) -> Iterator[str]:
        """See `VectorIndex.ids`."""
        # The iterator reads as of a moment of this machine's clock; a strong count makes the server
        # catch up with all that was written before.
        self.count()
        pages = self._call(
            "list", self._client.query_iterator, batch_size=10_000, output_fields=["image_id"],
            filter="", consistency_level="Strong",
        )  # fmt: skip
        try:
            while batch := self._translated("list", pages.next):
                yield from (row["image_id"] for row in batch)
        finally:
            pages.close()

    def known(self, ids: Sequence[str]) -> set[str]:
        """See `VectorIndex.known`."""
        found: set[str] = set()
        # As in `vector`: only what a bounded read misses is worth waiting for.
        for consistency in ("Bounded", "Strong"):
            asked = [image_id for image_id in ids if image_id not in found]
            if asked:
                rows = self._call(
                    "get", self._client.get, ids=asked, output_fields=["image_id"],
                    consistency_level=consistency,
                )  # fmt: skip
                found |= {row["image_id"] for row in rows}
        return found

    def drop(self) -> None:
        """See `VectorIndex.drop`."""
        self._call("drop collection", self._client.drop_collection)

    def close(self) -> None:
        """Give up the connection."""
        self._client.close()

    def _ensure_collection(self, dimension: int) -> None:
        if not self._call("find collection", self._client.has_collection):
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("image_id", DataType.VARCHAR, is_primary=True, max_length=26)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            for name, kind, length in _FIELDS:
                schema.add_field(name, kind, **({"max_length": length} if length else {}))
            self._call("create collection", self._client.create_collection, schema=schema)
        self._check_schema(dimension)
        # A step of its own: whoever created the collection may have died before this one.
        if not self._call("list indexes", self._client.list_indexes):
            index = self._client.prepare_index_params()
            index.add_index("vector", index_type="HNSW", metric_type="COSINE", params=_HNSW)
            self._call("create index", self._client.create_index, index_params=index)
        self._call("load collection", self._client.load_collection)

    def _check_schema(self, dimension: int) -> None:
        described = self._call("describe collection", self._client.describe_collection)
        fields = {field["name"]: field for field in described["fields"]}
        missing = {"image_id", "vector", *(name for name, *_ in _FIELDS)} - set(fields)
        found = fields.get("vector", {}).get("params", {}).get("dim")
        if missing or found != dimension:
            raise ContractError(
                f"Milvus at {self._uri}: collection {self._collection} has dimension {found} "
                f"(expected {dimension}) and lacks fields {sorted(missing)}: it was made by "
                "another version; use another Milvus database or a fresh PLANKTON_HOME"
            )

    def _call(self, what: str, function: Any, **arguments: Any) -> Any:
        options = {"collection_name": self._collection, "timeout": _TIMEOUT_S}
        return self._translated(what, function, **options, **arguments)

    def _translated(self, what: str, function: Any, **arguments: Any) -> Any:
        try:
            return function(**arguments)
        except _AWAY as error:
            raise RetryableError(
                f"Milvus at {self._uri}: {what} in {self._collection} failed: {error}"
            ) from error


def expression(where: ImageFilter) -> str:
    """A filter in Milvus' own language; empty if there are no conditions."""
    parts = [
        f'{name} == "{_quoted(value)}"'
        for name, value in (
            ("camera", where.camera),
            ("sample", where.sample),
            ("state", where.state),
            ("taxon", where.taxon),
        )
        if value is not None
    ]
    after, before = (t and to_microseconds(t) for t in (where.after, where.before))
    if after is not None:
        parts.append(f"captured_us >= {after}")
    if before is not None:
        parts.append(f"captured_us > {_NO_TIME} and captured_us < {before}")
    if where.depth_min_m is not None or where.depth_max_m is not None:
        lowest = _NO_NUMBER / 2 if where.depth_min_m is None else where.depth_min_m
        parts.append(f"depth_m >= {lowest!r}")
    if where.depth_max_m is not None:
        parts.append(f"depth_m <= {where.depth_max_m!r}")
    return " and ".join(parts)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _distance(cosine: float, metric: Metric) -> float:
    # Rounding takes the cosine of a vector with itself a little past 1.
    distance = max(0.0, 1.0 - cosine)
    return distance if metric is Metric.COSINE else math.sqrt(2.0 * distance)


def _fields(image: Image) -> dict[str, object]:
    capture = image.capture
    return {
        "camera": capture.camera,
        "sample": capture.sample or _NO_TEXT,
        "captured_us": _NO_TIME
        if capture.captured_at is None
        else to_microseconds(capture.captured_at),
        "indexed_us": to_microseconds(image.indexed_at),
        "depth_m": _NO_NUMBER if capture.depth_m is None else capture.depth_m,
        "latitude": _NO_NUMBER if capture.latitude is None else capture.latitude,
        "longitude": _NO_NUMBER if capture.longitude is None else capture.longitude,
        "predicted_taxon": _NO_TEXT,
        **_naming(image),
    }


def _naming(image: Image) -> dict[str, object]:
    return {"state": str(image.naming.state), "taxon": image.naming.taxon or _NO_TEXT}


def _connect(uri: str, token: str, timeout_s: float) -> MilvusClient:
    try:
        return MilvusClient(uri=uri, token=token, timeout=timeout_s)
    except _AWAY as error:
        raise RetryableError(f"Milvus at {uri} does not answer: {error}") from error
