"""The vector index on Milvus (2.3 embedded, or a newer server), through pymilvus."""

from plankton_stream.adapters.milvus.collection import ping
from plankton_stream.adapters.milvus.index import MilvusIndex, drop_index

__all__ = ["MilvusIndex", "drop_index", "ping"]
