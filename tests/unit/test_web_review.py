"""Review over HTTP: what blind answers hide, who may what, a dispute to its end."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from plankton_stream.people import Person, Role
from plankton_stream.review.records import Shares
from tests.login_parts import LOGIN, logged_in
from tests.web_parts import Web, image

Options = dict[str, Any]


def client_of(web: Web, user: str) -> FlaskClient:
    return web.app(user=user).test_client()


@pytest.fixture
def ada(web: Web) -> FlaskClient:
    return client_of(web, "ada")


@pytest.fixture
def ben(web: Web) -> FlaskClient:
    return client_of(web, "ben")


@pytest.fixture
def labelled(web: Web, ada: FlaskClient) -> list[str]:
    """Four images that Ada called copepods; all wait for a second opinion."""
    told = {"source_file": "secret-copepod/1.png", "sample": "secret-copepod"}
    added = web.add([image(n, **told, extra={"class": "secret-copepod"}) for n in range(4)])
    label(ada, *added)
    web.catalog.opinions.set_shares(Shares(second_percent=100), who="root")
    return added


def label(client: FlaskClient, *ids: str, taxon: str = "copepod", **more: Any) -> str:
    key = {"Idempotency-Key": "-".join((*ids, taxon))[:200]}
    body = {"image_ids": ids, "taxon": taxon, "why": "because it is secret-copepod"} | more
    answer = client.post("/api/v1/labels", json=body, headers=key)
    assert answer.status_code == 201, answer.text
    return str(answer.json["action_id"])


def offered(client: FlaskClient) -> list[dict[str, Any]]:
    return list(client.get("/api/v1/queues/second").json["images"])


def test_a_blind_item_shows_nothing_that_tells_its_name(
    ben: FlaskClient, labelled: list[str]
) -> None:
    answer = ben.get("/api/v1/queues/second")
    assert {one["image_id"] for one in answer.json["images"]} == set(labelled)
    for telling in ("copepod", "ada", "secret", "validated", "label", "predicted"):
        assert telling not in answer.text
    assert set(answer.json["images"][0]) == {
        "image_id", "width_px", "height_px", "pixel_size_um", "captured_at", "depth_m",
        "latitude", "longitude",
    }  # fmt: skip


def test_an_opinion_is_not_told_whether_it_agrees_or_what_it_was_for(
    web: Web, ben: FlaskClient, labelled: list[str]
) -> None:
    (known,) = web.add([image(9)])
    web.catalog.references.put({known: "egg"}, who="rita")
    shapes = []
    for image_id, taxon in ((labelled[0], "copepod"), (labelled[1], "egg"), (known, "egg")):
        answer = ben.post("/api/v1/opinions", json={"image_id": image_id, "taxon": taxon})
        assert answer.status_code == 201, answer.text
        assert (answer.json["image_id"], answer.json["taxon"]) == (image_id, taxon)
        shapes.append(sorted(answer.json))
    assert shapes == [["image_id", "opinion_id", "taxon"]] * 3
    kinds = [str(one.kind) for one in web.catalog.opinions.all()]
    assert kinds == ["second", "second", "reference"]
    disputed = ben.get("/api/v1/review").json
    assert [one["image"]["image_id"] for one in disputed["cases"]] == labelled[1:2]


def test_references_stay_hidden_from_what_labellers_see(
    web: Web, ben: FlaskClient, labelled: list[str]
) -> None:
    web.catalog.references.put({labelled[0]: "egg"}, who="rita")
    ben.post("/api/v1/opinions", json={"image_id": labelled[0], "taxon": "fibre"})
    label(ben, labelled[0], state="dubious")
    (case,) = ben.get("/api/v1/review").json["cases"]
    assert [voice["kind"] for voice in case["voices"]] == ["label", "label"]
    assert "reference" not in json.dumps(case)
    assert "reference" not in ben.get(f"/api/v1/images/{labelled[0]}").text


def test_a_dispute_from_objection_to_settlement(
    ada: FlaskClient, ben: FlaskClient, labelled: list[str]
) -> None:
    one = labelled[0]
    body = {"image_id": one, "taxon": "egg", "note": " it is round "}
    opened = ben.post("/api/v1/disputes", json=body)
    assert (opened.status_code, opened.json["note"]) == (201, "it is round")
    assert ada.get(f"/api/v1/images/{one}").json["disputes"] == [opened.json]
    (case,) = ada.get("/api/v1/review?kind=disputed").json["cases"]
    assert [voice["taxon"] for voice in case["voices"]] == ["copepod", "egg"]
    settled = {"taxon": "egg", "why": "seen it hatch", "seen": case["image"]["label_version"]}
    url, key = f"/api/v1/review/{one}/settlement", {"Idempotency-Key": "s-1"}
    done = [ada.post(url, json=settled, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in done] == [201, 201]
    assert done[0].json == done[1].json
    assert ada.get("/api/v1/review").json["waiting"] == {"disputed": 0, "dubious": 0}
    late = ada.post(url, json=settled, headers={"Idempotency-Key": "s-2"})
    assert late.status_code == 409
    assert "egg, validated by ada" in late.json["detail"]
    ada.delete(f"/api/v1/actions/{done[0].json['action_id']}")
    assert ada.get("/api/v1/review").json["waiting"] == {"disputed": 1, "dubious": 0}
    assert ben.delete(f"/api/v1/disputes/{opened.json['dispute_id']}").status_code == 200
    assert ada.get("/api/v1/review").json["cases"] == []


def test_an_objection_needs_a_reason(ben: FlaskClient, labelled: list[str]) -> None:
    for note, status in (("", 422), ("   ", 422), ("x" * 2_001, 422), ("x" * 2_000, 201)):
        body = {"image_id": labelled[0], "note": note}
        assert ben.post("/api/v1/disputes", json=body).status_code == status, note[:9]


def test_one_s_own_opinion_is_taken_back_and_nobody_else_s(
    web: Web, ada: FlaskClient, ben: FlaskClient, labelled: list[str]
) -> None:
    body = {"image_id": labelled[0], "taxon": "egg"}
    given = ben.post("/api/v1/opinions", json=body).json
    url = f"/api/v1/opinions/{given['opinion_id']}"
    assert ada.delete(url).status_code == 404
    assert ben.delete(url).status_code == 200
    assert web.catalog.opinions.all() == []


def test_agreement_of_two_people_in_figures(web: Web, ada: FlaskClient, ben: FlaskClient) -> None:
    """Ada says 5 copepods and 5 eggs; Ben agrees on 4 and 4."""
    added = web.add([image(n) for n in range(10)])
    label(ada, *added[:5])
    label(ada, *added[5:], taxon="egg")
    web.catalog.opinions.set_shares(Shares(second_percent=100), who="root")
    said = ["copepod"] * 4 + ["egg"] + ["egg"] * 4 + ["copepod"]
    for image_id, taxon in zip(added, said, strict=True):
        ben.post("/api/v1/opinions", json={"image_id": image_id, "taxon": taxon})
    told = ada.get("/api/v1/agreement").json
    (pair,) = told["pairs"]
    assert (pair["first"], pair["second"], pair["agreed"]) == ("ada", "ben", 8)
    assert pair["kappa"]["value"] == pytest.approx(0.6)
    assert told["together"]["value"] == pytest.approx(0.6)
    assert [one["who"] for one in told["people"]] == ["ada", "ben"]
    matrix = ada.get("/api/v1/agreement/matrix?first=ben&second=ada").json
    assert matrix["taxa"] == ["copepod", "egg"]
    assert matrix["counts"] == [[4, 1], [1, 4]]
    assert [one["share"] for one in matrix["by_taxon"]] == [0.8, 0.8]
    assert ada.get("/api/v1/agreement?after=2100-01-01T00:00:00Z").json["people"] == []


def test_shares_are_within_their_limits(web: Web, ada: FlaskClient) -> None:
    url = "/api/v1/review/shares"
    assert ada.get(url).json["second_percent"] == 0
    for wrong in ({"second_percent": 101}, {"self_percent": -1}, {"nonsense": 1}):
        assert ada.put(url, json=wrong).status_code == 422
    assert ada.put(url, json={"second_percent": 12.5}).status_code == 200
    assert web.catalog.opinions.shares() == Shares(second_percent=12.5)


@pytest.mark.parametrize(
    ("method", "path", "body", "role"),
    [
        ("GET", "/api/v1/review", None, Role.LABELLER),
        ("POST", "/api/v1/disputes", {"image_id": "IMAGE", "note": "no"}, Role.LABELLER),
        ("POST", "/api/v1/review/IMAGE/settlement", {"taxon": "egg", "why": "so"}, Role.REVIEWER),
        ("GET", "/api/v1/queues/second", None, Role.LABELLER),
        ("POST", "/api/v1/opinions", {"image_id": "IMAGE", "taxon": "egg"}, Role.LABELLER),
        ("GET", "/api/v1/review/shares", None, Role.LABELLER),
        ("PUT", "/api/v1/review/shares", {}, Role.ADMIN),
        ("GET", "/api/v1/references", None, Role.REVIEWER),
        ("POST", "/api/v1/references", {"image_ids": ["IMAGE"], "taxon": "egg"}, Role.REVIEWER),
        ("DELETE", "/api/v1/references/IMAGE", None, Role.REVIEWER),
        ("GET", "/api/v1/agreement", None, Role.REVIEWER),
        ("GET", "/api/v1/agreement/matrix", None, Role.REVIEWER),
    ],
)
def test_who_may(
    web: Web, labelled: list[str], monkeypatch: pytest.MonkeyPatch, method: str, path: str,
    body: Options | None, role: Role,
) -> None:  # fmt: skip
    web.catalog.disputes.open(labelled[1], who="cem", note="no")
    given = json.loads(json.dumps(body).replace("IMAGE", labelled[1 if "settle" in path else 0]))
    for asking in Role:
        ben = Person(name="ben", role=asking)
        monkeypatch.setattr("web.people.asking", lambda _parts, ben=ben: ben)
        answer = client_of(web, "ben").open(
            path.replace("IMAGE", labelled[1]), method=method, json=given,
            headers={"Idempotency-Key": f"k-{asking}"},
        )  # fmt: skip
        assert (answer.status_code != 403) == ben.may(role), (asking, answer.text)


def test_somebody_else_s_objection_is_withdrawn_by_a_reviewer_only(
    web: Web, labelled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = web.catalog.disputes.open(labelled[0], who="cem", note="no")
    client = client_of(web, "ben")
    for role, status in ((Role.LABELLER, 403), (Role.REVIEWER, 200)):
        ben = Person(name="ben", role=role)
        for where in ("web.people.asking", "web.api.review.asking"):
            monkeypatch.setattr(where, lambda _parts, ben=ben: ben)
        url = f"/api/v1/disputes/{opened.dispute_id}"
        assert client.delete(url).status_code == status


def test_each_role_has_its_pages(web: Web) -> None:
    app = web.app(LOGIN)
    expected = {"viewer": (403, 403, 403), "labeller": (200, 200, 403), "reviewer": (200, 200, 200)}
    for role, statuses in expected.items():
        client = logged_in(web, app, f"a {role}", Role(role))
        pages = ("/review", "/review/second", "/review/agreement")
        assert tuple(client.get(page).status_code for page in pages) == statuses, role
