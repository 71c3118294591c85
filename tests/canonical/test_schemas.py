import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import create_model

from canonical import schemas
from canonical.document import SCHEMA_MAJOR
from canonical.json_schema import schema_name
from canonical.purchase_order import PurchaseOrder
from canonical.registry import DOCUMENT_TYPES
from canonical.schema_changes import breaking_changes

Edit = Callable[[dict[str, Any]], object]

PUBLISHED: dict[str, Any] = {
    "properties": {
        "kind": {"enum": ["a", "b"], "type": "string", "default": "a"},
        "version": {"const": "1.0", "type": "string"},
        "number": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "x"},
        "count": {"type": "number", "minimum": 0, "maximum": 9},
        "party": {"$ref": "#/$defs/Party"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
        "codes": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {},
        "choice": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "required": ["number"],
    "additionalProperties": False,
    "type": "object",
    "$defs": {
        "Party": {"type": "object", "properties": {"name": {"type": "string"}}},
        "Line": {
            "type": "object",
            "properties": {
                "unit": {"type": "string", "format": "date"},
                "party": {"$ref": "#/$defs/Party", "default": {}},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            },
        },
    },
}


def edited(edit: Edit) -> dict[str, Any]:
    schema = copy.deepcopy(PUBLISHED)
    edit(schema)
    return schema


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"][name]
    return found


def line_field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"]["Line"]["properties"][name]
    return found


TWO_VERSIONS = {"type": "string", "enum": ["1.0", "1.1"]}

BREAKS: list[tuple[str, Edit, str]] = [
    ("property removed", lambda s: s["properties"].pop("kind"), "kind: property removed"),
    (
        "property removed in a definition",
        lambda s: s["$defs"]["Party"]["properties"].pop("name"),
        "party.name: property removed",
    ),
    (
        "property removed inside lines",
        lambda s: s["$defs"]["Line"]["properties"].pop("unit"),
        "lines[].unit: property removed",
    ),
    ("required added", lambda s: s["required"].append("kind"), "kind: became required"),
    (
        "required new property",
        lambda s: (s["properties"].update(new={"type": "string"}), s["required"].append("new")),
        "new: became required",
    ),
    ("type changed", lambda s: field(s, "number").update(type="integer"), "number: type narrowed"),
    (
        "number to integer",
        lambda s: field(s, "count").update(type="integer"),
        "count: type narrowed",
    ),
    ("anything to a type", lambda s: field(s, "free").update(type="string"), "free: type narrowed"),
    (
        "enum value removed",
        lambda s: field(s, "kind")["enum"].remove("b"),
        "kind: values removed: 'b'",
    ),
    ("const changed", lambda s: field(s, "version").update(const="1.1"), "version: values removed"),
    (
        "any text to an enum",
        lambda s: field(s, "number").update(enum=["x"]),
        "number: values removed: any other",
    ),
    ("pattern changed", lambda s: field(s, "number").update(pattern="y"), "number: pattern changed"),
    ("pattern added", lambda s: field(s, "kind").update(pattern="y"), "kind: pattern changed"),
    (
        "format changed",
        lambda s: line_field(s, "unit").pop("format"),
        "lines[].unit: format changed",
    ),
    ("default changed", lambda s: field(s, "kind").update(default="b"), "kind: default changed"),
    (
        "default beside a reference changed",
        lambda s: line_field(s, "party").pop("default"),
        "lines[].party: default changed",
    ),
    (
        "shorter",
        lambda s: field(s, "number").update(maxLength=40),
        "number: maxLength lowered to 40",
    ),
    (
        "longer at least",
        lambda s: field(s, "number").update(minLength=2),
        "number: minLength raised",
    ),
    ("bound added", lambda s: field(s, "lines").update(maxItems=5), "lines: maxItems lowered to 5"),
    ("maximum lowered", lambda s: field(s, "count").update(maximum=8), "count: maximum lowered"),
    (
        "map values narrowed",
        lambda s: field(s, "codes").update(additionalProperties={"type": "integer"}),
        "codes{}: type narrowed",
    ),
    (
        "map closed",
        lambda s: field(s, "codes").update(additionalProperties=False),
        "codes: further properties are refused now",
    ),
    ("choice removed", lambda s: field(s, "choice")["anyOf"].pop(), "choice: anyOf changed"),
]

HARMLESS: list[tuple[str, Edit]] = [
    ("nothing", lambda s: None),
    ("optional property added", lambda s: s["properties"].update(new={"type": "string"})),
    ("definition added", lambda s: s["$defs"].update(New={"type": "object"})),
    ("required dropped", lambda s: s["required"].clear()),
    ("enum value added", lambda s: field(s, "kind")["enum"].append("c")),
    ("const to an enum with it", lambda s: s["properties"].update(version=TWO_VERSIONS)),
    ("longer", lambda s: field(s, "number").update(maxLength=100)),
    ("bound dropped", lambda s: field(s, "count").pop("maximum")),
    ("type widened", lambda s: field(s, "number").update(type=["string", "integer"])),
    ("description changed", lambda s: s.update(description="new words")),
    ("opened", lambda s: s.pop("additionalProperties")),
]  # fmt: skip


def test_the_published_schemas_are_current_and_no_major_version_is_broken() -> None:
    assert schemas.problems() == ()


def test_every_document_type_is_published_and_nothing_else() -> None:
    files = {path.name for path in schemas.SCHEMA_FOLDER.iterdir()}

    assert {schema_name(each) for each in DOCUMENT_TYPES} <= files
    majors = range(1, SCHEMA_MAJOR + 1)
    assert files <= {f"{each}.v{major}.json" for each in DOCUMENT_TYPES for major in majors}


@pytest.mark.parametrize("edit, expected", [each[1:] for each in BREAKS], ids=[each[0] for each in BREAKS])
def test_a_breaking_change_is_named(edit: Edit, expected: str) -> None:
    changes = breaking_changes(PUBLISHED, edited(edit))

    assert any(each.startswith(f"document.{expected}") for each in changes), changes


@pytest.mark.parametrize("edit", [each[1] for each in HARMLESS], ids=[each[0] for each in HARMLESS])
def test_a_harmless_change_is_none(edit: Edit) -> None:
    assert breaking_changes(PUBLISHED, edited(edit)) == ()


def test_integers_are_numbers_too() -> None:
    integer = {"properties": {"n": {"type": "integer"}}}
    number = {"properties": {"n": {"type": "number"}}}

    assert breaking_changes(integer, number) == ()
    assert breaking_changes(number, integer) != ()


def changed_order(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Put a changed purchase order in the registry, as an edit of its model would."""
    model = create_model("PurchaseOrder", __base__=PurchaseOrder, **fields)
    monkeypatch.setattr(schemas, "DOCUMENT_TYPES", {**DOCUMENT_TYPES, "purchase_order": model})


def test_a_model_with_a_new_required_field_is_found_and_never_written_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert schemas.write(tmp_path) == ()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    changed_order(monkeypatch, colour=(str, ...))
    expected = "purchase_order.v1.json: document.colour: became required; needs a new SCHEMA_MAJOR"

    assert expected in schemas.problems(tmp_path)
    assert schemas.write(tmp_path) == (expected,)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_model_with_a_new_optional_field_is_out_of_date_until_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schemas.write(tmp_path)
    changed_order(monkeypatch, colour=(str | None, None))

    assert schemas.problems(tmp_path) == (
        "purchase_order.v1.json: out of date; run python -m canonical.schemas --write",
    )
    assert schemas.write(tmp_path) == ()
    assert schemas.problems(tmp_path) == ()


def test_the_command_ends_with_1_and_says_why_where_a_schema_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "canonical.schemas", "--check", "--folder", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert "purchase_order.v1.json: missing" in run.stderr
    assert schemas.main(["--write", "--folder", str(tmp_path)]) == 0
    assert schemas.main(["--check", "--folder", str(tmp_path)]) == 0


def test_a_schema_says_that_numbers_travel_as_text_and_which_fields_are_required() -> None:
    schema = json.loads((schemas.SCHEMA_FOLDER / "purchase_order.v1.json").read_text(encoding="utf-8"))

    assert schema["required"] == ["document_type", "number"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Quantity"]["properties"]["value"]["type"] == "string"
