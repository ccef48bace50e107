"""The indexes of all encoder versions whose vectors are kept."""

from collections.abc import Callable

from plankton_stream.adapters.sql import Catalog
from plankton_stream.errors import RetryableError
from plankton_stream.ports import VectorIndex


class KeptIndexes:
    """Follows the catalog: each is opened once, and forgotten when its version is given up."""

    def __init__(self, catalog: Catalog, open_index: Callable[[str, int], VectorIndex]) -> None:
        self._catalog, self._open_index = catalog, open_index
        self._open: dict[str, VectorIndex] = {}

    def __call__(self) -> list[VectorIndex]:
        """The indexes as of now.

        Raises:
            RetryableError: a part does not answer, or nothing is indexed yet.
        """
        kept = self._catalog.encoders.kept()
        if not kept:
            raise RetryableError("no embed worker has started yet")
        self._open = {
            v.encoder: self._open.get(v.encoder) or self._open_index(v.encoder, v.dimension)
            for v in kept
        }
        return list(self._open.values())


class SearchedIndex:
    """The index of the live version: opened once, and again when another version goes live."""

    def __init__(self, catalog: Catalog, open_index: Callable[[str, int], VectorIndex]) -> None:
        self._catalog, self._open_index = catalog, open_index
        self._open: VectorIndex | None = None

    def __call__(self) -> VectorIndex:
        """The index as of now.

        Raises:
            RetryableError: a part does not answer, or nothing is indexed yet.
        """
        live = self._catalog.encoders.live()
        if live is None:
            raise RetryableError("no embed worker has started yet")
        if self._open is None or self._open.encoder != live[0]:
            self._open = self._open_index(*live)
        return self._open
