"""Errors as problem details (RFC 9457): what is wrong and what is allowed, never a traceback."""

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from plankton_stream.adapters.sql import NamedMeanwhile, StaleError
from plankton_stream.domain import MAX_IMAGE_BYTES
from plankton_stream.errors import ConflictError, NotFoundError, RejectedError, RetryableError
from web.answers import FieldProblem, Problem

log = logging.getLogger(__name__)

_RETRY_AFTER_S = "2"


class MalformedError(RejectedError):
    """The request can't even be read; HTTP 400."""


class TooLargeError(RejectedError):
    """The request has more bytes than are taken; HTTP 413."""


class UnsupportedError(RejectedError):
    """The request's body has a content type that is not taken; HTTP 415."""


class ForbiddenError(RejectedError):
    """Whoever asks may not do that; HTTP 403."""


class UnauthorizedError(RejectedError):
    """Nobody knows who is asking; HTTP 401."""


class TooManyError(RejectedError):
    """This was tried too often of late; HTTP 429.

    Attributes:
        wait_s: when to try again.
    """

    def __init__(self, why: str, wait_s: int) -> None:
        super().__init__(why)
        self.wait_s = wait_s


_DETAILS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "nothing is at this address: GET /api/openapi.json lists what there is",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address knows other methods: the Allow header lists them",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        f"the request is too large: allowed are images of {MAX_IMAGE_BYTES} bytes"
    ),
}

_STATUS: tuple[tuple[type[RejectedError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (MalformedError, HTTPStatus.BAD_REQUEST),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnsupportedError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (UnauthorizedError, HTTPStatus.UNAUTHORIZED),
    (TooManyError, HTTPStatus.TOO_MANY_REQUESTS),
    (RejectedError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def register(app: Flask) -> None:
    """Answer every error of an app as a problem."""
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(RejectedError, _rejected)
    app.register_error_handler(RetryableError, _retryable)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, _unexpected)


def problem(
    status: HTTPStatus | int,
    detail: str,
    errors: list[FieldProblem] | None = None,
    conflicts: list[NamedMeanwhile] | None = None,
) -> Response:
    """A problem as a response."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=int(status),
        detail=detail,
        instance=request.path,
        errors=errors,
        conflicts=conflicts,
    )
    return Response(
        body.model_dump_json(exclude_none=True), int(status), mimetype="application/problem+json"
    )


def _invalid(error: ValidationError) -> Response:
    found = [
        FieldProblem(where=".".join(map(str, issue["loc"])) or "request", message=_message(issue))
        for issue in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    detail = "; ".join(f"{one.where}: {one.message}" for one in found[:5])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, found[:50])


def _message(issue: object) -> str:
    assert isinstance(issue, dict)  # noqa: S101
    return str(issue["msg"]).removeprefix("Value error, ")


def _rejected(error: RejectedError) -> Response:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    stale = list(error.meanwhile) if isinstance(error, StaleError) else None
    answer = problem(status, str(error), conflicts=stale)
    if isinstance(error, TooManyError):
        answer.headers["Retry-After"] = str(error.wait_s)
    return answer


def _retryable(error: RetryableError) -> Response:
    log.warning("%s %s: %s", request.method, request.path, error)
    answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    answer.headers["Retry-After"] = _RETRY_AFTER_S
    return answer


def of_http(error: HTTPException) -> Response:
    """What the framework refused, as a problem; a redirect stays one."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return Response(error.get_body(), error.code, error.get_headers())  # a redirect
    answer = problem(error.code, _DETAILS.get(error.code) or error.description or error.name)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers[name] = value  # Allow of a 405
    return answer


def _unexpected(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the server made a mistake; its log says more",
    )
