"""Real parts from the settings, for commands that look after what is stored."""

from collections.abc import Callable

from plankton_stream.ports import VectorIndex
from plankton_stream.settings import Settings


def index_opener(settings: Settings) -> Callable[[str, int], VectorIndex]:
    """Opens the vector index of an encoder version, by its id and dimension."""

    def open_index(encoder: str, dimension: int) -> VectorIndex:
        from plankton_stream.adapters.milvus import MilvusIndex  # noqa: PLC0415  (slow to import)

        return MilvusIndex(
            settings.milvus_uri, encoder=encoder, dimension=dimension,
            token=settings.milvus_token, candidates=settings.search_candidates,
        )  # fmt: skip

    return open_index
