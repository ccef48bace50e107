"""Who may ask, and how errors look."""

import pytest
from flask.testing import FlaskClient

from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings
from tests.web_parts import Web

TAXON = {"key": "new_taxon", "name": "new"}


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


def test_no_login_must_be_asked_for(web: Web) -> None:
    with pytest.raises(ConfigError, match="PLANKTON_AUTH=none"):
        web.app(settings())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "lab.example"])
def test_no_login_is_for_loopback_only(web: Web, host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        web.app(settings(auth="none", web_host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_loopback_is_served(web: Web, host: str) -> None:
    web.app(settings(auth="none", web_host=host))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8080", 200),
        ("127.0.0.1:9999", 200),
        ("[::1]:8080", 200),
        ("127.0.0.5:8080", 200),
        ("127.evil.example", 403),
        ("[::1", 403),
        ("evil.example", 403),
        ("localhost.evil.example:8080", 403),
        ("127.0.0.1.nip.example", 403),
    ],
)
def test_host_is_checked(client: FlaskClient, host: str, status: int) -> None:
    for path in ("/", "/api/v1/images", "/metrics", "/static/base.css"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == status, path


def test_scripts_are_asked_for_anew_and_the_icon_is_kept(client: FlaskClient) -> None:
    """After an upgrade no old script may run; a browser asks for the icon with every filter."""
    assert client.get("/static/js/bench.js").headers["Cache-Control"] == "no-cache"
    assert client.get("/static/icon.svg").headers["Cache-Control"] == "public, max-age=86400"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://localhost:8080"}, 201),
        ({"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "https://localhost:8080"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_changes_come_from_this_server_only(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    headers = {"Host": "localhost:8080", **headers}
    assert client.post("/api/v1/taxa", json=TAXON, headers=headers).status_code == status
    known = {taxon["key"] for taxon in client.get("/api/v1/taxa").json["taxa"]}
    assert (TAXON["key"] in known) is (status == 201)


def test_other_sites_may_link_here_but_not_read(client: FlaskClient) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/", headers={**foreign, "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert client.get("/api/v1/taxa", headers=foreign).status_code == 403


def test_answers_are_protected(client: FlaskClient) -> None:
    for path in ("/", "/api/v1/taxa", "/static/base.css", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/labels", 405)],
)
def test_errors_of_routing_are_problems(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == answer.status_code == status
    assert answer.json["instance"] == path
    if status == 405:
        assert "POST" in answer.headers["Allow"]


def test_a_mistake_of_ours_shows_no_traceback(
    web: Web, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(web.catalog.taxa, "all", fail)
    answer = client.get("/api/v1/taxa")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "ZeroDivisionError: secret" in caplog.text
