"""Without a login only this machine's own pages may ask: who that is, and how it is checked.

A page from elsewhere that runs in the user's browser can reach loopback addresses. `Host` is
checked against DNS rebinding, `Origin` and `Sec-Fetch-Site` against requests across sites.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, request

from plankton_stream.addresses import is_loopback, require_loopback
from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings
from web.problems import problem

_SAFE = {"GET", "HEAD", "OPTIONS"}

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def require_safe(settings: Settings) -> None:
    """Refuse to serve everybody without asking who they are.

    Raises:
        ConfigError: there is no login, and that was not asked for or the address is not loopback.
    """
    if settings.auth != "none":
        raise ConfigError(
            "PLANKTON_AUTH is not set: this version knows no login, so set PLANKTON_AUTH=none to "
            "serve without one, on this machine only"
        )
    require_loopback(settings.web_host)


def guard(app: Flask) -> None:
    """Check every request of an app, and protect every answer."""
    app.before_request(_refuse_strangers)
    app.after_request(_protect)


def _refuse_strangers() -> Response | None:
    if not is_loopback(_hostname(request.host)):
        return _forbidden(f"Host {request.host!r}: allowed are localhost and loopback addresses")
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.method in _SAFE:
        # A link from elsewhere may open a page; a script or an image tag from elsewhere may not
        # read the API.
        if site == "cross-site" and request.headers.get("Sec-Fetch-Mode") != "navigate":
            return _forbidden("requests from other sites are not answered")
        return None
    if site not in ("same-origin", "none"):
        return _forbidden(f"Sec-Fetch-Site {site!r}: only this server's own pages may change data")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        return _forbidden(f"Origin {origin!r}: only this server's own pages may change data")
    return None


def _hostname(host: str) -> str:
    """A `Host` header without its port; empty where it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _forbidden(why: str) -> Response:
    return problem(HTTPStatus.FORBIDDEN, why)


def _protect(answer: Response) -> Response:
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer
