"""The fields of SAP's services, read from `fields.txt`, and what is wrong with a body by them.

A body is refused as a real gateway does: unknown names, wrong JSON types for the protocol version, texts
too long, decimals with too many digits. Everything wrong is collected, not only the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.resources import files
from typing import Any

_TICKS = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{1,4})?\)/")
_NUMBER = re.compile(r"-?\d{1,31}(?:\.\d{1,31})?")
EPOCH = date(1970, 1, 1)
CURRENCY_DECIMALS = {"JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3, "TND": 3}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity; `leads_to` is the set of a `many`."""

    name: str
    kind: str  # string, decimal, bool, date, moment, many
    length: int | None
    digits: int | None
    decimals: int | None  # None: as many as the currency has
    leads_to: str
    is_key: bool
    is_read_only: bool
    provenance: str  # verified, assumed


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity set of one protocol version."""

    version: str
    name: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a body: SAP's message code, a sentence, and the path of the field."""

    code: str
    text: str
    target: str


@lru_cache(maxsize=1)
def entities() -> Mapping[str, Entity]:
    """Give all entities by `version name`, as `v4 PurchaseOrder`."""
    text = files("simulators.cloud_erp.sap_s4hana").joinpath("fields.txt").read_text(encoding="utf-8")
    found: dict[str, dict[str, Field]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            found[name] = {}
        elif line and not line.startswith("#"):
            field = _field(line.split())
            found[name][field.name] = field
    return {each: Entity(each[:2], each[3:], fields) for each, fields in found.items()}


def read(entity: Entity, body: Any, currency: str = "") -> tuple[dict[str, Any], list[Problem]]:
    """Give a body's values in Python's types, and everything that is wrong with it."""
    problems: list[Problem] = []
    values = _read(entity, body, "", _currency(body) or currency, problems)
    return values, problems


def _read(entity: Entity, body: Any, path: str, currency: str, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(body, dict):
        problems.append(Problem("/IWBEP/CM_MGC/123", "Malformed payload: an object is expected", path))
        return {}
    values: dict[str, Any] = {}
    for name, value in body.items():
        field = entity.fields.get(name)
        if name.startswith("@") or name == "__metadata":
            continue
        if field is None:
            text = f"Property '{name}' is invalid for entity '{entity.name}'"
            problems.append(Problem("/IWCOR/CX_DS_EDM_FACADE/001", text, f"{path}{name}"))
        elif field.kind == "many":
            values[name] = _many(entity, field, value, path, currency, problems)
        else:
            values[name] = _value(entity, field, value, f"{path}{name}", currency, problems)
    return values


def _many(
    entity: Entity, field: Field, value: Any, path: str, currency: str, problems: list[Problem]
) -> list[dict[str, Any]]:
    inner = entities()[f"{entity.version} {field.leads_to}"]
    rows = value.get("results") if entity.version == "v2" and isinstance(value, dict) else value
    if not isinstance(rows, list):
        problems.append(Problem("/IWBEP/CM_MGC/124", f"'{field.name}' expects a list", f"{path}{field.name}"))
        return []
    return [
        _read(inner, row, f"{path}{field.name}({at})/", currency, problems)
        for at, row in enumerate(rows, start=1)
    ]


def _value(
    entity: Entity, field: Field, value: Any, path: str, currency: str, problems: list[Problem]
) -> Any:
    if value is None:
        return None
    if field.is_read_only:
        problems.append(Problem("/IWBEP/CM_MGC/130", f"Property '{field.name}' is read-only", path))
        return None
    read = {"string": _string, "decimal": _decimal, "bool": _bool, "date": _date, "moment": _date}
    found, wrong = read[field.kind](entity, field, value, currency)
    if wrong:
        problems.append(Problem("/IWBEP/CM_MGC/131", f"Property '{field.name}' {wrong}", path))
    return found


def _string(entity: Entity, field: Field, value: Any, currency: str) -> tuple[Any, str]:
    if not isinstance(value, str):
        return None, "expects a string"
    if field.length is not None and len(value) > field.length:
        return None, f"has more than {field.length} characters"
    return value, ""


def _bool(entity: Entity, field: Field, value: Any, currency: str) -> tuple[Any, str]:
    return (value, "") if isinstance(value, bool) else (None, "expects true or false")


def _date(entity: Entity, field: Field, value: Any, currency: str) -> tuple[Any, str]:
    """V2 writes `/Date(ms)/`, V4 an ISO day."""
    if not isinstance(value, str):
        return None, "expects a date"
    if entity.version == "v2":
        ticks = _TICKS.fullmatch(value)
        return (EPOCH + timedelta(milliseconds=int(ticks[1])), "") if ticks else (None, "expects /Date(ms)/")
    try:
        return date.fromisoformat(value), ""
    except ValueError:
        return None, "expects a date YYYY-MM-DD"


def _decimal(entity: Entity, field: Field, value: Any, currency: str) -> tuple[Any, str]:
    """V2 writes decimals as strings, V4 as numbers."""
    if entity.version == "v2":
        if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
            return None, "expects a decimal as a string"
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None, "expects a number"
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None, "expects a decimal"
    decimals = field.decimals if field.decimals is not None else CURRENCY_DECIMALS.get(currency, 2)
    if number != round(number, decimals):
        return None, f"has more than {decimals} decimals"
    if len(str(abs(int(number))).lstrip("0")) > (field.digits or 0) - decimals:
        return None, f"has more than {(field.digits or 0) - decimals} digits before the point"
    return number, ""


def _currency(body: Any) -> str:
    names = ("DocumentCurrency", "PurReqnItemCurrency")
    found = next((body[name] for name in names if isinstance(body, dict) and body.get(name)), "")
    return found if isinstance(found, str) else ""


# --- out again ----------------------------------------------------------------------------------------


def shown(entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give stored values in the protocol's JSON form; decimals stay Decimal in V4, for the writer."""
    return {name: _shown(entity, name, value) for name, value in values.items() if name in entity.fields}


def _shown(entity: Entity, name: str, value: Any) -> Any:
    field = entity.fields[name]
    if field.kind == "many":
        inner = entities()[f"{entity.version} {field.leads_to}"]
        rows = [shown(inner, each) for each in value]
        return {"results": rows} if entity.version == "v2" else rows
    match value:
        case Decimal() if entity.version == "v2":
            return format(value, "f")
        case datetime():
            return value.isoformat()
        case date() if entity.version == "v2":
            return f"/Date({(value - EPOCH).days * 86_400_000})/"
        case date():
            return value.isoformat()
        case _:
            return value


def walk(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give all scalar values with their paths."""
    for name, value in values.items():
        if isinstance(value, list):
            for at, row in enumerate(value, start=1):
                yield from ((f"{name}({at})/{path}", each) for path, each in walk(row))
        else:
            yield name, value


def _field(words: list[str]) -> Field:
    name, kind, size, flags, provenance = words
    digits, _, decimals = size.partition(",")
    return Field(
        name=name,
        kind=kind,
        length=int(size) if kind == "string" and size != "-" else None,
        digits=int(digits) if kind == "decimal" else None,
        decimals=int(decimals) if kind == "decimal" and decimals != "variable" else None,
        leads_to=size if kind == "many" else "",
        is_key="key" in flags.split("+"),
        is_read_only="read_only" in flags.split("+"),
        provenance=provenance,
    )
