"""Who may do what where people log in, and the accounts that an admin keeps."""

import re

import pytest
from flask import Flask

from plankton_stream.people import Role
from tests.login_parts import PASSWORD, app, client, fill_in, label, logged_in
from tests.web_parts import Web, image
from web.api import OPERATIONS
from web.operations import Operation

__all__ = ["app", "client"]


# -- roles ---------------------------------------------------------------------------------------

_BELOW = {Role.LABELLER: Role.VIEWER, Role.REVIEWER: Role.LABELLER, Role.ADMIN: Role.REVIEWER}


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.role in _BELOW], ids=lambda one: one.endpoint
)
def test_each_operation_is_refused_to_the_role_below(
    web: Web, app: Flask, operation: Operation
) -> None:
    client = logged_in(web, app, "bob", _BELOW[operation.role])
    path = re.sub(r"<\w+>", "01AN4Z07BY79KA1307SR9X4MV3", operation.rule)
    answer = client.open(path, method=operation.method, json={})
    assert answer.status_code == 403
    assert f"this takes {operation.role.with_article}" in answer.json["detail"]


def test_every_change_is_at_least_a_labellers() -> None:
    """But for what changes nothing of the collection: one's own session, and what is looked up."""
    own = {"/api/v1/session", "/api/v1/session/password"}
    own |= {"/api/v1/search", "/api/v1/images/lookup", "/api/v1/images/names"}
    for one in OPERATIONS:
        if one.method not in ("GET", "HEAD") and one.rule not in own:
            assert one.role not in (None, Role.VIEWER), one.endpoint


def test_a_role_that_is_claimed_is_none(web: Web, app: Flask) -> None:
    added = web.add([image(0)])
    client = logged_in(web, app, "vic", Role.VIEWER)
    for name in ("role", "plankton_role", "person"):
        client.set_cookie(name, "admin")
    headers = {"X-Role": "admin", "X-Remote-User": "ann", "X-Forwarded-User": "ann"}
    assert label(client, added, **headers).status_code == 403
    body = {"image_ids": added, "taxon": "copepod", "role": "admin", "who": "ann"}
    key = {"Idempotency-Key": "k"}
    assert client.post("/api/v1/labels", json=body, headers=key).status_code == 403
    assert client.patch("/api/v1/people/vic", json={"role": "admin"}).status_code == 403
    assert client.get("/people?role=admin").status_code == 403
    labeller = logged_in(web, app, "lea")
    answer = labeller.post("/api/v1/labels", json=body, headers=key)
    assert answer.status_code == 422
    assert label(labeller, added, **headers).status_code == 201
    (line,) = client.get(f"/api/v1/images/{added[0]}").json["history"]
    assert line["who"] == "lea"
    assert web.catalog.people.get("vic").role is Role.VIEWER


def test_a_page_says_what_it_takes(web: Web, app: Flask) -> None:
    answer = logged_in(web, app, "rita", Role.REVIEWER).get("/people")
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "This page takes an admin" in answer.text
    bench = logged_in(web, app, "vic", Role.VIEWER).get("/")
    assert "naming takes a labeller" in bench.text
    assert 'href="/people"' not in bench.text
    admin = logged_in(web, app, "ann", Role.ADMIN)
    assert 'href="/people"' in admin.get("/").text
    assert admin.get("/people").status_code == 200


def test_what_others_gave_takes_a_reviewer_to_take_back(web: Web, app: Flask) -> None:
    added = web.add([image(n) for n in range(2)])
    ann, ben = logged_in(web, app, "ann"), logged_in(web, app, "ben")
    rita = logged_in(web, app, "rita", Role.REVIEWER)
    done = label(ann, added).json
    action, one = f"/api/v1/actions/{done['action_id']}", done["labels"][0]["label_id"]
    for path in (action, f"/api/v1/labels/{one}"):
        answer = ben.delete(path)
        assert answer.status_code == 403
        assert "takes a reviewer" in answer.json["detail"]
    assert ann.delete(f"/api/v1/labels/{one}").json["images"][0]["taxon"] is None
    assert len(rita.delete(action).json["images"]) == 2
    given = ben.get("/api/v1/people/ann/actions").json["actions"]
    assert [(row["images"], row["standing"]) for row in given] == [(2, 0)]
    rows = ben.get("/api/v1/people/ann/labels?limit=1").json
    assert rows["labels"][0]["retracted_by"] == "rita"
    rest = ben.get(f"/api/v1/people/ann/labels?cursor={rows['next_cursor']}").json
    assert rest["labels"][0]["retracted_by"] == "ann"
    assert rest["next_cursor"] is None


# -- people --------------------------------------------------------------------------------------


def test_an_admin_adds_and_changes_people(web: Web, app: Flask) -> None:
    admin = logged_in(web, app, "ann", Role.ADMIN)
    body = {"name": "Zoë", "role": "viewer", "password": PASSWORD}
    added = admin.post("/api/v1/people", json=body)
    assert (added.status_code, added.json["role"]) == (201, "viewer")
    assert "password" not in added.text
    assert admin.post("/api/v1/people", json=body | {"name": "ZOË"}).status_code == 422
    zoe = app.test_client()
    assert fill_in(zoe, "zoë").status_code == 303
    path = "/api/v1/people/Zoë"
    assert admin.patch(path, json={"role": "labeller"}).json["role"] == "labeller"
    assert zoe.get("/api/v1/session").json["role"] == "labeller"
    assert admin.patch(path, json={"password": "another good one"}).status_code == 200
    assert zoe.get("/api/v1/session").status_code == 401
    assert fill_in(zoe, "Zoë").status_code == 401
    assert fill_in(zoe, "Zoë", "another good one").status_code == 303
    assert admin.patch(path, json={"disabled": True}).json["disabled_at"] is not None
    assert zoe.get("/api/v1/session").status_code == 401
    assert {one["name"] for one in admin.get("/api/v1/people").json["people"]} == {"ann", "Zoë"}
    assert admin.patch("/api/v1/people/nobody", json={"role": "viewer"}).status_code == 404
    assert "only admin" in admin.patch("/api/v1/people/ann", json={"disabled": True}).json["detail"]


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "n" * 65, "", "a\u202eb", "a\0b"])
def test_names_that_nobody_has(web: Web, app: Flask, name: str) -> None:
    admin = logged_in(web, app, "ann", Role.ADMIN)
    body = {"name": name, "role": "viewer", "password": PASSWORD}
    assert admin.post("/api/v1/people", json=body).status_code in (400, 422)
    assert len(web.catalog.people.all()) == 1


def test_markup_in_a_name_of_the_history_stays_text(web: Web, app: Flask) -> None:
    client = logged_in(web, app, "ann")
    answer = client.get("/people/<script>alert(1)<script>")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert client.get("/api/v1/people/<b>/labels").json == {"labels": [], "next_cursor": None}
    page = fill_in(app.test_client(), '"><script>alert(1)</script>', "x")
    assert "<script>alert" not in page.text
