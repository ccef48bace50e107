"""`QueryEncoder`: over HTTP against a small server, and the one that gives a fixed vector."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from plankton_stream.adapters.embedding import HttpQueryEncoder
from plankton_stream.errors import ConfigError, RejectedError, RetryableError
from plankton_stream.ports import QueryEncoder
from plankton_stream.testing import FixedQueryEncoder

VECTOR = np.array([0.6, -0.8, 0.0], np.float32)


@dataclass
class Worker:
    """An embed worker's endpoint: what it answers, and what it was asked."""

    status: int = 200
    body: bytes = VECTOR.tobytes()
    url: str = ""
    made_by: str = "enc-1"
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            worker.asked.append((self.path, self.headers["Content-Type"], data))
            empty = not data
            self.send_response(422 if empty else worker.status)
            self.send_header("Encoder", worker.made_by)
            self.end_headers()
            self.wfile.write(b"the image is empty" if empty else worker.body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    worker.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield worker
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["fixed", "http"])
def encoder(request: pytest.FixtureRequest, worker: Worker) -> QueryEncoder:
    return FixedQueryEncoder(VECTOR) if request.param == "fixed" else HttpQueryEncoder(worker.url)


def test_an_image_becomes_a_vector(encoder: QueryEncoder) -> None:
    vector = encoder.encode(b"png", "image/png", "enc-1")
    assert vector.dtype == np.float32
    assert np.array_equal(vector, VECTOR)


def test_no_bytes_are_rejected(encoder: QueryEncoder) -> None:
    with pytest.raises(RejectedError, match="empty"):
        encoder.encode(b"", "image/png", "enc-1")


def test_the_worker_gets_the_bytes_and_their_type_below_the_url(worker: Worker) -> None:
    worker.made_by = "enc 2"
    HttpQueryEncoder(worker.url + "/behind/a/proxy/").encode(b"\0\xff", "image/tiff", "enc 2")
    assert worker.asked == [("/behind/a/proxy/embed?encoder=enc%202", "image/tiff", b"\0\xff")]


def test_the_worker_gets_the_size_of_a_pixel(worker: Worker) -> None:
    client = HttpQueryEncoder(worker.url)
    client.encode(b"\0", "image/png", "enc-1", pixel_size_um=2.5)
    (path, *_) = worker.asked[-1]
    assert path == "/embed?encoder=enc-1&pixel_size_um=2.5"


def test_what_the_worker_rejects_is_rejected_in_its_words(worker: Worker) -> None:
    worker.status, worker.body = 422, "kein Bild: ü".encode()
    with pytest.raises(RejectedError, match="kein Bild: ü"):
        HttpQueryEncoder(worker.url).encode(b"x", "image/png", "enc-1")


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"oops"), (503, b""), (200, b"12345"), (200, b"")]
)
def test_a_worker_in_trouble_is_asked_again_later(worker: Worker, status: int, body: bytes) -> None:
    worker.status, worker.body = status, body
    with pytest.raises(RetryableError, match=str(status)):
        HttpQueryEncoder(worker.url).encode(b"x", "image/png", "enc-1")


def test_a_vector_of_another_encoder_version_is_refused(worker: Worker) -> None:
    worker.made_by = "enc-2"
    with pytest.raises(RetryableError, match=r"enc-2.*enc-1"):
        HttpQueryEncoder(worker.url).encode(b"x", "image/png", "enc-1")


def test_a_worker_that_is_away_is_named() -> None:
    with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1"):
        HttpQueryEncoder("http://127.0.0.1:1").encode(b"x", "image/png", "enc-1")


@pytest.mark.parametrize("url", ["", "127.0.0.1:8081", "ftp://host", "http://", "http://host:port"])
def test_a_url_that_is_none_is_a_wrong_setting(url: str) -> None:
    make: Callable[[str], QueryEncoder] = HttpQueryEncoder
    with pytest.raises(ConfigError, match="PLANKTON_EMBED_URL"):
        make(url)
