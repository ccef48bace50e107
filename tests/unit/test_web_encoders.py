"""Encoder versions in the API, and that a search is of one version."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient

from plankton_stream.settings import Settings
from plankton_stream.testing import FixedQueryEncoder, MemoryIndex
from plankton_stream.versions import EncoderSpec
from tests.web_parts import DIMENSION, QUERY, Web, image, picture
from web.app import create_app
from web.parts import LiveIndex, Parts
from web.totals import Totals


def test_progress_of_a_publish(web: Web, client: FlaskClient) -> None:
    web.catalog.encoders.publish("enc-2", DIMENSION, EncoderSpec(source="mine.keras"), who="ada")
    web.catalog.encoders.report("enc-2", done=250, total=1_000, images_per_s=50.0)
    new, live = client.get("/api/v1/encoders").json["encoders"]
    assert (new["encoder"], new["state"], new["filling"]) == ("enc-2", "candidate", True)
    assert (new["done"], new["total"], new["eta_s"], new["source"]) == (
        250, 1_000, 15.0, "mine.keras",
    )  # fmt: skip
    assert (live["encoder"], live["state"], live["eta_s"]) == ("test-encoder", "live", None)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("/home/ada/secret project/a.keras", "a.keras"),
        ("compact, /home/ada/b.weights.h5", "compact, b.weights.h5"),
        ("compact, shipped", "compact, shipped"),
        ("", ""),
    ],
)
def test_where_files_of_the_publisher_lie_is_not_shown(
    web: Web, client: FlaskClient, source: str, shown: str
) -> None:
    web.catalog.encoders.publish("enc-2", DIMENSION, EncoderSpec(source=source), who="ada")
    assert client.get("/api/v1/encoders").json["encoders"][0]["source"] == shown


def test_an_upload_is_embedded_by_the_version_of_the_index_that_is_searched(web: Web) -> None:
    web.add([image(n) for n in range(3)])
    asked = FixedQueryEncoder(QUERY)
    index = LiveIndex(web.catalog.encoders.live, lambda encoder, _: MemoryIndex(encoder))
    totals = Totals(web.catalog, web.live, lambda: web.lag)
    parts = Parts(web.catalog, index, web.store, asked, web.live, totals)
    client = create_app(parts, Settings(auth="none", _env_file=None)).test_client()

    def search() -> str:
        form = {"image": (BytesIO(picture(0)), "a.png")}
        answer = client.post("/api/v1/search", data=form)
        assert answer.status_code == 200
        return str(answer.json["encoder"])

    assert search() == "test-encoder"
    web.catalog.encoders.publish("enc-2", DIMENSION, EncoderSpec(), who="ada")
    web.catalog.encoders.finish("enc-2")
    # The page has not noticed yet, and goes on with the version that it has open.
    assert search() == "test-encoder"
    index.refresh()
    assert search() == "enc-2"
    assert asked.asked == ["test-encoder", "test-encoder", "enc-2"]
