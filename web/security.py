"""Only this server's own pages may ask: how that is checked, with a login and without.

A page from elsewhere that runs in the user's browser can reach addresses that its author can't.
`Host` is checked against DNS rebinding, `Origin` and `Sec-Fetch-Site` against requests across
sites. Who is asking, `web.accounts` finds out.
"""

import ipaddress
import logging
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from plankton_stream.addresses import is_loopback, require_loopback
from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings
from web.accounts.sessions import SAFE
from web.problems import problem

log = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a form would be sent with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def require_safe(settings: Settings) -> None:
    """Refuse to serve everybody without asking who they are.

    Raises:
        ConfigError: whether there is a login is not said, or there is none and the address is not
            loopback.
    """
    if not settings.auth:
        raise ConfigError(
            "PLANKTON_AUTH is not set: set PLANKTON_AUTH=login for accounts (`plankton people add` "
            "makes the first), or PLANKTON_AUTH=none to serve without, on this machine only"
        )
    if settings.auth == "none":
        require_loopback(settings.web_host)
    elif not settings.web_proxy and not is_loopback(settings.web_host):
        log.warning(
            "passwords and images travel unencrypted: put a reverse proxy with TLS in front and "
            "set PLANKTON_WEB_PROXY=true, see docs/operate.md"
        )


def guard(app: Flask, settings: Settings) -> None:
    """Check every request of an app, and protect every answer."""
    if settings.web_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    names = {name.strip().lower() for name in settings.web_names.split(",") if name.strip()}
    with_login = settings.auth == "login"

    def refuse_strangers() -> Response | None:
        host = _hostname(request.host)
        # An address can't be rebound: only a name leads a browser here that another site chose.
        if is_loopback(host) or (with_login and (_is_address(host) or host.lower() in names)):
            return _refuse_other_sites()
        allowed = "localhost and loopback addresses"
        if with_login:
            allowed = "addresses, localhost and the names in PLANKTON_WEB_NAMES"
        return _forbidden(f"Host {request.host!r}: allowed are {allowed}")

    app.before_request(refuse_strangers)
    app.after_request(_protect)


def _refuse_other_sites() -> Response | None:
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.method in SAFE:
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


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


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
