"""Two people at the same images, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plankton_stream.predictions import Prediction
from tests.web_parts import START, Web, image

ADA = {"Plankton-Client": "page-of-ada"}
BEN = {"Plankton-Client": "page-of-ben"}


@pytest.fixture
def ids(web: Web) -> list[str]:
    added = web.add([image(n) for n in range(20)])
    web.catalog.predictions.put([said(one, crowd=20.0 - n) for n, one in enumerate(added)])
    return added


def said(image_id: str, **more: Any) -> Prediction:
    values = {
        "image_id": image_id, "taxon": None, "score": 0.0, "margin": 0.0, "nearest": None,
        "crowd": 1.0, "evidence": (), "encoder": "test-encoder", "voted_at": START,
    }  # fmt: skip
    return Prediction(**values | more)


def given(client: FlaskClient, url: str, headers: dict[str, str]) -> list[str]:
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, answer.json
    return [one["image_id"] for one in answer.json["images"]]


def label(client: FlaskClient, ids: list[str], key: str, who: dict[str, str], **more: Any) -> Any:
    body = {"image_ids": ids, "taxon": "copepod"} | more
    return client.post("/api/v1/labels", json=body, headers={"Idempotency-Key": key} | who)


@pytest.mark.usefixtures("ids")
def test_a_queue_gives_each_page_its_own(client: FlaskClient) -> None:
    url = "/api/v1/queues/newest?limit=5"
    ada, ben = given(client, url, ADA), given(client, url, BEN)
    assert (len(ada), len(ben)) == (5, 5)
    assert not set(ada) & set(ben)
    assert given(client, url, ADA) == ada  # its own are still there
    assert not set(given(client, url, {})) & {*ada, *ben}


def test_whoever_only_peeks_keeps_nothing(client: FlaskClient, web: Web, ids: list[str]) -> None:
    given(client, "/api/v1/queues/newest?limit=5", ADA)
    peeked = given(client, "/api/v1/queues/newest?limit=5&peek=true", BEN)
    assert peeked == ids[-6:-11:-1], "without what others hold"
    assert web.catalog.claims.of_others(peeked, None) == set()


@pytest.mark.usefixtures("ids")
def test_of_what_was_peeked_a_page_gets_what_is_free_and_unlabelled(client: FlaskClient) -> None:
    peeked = given(client, "/api/v1/queues/newest?limit=4&peek=true", BEN)
    assert given(client, "/api/v1/queues/newest?limit=1", ADA) == peeked[:1]
    assert label(client, peeked[1:2], "k", ADA).status_code == 201
    body = {"image_ids": peeked}
    held = client.post("/api/v1/claims", json=body, headers=BEN).json
    assert held == {"image_ids": sorted(peeked[2:])}
    assert client.post("/api/v1/claims", json=body).json == {"image_ids": []}, "of no page"


@pytest.mark.usefixtures("ids")
def test_a_page_is_filled_past_what_others_hold(client: FlaskClient) -> None:
    given(client, "/api/v1/queues/newest?limit=15", ADA)
    assert len(given(client, "/api/v1/queues/newest?limit=10", BEN)) == 5


@pytest.mark.usefixtures("ids")
def test_a_group_is_one_page_s_alone(client: FlaskClient) -> None:
    (seed,) = given(client, "/api/v1/queues/clusters?limit=1", ADA)
    group = given(client, f"/api/v1/images/{seed}/group?k=8", ADA)
    assert len(group) == 8
    (other,) = given(client, "/api/v1/queues/clusters?limit=1", BEN)
    assert other not in group
    assert not set(given(client, f"/api/v1/images/{other}/group?k=20", BEN)) & set(group)
    assert not set(given(client, f"/api/v1/images/{seed}/group?k=20", BEN)) & set(group)


@pytest.mark.usefixtures("ids")
def test_what_is_labelled_or_given_back_is_held_no_more(client: FlaskClient) -> None:
    ada = given(client, "/api/v1/queues/newest?limit=4", ADA)
    assert label(client, ada[:1], "k", ADA).status_code == 201
    back = {"image_ids": ada[1:2]}
    assert client.post("/api/v1/claims/releases", json=back, headers=ADA).json == {"images": 1}
    ben = given(client, "/api/v1/queues/newest?limit=1", BEN)
    assert ben == ada[1:2]
    renewal = {"image_ids": ada[1:]}
    held = client.post("/api/v1/claims/renewals", json=renewal, headers=ADA).json
    assert held == {"image_ids": sorted(ada[2:])}  # and what is Ben's by now stays his
    assert client.post("/api/v1/claims/releases", json={}, headers=ADA).json == {"images": 2}
    assert client.post("/api/v1/claims/renewals", json=renewal).json == {"image_ids": []}


@pytest.mark.parametrize("client_id", ["short", "x" * 65, "has space", "a/slash-in-it"])
def test_an_odd_page_id_is_refused(client: FlaskClient, client_id: str) -> None:
    answer = client.get("/api/v1/queues/newest", headers={"Plankton-Client": client_id})
    assert answer.status_code == 422


def test_a_stale_page_is_told_who_was_first(web: Web, client: FlaskClient, ids: list[str]) -> None:
    ben = web.app(user="ben").test_client()
    assert label(ben, ids[:2], "b", BEN, taxon="egg").status_code == 201
    seen = dict.fromkeys(ids[:3], 0)
    refused = label(client, ids[:3], "a", ADA, seen=seen)
    assert refused.status_code == 409
    assert "named by somebody else" in refused.json["detail"]
    conflicts = {one["image_id"]: one for one in refused.json["conflicts"]}
    assert set(conflicts) == set(ids[:2])
    assert {(one["who"], one["taxon"], one["version"]) for one in conflicts.values()} == {
        ("ben", "egg", 1)
    }
    anyway = label(client, ids[:3], "a2", ADA, seen=seen | dict.fromkeys(ids[:2], 1))
    assert anyway.status_code == 201
    assert {one["version"] for one in anyway.json["labels"]} == {1, 2}


def test_names_are_told_by_id(client: FlaskClient, ids: list[str]) -> None:
    label(client, ids[:1], "k", ADA)
    unknown = image(99).image_id
    answer = client.post("/api/v1/images/names", json={"image_ids": [*ids[:2], unknown]})
    names = {one["image_id"]: (one["taxon"], one["label_version"]) for one in answer.json["names"]}
    assert names == {ids[0]: ("copepod", 1), ids[1]: (None, 0)}


def test_undo_of_five_hundred_labels_is_one_action(web: Web, client: FlaskClient) -> None:
    many = web.add([image(n) for n in range(500)])
    done = label(client, many, "k", ADA).json
    undo = client.delete(f"/api/v1/actions/{done['action_id']}")
    assert {one["taxon"] for one in undo.json["images"]} == {None}
    assert web.catalog.outbox.count() == 1_000
    again = client.delete(f"/api/v1/actions/{done['action_id']}")  # harmless
    assert (again.status_code, len(again.json["images"])) == (200, 500)
    one = client.delete(f"/api/v1/labels/{done['labels'][0]['label_id']}")
    assert one.status_code == 200
    assert web.catalog.outbox.count() == 1_000
