"""Logging in and out, and who may do what then."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plankton_stream.adapters.sql.sessions import SessionKind
from plankton_stream.errors import RejectedError
from plankton_stream.people import Role
from plankton_stream.settings import Settings
from tests.login_parts import LOGIN, PASSWORD, app, client, fill_in, label, logged_in, person
from tests.web_parts import Web, image
from web.accounts import passwords
from web.accounts.guesses import WINDOW_S, Guesses
from web.accounts.login import local_path
from web.accounts.sessions import CSRF_HEADER, PERSON_HEADER, SESSION_COOKIE
from web.problems import TooManyError

__all__ = ["app", "client"]


# -- nobody yet ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/cameras", "/people", "/account", "/nothing"])
def test_pages_lead_to_the_login_and_back(client: FlaskClient, path: str) -> None:
    answer = client.get(f"{path}?a=1")
    assert (answer.status_code, answer.location) == (303, f"/login?next={path}?a%3D1")


@pytest.mark.parametrize("path", ["/api/v1/images", "/api/v1/nothing", "/metrics"])
def test_the_api_says_who_is_asked_for(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_what_everybody_may_see(client: FlaskClient) -> None:
    for path in ("/healthz", "/login", "/static/base.css", "/api/openapi.json"):
        assert client.get(path).status_code == 200, path


def test_an_empty_house_says_how_to_make_the_first_account(web: Web, client: FlaskClient) -> None:
    assert "plankton people add" in client.get("/login").text
    person(web, "ann")
    assert "plankton people add" not in client.get("/login").text


# -- logging in ----------------------------------------------------------------------------------


def test_the_form_logs_in_and_out(web: Web, client: FlaskClient) -> None:
    person(web, "Ann")
    answer = fill_in(client, " ann ", next="/census?camera=a")
    assert (answer.status_code, answer.location) == (303, "/census?camera=a")
    cookies = {one.split("=")[0]: one for one in answer.headers.getlist("Set-Cookie")}
    session = cookies[SESSION_COOKIE]
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Secure" not in session
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert 'data-person="Ann" data-role="labeller" data-login' in page.text
    assert client.get("/api/v1/session").json == {"name": "Ann", "role": "labeller"}
    token = client.get_cookie(SESSION_COOKIE).value
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert client.post("/logout", data={"csrf_token": csrf[1]}).status_code == 303
    client.set_cookie(SESSION_COOKIE, token)  # a cookie that was copied is worth nothing either
    assert client.get("/api/v1/session").status_code == 401


def test_the_api_logs_in_and_out(web: Web, client: FlaskClient) -> None:
    person(web, "ann", Role.ADMIN)
    answer = client.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})
    assert answer.json == {"name": "ann", "role": "admin"}
    csrf = client.get_cookie("plankton_csrf").value
    assert client.delete("/api/v1/session", headers={CSRF_HEADER: csrf}).status_code == 200
    assert client.get("/api/v1/session").status_code == 401


def test_a_wrong_password_and_an_unknown_name_look_alike(web: Web, client: FlaskClient) -> None:
    person(web, "ann")
    person(web, "gone")
    web.catalog.people.change("gone", disabled=True)
    said = set()
    wrong = (("ann", "wrong"), ("eve", PASSWORD), ("gone", PASSWORD), ("ann", "x" * 999))
    for name, password in wrong:
        answer = client.post("/api/v1/session", json={"name": name, "password": password})
        assert answer.status_code == 401
        assert SESSION_COOKIE not in str(answer.headers)
        said.add(answer.json["detail"])
        page = fill_in(client, name, password)
        assert page.status_code == 401
        assert 'role="alert"' in page.text
    assert len(said) == 1


def test_an_unknown_name_costs_a_hash_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(passwords, "_nobodys", lambda: "nobodys")
    monkeypatch.setattr(passwords, "check_password_hash", lambda *given: compared.append(given))
    assert not passwords.fits("secret", None)
    assert compared == [("nobodys", "secret")]


def test_a_login_begins_a_new_session_whatever_cookie_came(web: Web, client: FlaskClient) -> None:
    person(web, "ann")
    client.set_cookie(SESSION_COOKIE, "chosen-by-somebody-else")
    fill_in(client, "ann")
    first = client.get_cookie(SESSION_COOKIE).value
    assert first != "chosen-by-somebody-else"
    client.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})
    assert client.get_cookie(SESSION_COOKIE).value != first
    assert web.catalog.sessions.person(first, SessionKind.PAGE) is None


def test_a_form_of_another_site_logs_nobody_in(web: Web, client: FlaskClient) -> None:
    person(web, "ann")
    for number in ({}, {"number": "guessed"}):
        answer = client.post("/login", data={"name": "ann", "password": PASSWORD, **number})
        assert answer.status_code == 403
        assert SESSION_COOKIE not in str(answer.headers)
    answer = client.post("/api/v1/session", data={"name": "ann", "password": PASSWORD})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/census?camera=a", "/census?camera=a"), ("/people/ann%2Fb", "/people/ann%2Fb"),
        ("", "/"), ("//evil.example", "/"), ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"), ("/\t/evil.example", "/"), ("javascript:alert(1)", "/"),
        ("/login?next=/login", "/"), ("evil", "/"), ("/\r\nSet-Cookie: a=b", "/"), ("///evil", "/"),
    ],
)  # fmt: skip
def test_the_login_leads_to_this_server_only(target: str, path: str) -> None:
    assert local_path(target) == path


def test_wrong_passwords_are_slowed_down(web: Web, app: Flask) -> None:
    person(web, "ann")
    guesser, ann = app.test_client(), app.test_client()
    guesser.environ_base["REMOTE_ADDR"] = "10.9.9.9"
    body = {"name": "ann", "password": "wrong"}
    answers = [guesser.post("/api/v1/session", json=body) for _ in range(6)]
    assert [one.status_code for one in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    right = {"name": "ANN", "password": PASSWORD}
    assert guesser.post("/api/v1/session", json=right).status_code == 429
    assert fill_in(guesser, "ann").status_code == 429
    assert ann.post("/api/v1/session", json=right).status_code == 200  # from elsewhere


def test_guesses_are_forgotten_and_right_ones_are_none() -> None:
    clock = [0.0]
    guesses = Guesses(lambda: clock[0])
    for _ in range(40):
        guesses.begin("ann", "a")
        guesses.succeeded("ann", "a")
    for _ in range(5):
        guesses.begin("ann", "a")
    with pytest.raises(TooManyError) as told:
        guesses.begin("ann", "a")
    assert told.value.wait_s == WINDOW_S + 1
    for number in range(25):
        guesses.begin(f"person-{number}", "a")
    with pytest.raises(TooManyError):  # of one address, whoever it tries
        guesses.begin("another", "a")
    for number in range(95):
        guesses.begin("ann", f"address-{number}")
    with pytest.raises(TooManyError):  # of one name, from wherever
        guesses.begin("ann", "another")
    clock[0] += WINDOW_S
    guesses.begin("ann", "a")


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaa", "Ann-Of-Kiel"])
def test_passwords_that_are_guessed_at_once(password: str) -> None:
    with pytest.raises(RejectedError, match="password"):
        passwords.hashed(password, of="ann-of-kiel")


# -- requests that another page could send -------------------------------------------------------


def test_a_change_needs_the_number_of_its_own_session(web: Web, app: Flask) -> None:
    added = web.add([image(n) for n in range(2)])
    ann, ben = logged_in(web, app, "ann", csrf=False), logged_in(web, app, "ben", csrf=False)
    theirs = ben.get_cookie("plankton_csrf").value
    for headers in ({}, {CSRF_HEADER: ""}, {CSRF_HEADER: "forged"}, {CSRF_HEADER: theirs}):
        answer = label(ann, added, **headers)
        assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
        assert CSRF_HEADER in answer.json["detail"]
    # Nor does a cookie help that another site has set beside ours.
    ann.set_cookie("plankton_csrf", "forged")
    assert label(ann, added, **{CSRF_HEADER: "forged"}).status_code == 403
    assert web.catalog.outbox.count() == 0
    assert label(ben, added, **{CSRF_HEADER: theirs}).status_code == 201
    assert ann.post("/logout").status_code == 403
    assert ann.get("/api/v1/session").status_code == 200


def test_a_page_of_somebody_else_changes_nothing(web: Web, app: Flask) -> None:
    added = web.add([image(0)])
    zoe = logged_in(web, app, "Zoë B")
    answer = label(zoe, added, **{PERSON_HEADER: "ann"})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert "made for ann, but Zoë B is logged in now" in answer.json["detail"]
    assert web.catalog.outbox.count() == 0
    assert zoe.get("/api/v1/taxa", headers={PERSON_HEADER: "ann"}).status_code == 200
    body = {"name": person(web, "ann"), "password": PASSWORD}
    assert label(zoe, added, **{PERSON_HEADER: "Zo%C3%AB%20B"}).status_code == 201
    again = zoe.post("/api/v1/session", json=body, headers={PERSON_HEADER: "ann"})
    assert again.json["name"] == "ann"


def test_a_script_has_a_token_and_no_cookie(web: Web, client: FlaskClient) -> None:
    added = web.add([image(0)])
    script = web.catalog.sessions.begin(person(web, "ann"), kind=SessionKind.SCRIPT)
    bearer = {"Authorization": f"Bearer {script}"}
    assert label(client, added, **bearer).status_code == 201
    assert client.get("/metrics", headers=bearer).status_code == 200
    page = web.catalog.sessions.begin("ann")
    for wrong in (f"Bearer {page}", "Bearer", "Bearer x", f"Basic {script}"):
        assert client.get("/api/v1/taxa", headers={"Authorization": wrong}).status_code == 401
    client.set_cookie(SESSION_COOKIE, script)
    assert client.get("/api/v1/taxa").status_code == 401


def test_ones_own_password_is_changed_with_the_old_one(web: Web, app: Flask) -> None:
    here, there = logged_in(web, app, "ann"), app.test_client()
    fill_in(there, "ann")
    path, new = "/api/v1/session/password", "another good one"
    assert here.post(path, json={"old": "wrong", "new": new}).status_code == 422
    assert here.post(path, json={"old": PASSWORD, "new": "short"}).status_code == 422
    assert there.get("/api/v1/session").status_code == 200
    assert here.post(path, json={"old": PASSWORD, "new": new}).status_code == 200
    assert here.get("/api/v1/session").status_code == 200
    assert there.get("/api/v1/session").status_code == 401
    assert fill_in(there, "ann").status_code == 401
    assert fill_in(there, "ann", new).status_code == 303


def test_without_a_login_all_is_this_machines_users(web: Web) -> None:
    client = web.app().test_client()
    assert client.get("/api/v1/session").json == {"name": "ada", "role": "admin"}
    added = web.add([image(0)])
    assert label(client, added, **{PERSON_HEADER: "somebody"}).status_code == 201
    assert client.get("/login").location == "/"
    page = client.get("/")
    assert "data-login" not in page.text
    assert "Log out" not in page.text
    assert client.get("/people").status_code == 200
    answer = client.post("/api/v1/session/password", json={"old": "x", "new": "another good one"})
    assert answer.status_code == 422


# -- where it is reached -------------------------------------------------------------------------


def test_any_address_is_bound_and_names_are_checked(web: Web) -> None:
    app = web.app(LOGIN.model_copy(update={"web_host": "0.0.0.0", "web_names": "lab.example, Box"}))
    client = app.test_client()
    for host in ("192.168.1.5:8080", "[2001:db8::1]:8080", "LAB.example:8080", "box", "localhost"):
        assert client.get("/healthz", headers={"Host": host}).status_code == 200, host
    for host in ("evil.example", "lab.example.evil.example", "192.168.1.5.nip.example", ""):
        answer = client.get("/healthz", headers={"Host": host})
        assert answer.status_code == 403, host
    assert "PLANKTON_WEB_NAMES" in answer.json["detail"]


def test_behind_a_proxy_cookies_are_secure_and_addresses_are_the_browsers(web: Web) -> None:
    person(web, "ann")
    settings = Settings(auth="login", web_proxy=True, web_names="lab.example", _env_file=None)
    client = web.app(settings).test_client()
    headers = {
        "Host": "lab.example", "Origin": "https://lab.example",
        "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https",
    }  # fmt: skip
    body = {"name": "ann", "password": "wrong"}
    for _ in range(5):
        assert client.post("/api/v1/session", json=body, headers=headers).status_code == 401
    assert client.post("/api/v1/session", json=body, headers=headers).status_code == 429
    other = headers | {"X-Forwarded-For": "203.0.113.8"}
    body["password"] = PASSWORD
    answer = client.post("/api/v1/session", json=body, headers=other)
    assert answer.status_code == 200
    assert all("Secure" in one for one in answer.headers.getlist("Set-Cookie"))


def test_without_a_proxy_its_headers_are_not_believed(web: Web, client: FlaskClient) -> None:
    person(web, "ann")
    body = {"name": "ann", "password": "wrong"}
    for number in range(6):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        answer = client.post("/api/v1/session", json=body, headers=headers)
    assert answer.status_code == 429
