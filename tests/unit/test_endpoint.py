"""The embed worker's endpoint: the size of a query image's pixels reaches the encoder."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from plankton_stream.adapters.embedding import HttpQueryEncoder
from tests.services import some_free_port
from workers.encoders import EncoderIdentity
from workers.endpoint import serve

PICTURE = cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes()


class SizeEncoder:
    """Says how large a pixel was told to be."""

    identity = EncoderIdentity("size", "v1", "0" * 16, 1, 1, "none")

    def encode(self, images: Sequence[Any], pixel_um: Sequence[float | None]) -> np.ndarray:
        assert len(images) == len(pixel_um)
        return np.array([[-1 if um is None else um] for um in pixel_um], np.float32)


@pytest.fixture
def url() -> Iterator[str]:
    version = SimpleNamespace(encoder=SizeEncoder())
    versions: Any = SimpleNamespace(get=lambda _: version, live=lambda: version)
    port = some_free_port()
    server = serve(versions, "127.0.0.1", port)
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("told", "got"), [(2.5, 2.5), (None, -1)])
def test_the_size_of_a_pixel_reaches_the_encoder(url: str, told: float | None, got: float) -> None:
    encoder = SizeEncoder.identity.id
    vector = HttpQueryEncoder(url).encode(PICTURE, "image/png", encoder, pixel_size_um=told)
    assert vector.tolist() == [got]


@pytest.mark.parametrize("size", ["0", "-1", "nan", "inf", "large"])
def test_a_size_that_is_none_is_refused(url: str, size: str) -> None:
    answer = httpx.post(
        f"{url}/embed?pixel_size_um={size}", content=PICTURE, headers={"Content-Type": "image/png"}
    )
    assert answer.status_code == 422
    assert "micrometres above 0" in answer.text
