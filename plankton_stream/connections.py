"""Real parts from the settings, for commands that look after what is stored."""

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from plankton_stream.settings import Settings

if TYPE_CHECKING:  # `plankton --help` needs no SQL and no NumPy
    from plankton_stream.adapters.sql import Catalog
    from plankton_stream.ports import VectorIndex


def open_catalog(settings: Settings) -> "closing[Catalog]":
    """The catalog, for a `with` block that closes it."""
    from plankton_stream.adapters.sql import Catalog  # noqa: PLC0415  (slow to import)

    return closing(Catalog(settings.catalog_url))


def index_opener(settings: Settings) -> "Callable[[str, int], VectorIndex]":
    """Opens the vector index of an encoder version, by its id and dimension."""

    def open_index(encoder: str, dimension: int) -> "VectorIndex":
        from plankton_stream.adapters.milvus import MilvusIndex  # noqa: PLC0415  (slow to import)

        return MilvusIndex(
            settings.milvus_uri, encoder=encoder, dimension=dimension,
            token=settings.milvus_token, candidates=settings.search_candidates,
        )  # fmt: skip

    return open_index
