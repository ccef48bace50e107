"""The embed worker's HTTP endpoint: query images, health and metrics.

It binds a loopback address by default and has no login: whoever reaches it can have images
embedded, and nothing else.
"""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from plankton_stream.domain import MAX_IMAGE_BYTES
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import decode
from workers.encoders import Encoder


def serve(encoder: Encoder, host: str, port: int) -> ThreadingHTTPServer:
    """Answer in background threads until the server's `shutdown`.

    `POST /embed` takes an image and gives its vector as float32 bytes in the machine's order.
    `GET /healthz` gives the encoder's id, `GET /metrics` the process' memory and time.

    Raises:
        ConfigError: the port is taken.
    """
    handler = type("EmbedHandler", (_Handler,), {"encoder": encoder})
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
    """One request. `encoder` is set by `serve`."""

    encoder: Encoder

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, "text/plain", self.encoder.identity.id.encode())
        elif self.path == "/metrics":
            self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest())
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there are /embed, /healthz and /metrics")

    def do_POST(self) -> None:
        if self.path != "/embed":
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
        vector = self.encoder.encode([pixels])[0]
        self._answer(HTTPStatus.OK, "application/octet-stream", vector.tobytes())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are not logged: the web server has its own log."""

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._answer(status, "text/plain; charset=utf-8", why.encode())
