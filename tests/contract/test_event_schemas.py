"""An event type may grow; what consumers rely on never changes within its version.

`frozen_schemas` holds each schema as it was when the type was first published. Adding a type means
adding its file there; changing one that lies there means a new version of the type instead.
"""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from plankton_stream.events.schemas import FOLDER, schemas, to_text
from tests.label_events import Labelling

FROZEN = Path(__file__).parent / "frozen_schemas"
PROSE = {"title", "description", "default", "examples", "$defs", "$schema", "$id"}

Schema = dict[str, Any]


def breaks(old: Schema, new: Schema) -> list[str]:
    """What a consumer that was written for the old schema would stumble over in the new one."""
    return list(_breaks(old, new, (old, new), "data"))


def _breaks(old: Any, new: Any, roots: tuple[Schema, Schema], at: str) -> Iterator[str]:
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield f"{at}: {old!r} became {new!r}"
        return
    yield from _required(old, new, at)
    for name, value in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{at}.{name}: removed"
        else:
            there = new["properties"][name]
            yield from _breaks(value, there, roots, f"{at}.{name}")
    for word in (old.keys() | new.keys()) - PROSE - {"properties", "required"}:
        where = f"{at} ({word})"
        yield from _word(word, old.get(word), new.get(word), roots, where)


def _word(word: str, old: Any, new: Any, roots: tuple[Schema, Schema], at: str) -> Iterator[str]:
    if word == "enum" and isinstance(old, list) and isinstance(new, list):
        if missing := [value for value in old if value not in new]:
            yield f"{at}: no longer {missing}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _breaks(one, other, roots, f"{at}[{number}]")
    else:
        yield from _breaks(old, new, roots, at)


def _required(old: Schema, new: Schema, at: str) -> Iterator[str]:
    before, after = set(old.get("required", [])), set(new.get("required", []))
    yield from (f"{at}.{name}: newly required" for name in sorted(after - before))
    yield from (f"{at}.{name}: no longer always there" for name in sorted(before - after))


def _resolved(schema: Any, root: Schema) -> Any:
    if isinstance(schema, dict) and "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return root["$defs"][name] | rest
    return schema


def frozen(name: str) -> Schema:
    return json.loads((FROZEN / f"{name}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_the_files_equal_the_models() -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    expected = {name: to_text(schema) for name, schema in schemas().items()}
    assert files == expected, "run: python -m plankton_stream.events.schemas"


def test_each_event_type_has_its_frozen_schema() -> None:
    assert {path.stem for path in FROZEN.glob("*.json")} == set(schemas())


@pytest.mark.parametrize("name", sorted(schemas()))
def test_nothing_that_consumers_rely_on_has_changed(name: str) -> None:
    assert breaks(frozen(name), schemas()[name]) == []


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas()[name])


def test_an_event_fits_its_schema_also_with_a_field_that_came_later() -> None:
    event = next(iter(Labelling(seed=1).events(1, 0)))
    value = json.loads(event.model_dump_json())
    jsonschema.validate(value | {"later": 1}, schemas()[event.event_type])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"version": "one"}, schemas()[event.event_type])


def change(edit: Callable[[Schema], object]) -> Schema:
    schema = copy.deepcopy(schemas()["plankton.label.applied.v1"])
    edit(schema)
    return schema


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda s: s["properties"].pop("why"), "data.why: removed"),
        (lambda s: s["properties"].update(cause=s["properties"].pop("why")), "data.why: removed"),
        (lambda s: s["properties"]["version"].update(type="string"), "version"),
        (lambda s: s["properties"]["at"].pop("format"), "data.at (format)"),
        (lambda s: s["properties"]["why"]["anyOf"].pop(), "data.why (anyOf)"),
        (lambda s: s["required"].append("why"), "data.why: newly required"),
        (lambda s: s["required"].remove("who"), "data.who: no longer always there"),
        (lambda s: s["$defs"]["LabelState"]["enum"].remove("dubious"), "no longer ['dubious']"),
        (lambda s: s["$defs"]["Capture"]["properties"].pop("depth_m"), "capture.depth_m: removed"),
    ],
)  # fmt: skip
def test_a_breaking_change_is_found(edit: Callable[[Schema], object], said: str) -> None:
    found = breaks(schemas()["plankton.label.applied.v1"], change(edit))
    assert any(said in line for line in found), found


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: s["properties"].update(later={"type": "string"}),
        lambda s: s["$defs"]["LabelSource"]["enum"].append("citizen"),
        lambda s: s["properties"]["why"].update(description="In other words."),
    ],
)
def test_growth_is_not_a_breaking_change(edit: Callable[[Schema], object]) -> None:
    assert breaks(schemas()["plankton.label.applied.v1"], change(edit)) == []
