"""People who log in, for tests of the web application."""

import re
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from plankton_stream.people import Role
from plankton_stream.settings import Settings
from tests.web_parts import Web
from web.accounts.sessions import CSRF_COOKIE, CSRF_HEADER, SESSION_COOKIE, csrf_of

PASSWORD = "three small copepods"
LOGIN = Settings(auth="login", _env_file=None)


@cache
def _cheap_hash() -> str:
    return generate_password_hash(PASSWORD, "scrypt:1024:8:1")


def person(web: Web, name: str, role: Role = Role.LABELLER) -> str:
    """Somebody who can log in with `PASSWORD`; the name."""
    web.catalog.people.add(name, role, _cheap_hash())
    return name


def logged_in(
    web: Web, app: Flask, name: str, role: Role = Role.LABELLER, *, csrf: bool = True
) -> FlaskClient:
    """A client with a session of somebody new, which sends what pages send."""
    client = app.test_client()
    token = web.catalog.sessions.begin(person(web, name, role))
    client.set_cookie(SESSION_COOKIE, token)
    client.set_cookie(CSRF_COOKIE, csrf_of(token))
    if csrf:
        client.environ_base[f"HTTP_{CSRF_HEADER.upper().replace('-', '_')}"] = csrf_of(token)
    return client


def fill_in(client: FlaskClient, name: str, password: str = PASSWORD, **more: str) -> Any:
    """Log in as a browser without JavaScript does."""
    page = client.get("/login")
    found = re.search(r'name="number" value="([^"]+)"', page.text)
    assert found
    form = {"name": name, "password": password, "number": found[1], **more}
    return client.post("/login", data=form)


def label(client: FlaskClient, ids: list[str], key: str = "k", **headers: str) -> Any:
    body = {"image_ids": ids, "taxon": "copepod"}
    return client.post("/api/v1/labels", json=body, headers={"Idempotency-Key": key, **headers})


@pytest.fixture
def app(web: Web) -> Flask:
    return web.app(LOGIN)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
