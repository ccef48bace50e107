"""Who a request is from: a session's cookie, or a script's token.

A session's cookie is sent by the browser whoever made the page that asks, so every request that
changes something must also carry a number that only our own pages can read (CSRF). It follows from
the session's token, so one from another session is worth nothing.
"""

import hashlib
import hmac
from http import HTTPStatus
from urllib.parse import unquote

from flask import Flask, Response, g, make_response, redirect, request, url_for

from plankton_stream.adapters.sql.sessions import LONGEST, SessionKind
from plankton_stream.people import Person, Role
from web.parts import Parts
from web.problems import ForbiddenError, UnauthorizedError, problem

SESSION_COOKIE = "plankton_session"
CSRF_COOKIE = "plankton_csrf"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
PERSON_HEADER = "Plankton-Person"
SAFE = {"GET", "HEAD", "OPTIONS"}

# They begin a session and care for themselves: a form by a cookie of its own, the API by taking
# JSON only, which no form of another site can send.
_BEGIN = {"log-in", "POST /api/v1/session"}


def protect(app: Flask, parts: Parts, *, login: bool, open_to_all: frozenset[str]) -> None:
    """Say with every request of an app who is asking, and answer nobody else.

    Args:
        app: the application.
        parts: what it works with.
        login: without one, everybody who reaches the app is this machine's user and may do all.
        open_to_all: endpoints that need no login.
    """

    def identify() -> Response | None:
        if not login:
            g.asking = Person(name=parts.user, role=Role.ADMIN)
            return None
        g.asking = _asking(parts)
        if g.asking is None and request.endpoint not in open_to_all:
            return _log_in_first()
        return None

    app.before_request(identify)
    app.context_processor(
        lambda: {"asking": g.get("asking"), "login": login, "csrf_token": csrf_field()}
    )
    if login:
        app.after_request(_keep_to_themselves)


def begin(parts: Parts, answer: Response, name: str) -> Response:
    """Log somebody in with an answer: a new session, whatever cookie the browser came with."""
    end(parts, answer)
    token = parts.catalog.sessions.begin(name)
    most_s = int(LONGEST.total_seconds())
    # Lax: a link from a mail may open a page; nothing is changed by a GET.
    answer.set_cookie(
        SESSION_COOKIE, token, max_age=most_s, httponly=True, secure=request.is_secure,
        samesite="Lax",
    )  # fmt: skip
    answer.set_cookie(
        CSRF_COOKIE, csrf_of(token), max_age=most_s, secure=request.is_secure, samesite="Strict"
    )
    return answer


def end(parts: Parts, answer: Response) -> Response:
    """Log whoever is asking out with an answer; harmless when repeated."""
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        parts.catalog.sessions.end(token)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, secure=request.is_secure, samesite="Lax")
    answer.delete_cookie(CSRF_COOKIE, secure=request.is_secure, samesite="Strict")
    return answer


def csrf_of(token: str) -> str:
    """The number that belongs to a session; whoever has it can't find the token."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def csrf_field() -> str:
    """The number that a form of the page which is being made has to carry; empty without login."""
    token = request.cookies.get(SESSION_COOKIE)
    return csrf_of(token) if token else ""


def _asking(parts: Parts) -> Person | None:
    """The person of a request.

    Raises:
        ForbiddenError: it may have been sent by a page that is not ours.
        UnauthorizedError: it was sent by a page that was made for somebody else.
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return parts.catalog.sessions.person(token.strip(), SessionKind.SCRIPT)
    token = request.cookies.get(SESSION_COOKIE, "")
    person = parts.catalog.sessions.person(token, SessionKind.PAGE) if token else None
    if person is not None and request.method not in SAFE and request.endpoint not in _BEGIN:
        _require_own_page(token)
        _require_same_person(person)
    return person


def _require_own_page(token: str) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.mimetype == "application/x-www-form-urlencoded":
        given = request.form.get(CSRF_FIELD, "")
    if not hmac.compare_digest(given.encode(), csrf_of(token).encode()):
        raise ForbiddenError(
            f"{CSRF_HEADER} is missing or not of this session: only this server's own pages may "
            "change data; reload the page"
        )


def _require_same_person(person: Person) -> None:
    """A page that stays open while somebody else logs in changes nothing in their name."""
    made_for = unquote(request.headers.get(PERSON_HEADER, ""))
    if made_for and made_for != person.name:
        raise UnauthorizedError(
            f"this page was made for {made_for}, but {person.name} is logged in now: reload it"
        )


def _log_in_first() -> Response:
    if request.method in SAFE and not request.path.startswith(("/api/", "/metrics")):
        login = url_for("login", next=request.full_path.rstrip("?"))
        return make_response(redirect(login, HTTPStatus.SEE_OTHER))
    answer = problem(
        HTTPStatus.UNAUTHORIZED,
        "log in first; scripts send a token, Authorization: Bearer …, that "
        "`plankton people token NAME` makes",
    )
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _keep_to_themselves(answer: Response) -> Response:
    """Whoever comes to this browser after somebody has logged out finds no page of theirs."""
    if answer.mimetype == "text/html":
        answer.headers["Cache-Control"] = "no-store"
    return answer
