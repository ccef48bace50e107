"""A throw-away Milvus collection, to compare kinds of index on the same vectors.

The product's own collections are in `milvus`; this one holds vectors only, all of them flushed and
indexed before the first search, so that it shows the index and not the rows that wait for it.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient

from plankton_stream.adapters.milvus.calls import Caller
from plankton_stream.errors import RetryableError
from plankton_stream.ports import Vector

_TIMEOUT_S = 120.0
_ROWS_A_CALL = 2_000  # a call may have 64 MB
_QUERIES_A_CALL = 200
# The cosine, as the vectors have unit length. Not COSINE: with `queryNode.mmapDirPath` set, as our
# embedded server has it, Milvus 2.3.5 builds an IVF_FLAT for it that it then cannot load.
_METRIC = "IP"


@dataclass(frozen=True, slots=True)
class TrialIndex:
    """A kind of index with its parameters.

    Attributes:
        kind: Milvus' name, e.g. HNSW, IVF_FLAT.
        build: its parameters.
        search: the parameters of a search for k images.
    """

    kind: str
    build: dict[str, int]
    search: Callable[[int], dict[str, int]] = field(repr=False)


class TrialCollection:
    """Vectors in a Milvus collection of their own, which is dropped at the end of the block."""

    def __init__(self, uri: str, vectors: Vector, index: TrialIndex, *, token: str = "") -> None:
        """Create, fill, index and load the collection.

        Args:
            uri: of a Milvus server.
            vectors: (n, d) float32, unit length; a vector's id is its row.
            index: how they are searched, by the cosine.
            token: user:password or token of the server.

        Raises:
            RetryableError: Milvus does not answer.
        """
        self._index = index
        caller = Caller(uri, f"trial_{uuid4().hex}", _TIMEOUT_S)
        self._call = partial(caller.about, f"a trial of {index.kind}")
        self._client: Any = caller.plain(
            "connecting", MilvusClient, uri=uri, token=token, timeout=_TIMEOUT_S
        )
        try:
            self._fill(vectors)
        except BaseException:  # also Ctrl-C: nobody else knows the collection's name
            with suppress(RetryableError):
                self._drop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop()

    def search(self, queries: Vector, k: int) -> NDArray[np.int64]:
        """The rows of the k nearest vectors of each query, (q, k), nearest first; -1 for none."""
        found = np.full((len(queries), k), -1, dtype=np.int64)
        how = {"metric_type": _METRIC, "params": self._index.search(k)}
        for start in range(0, len(queries), _QUERIES_A_CALL):
            data = list(queries[start : start + _QUERIES_A_CALL])
            answers = self._call(
                self._client.search, data=data, limit=k, search_params=how,
                consistency_level="Bounded",
            )  # fmt: skip
            for row, hits in enumerate(answers, start):
                found[row, : len(hits)] = [hit["id"] for hit in hits]
        return found

    def _drop(self) -> None:
        try:
            self._call(self._client.drop_collection)
        finally:
            self._client.close()

    def _fill(self, vectors: Vector) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        self._call(self._client.create_collection, schema=schema)
        rows = [{"row": row, "vector": vector} for row, vector in enumerate(vectors)]
        for start in range(0, len(rows), _ROWS_A_CALL):
            self._call(self._client.insert, data=rows[start : start + _ROWS_A_CALL])
        self._call(self._client.flush)
        params = self._client.prepare_index_params()
        params.add_index(
            "vector", index_type=self._index.kind, metric_type=_METRIC, params=self._index.build
        )
        self._call(self._client.create_index, index_params=params)  # returns when it is built
        self._call(self._client.load_collection)
