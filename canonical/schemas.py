"""The published JSON Schemas: `canonical/schema/<document_type>.v<major>.json`, made from the models.

`python -m canonical.schemas --check` says what is out of date or broken; `--write` brings the files up
to date and refuses a breaking change: that needs a new SCHEMA_MAJOR, whose files stand beside the old.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from canonical.document import SCHEMA_MAJOR, CanonicalDocument
from canonical.model import NO_ENTRIES
from canonical.registry import DOCUMENT_TYPES
from canonical.schema_changes import breaking_changes

SCHEMA_FOLDER = Path(__file__).parent / "schema"


def schema_name(document_type: str) -> str:
    """Give the file name of a document type's schema."""
    return f"{document_type}.v{SCHEMA_MAJOR}.json"


def schema_of(model: type[CanonicalDocument]) -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a document type, as text in a file would be read."""
    schema = model.model_json_schema(schema_generator=_Plain)
    document_type = schema["properties"]["document_type"]["const"]
    required = ["document_type", *(name for name in schema.get("required", []) if name != "document_type")]
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:legacy-bridge:canonical:{document_type}:v{SCHEMA_MAJOR}",
    }
    return {**head, **schema, "required": required}


def schema_text(model: type[CanonicalDocument]) -> str:
    """Write a schema the way it is kept: indented, one order, a final newline."""
    return json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"


def problems(folder: Path = SCHEMA_FOLDER) -> tuple[str, ...]:
    """Say what is wrong with the published files: missing, broken by the models, or out of date."""
    found: list[str] = []
    for name, model in DOCUMENT_TYPES.items():
        path = folder / schema_name(name)
        if not path.exists():
            found.append(f"{path.name}: missing; run python -m canonical.schemas --write")
            continue
        text = path.read_text(encoding="utf-8")
        broken = breaking_changes(json.loads(text), schema_of(model))
        found += [f"{path.name}: {each}; needs a new SCHEMA_MAJOR" for each in broken]
        if not broken and text != schema_text(model):
            found.append(f"{path.name}: out of date; run python -m canonical.schemas --write")
    return tuple(found)


def write(folder: Path = SCHEMA_FOLDER) -> tuple[str, ...]:
    """Bring the files up to date; give the breaking changes instead, writing nothing, if there are any."""
    broken = tuple(each for each in problems(folder) if "needs a new SCHEMA_MAJOR" in each)
    if broken:
        return broken
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in DOCUMENT_TYPES.items():
        (folder / schema_name(name)).write_text(schema_text(model), encoding="utf-8")
    return ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 0 good, 1 problems, which go to stderr."""
    parser = argparse.ArgumentParser(prog="python -m canonical.schemas", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="say what is missing, broken or out of date")
    action.add_argument("--write", action="store_true", help="bring the files up to date")
    parser.add_argument("--folder", type=Path, default=SCHEMA_FOLDER, help="where the schemas are kept")
    options = parser.parse_args(arguments)
    found = write(options.folder) if options.write else problems(options.folder)
    sys.stderr.writelines(f"{each}\n" for each in found)
    return 1 if found else 0


class _Plain(GenerateJsonSchema):
    """Leaves out what would treble the files: titles that repeat names, and `null` beside every type.

    An absent value is left out of a document; `null` is read as absent, but nobody is asked to send it.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Give no title to fields: it would be the name again."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Describe the value that may be absent."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Describe a field with its default, unless that is to be absent or empty."""
        described = super().default_schema(schema)
        if described.get("default", ()) in (None, [], {}):
            del described["default"]
        return described

    def encode_default(self, dft: Any) -> Any:
        """Write the shared empty mapping as the plain one it stands for."""
        return {} if dft is NO_ENTRIES else super().encode_default(dft)


if __name__ == "__main__":
    sys.exit(main())
