"""OpenAPI 3.1, made from the table of operations and the models that check requests."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from web.accounts.sessions import CSRF_COOKIE, CSRF_HEADER, PERSON_HEADER, SESSION_COOKIE
from web.answers import Problem
from web.operations import JSON, Operation

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_PART = r"<(?:\w+:)?(\w+)>"
"""A part of a rule as Flask writes it, with its converter if it has one."""


def document(operations: Iterable[Operation]) -> Json:
    """The description of an API as JSON-ready data."""
    operations = list(operations)
    schemas, components = _schemas(operations)
    paths: Json = {}
    for operation in operations:
        path = re.sub(_PART, r"{\1}", operation.rule)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plankton stream",
            "version": version("plankton-stream"),
            "description": "Live plankton images: search by likeness, label, count.",
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SECURITY},
    }


_SECURITY = {
    "session": {
        "type": "apiKey", "in": "cookie", "name": SESSION_COOKIE,
        "description": f"POST /api/v1/session begins one. A request that changes something repeats "
        f"the cookie {CSRF_COOKIE} in the header {CSRF_HEADER}, and may name whom it is for, "
        f"percent-encoded, in {PERSON_HEADER}: 401 if that is not who is logged in.",
    },
    "token": {
        "type": "http", "scheme": "bearer",
        "description": "`plankton people token NAME` makes one for a script.",
    },
}  # fmt: skip

_Schemas = dict[tuple[Any, JsonSchemaMode], Json]


def _schemas(operations: list[Operation]) -> tuple[_Schemas, Json]:
    """A reference for each model, and the definitions that they refer to."""
    wanted: set[tuple[type[BaseModel], JsonSchemaMode]] = {(Problem, "serialization")}
    for operation in operations:
        if not isinstance(operation.answer, str):
            wanted.add((operation.answer, "serialization"))
        if operation.body is not None:
            wanted.add((operation.body, "validation"))
    ordered = sorted(wanted, key=lambda pair: (pair[0].__name__, pair[1]))
    references, definitions = models_json_schema(ordered, ref_template=_REF)
    return references, definitions.get("$defs", {})


def _describe(operation: Operation, schemas: _Schemas) -> Json:
    about = (operation.call.__doc__ or "").strip()
    described: Json = {
        "operationId": operation.call.__name__,
        "summary": about.split("\n")[0],
        "parameters": [*_path_parameters(operation), *_parameters(operation)],
        "responses": _responses(operation, schemas),
    }
    if operation.role is not None:
        described["x-role"] = operation.role.value
        described["security"] = [{"session": []}, {"token": []}, {}]  # {}: where there is no login
    if operation.body is not None:
        schema = schemas[operation.body, "validation"]
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if operation.upload:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": _FORM}}
    return described


_FORM = {
    "schema": {
        "type": "object",
        "required": ["image"],
        "properties": {
            "image": {"type": "string", "description": "A PNG, JPEG or TIFF file, 16 MiB at most."}
        },
        "additionalProperties": {
            "description": "The parameters may be fields of the form as well."
        },
    }
}


def _path_parameters(operation: Operation) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(_PART, operation.rule)
    ]


def _parameters(operation: Operation) -> list[Json]:
    found = []
    for where, model in (("query", operation.query), ("header", operation.headers)):
        if model is None:
            continue
        schema = model.model_json_schema(ref_template=_REF)
        definitions = schema.get("$defs", {})
        required = schema.get("required", [])
        for name, field in schema["properties"].items():
            found.append(
                {
                    "name": name,
                    "in": where,
                    "required": name in required,
                    "description": field.get("description", ""),
                    "schema": _inlined(field, definitions),
                }
            )
    return found


def _inlined(schema: Any, definitions: Json) -> Any:
    """A parameter's schema without references: the enumerations that it names, written out."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {name: _inlined(value, definitions) for name, value in schema.items() if name != "$ref"}
    if "$ref" in schema:
        return {**definitions[schema["$ref"].rpartition("/")[2]], **rest}
    return rest


def _responses(operation: Operation, schemas: _Schemas) -> Json:
    if isinstance(operation.answer, str):
        content: Json = {operation.answer: {}}
    else:
        content = {JSON: {"schema": schemas[operation.answer, "serialization"]}}
    problem = {"application/problem+json": {"schema": schemas[Problem, "serialization"]}}
    answers: Json = {str(operation.status): {"description": "Done.", "content": content}}
    statuses = {403, 500, 503, *operation.problems}
    if operation.role is not None:
        statuses.add(401)
    if operation.query or operation.body:
        statuses |= {400, 422}
    if operation.body:
        statuses |= {413, 415}
    if operation.headers:
        statuses.add(422)
    for status in sorted(statuses):
        answers[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return answers
