"""Small mappings for one situation each: an order with what a test adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from textwrap import indent
from typing import Any

from adapters.base.yaml import load_yaml
from adapters.mapping import Mapping, MappingContext, SourceField, check_mapping
from canonical.registry import parse_document

CONTEXT = MappingContext(source="in.txt", zone="America/Chicago")


def yaml(fields: str = "", more: str = "", direction: str = "both") -> str:
    """Give the text of an order's mapping with further fields and sections."""
    head = f"mapping: small\ndocument: purchase_order\ndirection: {direction}\nfields:\n  number: NO\n"
    return head + indent(fields, "  ") + "\n" + more


def mapping(
    fields: str = "", more: str = "", schema: Sequence[SourceField] = (), direction: str = "both"
) -> Mapping:
    return Mapping.load(yaml(fields, more, direction), "m.yaml", schema)


def read(made: Mapping, **record: Any) -> dict[str, Any]:
    """Give what is read, which must be without findings; the number and the type are left out."""
    fields, findings = made.read({"NO": "7", **record}, CONTEXT)
    assert findings == (), [str(finding) for finding in findings]
    return {name: value for name, value in fields.items() if name not in ("number", "document_type")}


def refused(made: Mapping, context: MappingContext = CONTEXT, **record: Any) -> list[str]:
    """Give the findings of reading."""
    return [str(finding) for finding in made.read_document({"NO": "7", **record}, context)[1]]


def write(made: Mapping, **document: Any) -> dict[str, Any]:
    """Give what is written, which must be without findings; the number is left out."""
    record, findings = made.write(order(**document), CONTEXT)
    assert findings == (), [str(finding) for finding in findings]
    assert record.pop("NO") == "7"
    return record


def unwritable(made: Mapping, context: MappingContext = CONTEXT, **document: Any) -> list[str]:
    """Give the findings of writing."""
    return [str(finding) for finding in made.write(order(**document), context)[1]]


def order(**document: Any) -> Any:
    return parse_document({"document_type": "purchase_order", "number": "7", **document})


def checked(text: str, schema: Sequence[SourceField] = ()) -> list[str]:
    return [str(finding) for finding in check_mapping(load_yaml(text, "m.yaml"), schema)]


class Tables:
    """Crosswalk tables of a test; notes what it was asked."""

    def __init__(self, **tables: dict[str, str]) -> None:
        self.tables = tables
        self.asked: list[datetime | None] = []

    def translate(self, table: str, key: str, direction: str, at: datetime | None) -> str | None:
        self.asked.append(at)
        rows = self.tables.get(table, {})
        if direction == "write":
            rows = {cloud: legacy for legacy, cloud in rows.items()}
        return rows.get(key)
