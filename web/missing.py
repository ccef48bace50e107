"""What a browser is shown where there is nothing; programs get a problem as everywhere."""

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import NotFound

from web import problems

_HTML = "text/html"


def register(app: Flask) -> None:
    """Answer a 404 for people with a page that leads on."""
    app.register_error_handler(404, _missing)


def _missing(error: NotFound) -> Response:
    is_page = not request.path.startswith(("/api/", "/static/"))
    wanted = request.accept_mimetypes.best_match(["application/problem+json", _HTML])
    if not (is_page and wanted == _HTML):
        return problems.of_http(error)
    # The framework's own description speaks to programmers.
    about = error.description if error.description != NotFound.description else None
    page = render_template("missing.html", page="missing", about=about)
    return Response(page, 404, mimetype=_HTML)
