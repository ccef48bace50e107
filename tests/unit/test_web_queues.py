"""Queues, groups and rejections over HTTP."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from plankton_stream.domain import Brief
from plankton_stream.predictions import Prediction
from tests.web_parts import START, Web, image, turned


@pytest.fixture
def added(web: Web) -> list[str]:
    """Five unlabelled images, the last one indexed last."""
    return web.add([image(n) for n in range(5)])


def say(web: Web, image_id: str, taxon: str | None = "copepod", **more: Any) -> None:
    """Write what the worker would have said."""
    values = {
        "image_id": image_id, "taxon": taxon, "score": 0.5, "margin": 0.1, "nearest": 0.1,
        "crowd": 1.0, "evidence": (), "encoder": "test-encoder", "voted_at": START,
    }  # fmt: skip
    web.catalog.predictions.put([Prediction(**values | more)])


def queue(client: FlaskClient, name: str, **query: Any) -> list[str]:
    answer = client.get(f"/api/v1/queues/{name}", query_string=query)
    assert answer.status_code == 200, answer.text
    return [one["image_id"] for one in answer.json["images"]]


def label(client: FlaskClient, *ids: str, taxon: str = "copepod") -> None:
    body = {"image_ids": list(ids), "taxon": taxon}
    answer = client.post("/api/v1/labels", json=body, headers={"Idempotency-Key": "".join(ids)})
    assert answer.status_code == 201


def test_newest_needs_no_predictions_and_leaves_out_what_has_a_name(
    client: FlaskClient, added: list[str]
) -> None:
    label(client, added[4])
    assert queue(client, "newest") == added[3::-1]


@pytest.mark.parametrize(
    ("name", "field", "values", "order"),
    [
        ("predicted", "score", (0.2, 0.9, 0.5), (1, 2, 0)),
        ("doubtful", "score", (0.2, 0.9, 0.5), (0, 2, 1)),
        ("uncertain", "margin", (0.2, 0.01, 0.5), (1, 0, 2)),
        ("novel", "nearest", (0.2, None, 0.5), (1, 2, 0)),
        ("clusters", "crowd", (3.0, 1.0, 7.0), (2, 0, 1)),
    ],
)
def test_each_queue_has_its_order(
    web: Web, client: FlaskClient, added: list[str], name: str, field: str,
    values: tuple[float | None, ...], order: tuple[int, ...],
) -> None:  # fmt: skip
    for image_id, value in zip(added, values, strict=False):
        say(web, image_id, **{field: value})
    assert queue(client, name) == [added[n] for n in order]


def test_rare_taxa_come_before_common_ones(web: Web, client: FlaskClient, added: list[str]) -> None:
    label(client, added[0], taxon="copepod")
    for image_id, taxon, score in zip(
        added[1:], ("copepod", "egg", "egg", "copepod"), (0.9, 0.2, 0.4, 0.8), strict=True
    ):
        say(web, image_id, taxon, score=score)
    assert queue(client, "rare") == [added[3], added[2], added[1], added[4]]


def test_a_queue_comes_in_pages_without_gaps(
    web: Web, client: FlaskClient, added: list[str]
) -> None:
    for image_id in added:
        say(web, image_id)  # all alike: their ids decide
    seen, cursor = [], ""
    while True:
        page = client.get("/api/v1/queues/predicted", query_string={"limit": 2, "cursor": cursor})
        seen += [one["image_id"] for one in page.json["images"]]
        if (cursor := page.json["next_cursor"]) is None:
            break
    assert seen == sorted(added, reverse=True)


def test_a_queue_can_be_of_one_taxon_and_one_camera(
    web: Web, client: FlaskClient, added: list[str]
) -> None:
    (elsewhere,) = web.add([image(9, camera="cam-2")])
    say(web, added[0], "egg")
    say(web, added[1], "copepod")
    say(web, elsewhere, "copepod")
    assert queue(client, "predicted", taxon="copepod", camera="cam-2") == [elsewhere]
    assert set(queue(client, "predicted", taxon="copepod")) == {added[1], elsewhere}


def test_each_image_says_why_it_is_there(web: Web, client: FlaskClient, added: list[str]) -> None:
    voter = {"image_id": added[1], "taxon": "copepod", "distance": 0.02}
    say(web, added[0], score=0.75, margin=0.5, evidence=[voter])
    (one,) = client.get("/api/v1/queues/predicted").json["images"]
    assert one["predicted"] == "copepod"
    said = client.get(f"/api/v1/images/{added[0]}/prediction").json
    assert said["evidence"] == [voter]
    assert one["why"] == "copepod with 75% of the votes, 50% ahead"
    assert (one["taxon"], one["state"]) == (None, "unlabelled")


def test_what_a_queue_says_of_an_image_is_what_the_image_says(
    web: Web, client: FlaskClient
) -> None:
    (whole,) = web.add([image(4, depth_m=12.5, pixel_size_um=3.1)])
    say(web, whole)
    (brief,) = client.get("/api/v1/queues/predicted").json["images"]
    (looked_up,) = client.post("/api/v1/images/lookup", json={"image_ids": [whole]}).json["images"]
    detail = client.get(f"/api/v1/images/{whole}").json
    for one in (brief, looked_up):
        assert {name: one[name] for name in Brief.model_fields} == {
            name: detail[name] for name in Brief.model_fields
        }
    assert (brief["depth_m"], brief["pixel_size_um"]) == (12.5, 3.1)


def test_the_queues_say_what_waits(web: Web, client: FlaskClient, added: list[str]) -> None:
    for image_id, taxon in zip(added, ("egg", "copepod", "copepod"), strict=False):
        say(web, image_id, taxon)
    label(client, added[2])
    told = client.get("/api/v1/queues").json
    assert {one["taxon"]: one["images"] for one in told["predicted"]} == {"egg": 1, "copepod": 1}
    assert "clusters" in told["queues"]


def test_a_rejected_proposal_is_withdrawn_at_once(
    web: Web, client: FlaskClient, added: list[str]
) -> None:
    say(web, added[0])
    say(web, added[1])
    body = {"image_ids": [added[0]], "taxon": "copepod"}
    for _ in range(2):
        answer = client.post("/api/v1/rejections", json=body)
        assert (answer.status_code, answer.json) == (200, {"images": 1})
    assert queue(client, "predicted") == [added[1]]
    assert web.catalog.predictions.rejected(added) == {added[0]: {"copepod"}}
    assert client.get(f"/api/v1/images/{added[0]}").json["history"] == []


def test_nonsense_is_refused_with_what_is_allowed(client: FlaskClient, added: list[str]) -> None:
    for body, status, told in (
        ({"image_ids": added[:1], "taxon": "dragon"}, 422, "/api/v1/taxa"),
        ({"image_ids": [added[0], "01ARZ3NDEKTSV4RRFFQ69G5FAV"], "taxon": "egg"}, 404, "unknown"),
        ({"image_ids": [], "taxon": "egg"}, 422, "image_ids"),
    ):
        answer = client.post("/api/v1/rejections", json=body)
        assert answer.status_code == status
        assert told in answer.json["detail"]
    answer = client.get("/api/v1/queues/nonsense")
    assert answer.status_code == 404
    assert "uncertain" in answer.json["detail"]
    assert client.get("/api/v1/queues/novel?cursor=1.2.3~x").status_code == 422


def test_a_cluster_that_is_passed_over_comes_later(
    web: Web, client: FlaskClient, added: list[str]
) -> None:
    say(web, added[0], crowd=5.0)
    say(web, added[1], crowd=4.0)
    client.post("/api/v1/queues/clusters/skips", json={"image_ids": added[:1]})
    assert queue(client, "clusters") == [added[1], added[0]]
    say(web, added[0], crowd=6.0, voted_at=START + timedelta(days=1))
    assert queue(client, "clusters")[0] == added[1]


def test_a_group_is_its_specimen_and_unlabelled_look_alikes(
    web: Web, client: FlaskClient, added: list[str]
) -> None:
    (far,) = web.add([image(50)], turned(np.pi / 2)[np.newaxis])
    label(client, added[2])
    say(web, added[1])
    answer = client.get(f"/api/v1/images/{added[0]}/group", query_string={"k": 10})
    group = answer.json["images"]
    assert [one["image_id"] for one in group] == [added[0], added[1], added[3], added[4], far]
    assert group[1]["predicted"] == "copepod"
    few = client.get(f"/api/v1/images/{added[0]}/group", query_string={"k": 2}).json["images"]
    assert [one["image_id"] for one in few] == added[:2]


def test_a_group_leaves_out_what_was_rejected_as_its_taxon(
    client: FlaskClient, added: list[str]
) -> None:
    client.post("/api/v1/rejections", json={"image_ids": [added[1]], "taxon": "egg"})
    url = f"/api/v1/images/{added[0]}/group"
    for taxon, missing in (("egg", {added[1]}), ("copepod", set())):
        found = client.get(url, query_string={"taxon": taxon}).json["images"]
        assert set(added) - {one["image_id"] for one in found} == missing


def test_there_is_no_group_of_an_image_that_is_not_indexed(client: FlaskClient) -> None:
    assert client.get("/api/v1/images/01ARZ3NDEKTSV4RRFFQ69G5FAV/group").status_code == 404
