"""The embed worker's HTTP endpoint: query images, health and metrics.

It binds a loopback address by default and has no login: whoever reaches it can have images
embedded, and nothing else.
"""

import math
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from plankton_stream.domain import MAX_IMAGE_BYTES
from plankton_stream.errors import ConfigError, PlanktonError, RejectedError
from plankton_stream.images import Pixels, decode
from workers.encoders import Encoder
from workers.versions.loaded import LoadedVersions

VERSION_HEADER = "Encoder"
"""Header of an answer that names the encoder version of its vector."""


def serve(versions: LoadedVersions, host: str, port: int) -> ThreadingHTTPServer:
    """Answer in background threads until the server's `shutdown`.

    `POST /embed?encoder=ID&pixel_size_um=10` takes an image and gives its vector of that encoder
    version, of the live one without an id, as float32 bytes in the machine's order; the header
    `Encoder` names the version. Without its pixels' size an image is as large as its pixels are
    many. `GET /healthz` gives the live version's id, `GET /metrics` the process' memory and time.

    Raises:
        ConfigError: the port is taken.
    """
    handler = type("EmbedHandler", (_Handler,), {"versions": versions})
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        raise ConfigError(
            f"the embed worker's endpoint can't bind {host}:{port} ({error.strerror}): "
            "free the port or set PLANKTON_EMBED_PORT"
        ) from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="endpoint", daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    """One request. `versions` is set by `serve`."""

    versions: LoadedVersions

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._with_encoder("", self._say_health)
        elif self.path == "/metrics":
            self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest())
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there are /embed, /healthz and /metrics")

    def do_POST(self) -> None:
        target = urlsplit(self.path)
        if target.path != "/embed":
            self._refuse(HTTPStatus.NOT_FOUND, "POST an image to /embed")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or not 0 < int(length) <= MAX_IMAGE_BYTES:
            self.close_connection = True
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, f"send 1…{MAX_IMAGE_BYTES} bytes")
            return
        data = self.rfile.read(int(length))
        try:
            pixels = decode(data, self.headers.get("Content-Type", ""))
        except RejectedError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
            return
        query = parse_qs(target.query)
        try:
            pixel_um = _pixel_size(query.get("pixel_size_um", [""])[0])
        except ValueError:
            problem = "pixel_size_um is a number of micrometres above 0"
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
            return
        asked = query.get("encoder", [""])[0]
        self._with_encoder(asked, lambda encoder: self._say_vector(encoder, pixels, pixel_um))

    def _with_encoder(self, asked: str, answer: Callable[[Encoder], None]) -> None:
        try:
            version = self.versions.get(asked) if asked else self.versions.live()
        except PlanktonError as error:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
            return
        if version is None:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"encoder {asked!r} is not loaded here")
        else:
            answer(version.encoder)

    def _say_health(self, encoder: Encoder) -> None:
        self._answer(HTTPStatus.OK, "text/plain", encoder.identity.id.encode())

    def _say_vector(self, encoder: Encoder, pixels: Pixels, pixel_um: float | None) -> None:
        try:
            vector = encoder.encode([pixels], [pixel_um])[0]
        except RejectedError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
            return
        body = vector.tobytes()
        self._answer(HTTPStatus.OK, "application/octet-stream", body, encoder.identity.id)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are not logged: the web server has its own log."""

    def _answer(
        self,
        status: HTTPStatus,
        content_type: str,
        body: bytes,
        encoder: str | None = None,
    ) -> None:
        self.send_response(status)
        if encoder is not None:
            self.send_header(VERSION_HEADER, encoder)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._answer(status, "text/plain; charset=utf-8", why.encode())


def _pixel_size(text: str) -> float | None:
    """Micrometres, or None where it is not told.

    Raises:
        ValueError: it is no positive number.
    """
    size = float(text) if text else None
    if size is not None and not 0 < size < math.inf:
        raise ValueError(text)
    return size
