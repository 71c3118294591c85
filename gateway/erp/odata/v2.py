"""OData V2 bodies, as SAP's gateway writes and reads them. Pure.

Decimals travel as text, days as `/Date(ms)/`, times as `PT..S`; an entity stands under `d`, a list under
`d.results`, and a nested list again under `results`. Sources: OData V2 "JSON format"; SAP Gateway's
documentation of the `sap-message` header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from gateway.erp.odata.bodies import Entity, ODataBodyError, Page, json_of, objects, text_of
from gateway.erp.odata.messages import Message, Severity
from gateway.erp.odata.times import date_text, duration_text, moment_text

CONTENT_TYPE = "application/json"
ENTITIES_DEEP_MAX = 12  # levels of nested lists that are unwrapped

_SEVERITIES = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.INFO,
    "success": Severity.SUCCESS,
}


def write(fields: Mapping[str, Any]) -> bytes:
    """Write an entity to create or change: compact UTF-8 JSON. Nested lists are written as plain arrays.

    Errors: TypeError for a value that has no place in it (a binary float among them).
    """
    return json.dumps(_written(fields), ensure_ascii=False, separators=(",", ":")).encode()


def read_entity(body: bytes) -> Entity:
    """Give the one entity of a reply, nested lists unwrapped. Errors: ODataBodyError."""
    inner = _inner(body)
    if not isinstance(inner, dict) or "results" in inner:
        raise ODataBodyError("expected one entity under 'd'")
    return _entity(inner)


def read_page(body: bytes) -> Page:
    """Give the entities of a collection, with `__next`. Errors: ODataBodyError."""
    inner = _inner(body)
    if isinstance(inner, list):  # V2 services of the first protocol version leave `results` out
        return Page(tuple(_entity(each) for each in objects(inner)))
    if not isinstance(inner, dict) or "results" not in inner:
        raise ODataBodyError("expected a collection under 'd.results'")
    count = text_of(inner.get("__count"))
    return Page(
        tuple(_entity(each) for each in objects(inner["results"])),
        text_of(inner.get("__next")),
        int(count) if count.isdecimal() else None,
    )


def header_messages(header: str | None) -> tuple[Message, ...]:
    """Give what a success says beside its body: the `sap-message` header, one message with details.

    A header that cannot be read gives nothing: it is a remark on a success, never the success itself.
    """
    if not header:
        return ()
    try:
        entry = json_of(header.encode())
    except ODataBodyError:
        return ()
    if not isinstance(entry, dict):
        return ()
    details = entry.get("details")
    nested = [each for each in details if isinstance(each, dict)] if isinstance(details, list) else []
    return tuple(_message(each) for each in (entry, *nested))


def _inner(body: bytes) -> Any:
    outer = json_of(body)
    if not isinstance(outer, dict) or "d" not in outer:
        raise ODataBodyError("expected an object with 'd'")
    return outer["d"]


def _entity(fields: dict[str, Any]) -> Entity:
    metadata = fields.get("__metadata")
    etag = text_of(metadata.get("etag")) if isinstance(metadata, dict) else ""
    return Entity(_unwrapped(fields, ENTITIES_DEEP_MAX), etag)


def _unwrapped(value: Any, depth_left: int) -> Any:
    """Take `results` and `__metadata` away, and drop what was only referred to (`__deferred`)."""
    if depth_left < 0:
        raise ODataBodyError(f"nested deeper than {ENTITIES_DEEP_MAX} levels")
    match value:
        case {"results": list(entries)}:
            return [_unwrapped(each, depth_left - 1) for each in entries]
        case dict():
            return {
                name: _unwrapped(each, depth_left - 1)
                for name, each in value.items()
                if name != "__metadata" and not (isinstance(each, dict) and "__deferred" in each)
            }
        case list():
            return [_unwrapped(each, depth_left - 1) for each in value]
        case _:
            return value


def _message(entry: Mapping[str, Any]) -> Message:
    severity = _SEVERITIES.get(text_of(entry.get("severity")).lower(), Severity.INFO)
    target = text_of(entry.get("target")) or text_of(entry.get("propertyref"))
    return Message(text_of(entry.get("code")), text_of(entry.get("message")), target, severity)


def _written(value: Any) -> Any:
    match value:
        case None | bool() | str() | int():
            return value
        case Decimal() if value.is_finite():
            return format(value, "f")
        case datetime():
            return moment_text(value)
        case date():
            return date_text(value)
        case time():
            return duration_text(value)
        case Mapping():
            return {str(name): _written(each) for name, each in value.items()}
        case Sequence() if not isinstance(value, bytes):
            return [_written(each) for each in value]
    raise TypeError(f"{type(value).__name__} has no place in an OData V2 body")
