"""One Milvus collection: made, checked, loaded, written, read and searched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymilvus import DataType, MilvusClient

from plankton_stream.adapters.milvus.calls import AWAY, Caller
from plankton_stream.adapters.milvus.rows import FIELDS, LATER_FIELDS, LATER_UNKNOWN
from plankton_stream.errors import ContractError, RetryableError

Row = dict[str, Any]

_TIMEOUT_S = 30.0
_ROWS_A_CALL = 2_000  # a call may have 64 MB; the largest encoder's row is 10 KB


@dataclass(frozen=True)
class Layout:
    """How a collection keeps its vectors; decided for good when it is created.

    Milvus 2.3 cannot load a segment from disk that it had indexed in memory before.

    Attributes:
        kind: of the vector field.
        dimension: numbers, or bits, in a vector.
        index_type: as Milvus names it.
        metric_type: the only one that the index answers in.
        build: how the index is made.
        on_disk: vectors stay in files that the operating system maps into memory as they are read.
    """

    kind: DataType
    dimension: int
    index_type: str
    metric_type: str
    build: Mapping[str, int] = field(default_factory=dict)
    on_disk: bool = False


def connect(uri: str, token: str = "", *, timeout_s: float = _TIMEOUT_S) -> MilvusClient:
    """Connect to Milvus.

    Raises:
        RetryableError: it does not answer.
    """
    try:
        return MilvusClient(uri=uri, token=token, timeout=timeout_s)
    except AWAY as error:
        raise RetryableError(f"Milvus at {uri} does not answer: {error}") from error


def ping(uri: str, token: str = "", *, timeout_s: float = 5.0) -> None:
    """Ask Milvus anything.

    Raises:
        RetryableError: it does not answer.
    """
    client = connect(uri, token, timeout_s=timeout_s)
    try:
        client.list_collections(timeout=timeout_s)
    except AWAY as error:
        raise RetryableError(f"Milvus at {uri} does not answer: {error}") from error
    finally:
        client.close()


def drop(client: MilvusClient, uri: str, name: str) -> None:
    """Delete a collection by its name, for ever; harmless if there is none.

    Raises:
        RetryableError: Milvus does not answer.
    """
    Caller(uri, name, _TIMEOUT_S).about("drop collection", client.drop_collection)


class Collection:
    """Rows of images: an id, a vector, and the fields that searches filter by.

    Each method raises `RetryableError` if Milvus does not answer.

    Attributes:
        lacks: fields that this collection was made without, by an earlier version. What a row says
            there is not kept.
    """

    def __init__(self, client: MilvusClient, uri: str, name: str, layout: Layout) -> None:
        """Create the collection if it is not there, with its index, and load it.

        Raises:
            RetryableError: Milvus does not answer, or is still busy with the index.
            ContractError: the collection has another dimension or lacks a field.
        """
        self._client, self._uri, self._name, self._layout = client, uri, name, layout
        self._caller = Caller(uri, name, _TIMEOUT_S)
        self._call = self._caller.about
        if not self._call("find collection", client.has_collection):
            self._create()
        self.lacks = self._check_schema()
        self._ensure_index()
        self._call("load collection", client.load_collection)

    def upsert(self, rows: Sequence[Row]) -> None:
        """Add or replace rows."""
        for start in range(0, len(rows), _ROWS_A_CALL):
            page = [self._kept(row) for row in rows[start : start + _ROWS_A_CALL]]
            self._call("upsert", self._client.upsert, data=page)

    def get(self, ids: Sequence[str], fields: Sequence[str], consistency: str) -> list[Row]:
        """Rows by id in no particular order; unknown ids are left out.

        Args:
            ids: of images.
            fields: besides `image_id`; `*` is all of them but the vector.
            consistency: Bounded is fast, and misses what was written in the last fifth of a
                second; Strong waits for it.
        """
        if not ids:
            return []
        found: list[Row] = self._call(
            "get", self._client.get, ids=list(ids), output_fields=["image_id", *fields],
            consistency_level=consistency,
        )  # fmt: skip
        return found

    def search(
        self, vector: object, k: int, *, where: str, params: Mapping[str, int]
    ) -> list[tuple[str, float]]:
        """Ids of the k nearest rows with Milvus' own measure, nearest first."""
        (found,) = self._call(
            "search", self._client.search, data=[vector], limit=k, filter=where,
            search_params={"metric_type": self._layout.metric_type, "params": dict(params)},
            consistency_level="Bounded",
        )  # fmt: skip
        return [(hit.id, hit.distance) for hit in found]

    def count(self) -> int:
        """Rows, including what was written just now."""
        (row,) = self._call(
            "count", self._client.query, filter="", output_fields=["count(*)"],
            consistency_level="Strong",
        )  # fmt: skip
        return int(row["count(*)"])

    def remove(self, ids: Sequence[str]) -> None:
        """Delete rows by id; unknown ids are skipped."""
        for start in range(0, len(ids), _ROWS_A_CALL):
            page = list(ids[start : start + _ROWS_A_CALL])
            self._call("delete", self._client.delete, ids=page)

    def pages(self, size: int, where: str = "") -> Iterator[list[str]]:
        """The image ids of all rows that match, in lists of at most a size."""
        # The iterator reads as of a moment of this machine's clock; a strong count makes the server
        # catch up with all that was written before.
        self.count()
        pages = self._call(
            "list", self._client.query_iterator, batch_size=size, output_fields=["image_id"],
            filter=where, consistency_level="Strong",
        )  # fmt: skip
        try:
            while batch := self._caller.plain("list", pages.next):
                yield [row["image_id"] for row in batch]
        finally:
            pages.close()

    def drop(self) -> None:
        """Delete the collection with all that is in it, for ever; one that is gone already too."""
        drop(self._client, self._uri, self._name)

    def _create(self) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("image_id", DataType.VARCHAR, is_primary=True, max_length=26)
        schema.add_field("vector", self._layout.kind, dim=self._layout.dimension)
        for name, kind, length in (*FIELDS, *LATER_FIELDS):
            schema.add_field(name, kind, **({"max_length": length} if length else {}))
        self._call(
            "create collection", self._client.create_collection, schema=schema,
            properties={"mmap.enabled": self._layout.on_disk},
        )  # fmt: skip

    def _kept(self, row: Row) -> Row:
        whole = LATER_UNKNOWN | row
        return {name: value for name, value in whole.items() if name not in self.lacks}

    def _check_schema(self) -> frozenset[str]:
        """The later fields that the collection lacks."""
        described = self._call("describe collection", self._client.describe_collection)
        fields = {field["name"]: field for field in described["fields"]}
        missing = {"image_id", "vector", *(name for name, *_ in FIELDS)} - set(fields)
        found = fields.get("vector", {}).get("params", {}).get("dim")
        if missing or found != self._layout.dimension:
            raise ContractError(
                f"Milvus at {self._uri}: collection {self._name} has dimension {found} "
                f"(expected {self._layout.dimension}) and lacks fields {sorted(missing)}: it was "
                "made by another version; use another Milvus database or a fresh PLANKTON_HOME"
            )
        return frozenset(name for name, *_ in LATER_FIELDS if name not in fields)

    def _ensure_index(self) -> None:
        """Make the index; one that is there stays as it is.

        A step of its own: whoever created the collection may have died before this one.
        """
        if self._call("list indexes", self._client.list_indexes):
            return
        index = self._client.prepare_index_params()
        index.add_index(
            "vector", index_type=self._layout.index_type, metric_type=self._layout.metric_type,
            params=dict(self._layout.build),
        )  # fmt: skip
        self._call("create index", self._client.create_index, index_params=index)
