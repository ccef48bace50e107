"""Images, neighbours and uploads over the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO

import numpy as np
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from plankton_stream import images as pixels
from plankton_stream.codes import binary_codes, hamming_distances
from plankton_stream.domain import MAX_IMAGE_BYTES
from plankton_stream.predictions import Prediction
from tests.web_parts import START, Web, image, picture, turned

UNKNOWN = "01AN4Z07BY79KA1307SR9X4MV3"


@contextmanager
def counted_sql(web: Web) -> Iterator[list[str]]:
    """The statements that are run, without the brackets of transactions."""
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_):
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    sa.event.listen(web.catalog.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(web.catalog.engine, "before_cursor_execute", note)


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["image_id"] for one in answer.json["images"]]


def detail(answer, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    return answer.json["detail"]


def test_images_come_last_indexed_first(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(5)])
    assert ids(client.get("/api/v1/images")) == added[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("camera=cam-2", [2, 1]),
        ("sample=net-a", [3]),
        ("depth_min=20", [3, 2]),
        ("depth_max=20", [2, 1]),
        ("after=2026-05-01T12:00:02Z", [3, 2]),
        ("before=2026-05-01T14:00:02%2B02:00", [1, 0]),
        ("state=&camera=&taxon=", [3, 2, 1, 0]),
        ("state=unlabelled&limit=2", [3, 2]),
        ("state=validated", []),
        ("taxon=copepod", []),
    ],
)
def test_filters(web: Web, client: FlaskClient, query: str, expected: list[int]) -> None:
    changes = [
        {},
        {"camera": "cam-2", "depth_m": 10.0},
        {"camera": "cam-2", "depth_m": 20.0},
        {"sample": "net-a", "depth_m": 30.0},
    ]
    added = web.add([image(n, **change) for n, change in enumerate(changes)])
    assert ids(client.get(f"/api/v1/images?{query}")) == [added[n] for n in expected]


def proposed(web: Web, ids: list[str], taxon: str) -> None:
    """Write what the predict worker would have said."""
    web.catalog.predictions.put(
        [
            Prediction(
                image_id=i, taxon=taxon, score=0.9, margin=0.5, nearest=0.1, crowd=1.0,
                evidence=(), encoder="test-encoder", voted_at=START,
            )
            for i in ids
        ]
    )  # fmt: skip


def test_a_predicted_taxon_filters_lists_and_neighbours(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(400)])
    proposed(web, added[::2], "copepod")
    proposed(web, added[1::2], "egg")
    far = added[302:310:2]
    proposed(web, far, "salp")
    assert ids(client.get("/api/v1/images?predicted=salp")) == far[::-1]
    assert ids(client.get("/api/v1/images?predicted=salp&limit=1")) == far[-1:]
    url = f"/api/v1/images/{added[0]}/neighbours?k=3&predicted=salp"
    found = [one["image_id"] for one in client.get(url).json["neighbours"]]
    assert found == far[:3], "further away than the first search looks"
    label = {"image_ids": far[:1], "taxon": "egg"}
    assert (
        client.post("/api/v1/labels", json=label, headers={"Idempotency-Key": "k"}).status_code
        == 201
    )
    assert ids(client.get("/api/v1/images?predicted=salp")) == far[:0:-1], "named: nobody's guess"
    assert [one["image_id"] for one in client.get(url).json["neighbours"]] == far[1:4]
    assert "unknown taxon 'kraken'" in detail(client.get("/api/v1/images?predicted=kraken"), 422)
    assert ids(client.get("/api/v1/images?predicted=egg&state=validated")) == []


def test_pages_have_no_gaps_or_doubles_while_images_arrive(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(10)])
    seen: list[str] = []
    cursor, number = "", 10
    while cursor is not None:
        page = client.get(f"/api/v1/images?limit=3&cursor={cursor}")
        seen += ids(page)
        cursor = page.json["next_cursor"]
        web.add([image(number), image(number + 1)])
        number += 2
    assert seen == added[::-1]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("limit=0", 422, "greater than or equal to 1"),
        ("limit=1001", 422, "less than or equal to 1000"),
        ("state=named", 422, "'unlabelled', 'predicted', 'validated' or 'dubious'"),
        ("camera=UPPER", 422, "camera"),
        ("taxon=kraken", 422, "unknown taxon 'kraken': GET /api/v1/taxa"),
        ("after=yesterday", 422, "after"),
        ("after=2026-05-01T12:00:02", 422, "timezone"),
        ("before=9999-12-31T23:59:59-10:00", 422, "years 1 to 9999"),
        ("depth_min=nan", 422, "finite"),
        ("cursor=%00", 422, "cursor"),
        ("cursor=12-01AN4Z07BY79KA1307SR9X4MV3x", 422, "cursor"),
        ("colour=red", 422, "unknown parameters: colour; known: camera, instrument,"),
        ("camera=a&camera=b", 400, "more than once: camera"),
    ],
)
def test_bad_lists_say_what_is_allowed(
    client: FlaskClient, query: str, status: int, says: str
) -> None:
    assert says in detail(client.get(f"/api/v1/images?{query}"), status)


def test_one_image_with_its_history(web: Web, client: FlaskClient) -> None:
    (added,) = web.add([image(1, depth_m=12.5)])
    answer = client.get(f"/api/v1/images/{added}").json
    assert answer["image_id"] == added
    assert answer["camera"] == "cam-1"
    assert answer["depth_m"] == 12.5
    assert answer["captured_at"] == "2026-05-01T12:00:01Z"
    assert answer["history"] == []


@pytest.mark.parametrize("image_id", [UNKNOWN, "x", "%00", "01an4z07by79ka1307sr9x4mv3"])
@pytest.mark.parametrize("path", ["", "/content", "/thumbnail", "/neighbours"])
def test_unknown_images_are_404(client: FlaskClient, image_id: str, path: str) -> None:
    assert "image" in detail(client.get(f"/api/v1/images/{image_id}{path}"), 404)


def test_content_is_the_original_and_cached(web: Web, client: FlaskClient) -> None:
    (added,) = web.add([image(0)])
    answer = client.get(f"/api/v1/images/{added}/content")
    assert answer.data == picture(0)
    assert answer.mimetype == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    known = {"If-None-Match": answer.headers["ETag"]}
    again = client.get(f"/api/v1/images/{added}/content", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "private, no-cache"
    web.add([image(0, sha256="f" * 64)])
    assert client.get(f"/api/v1/images/{added}/content", headers=known).status_code == 200


def test_thumbnails_are_png_also_of_tiff(web: Web, client: FlaskClient) -> None:
    import cv2

    (added,) = web.add([image(0, content_type="image/tiff")])
    tiff = cv2.imencode(".tiff", np.full((300, 500), 90, np.uint8))[1].tobytes()
    web.store.put(added, "image/tiff", tiff)
    answer = client.get(f"/api/v1/images/{added}/thumbnail?size=100")
    assert answer.mimetype == "image/png"
    assert pixels.decode(answer.data, "image/png").shape == (60, 100)
    assert "less than or equal to 1024" in detail(
        client.get(f"/api/v1/images/{added}/thumbnail?size=2000"), 422
    )


def test_neighbours_are_ranked_with_their_metadata(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(30)])
    answer = client.get(f"/api/v1/images/{added[0]}/neighbours?k=20").json
    assert answer["encoder"] == "test-encoder", "whose vectors were compared"
    found = answer["neighbours"]
    distances = [one["distance"] for one in found]
    assert [one["image_id"] for one in found] == added[1:21]
    assert distances == sorted(distances)
    assert {(one["camera"], one["state"], one["taxon"]) for one in found} == {
        ("cam-1", "unlabelled", None)
    }


def test_metrics_of_neighbours(web: Web, client: FlaskClient) -> None:
    added = web.add([image(0), image(1)], np.stack([turned(0.0), turned(np.pi / 2)]))
    url = f"/api/v1/images/{added[0]}/neighbours"
    for metric, distance in (("cosine", 1.0), ("l2", 2**0.5)):
        (found,) = client.get(f"{url}?metric={metric}").json["neighbours"]
        assert found["distance"] == pytest.approx(distance, abs=1e-5)


def test_hamming_counts_the_bits_in_which_codes_differ(web: Web, client: FlaskClient) -> None:
    vectors = np.stack([turned(0.1 * n) for n in range(20)])
    added = web.add([image(n) for n in range(20)], vectors)
    codes = binary_codes(vectors)
    bits = hamming_distances(codes[0], codes).tolist()
    answer = client.get(f"/api/v1/images/{added[0]}/neighbours?metric=hamming").json
    assert {one["image_id"]: one["distance"] for one in answer["neighbours"]} == dict(
        zip(added[1:], bits[1:], strict=True)
    )
    found = upload(client, picture(0), "?metric=hamming").json["neighbours"]
    assert [one["distance"] for one in found] == sorted(bits)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("k=0", "greater than or equal to 1"),
        ("k=10001", "less than or equal to 10000"),
        ("k=many", "integer"),
        ("metric=euclid", "'cosine', 'l2' or 'hamming'"),
        ("taxon=kraken", "unknown taxon"),
    ],
)
def test_bad_neighbour_queries(web: Web, client: FlaskClient, query: str, says: str) -> None:
    (added,) = web.add([image(0)])
    assert says in detail(client.get(f"/api/v1/images/{added}/neighbours?{query}"), 422)


class CountingIndex:
    """Passes calls on and counts them."""

    def __init__(self, index) -> None:
        self.index, self.calls, self.encoder = index, [], index.encoder

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.calls.append(name)
            return getattr(self.index, name)(*args, **kwargs)

        return call


def test_neighbours_cost_two_index_calls_and_one_statement(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(300)])
    counting = CountingIndex(web.index)
    web.index = counting
    with counted_sql(web) as statements:
        found = client.get(f"/api/v1/images/{added[0]}/neighbours?k=200&camera=cam-1")
    assert len(found.json["neighbours"]) == 200
    assert counting.calls == ["vector", "search"]
    assert len(statements) == 1, statements


def test_a_search_costs_one_index_call_and_one_statement(web: Web, client: FlaskClient) -> None:
    web.add([image(n) for n in range(20)])
    counting = CountingIndex(web.index)
    web.index = counting
    with counted_sql(web) as statements:
        found = upload(client, picture(0), "?k=5")
    assert len(found.json["neighbours"]) == 5
    assert (counting.calls, len(statements)) == (["search"], 1)


def test_a_position_box_a_project_and_an_instrument_filter(web: Web, client: FlaskClient) -> None:
    places = [{"latitude": 54.0, "longitude": east, "project": "tara"} for east in (7.0, 179.0)]
    here, there = web.add([image(n, **place) for n, place in enumerate(places)])
    (sea,) = web.add([image(2, instrument="UVP 6")])
    for query, expected in (
        ("lat_min=53&lat_max=55&lon_min=6&lon_max=8", {here}),
        ("lon_min=170&lon_max=-170", {there}),
        ("project=tara", {here, there}),
        ("instrument=UVP%206", {sea}),
    ):
        found = client.get(f"/api/v1/images?{query}").json["images"]
        assert {one["image_id"] for one in found} == expected
        near = client.get(f"/api/v1/images/{here}/neighbours?{query}").json["neighbours"]
        assert {one["image_id"] for one in near} == expected - {here}
    assert "90" in detail(client.get("/api/v1/images?lat_min=91"), 422)


def upload(client: FlaskClient, data: bytes, query: str = "", **fields: str):
    form = {"image": (BytesIO(data), "query.png"), **fields}
    return client.post(f"/api/v1/search{query}", data=form)


def test_an_uploaded_picture_finds_its_neighbours(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n, camera=f"cam-{n % 2}") for n in range(10)])
    found = upload(client, picture(0), k="3", camera="cam-0").json["neighbours"]
    assert [one["image_id"] for one in found] == [added[0], added[2], added[4]]


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (b"", 422, "empty"),
        (b"hello", 422, "image/png, image/jpeg, image/tiff"),
        (picture(0)[:-30], 422, "cut off"),
        (b"\x89PNG" + bytes(MAX_IMAGE_BYTES), 413, f"{MAX_IMAGE_BYTES} bytes"),
        (bytes(MAX_IMAGE_BYTES + 100_000), 413, f"{MAX_IMAGE_BYTES} bytes"),
    ],
    ids=["empty", "text", "truncated", "large file", "large request"],
)
def test_bad_uploads(client: FlaskClient, data: bytes, status: int, says: str) -> None:
    assert says in detail(upload(client, data), status)


def test_uploads_without_an_image(client: FlaskClient) -> None:
    assert "'image'" in detail(client.post("/api/v1/search", data={"k": "1"}), 400)
    assert "multipart/form-data" in detail(client.post("/api/v1/search", data=picture(0)), 400)
    broken = client.post(
        "/api/v1/search", data=b"--x\r\nnot a form", content_type="multipart/form-data; boundary=x"
    )
    assert detail(broken, 400)


def test_an_index_that_is_away_is_503(web: Web, client: FlaskClient) -> None:
    (added,) = web.add([image(0)])
    web.index.available = False
    answer = client.get(f"/api/v1/images/{added}/neighbours")
    assert "away" in detail(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_label_filters_follow_the_catalog(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(6)])
    client.post(
        "/api/v1/labels",
        json={"image_ids": added[2:4], "taxon": "copepod", "state": "validated"},
        headers={"Idempotency-Key": "a"},
    )
    assert ids(client.get("/api/v1/images?taxon=copepod&state=validated")) == added[3:1:-1]
    # The index has not heard of the label yet: what the catalog knows better is left out.
    url = f"/api/v1/images/{added[0]}/neighbours?state=unlabelled"
    found = client.get(url).json["neighbours"]
    assert [one["image_id"] for one in found] == [added[1], added[4], added[5]]


def test_times_are_those_of_the_capture(web: Web, client: FlaskClient) -> None:
    late = START + timedelta(days=400)
    web.add([image(0, indexed_at=late)])
    assert ids(client.get("/api/v1/images?after=2027-01-01T00:00:00Z")) == []


def test_the_size_of_an_uploaded_picture_s_pixels_reaches_the_encoder(
    web: Web, client: FlaskClient
) -> None:
    web.add([image(0)])
    assert upload(client, picture(0), pixel_size_um="2.5").status_code == 200
    assert upload(client, picture(0)).status_code == 200
    assert web.encoder.pixel_sizes_um == [2.5, None]
    assert "pixel_size_um" in detail(upload(client, picture(0), pixel_size_um="0"), 422)
