"""Field rules of an ERP's documents, restated as data of our own, and what breaks them.

A rules file is JSON: `{"source": ..., "entities": {NAME: {FIELD: rule}}}`. A rule: `type` (string, number,
integer, boolean, date, datetime, list), `length` (characters), `digits` and `scale` (numbers), `required`
(on creation), `read_only`, `of` (the entity of a list's members), `values` (allowed), `status` (`verified`:
seen in the vendor's own documentation or metadata; `assumed`: not), `source` (where). Only `type` and
`status` must be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from simulators.cloud_erp.base import exact_json

TYPES = ("string", "number", "integer", "boolean", "date", "datetime", "list")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?\Z")


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field may hold."""

    type: str
    status: Literal["verified", "assumed"]
    length: int | None = None
    digits: int | None = None
    scale: int | None = None
    required: bool = False
    read_only: bool = False
    of: str = ""
    values: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: where (`/lines/0/Quantity`), which, and a sentence."""

    path: str
    rule: Literal["unknown", "type", "length", "digits", "required", "read_only", "value"]
    text: str


class FieldRules:
    """The rules of all entities of one ERP."""

    def __init__(self, entities: Mapping[str, Mapping[str, Rule]]) -> None:
        self.entities = entities

    @classmethod
    def load(cls, path: Path) -> FieldRules:
        """Read a rules file. Errors: ValueError for a rule that is none."""
        entities = exact_json.read(path.read_bytes())["entities"]
        return cls(
            {
                name: {field: _rule(field, each) for field, each in fields.items()}
                for name, fields in entities.items()
            }
        )

    def problems(self, entity: str, fields: Any, *, is_create: bool = True, path: str = "") -> list[Problem]:
        """Give everything wrong with a document."""
        if not isinstance(fields, dict):
            return [Problem(path or "/", "type", f"expected an object, found {type(fields).__name__}")]
        rules = self.entities[entity]
        found: list[Problem] = []
        for name, value in fields.items():
            rule = rules.get(name)
            if rule is None:
                found.append(Problem(f"{path}/{name}", "unknown", f"{entity} has no attribute {name}"))
            else:
                found += self._value_problems(rule, value, f"{path}/{name}", is_create)
        if is_create:
            found += [
                Problem(f"{path}/{name}", "required", f"{name} must be entered")
                for name, rule in rules.items()
                if rule.required and fields.get(name) in (None, "", [])
            ]
        return found

    def _value_problems(self, rule: Rule, value: Any, path: str, is_create: bool) -> Iterator[Problem]:
        if rule.read_only:
            yield Problem(path, "read_only", f"{path} cannot be set")
        elif value is None:
            return
        elif rule.type == "list":
            if not isinstance(value, list):
                yield Problem(path, "type", f"{path} expects a list")
                return
            for at, each in enumerate(value):
                yield from self.problems(rule.of, each, is_create=is_create, path=f"{path}/{at}")
        elif not _is_of_type(rule.type, value):
            yield Problem(path, "type", f"{path} expects {rule.type}, found {type(value).__name__}")
        elif rule.length is not None and isinstance(value, str) and len(value) > rule.length:
            yield Problem(path, "length", f"{path} holds {len(value)} characters; at most {rule.length}")
        elif rule.values and value not in rule.values:
            yield Problem(path, "value", f"{path} is not one of {', '.join(rule.values)}")
        elif rule.digits is not None and not _fits(value, rule.digits, rule.scale or 0):
            yield Problem(
                path,
                "digits",
                f"{path} holds more than {rule.digits} digits, {rule.scale or 0} after the point",
            )


def _rule(name: str, entry: dict[str, Any]) -> Rule:
    if entry.get("type") not in TYPES or entry.get("status") not in ("verified", "assumed"):
        raise ValueError(f"rule of {name}: expected a type of {TYPES} and a status")
    return Rule(**{**entry, "values": tuple(entry.get("values", ()))})


def _is_of_type(name: str, value: Any) -> bool:
    match name:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | Decimal) and not isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _DATE.match(value) is not None
        case _:
            return isinstance(value, str) and (_MOMENT.match(value) or _DATE.match(value)) is not None


def _fits(value: Any, digits: int, scale: int) -> bool:
    number = Decimal(str(value)).normalize()
    exponent = number.as_tuple().exponent
    after = max(0, -exponent) if isinstance(exponent, int) else 0
    return after <= scale and number.adjusted() + 1 <= digits - scale
