"""Query images are embedded by an embed worker, over its HTTP endpoint."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

import numpy as np

from plankton_stream.errors import ConfigError, RejectedError, RetryableError
from plankton_stream.ports import Vector

_TIMEOUT_S = 10.0


class HttpQueryEncoder:
    """`QueryEncoder` that posts the image to `<url>/embed` and gets float32 bytes back.

    The answer names the encoder version of its vector in the header `Encoder`.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigError(f"PLANKTON_EMBED_URL {url!r}: {error}") from error
        if parts.scheme not in ("http", "https") or not self._host:
            raise ConfigError(f"PLANKTON_EMBED_URL {url!r} is not an http(s) URL")
        self._url = url
        self._path = parts.path.rstrip("/") + "/embed"
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection

    def encode(
        self, data: bytes, content_type: str, encoder: str, *, pixel_size_um: float | None = None
    ) -> Vector:
        """See `QueryEncoder.encode`."""
        connection = self._kind(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            path = f"{self._path}?encoder={quote(encoder, safe='')}"
            if pixel_size_um is not None:
                path += f"&pixel_size_um={pixel_size_um!r}"
            connection.request("POST", path, data, {"Content-Type": content_type})
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise RetryableError(f"no embed worker answers at {self._url}: {error}") from error
        finally:
            connection.close()
        if response.status == 422:
            raise RejectedError(body.decode(errors="replace"))
        if response.status != 200 or not body or len(body) % 4:
            raise RetryableError(
                f"embed worker at {self._url} answered {response.status}, {len(body)} bytes"
            )
        if (made_by := response.headers.get("Encoder")) != encoder:
            raise RetryableError(
                f"embed worker at {self._url} answered with encoder {made_by!r}, not {encoder!r}"
            )
        return np.frombuffer(body, np.float32)
