"""Labels and taxa over the API."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web_parts import Web, image

UNKNOWN = "01AN4Z07BY79KA1307SR9X4MV3"


@pytest.fixture
def added(web: Web) -> list[str]:
    return web.add([image(n) for n in range(4)])


def label(client: FlaskClient, ids: list[str], taxon="copepod", key="k1", **more: Any):
    body = {"image_ids": ids, "taxon": taxon, "state": "validated", **more}
    return client.post("/api/v1/labels", json=body, headers={"Idempotency-Key": key})


def naming(client: FlaskClient, image_id: str) -> tuple[str | None, str]:
    found = client.get(f"/api/v1/images/{image_id}").json
    return found["taxon"], found["state"]


def detail(answer, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    return answer.json["detail"]


def test_several_images_are_labelled_at_once(web: Web, client: FlaskClient, added) -> None:
    answer = label(client, added[:2], why="antennae")
    assert answer.status_code == 201
    assert [one["image_id"] for one in answer.json["labels"]] == added[:2]
    assert [naming(client, one) for one in added] == [("copepod", "validated")] * 2 + [
        (None, "unlabelled")
    ] * 2
    (line,) = client.get(f"/api/v1/images/{added[0]}").json["history"]
    assert (line["who"], line["why"], line["source"]) == ("ada", "antennae", "human")
    assert line["label_id"] == answer.json["labels"][0]["label_id"]
    assert web.catalog.outbox.count() == 2


def test_a_repeated_request_is_done_once(web: Web, client: FlaskClient, added) -> None:
    first, again = label(client, added[:2]), label(client, added[:2])
    assert (again.status_code, again.json) == (201, first.json)
    assert len(client.get(f"/api/v1/images/{added[0]}").json["history"]) == 1
    assert web.catalog.outbox.count() == 2


def test_a_key_belongs_to_one_request(client: FlaskClient, added) -> None:
    label(client, added[:1])
    assert "fresh one" in detail(label(client, added[:1], "diatom"), 422)


def test_all_or_nothing(web: Web, client: FlaskClient, added) -> None:
    assert UNKNOWN in detail(label(client, [added[0], UNKNOWN]), 404)
    assert naming(client, added[0]) == (None, "unlabelled")
    assert web.catalog.outbox.count() == 0


def test_an_image_named_twice_is_labelled_once(web: Web, client: FlaskClient, added) -> None:
    assert len(label(client, [added[0], added[0]]).json["labels"]) == 1
    assert web.catalog.outbox.count() == 1


def test_after_a_retraction_the_label_before_holds(client: FlaskClient, added) -> None:
    label(client, added[:1], "copepod", key="a")
    second = label(client, added[:1], "diatom", key="b", state="dubious")
    assert naming(client, added[0]) == ("diatom", "dubious")
    (label_id,) = [one["label_id"] for one in second.json["labels"]]
    for _ in range(2):  # taking back twice is taking back
        answer = client.delete(f"/api/v1/labels/{label_id}")
        assert answer.status_code == 200
        (now,) = answer.json["images"]
        assert (now["image_id"], now["taxon"], now["state"]) == (added[0], "copepod", "validated")
    history = client.get(f"/api/v1/images/{added[0]}").json["history"]
    assert [(one["taxon"], one["retracted_by"]) for one in history] == [
        ("copepod", None),
        ("diatom", "ada"),
    ]


def test_an_action_is_taken_back_whole(client: FlaskClient, added) -> None:
    action = label(client, added).json["action_id"]
    answer = client.delete(f"/api/v1/actions/{action}")
    assert answer.status_code == 200
    assert {(one["image_id"], one["taxon"]) for one in answer.json["images"]} == {
        (one, None) for one in added
    }


@pytest.mark.parametrize("path", ["labels", "actions"])
@pytest.mark.parametrize("ulid", [UNKNOWN, "x", "%00"])
def test_what_does_not_exist_is_not_taken_back(client: FlaskClient, path: str, ulid: str) -> None:
    assert "there is no" in detail(client.delete(f"/api/v1/{path}/{ulid}"), 404)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"taxon": "kraken"}, "GET /api/v1/taxa"),
        ({"state": "unlabelled"}, "'predicted', 'validated' or 'dubious'"),
        ({"state": "certain"}, "'predicted', 'validated' or 'dubious'"),
        ({"image_ids": []}, "image_ids"),
        ({"image_ids": ["x"]}, "image_ids.0"),
        ({"image_ids": [UNKNOWN] * 10_001}, "at most 10000"),
        ({"why": "x" * 2001}, "at most 2000"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_labels(client: FlaskClient, added, change: dict[str, Any], says: str) -> None:
    body = {"image_ids": added[:1], "taxon": "copepod", "state": "validated", **change}
    answer = client.post("/api/v1/labels", json=body, headers={"Idempotency-Key": "k"})
    assert says in detail(answer, 422)


def test_bad_bodies(client: FlaskClient, added) -> None:
    def post(data: bytes, content_type: str = "application/json", key: str | None = "k"):
        headers = {"Idempotency-Key": key} if key else {}
        return client.post("/api/v1/labels", data=data, content_type=content_type, headers=headers)

    good = b'{"image_ids": ["%s"], "taxon": "copepod"%s}'
    assert "not JSON" in detail(post(b"{"), 400)
    assert "NUL" in detail(post(good % (added[0].encode(), b', "why": "a\\u0000b"')), 400)
    assert "application/json" in detail(post(good % (added[0].encode(), b""), "text/plain"), 415)
    assert "1048576 bytes" in detail(post(b" " * 1_048_577), 413)
    assert "Idempotency-Key" in detail(post(good % (added[0].encode(), b""), key=None), 422)
    assert "Idempotency-Key" in detail(post(good % (added[0].encode(), b""), key="a b"), 422)
    assert post(good % (added[0].encode(), b"")).status_code == 201


def test_taxa_are_listed_and_added(client: FlaskClient) -> None:
    keys = {taxon["key"] for taxon in client.get("/api/v1/taxa").json["taxa"]}
    assert "copepod" in keys
    new = {"key": "copepod_eggs", "name": "<b>eggs</b>", "parent": "copepod"}
    for _ in range(2):
        answer = client.post("/api/v1/taxa", json=new)
        assert (answer.status_code, answer.json["key"]) == (201, "copepod_eggs")
    assert "another key" in detail(client.post("/api/v1/taxa", json={**new, "name": "x"}), 422)
    assert "add it first" in detail(
        client.post("/api/v1/taxa", json={"key": "a", "name": "a", "parent": "kraken"}), 422
    )
    assert "key" in detail(client.post("/api/v1/taxa", json={"key": "Not A Key", "name": "a"}), 422)
