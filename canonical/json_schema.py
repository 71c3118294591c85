"""The JSON Schema (2020-12) of a document type, made from its model. Pure."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from canonical.document import SCHEMA_MAJOR, CanonicalDocument
from canonical.model import NO_ENTRIES


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
