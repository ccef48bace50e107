"""The map by the API, over SQLite."""

import json
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from plankton_stream.maps import LEAST_IMAGES
from tests.web_parts import Web, image


def decode(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What web/mapping.py says, read as it is written there."""
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    number, body = header["points"], data[4 + length :]
    types = {"x": "<u2", "y": "<u2", "taxon": "<u2", "predicted": "<u2", "camera": "<u2"}
    types |= {"version": "<u2", "state": "u1", "id": "S26"}
    columns = {
        name: np.frombuffer(body, types[name], number, offset)
        for name, offset in header["columns"].items()
    }
    return header, columns


def points(client: FlaskClient, **query: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    answer = client.get("/api/v1/map/points", query_string=query)
    assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
    return decode(answer.data)


def ids_of(columns: dict[str, np.ndarray]) -> list[str]:
    return [image_id.decode() for image_id in columns["id"]]


@pytest.fixture
def ids(web: Web) -> list[str]:
    """Four images in a row on a map that is shown."""
    ids = web.add([image(n, camera=f"cam-{n % 2}") for n in range(4)])
    places = {image_id: (float(n), 1.0 - n) for n, image_id in enumerate(sorted(ids))}
    made = web.catalog.maps.begin("test-encoder", 4, places)
    web.catalog.maps.show(made.map_id)
    return sorted(ids)


def test_without_a_map_it_says_how_many_images_it_takes(client: FlaskClient, web: Web) -> None:
    web.add([image(0)])
    view = client.get("/api/v1/map").json
    assert (view["map_id"], view["images"], view["least"]) == (None, 1, LEAST_IMAGES)
    header, columns = points(client)
    assert (header["map_id"], header["points"], ids_of(columns)) == (None, 0, [])


def test_points_have_a_place_a_name_and_a_camera(
    client: FlaskClient, web: Web, ids: list[str]
) -> None:
    web.catalog.labels.apply(LabelRequest((ids[1],), "copepod", LabelState.VALIDATED, who="ann"))
    header, columns = points(client)
    assert ids_of(columns) == ids
    left, top, right, bottom = header["bounds"]
    assert left + columns["x"] / 65_535 * (right - left) == pytest.approx([0, 1, 2, 3], abs=1e-4)
    assert top + columns["y"] / 65_535 * (bottom - top) == pytest.approx([1, 0, -1, -2], abs=1e-4)
    names = [None, *header["taxa"]]
    assert [names[code] for code in columns["taxon"]] == [None, "copepod", None, None]
    assert [header["states"][code] for code in columns["state"]][1] == "validated"
    assert columns["version"].tolist() == [0, 1, 0, 0]
    assert set(header["cameras"]) == {"cam-0", "cam-1"}
    assert client.get("/api/v1/map").json["placed"] == 4


def test_the_same_answer_is_not_sent_twice(client: FlaskClient, ids: list[str]) -> None:
    first = client.get("/api/v1/map/points")
    assert len(ids) == 4
    again = client.get("/api/v1/map/points", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get(
        "/api/v1/map/points?camera=cam-0", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert other.status_code == 200


def test_only_what_was_placed_since(client: FlaskClient, web: Web, ids: list[str]) -> None:
    header, _ = points(client)
    (late,) = web.add([image(9)])
    web.catalog.maps.place(header["map_id"], {late: (5.0, 5.0)})
    asked = {"map_id": header["map_id"], "since": header["newest"] + 1}
    newer, columns = points(client, **asked)
    assert ids_of(columns) == [late]
    assert newer["newest"] > header["newest"]
    another = web.catalog.maps.begin("test-encoder", 5, {ids[0]: (0.0, 0.0)})
    web.catalog.maps.show(another.map_id)
    anew, columns = points(client, **asked)
    assert (anew["map_id"], ids_of(columns)) == (another.map_id, ids[:1])


def test_filters_and_samples(client: FlaskClient, ids: list[str]) -> None:
    header, columns = points(client, camera="cam-0")
    assert (header["total"], len(ids_of(columns))) == (2, 2)
    assert set(ids_of(columns)) < set(ids)
    header, columns = points(client, most=1)
    assert header["total"] == 4
    assert len(ids_of(columns)) < 4


def test_a_hundred_thousand_points_are_less_than_four_megabytes() -> None:
    from plankton_stream.maps import MapPoints
    from web.mapping import encode

    number = 100_000
    many = MapPoints(
        ids=("01ARZ3NDEKTSV4RRFFQ69G5FAV",) * number, x=(0.5,) * number, y=(0.5,) * number,
        taxa=("copepod",) * number, states=("validated",) * number, versions=(70_000,) * number,
        predicted=(None,) * number, cameras=("cam-1",) * number, newest=None, total=number,
    )  # fmt: skip
    assert len(encode("01ARZ3NDEKTSV4RRFFQ69G5FAV", many)) < 4_000_000


@pytest.mark.parametrize("query", ["most=0", "most=1000000", "since=-1", "map_id=x", "nonsense=1"])
def test_bad_questions_are_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/v1/map/points?{query}").status_code == 422
