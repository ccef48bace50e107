"""The JSON Schema of each event type, for consumers in other languages.

`python -m plankton_stream.events.schemas` writes them to the folder `schemas` beside this file; a
test keeps the files equal to the models, another compares them with the frozen first version.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from plankton_stream.events.envelope import header_name
from plankton_stream.events.facts import FACTS
from plankton_stream.events.images import FRAME_CAPTURED, ROI_CUT, FrameAttributes, RoiAttributes

FOLDER = Path(__file__).parent / "schemas"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTES: dict[str, type[BaseModel]] = {
    FRAME_CAPTURED: FrameAttributes,
    ROI_CUT: RoiAttributes,
}


def schemas() -> dict[str, dict[str, Any]]:
    """All schemas by event type. Facts: of the value. Images: of the headers, which are text."""
    found = {name: _open(fact.model_json_schema()) for name, fact in FACTS.items()}
    found |= {name: _headers(model) for name, model in _ATTRIBUTES.items()}
    return {name: {"$schema": _DIALECT, "$id": name, **found[name]} for name in sorted(found)}


def to_text(schema: dict[str, Any]) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Write all schemas to a folder."""
    folder.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (folder / f"{name}.json").write_text(to_text(schema), encoding="utf-8")


def _headers(model: type[BaseModel]) -> dict[str, Any]:
    """As the values are written, under the names that the headers have."""
    schema: dict[str, Any] = _open(model.model_json_schema(mode="serialization"))
    required = model.model_json_schema().get("required", [])
    schema["properties"] = {
        header_name(name): value for name, value in schema["properties"].items()
    }
    schema["required"] = [header_name(name) for name in required]
    return schema


def _open(schema: Any) -> Any:
    """Allow unknown properties: an event may grow within its version."""
    if isinstance(schema, dict):
        closed = schema.get("additionalProperties") is False
        return {
            name: _open(value)
            for name, value in schema.items()
            if not (closed and name == "additionalProperties")
        }
    return [_open(item) for item in schema] if isinstance(schema, list) else schema


if __name__ == "__main__":
    write()
