"""The pages to log in and out, which work without JavaScript."""

import hmac
import secrets
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, g, make_response, redirect, render_template, request

from plankton_stream.people import same_name
from web.accounts import passwords, sessions
from web.parts import Parts
from web.problems import ForbiddenError, TooManyError, UnauthorizedError

_FORM_COOKIE = "plankton_login"
_FORM_LASTS_S = 3600


def check_password(parts: Parts, name: str, password: str) -> str:
    """The name of the person who has this name and password, as the history has it.

    Raises:
        UnauthorizedError: nobody has; it does not say which of both is wrong.
        TooManyError: too many were wrong of late.
    """
    name = name.strip()[:200]
    key, address = same_name(name), request.remote_addr or ""
    parts.guesses.begin(key, address)
    known = parts.catalog.people.password_hash(name)
    if not passwords.fits(password, known and known[1]) or known is None:
        raise UnauthorizedError("nobody has this name and password")
    parts.guesses.succeeded(key, address)
    return known[0]


def register(app: Flask, parts: Parts, *, login: bool) -> None:
    """Serve the pages to log in and out; without a login they lead to the bench."""

    @app.get("/login", endpoint="login")
    def show() -> Response:
        target = local_path(request.args.get("next", ""))
        if not login or g.asking is not None:
            return _to(target)
        return _form(parts, target)

    @app.post("/login", endpoint="log-in")
    def log_in() -> Response:
        target = local_path(request.form.get("next", ""))
        name = request.form.get("name", "")
        if not login:
            return _to(target)
        try:
            _require_our_form()
            person = check_password(parts, name, request.form.get("password", ""))
        except (UnauthorizedError, ForbiddenError, TooManyError) as error:
            return _form(parts, target, name, error)
        return sessions.begin(parts, _to(target), person)

    @app.post("/logout", endpoint="logout")
    def log_out() -> Response:
        return sessions.end(parts, _to("/login"))


def local_path(text: str) -> str:
    """Where to go after the login: a path of this server; the bench for whatever is none."""
    parsed = urlsplit(text)
    is_plain = text.isprintable() and "\\" not in text
    if parsed.scheme or parsed.netloc or not is_plain or not text.startswith("/"):
        return "/"
    return "/" if text.startswith(("//", "/login", "/logout")) else text


def _to(path: str) -> Response:
    return make_response(redirect(path, HTTPStatus.SEE_OTHER))


def _form(parts: Parts, target: str, name: str = "", error: Exception | None = None) -> Response:
    """The form, with a number that is in a cookie too: a form elsewhere can't log anybody in."""
    number = secrets.token_urlsafe(32)
    page = render_template(
        "login.html", page="login", next=target, name=name[:200], error=str(error or ""),
        number=number, nobody=not parts.catalog.people.all(),
    )  # fmt: skip
    status = {
        UnauthorizedError: HTTPStatus.UNAUTHORIZED, TooManyError: HTTPStatus.TOO_MANY_REQUESTS,
        ForbiddenError: HTTPStatus.FORBIDDEN,
    }.get(type(error), HTTPStatus.OK)  # fmt: skip
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    answer.set_cookie(
        _FORM_COOKIE, number, max_age=_FORM_LASTS_S, path="/login", httponly=True,
        secure=request.is_secure, samesite="Strict",
    )  # fmt: skip
    return answer


def _require_our_form() -> None:
    given, kept = request.form.get("number", ""), request.cookies.get(_FORM_COOKIE, "")
    if not kept or not hmac.compare_digest(given.encode(), kept.encode()):
        raise ForbiddenError("this form is too old, or cookies are off: please try again")
