"""The Flask application: pages and API over the parts that it is given."""

import json
from functools import partial

from flask import Flask, Response

from plankton_stream.domain import MAX_IMAGE_BYTES
from plankton_stream.settings import Settings
from plankton_stream.stack.disk import read_outlook
from plankton_stream.stack.home import Home
from web import metrics, missing, openapi, operations, pages, problems, security
from web.accounts import login, sessions
from web.api import OPERATIONS
from web.operations import JSON
from web.parts import Parts

_OPEN_PAGES = {"static", "login", "log-in", "logout", "describe_api"}
_FORM_OVERHEAD_BYTES = 64 * 1024
_ICON_S = 24 * 3600


class _Web(Flask):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Browsers ask for the icon anew when the page's address changes, with every filter."""
        return _ICON_S if filename == "icon.svg" else super().get_send_file_max_age(filename)


def create_app(parts: Parts, settings: Settings) -> Flask:
    """The application.

    Args:
        parts: what it works with; nothing else is connected to.
        settings: as this process was started with.

    Raises:
        ConfigError: it would serve strangers without a login.
    """
    security.require_safe(settings)
    app = _Web("web")
    app.config["MAX_CONTENT_LENGTH"] = MAX_IMAGE_BYTES + _FORM_OVERHEAD_BYTES
    disk = partial(read_outlook, Home(settings.home.resolve()), settings.disk_mb)
    metrics.instrument(app, parts.totals, parts.registry, disk)
    security.guard(app, settings)
    has_login = settings.auth == "login"
    free = {operation.endpoint for operation in OPERATIONS if operation.role is None}
    sessions.protect(app, parts, login=has_login, open_to_all=frozenset(free | _OPEN_PAGES))
    login.register(app, parts, login=has_login)
    problems.register(app)
    missing.register(app)
    operations.register(app, parts, OPERATIONS)
    pages.register(app, parts)
    described = json.dumps(openapi.document(OPERATIONS))

    @app.get("/api/openapi.json")
    def describe_api() -> Response:
        return Response(described, mimetype=JSON)

    return app
