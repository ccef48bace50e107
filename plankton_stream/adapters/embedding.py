"""Query images are embedded by an embed worker, over its HTTP endpoint."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import numpy as np

from plankton_stream.errors import ConfigError, RejectedError, RetryableError
from plankton_stream.ports import Vector

_TIMEOUT_S = 10.0


class HttpQueryEncoder:
    """`QueryEncoder` that posts the image to `<url>/embed` and gets float32 bytes back."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"PLANKTON_EMBED_URL {url!r} is not an http(s) URL")
        self._url = url
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port = parts.hostname, parts.port

    def encode(self, data: bytes, content_type: str) -> Vector:
        """See `QueryEncoder.encode`."""
        connection = self._kind(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", "/embed", data, {"Content-Type": content_type})
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise RetryableError(f"no embed worker answers at {self._url}: {error}") from error
        finally:
            connection.close()
        if response.status == 422:
            raise RejectedError(body.decode(errors="replace"))
        if response.status != 200:
            raise RetryableError(f"embed worker at {self._url} answered {response.status}")
        return np.frombuffer(body, np.float32)
