"""The description of the API: complete, and true of real answers."""

import re
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from tests.web_parts import Web, image, picture
from web.operations import JSON

NOT_API = {"/cameras", "/", "/census", "/static/{filename}", "/api/openapi.json"}
NOT_API |= {"/login", "/logout", "/people", "/people/{name}", "/account"}
NOT_API |= {"/review", "/taxa", "/review/second", "/review/agreement"}
NOT_API |= {"/map", "/progress", "/images/{image_id}"}

PERSON = {"name": "ann", "role": "viewer", "password": "three small copepods"}


@pytest.fixture
def app(web: Web) -> Flask:
    return web.app()


def review_requests(image_id: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Of an image that is labelled: objected to, settled, made a reference."""
    settle = "/api/v1/review/{image_id}/settlement"
    settled = {"json": {"taxon": "egg", "why": "seen"}, "headers": {"Idempotency-Key": "s"}}
    again = settled | {"headers": {"Idempotency-Key": "t"}}
    shares, references = "/api/v1/review/shares", "/api/v1/references"
    of_reference = "/api/v1/references/{image_id}"
    objection = {"image_id": image_id, "taxon": "egg", "note": "round"}
    truth = {"image_ids": [image_id], "taxon": "egg"}
    return [
        ("post", "/api/v1/disputes", "/api/v1/disputes", {"json": objection}),
        ("post", "/api/v1/disputes", "/api/v1/disputes", {"json": {}}),
        ("delete", "/api/v1/disputes/{dispute_id}", "/api/v1/disputes/x", {}),
        ("get", "/api/v1/images/{image_id}", f"/api/v1/images/{image_id}", {}),
        ("get", "/api/v1/review", "/api/v1/review", {}),
        ("post", settle, settle.format(image_id=image_id), settled),
        ("post", settle, settle.format(image_id=image_id), again),
        ("get", shares, shares, {}),
        ("put", shares, shares, {"json": {"second_percent": 100}}),
        ("get", "/api/v1/queues/second", "/api/v1/queues/second", {}),
        ("post", "/api/v1/opinions", "/api/v1/opinions", {"json": objection}),
        ("delete", "/api/v1/opinions/{opinion_id}", "/api/v1/opinions/x", {}),
        ("post", references, references, {"json": truth}),
        ("get", references, references, {}),
        ("delete", of_reference, f"{references}/{image_id}", {}),
        ("get", "/api/v1/agreement", "/api/v1/agreement", {}),
        ("get", "/api/v1/agreement/matrix", "/api/v1/agreement/matrix?compared=self", {}),
        ("get", "/api/v1/agreement/matrix", "/api/v1/agreement/matrix?compared=x", {}),
    ]  # fmt: skip


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_every_route_is_described(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {route for route in served if route[1] not in NOT_API} == described
    assert document["openapi"] == "3.1.0"


def test_references_lead_somewhere_and_schemas_are_schemas(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"\$ref": ?"([^"]+)"', client.get("/api/openapi.json").text))
    assert references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(
        schemas
    )
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_parameters_name_their_limits(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    operation = document["paths"]["/api/v1/images/{image_id}/neighbours"]["get"]
    parameters = {one["name"]: one for one in operation["parameters"]}
    assert (parameters["k"]["schema"]["minimum"], parameters["k"]["schema"]["maximum"]) == (
        1,
        10_000,
    )
    assert parameters["metric"]["schema"]["enum"] == ["cosine", "l2", "hamming"]
    assert parameters["image_id"]["in"] == "path"
    header = document["paths"]["/api/v1/labels"]["post"]["parameters"][0]
    assert (header["name"], header["in"], header["required"]) == ("Idempotency-Key", "header", True)


def test_the_errors_that_any_operation_may_meet_are_described(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    for path, item in document["paths"].items():
        for method, operation in item.items():
            described = set(operation["responses"])
            assert {"403", "500", "503"} <= described, (method, path)
            if "query" in {one["in"] for one in operation["parameters"]}:
                assert {"400", "422"} <= described, (method, path)
            if JSON in operation.get("requestBody", {}).get("content", {}):
                assert {"400", "413", "415", "422"} <= described, (method, path)


def test_real_answers_are_as_described(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n, depth_m=3.5) for n in range(5)])
    label = {"image_ids": added[:2], "taxon": "copepod", "state": "validated"}
    key = {"Idempotency-Key": "k"}
    done = client.post("/api/v1/labels", json=label, headers=key).json
    label_id, action_id = done["labels"][0]["label_id"], done["action_id"]
    neighbours = f"/api/v1/images/{added[0]}/neighbours"
    refused, skips = {"image_ids": added[3:], "taxon": "egg"}, "/api/v1/queues/clusters/skips"
    other, page = {"Idempotency-Key": "l"}, {"Plankton-Client": "some-page"}
    stale = label | {"taxon": "egg", "seen": {added[0]: 0}}
    names, claims = "/api/v1/images/names", "/api/v1/claims"
    renewals, releases = f"{claims}/renewals", f"{claims}/releases"
    form = {"image": (BytesIO(picture(0)), "a")}
    requests: list[tuple[str, str, str, dict[str, Any]]] = [
        ("post", "/api/v1/labels", "/api/v1/labels", {"json": label, "headers": key}),
        ("post", "/api/v1/labels", "/api/v1/labels", {"json": {}, "headers": key}),
        ("get", "/healthz", "/healthz", {}),
        *review_requests(added[1]),
        ("get", "/api/v1/stats", "/api/v1/stats", {}),
        ("get", "/api/v1/cameras", "/api/v1/cameras", {}),
        ("get", "/api/v1/encoders", "/api/v1/encoders", {}),
        ("get", "/api/v1/census", "/api/v1/census", {}),
        ("get", "/api/v1/images", "/api/v1/images?limit=2", {}),
        ("get", "/api/v1/images", "/api/v1/images?limit=x", {}),
        ("get", "/api/v1/images", "/api/v1/images?limit=1&limit=2", {}),
        ("get", "/api/v1/images/{image_id}", f"/api/v1/images/{added[0]}", {}),
        ("get", "/api/v1/images/{image_id}", "/api/v1/images/x", {}),
        ("get", "/api/v1/images/{image_id}/neighbours", neighbours, {}),
        ("get", "/api/v1/queues", "/api/v1/queues", {}),
        ("get", "/api/v1/queues/{name}", "/api/v1/queues/newest?limit=2", {}),
        ("get", "/api/v1/queues/{name}", "/api/v1/queues/nonsense", {}),
        ("get", "/api/v1/queues/{name}", "/api/v1/queues/novel?cursor=x", {}),
        ("get", "/api/v1/images/{image_id}/group", f"/api/v1/images/{added[3]}/group?k=3", {}),
        ("post", "/api/v1/rejections", "/api/v1/rejections", {"json": refused}),
        ("post", "/api/v1/rejections", "/api/v1/rejections", {"json": {}}),
        ("post", skips, skips, {"json": {"image_ids": added[3:]}}),
        ("post", "/api/v1/labels", "/api/v1/labels", {"json": stale, "headers": other}),
        ("post", names, names, {"json": {"image_ids": added}}),
        ("post", claims, claims, {"json": {"image_ids": added}, "headers": page}),
        ("post", renewals, renewals, {"json": {"image_ids": added}, "headers": page}),
        ("post", releases, releases, {"json": {}, "headers": page}),
        ("post", "/api/v1/search", "/api/v1/search", {"data": form}),
        ("post", "/api/v1/search", "/api/v1/search", {"data": {}}),
        ("delete", "/api/v1/labels/{label_id}", f"/api/v1/labels/{label_id}", {}),
        ("delete", "/api/v1/actions/{action_id}", f"/api/v1/actions/{action_id}", {}),
        ("get", "/api/v1/session", "/api/v1/session", {}),
        ("post", "/api/v1/session", "/api/v1/session", {"json": {"name": "a", "password": "b"}}),
        ("get", "/api/v1/people", "/api/v1/people", {}),
        ("post", "/api/v1/people", "/api/v1/people", {"json": PERSON}),
        ("patch", "/api/v1/people/{name}", "/api/v1/people/ann", {"json": {"disabled": True}}),
        ("get", "/api/v1/people/{name}/labels", "/api/v1/people/ada/labels?limit=1", {}),
        ("get", "/api/v1/people/{name}/actions", "/api/v1/people/ada/actions", {}),
        ("get", "/api/v1/people/{name}/actions", "/api/v1/people/M.%2FA.%20Lund/actions", {}),
        ("get", "/api/v1/people/{name}/actions", "/api/v1/people/ada/actions?cursor=", {}),
        ("get", "/api/v1/taxa", "/api/v1/taxa", {}),
        ("post", "/api/v1/taxa", "/api/v1/taxa", {"json": {"key": "a", "name": "a"}}),
    ]  # fmt: skip
    document = client.get("/api/openapi.json").json
    for method, path, url, options in requests:
        answer = client.open(url, method=method.upper(), **options)
        described = document["paths"][path][method]["responses"][str(answer.status_code)]
        schema = described["content"][answer.mimetype]["schema"]
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert [error.message for error in validator.iter_errors(answer.json)] == [], url
