"""Addresses of entities and queries: keys and `$filter` literals, escaped as each OData version wants. Pure.

An address is built of values, never of text that a value was pasted into: a reference such as
`O'Neill & Sons` must neither end the literal nor the parameter. Sources: OData V2 "URI Conventions"
sections 2.2 and 4 (primitive literals in "Overview", section 6); OData V4.01 ABNF, sections 4 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from urllib.parse import quote

from gateway.erp.odata.times import duration_text


class Version(Enum):
    """Which edition of the protocol a service speaks."""

    V2 = "2.0"
    V4 = "4.0"


@dataclass(frozen=True, slots=True)
class EnumMember:
    """A member of an enumeration. Dynamics wants its type spelled out: `Namespace.NoYes'Yes'`."""

    type_name: str
    member: str


@dataclass(frozen=True, slots=True)
class Path:
    """A property in a filter: `Supplier`, or `_Item/Plant`. It is a name of ours, never a value."""

    name: str


Value = str | bool | int | Decimal | date | datetime | time | EnumMember


@dataclass(frozen=True, slots=True)
class Filter:
    """A finished `$filter` expression, not yet percent-encoded."""

    text: str

    def __and__(self, other: Filter) -> Filter:
        return Filter(f"{self.text} and {other.text}")


def literal(value: Value, version: Version) -> str:
    """Write one value as it stands in a key or a filter, not yet percent-encoded.

    Text is put in single quotes, and a quote within it is doubled in both versions. Errors: TypeError for
    a type that has no literal, ValueError for a date-time without a zone.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case EnumMember(type_name, member):
            return f"{type_name}'{member}'"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f") + ("M" if version is Version.V2 else "")
        case datetime():
            return _moment(value, version)
        case date():
            text = value.isoformat()
            return f"datetime'{text}T00:00:00'" if version is Version.V2 else text
        case time():
            return f"time'{duration_text(value)}'" if version is Version.V2 else value.isoformat()
    raise TypeError(f"{type(value).__name__} has no OData literal")


def equals(name: str, value: Value, version: Version) -> Filter:
    """Give the filter `name eq value`. Several are joined by `&`."""
    return Filter(f"{name} eq {literal(value, version)}")


def any_of(name: str, values: tuple[Value, ...], version: Version) -> Filter:
    """Give a filter that one of several values meets; neither SAP V2 nor Dynamics knows `in`."""
    joined = " or ".join(equals(name, each, version).text for each in values)
    return Filter(f"({joined})")


def entity(entity_set: str, keys: Mapping[str, Value] | Value, version: Version) -> str:
    """Give the address of one entity: `A_Supplier('00010')`, or with names where there are several keys.

    Every part is percent-encoded, a slash within a key too. The key text is taken as it is: `10` and
    `00010` are two addresses, and which one an ERP means is the connector's to know.
    """
    if isinstance(keys, Mapping):
        inner = ",".join(f"{name}={_encoded(literal(each, version))}" for name, each in keys.items())
    else:
        inner = _encoded(literal(keys, version))
    return f"{entity_set}({inner})"


def query(path: str, **options: str | int | bool | Filter) -> str:
    """Give an address with system query options: `query("PurchaseOrder", filter=..., top=2)`.

    Option names get their `$`, values are percent-encoded whole, blanks as %20: SAP's V2 gateway does not
    read `+` as a blank. Options that are no system options (`sap-client`) belong in `plain_query`.
    """
    parts = [f"${name}={_encoded(_option(each))}" for name, each in options.items()]
    return f"{path}?{'&'.join(parts)}" if parts else path


def plain_query(path: str, options: Mapping[str, str]) -> str:
    """Give an address with custom options, such as `cross-company=true` or a function's parameters."""
    joined = "&".join(f"{quote(name, safe='')}={_encoded(text)}" for name, text in options.items())
    return path + ("&" if "?" in path else "?") + joined if options else path


def function_call(name: str, parameters: Mapping[str, Value], version: Version) -> str:
    """Give the address of a V2 function import: parameters are typed literals in the query."""
    return plain_query(name, {key: literal(each, version) for key, each in parameters.items()})


def _moment(value: datetime, version: Version) -> str:
    if value.tzinfo is None:
        raise ValueError("a moment needs a zone; a calendar day is a date")
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return f"datetimeoffset'{text}'" if version is Version.V2 else text


def _option(value: str | int | bool | Filter) -> str:
    match value:
        case Filter(text):
            return text
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


@lru_cache(maxsize=2048)
def _encoded(text: str) -> str:
    return quote(text, safe="'(),=*$@!-._~")
