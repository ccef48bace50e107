"""What lies around an image, by the API, and the pages of images and of nothing."""

import numpy as np
import pytest
from flask.testing import FlaskClient

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import Box, Cut, LabelState, image_id
from plankton_stream.predictions import Prediction
from plankton_stream.votes import Voter
from tests.web_parts import START, Web, image

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def mates(web: Web) -> list[str]:
    """Two images of one frame of 200 by 100 pixels."""
    one = image(0)
    boxes = (Box(10, 20, 48, 32), Box(100, 50, 48, 32))
    web.catalog.cuts.record(
        Cut(
            capture=one.capture, frame_key=one.frame_key, boxes=boxes, width_px=200,
            height_px=100, left_out={"too_small": 3},
        )
    )  # fmt: skip
    ids = [image_id(one.capture, one.frame_key, box) for box in boxes]
    cut = [
        one.model_copy(update={"image_id": i, "box": box})
        for i, box in zip(ids, boxes, strict=True)
    ]
    return web.add(cut)


def test_the_frame_names_its_size_and_its_images(client: FlaskClient, mates: list[str]) -> None:
    frame = client.get(f"/api/v1/images/{mates[0]}/frame").json
    assert (frame["width_px"], frame["height_px"]) == (200, 100)
    assert {one["image_id"]: one["box"] for one in frame["images"]} == {
        mates[0]: [10, 20, 48, 32], mates[1]: [100, 50, 48, 32],
    }  # fmt: skip
    assert frame["left_out"] == {"too_small": 3}


def test_before_and_after(client: FlaskClient, web: Web) -> None:
    ids = web.add([image(n) for n in range(3)])
    beside = client.get(f"/api/v1/images/{ids[1]}/beside").json
    assert (beside["before"]["image_id"], beside["after"]["image_id"]) == (ids[0], ids[2])
    assert client.get(f"/api/v1/images/{ids[0]}/beside").json["before"] is None


def test_a_prediction_comes_with_its_evidence(client: FlaskClient, web: Web) -> None:
    ids = web.add([image(n) for n in range(2)])
    nothing = client.get(f"/api/v1/images/{ids[0]}/prediction").json
    assert (nothing["predicted"], nothing["evidence"]) == (None, [])
    voter = Voter(image_id=ids[1], taxon="copepod", distance=0.1)
    vote = Prediction(
        image_id=ids[0], taxon="copepod", score=0.8, margin=0.6, nearest=0.1, crowd=1.0,
        evidence=(voter,), encoder="test-encoder", voted_at=START,
    )  # fmt: skip
    web.catalog.predictions.put([vote])
    said = client.get(f"/api/v1/images/{ids[0]}/prediction").json
    assert (said["predicted"], said["evidence"][0]["image_id"]) == ("copepod", ids[1])


def test_images_are_looked_up_in_the_order_asked_for(client: FlaskClient, web: Web) -> None:
    ids = web.add([image(n) for n in range(3)])
    asked = [ids[2], NOBODY, ids[0], ids[2]]
    found = client.post("/api/v1/images/lookup", json={"image_ids": asked}).json["images"]
    assert [one["image_id"] for one in found] == [ids[2], ids[0]]
    too_many = {"image_ids": [ids[0]] * 1_001}
    assert client.post("/api/v1/images/lookup", json=too_many).status_code == 422


@pytest.mark.parametrize("what", ["frame", "beside", "prediction"])
def test_an_unknown_image_has_no_surroundings(client: FlaskClient, what: str) -> None:
    for unknown in (NOBODY, "nonsense"):
        answer = client.get(f"/api/v1/images/{unknown}/{what}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_the_image_page_names_what_it_shows(client: FlaskClient, web: Web) -> None:
    (known,) = web.add([image(0)])
    request = LabelRequest((known,), "copepod", LabelState.VALIDATED, who="ann")
    web.catalog.labels.apply(request)
    page = client.get(f"/images/{known}", headers=HTML)
    assert page.status_code == 200
    assert f'data-image="{known}"' in page.text
    assert "copepod" in page.text


@pytest.mark.parametrize("path", [f"/images/{NOBODY}", "/images/<b>x", "/no-such-page"])
def test_people_get_a_page_where_there_is_nothing(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=HTML)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Nothing is here" in page.text
    assert "To the bench" in page.text
    assert "<b>x" not in page.text


def test_programs_get_a_problem_where_there_is_nothing(client: FlaskClient) -> None:
    for path, headers in (("/no-such-page", {}), ("/api/v1/nothing", HTML)):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_far_neighbours_are_no_concern_of_a_lookup(client: FlaskClient, web: Web) -> None:
    """Nothing but the catalog is asked, so a selection is shown while the index is away."""
    ids = web.add([image(n) for n in range(2)], np.eye(2, 8, dtype=np.float32))
    web.index.available = False
    answer = client.post("/api/v1/images/lookup", json={"image_ids": ids})
    assert [one["image_id"] for one in answer.json["images"]] == ids
