"""OData V4 bodies, as SAP's RAP services and Dynamics write and read them. Pure.

Numbers are JSON numbers and keep every digit both ways; days are `2026-12-01`, times `15:51:04`. A list
stands under `value`, its next page under `@odata.nextLink`; SAP adds `SAP__Messages`. Source: OData JSON
Format 4.01, sections 4 to 8; OASIS allows `@nextLink` as well from 4.01 on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from gateway.erp.odata.bodies import Entity, ODataBodyError, Page, json_of, objects, text_of
from gateway.erp.odata.messages import Message, severity_of_number

CONTENT_TYPE = "application/json;odata.metadata=minimal;IEEE754Compatible=false"
SAP_MESSAGES = "SAP__Messages"


def write(fields: Mapping[str, Any]) -> bytes:
    """Write an entity to create or change: compact UTF-8 JSON with decimals as numbers, digit for digit.

    Errors: TypeError for a value that has no place in it; a binary float is for the caller to keep out.
    """
    # The json module writes no decimals. Dispatch by type takes less than half the time of marking them for
    # it and cutting the marks off again (measured, an order of ten lines: 27 us instead of 64).
    try:
        return _object(fields).encode()
    except UnicodeEncodeError as error:
        raise TypeError("a text with half a surrogate pair has no place in an OData V4 body") from error


def read_entity(body: bytes) -> Entity:
    """Give the one entity of a reply. Errors: ODataBodyError."""
    fields = json_of(body)
    if not isinstance(fields, dict) or ("value" in fields and isinstance(fields["value"], list)):
        raise ODataBodyError("expected one entity")
    if "error" in fields and not any(name.startswith("@") for name in fields):
        raise ODataBodyError("expected one entity; found an error")
    return entity_of(fields)


def read_page(body: bytes) -> Page:
    """Give the entities of a collection, with the link to the next page. Errors: ODataBodyError."""
    fields = json_of(body)
    if not isinstance(fields, dict) or "value" not in fields:
        raise ODataBodyError("expected a collection under 'value'")
    count = fields.get("@odata.count", fields.get("@count"))
    return Page(
        tuple(entity_of(each) for each in objects(fields["value"])),
        text_of(fields.get("@odata.nextLink")) or text_of(fields.get("@nextLink")),
        count if isinstance(count, int) and not isinstance(count, bool) else None,
    )


def messages_of(entity: Entity) -> tuple[Message, ...]:
    """Give what SAP says beside a success, in `SAP__Messages`; empty where it says nothing."""
    entries = entity.fields.get(SAP_MESSAGES)
    if not isinstance(entries, list):
        return ()
    return tuple(
        Message(
            text_of(each.get("code")),
            text_of(each.get("message")),
            text_of(each.get("target")),
            severity_of_number(each.get("numericSeverity")),
        )
        for each in entries
        if isinstance(each, dict)
    )


def entity_of(fields: dict[str, Any]) -> Entity:
    """Give an entity of its JSON: annotations of its own are left out, its ETag is kept."""
    etag = text_of(fields.get("@odata.etag")) or text_of(fields.get("@etag"))
    return Entity({name: each for name, each in fields.items() if not name.startswith("@")}, etag)


_name = lru_cache(maxsize=4_096)(encode_basestring)  # of a property


def _object(fields: Mapping[str, Any]) -> str:
    written = [f"{_name(name)}:{_WRITERS.get(type(each), _other)(each)}" for name, each in fields.items()]
    return "{" + ",".join(written) + "}"


def _list(values: Iterable[Any]) -> str:
    return "[" + ",".join([_WRITERS.get(type(each), _other)(each) for each in values]) + "]"


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"{value} has no place in an OData V4 body")
    text = str(value)  # half the time of the `f` format, which only an exponent needs
    return f"{value:f}" if "E" in text else text


def _day(value: date | time) -> str:
    return f'"{value.isoformat()}"'


def _other(value: Any) -> str:
    """Write what is not of exactly one of the common types: an enumeration's word, a mapping of its own."""
    match value:
        case str():
            return encode_basestring(value)
        case Decimal():
            return _decimal(value)
        case None | bool() | int() | float():
            return json.dumps(value, allow_nan=False)
        case Mapping():
            return _object(value)
        case Sequence() if not isinstance(value, bytes):
            return _list(value)
    raise TypeError(f"{type(value).__name__} has no place in an OData V4 body")


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise TypeError("a moment without a zone has no place in an OData V4 body")
    return f'"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"'


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: str,
    Decimal: _decimal,
    dict: _object,
    list: _list,
    date: _day,
    time: _day,
    datetime: _moment,
}
