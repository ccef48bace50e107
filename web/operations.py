"""The API as a table: each operation names its models once, to be checked and to be described."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError

from plankton_stream.errors import RejectedError
from plankton_stream.people import Role
from web import people
from web.parts import Parts
from web.problems import MalformedError, TooLargeError, UnsupportedError

MAX_JSON_BYTES = 1024 * 1024
"""Largest JSON body; 10,000 image ids are 300 kB."""

JSON = "application/json"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        rule: the path as Flask writes it; its parts are passed to `call` by name.
        call: gets the parts, and `query`, `headers` and `body` where they are declared. Its
            docstring describes the operation.
        answer: model of the answer, or the media type of one that is not JSON.
        query: model of the query string.
        headers: model of the headers that matter.
        body: model of the JSON body.
        upload: takes a multipart form with a file `image`; then `query` is read from it as well.
        role: who may; None: everybody, also without a login.
        problems: statuses of the errors that are its own, besides those that its models tell.
    """

    method: str
    rule: str
    call: Callable[..., BaseModel | Response]
    answer: type[BaseModel] | str
    status: int = 200
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    upload: bool = False
    role: Role | None = Role.VIEWER
    problems: tuple[int, ...] = ()

    @property
    def endpoint(self) -> str:
        """What Flask calls it."""
        return f"{self.method} {self.rule}".replace(".", "-")


def register(app: Flask, parts: Parts, operations: tuple[Operation, ...]) -> None:
    """Serve operations."""
    for operation in operations:
        app.add_url_rule(
            operation.rule,
            endpoint=operation.endpoint,
            view_func=_view(operation, parts),
            methods=[operation.method],
        )


def _view(operation: Operation, parts: Parts) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        if operation.role is not None:
            people.require(parts, operation.role)
        answer = operation.call(parts, **path, **_given(operation))
        if isinstance(answer, Response):
            return answer
        return Response(answer.model_dump_json(), operation.status, mimetype=JSON)

    return view


def _given(operation: Operation) -> dict[str, BaseModel]:
    given: dict[str, BaseModel] = {}
    if operation.query is not None:
        given["query"] = _query(operation.query, with_form=operation.upload)
    if operation.headers is not None:
        given["headers"] = _headers(operation.headers)
    if operation.body is not None:
        given["body"] = _body(operation.body)
    return given


def _query(model: type[Model], *, with_form: bool) -> Model:
    """The query parameters; one that is left empty (`state=`) is no condition."""
    values = request.values if with_form else request.args
    twice = [name for name, several in values.to_dict(flat=False).items() if len(several) > 1]
    if twice:
        raise MalformedError(f"given more than once: {', '.join(sorted(twice))}")
    unknown = values.keys() - model.model_fields.keys()
    if unknown:
        allowed = ", ".join(model.model_fields)
        raise RejectedError(f"unknown parameters: {', '.join(sorted(unknown))}; known: {allowed}")
    return model.model_validate({name: value for name, value in values.items() if value})


def _headers(model: type[Model]) -> Model:
    wanted = [field.alias or name for name, field in model.model_fields.items()]
    return model.model_validate(
        {name: request.headers[name] for name in wanted if name in request.headers}
    )


def _body(model: type[Model]) -> Model:
    if not request.is_json:
        raise UnsupportedError(f"content type {request.mimetype!r}: allowed is {JSON}")
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise TooLargeError(f"the body is larger than the {MAX_JSON_BYTES} bytes allowed")
    data = request.get_data()
    try:
        body = model.model_validate_json(data)
    except ValidationError as error:
        if any(issue["type"] == "json_invalid" for issue in error.errors()):
            raise MalformedError(f"the body is not JSON: {error.errors()[0]['msg']}") from error
        raise
    # PostgreSQL's text can't hold it.
    if _has_nul(body.model_dump()):
        raise MalformedError("NUL characters (\\u0000) are not allowed in text")
    return body


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nul, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value
