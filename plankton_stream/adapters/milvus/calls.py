"""Calls to Milvus: whatever its client raises is one error here, with the server's address."""

from typing import Any

import grpc
from pymilvus import MilvusException

from plankton_stream.errors import RetryableError

# pymilvus lets some of gRPC's own errors through, a deadline that has passed among them.
AWAY = (MilvusException, grpc.RpcError)


class Caller:
    """Calls methods of pymilvus about one collection."""

    def __init__(self, uri: str, name: str, timeout_s: float) -> None:
        """Nothing is called yet.

        Args:
            uri: of the server; named in errors.
            name: of the collection.
            timeout_s: of each call.
        """
        self._uri, self._name, self._timeout_s = uri, name, timeout_s

    def about(self, what: str, function: Any, **arguments: Any) -> Any:
        """Call a function with the collection's name and the timeout besides its arguments.

        Args:
            what: is being done, for the error.
            function: a method of `MilvusClient`.
            arguments: its own.

        Raises:
            RetryableError: Milvus does not answer, or refuses.
        """
        options = {"collection_name": self._name, "timeout": self._timeout_s}
        return self.plain(what, function, **options, **arguments)

    def plain(self, what: str, function: Any, **arguments: Any) -> Any:
        """Call a function with nothing but its arguments; otherwise as `about`."""
        try:
            return function(**arguments)
        except AWAY as error:
            raise RetryableError(
                f"Milvus at {self._uri}: {what} in {self._name} failed: {error}"
            ) from error
