"""Reading events: what happened, to which document, under which id. Pure.

The three ERPs word one fact in three ways; where each part stands is a dotted path, and routes.yaml may
say others. Sources: CloudEvents 1.0.2 (SAP), Azure Event Grid schema (Dynamics, by way of Event Grid),
Oracle's REST documentation (names of its purchase order events). The payloads' own
field names are assumed, therefore configurable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.base.findings import Finding, Position
from adapters.erp_events.config import Erp, Fields
from canonical.registry import DocumentError, read_json

EVENTS_MAX = 1_000  # of one delivery; Event Grid sends some at once
TEXT_MAX = 200

_USUAL: dict[str, Fields] = {
    "oracle_fusion": Fields(id="eventId", type="eventName", number="OrderNumber", at="eventTime"),
    "sap_s4hana": Fields(id="id", type="type", number="data.PurchaseOrder", at="time"),
    "dynamics365": Fields(
        id="EventId",
        type="BusinessEventId",
        number="PurchaseOrderNumber",
        company="LegalEntity",
        at="EventTimeIso8601",
    ),
}
_EVENT_GRID = "Microsoft.EventGrid.SubscriptionValidationEvent"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event: it names a document and never is one."""

    event_id: str
    type: str
    number: str
    company: str = ""
    at: str = ""


class NoticeError(Exception):
    """What came is no event; the finding says where and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def read_notices(body: bytes, erp: Erp, fields: Fields, source: str) -> list[Notice]:
    """Give the events of one delivery, in its order. Errors: NoticeError for the first that is none."""
    return [
        _notice(each, usual_fields(erp, fields), source, at) for at, each in enumerate(_entries(body, source))
    ]


def read_types(body: bytes, erp: Erp, fields: Fields, source: str) -> list[str]:
    """Give only what happened, of events that may lack all else. Errors: NoticeError."""
    path = usual_fields(erp, fields).type
    return [_text(_inner(each), path) for each in _entries(body, source)]


def validation_code(body: bytes, source: str) -> str | None:
    """Give the code of Event Grid's question whether this address is ours; None for any other event.

    Source: Azure Event Grid, webhook validation: the same code goes back as `validationResponse`.
    """
    try:
        entries = _entries(body, source)
    except NoticeError:
        return None
    if len(entries) != 1 or _text(entries[0], "eventType") != _EVENT_GRID:
        return None
    return _text(entries[0], "data.validationCode") or None


def structured(body: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    """Give a CloudEvent in binary mode (attributes in ce- headers) as one in structured mode.

    Source: CloudEvents HTTP protocol binding 1.0.2, section 3.1. Any other body is given back as it is.
    """
    attributes = {
        name.lower().removeprefix("ce-"): text for name, text in headers if name.lower().startswith("ce-")
    }
    if "specversion" not in attributes or not {"id", "type"} <= set(attributes):
        return body
    head = json.dumps(attributes, sort_keys=True, separators=(",", ":")).encode()
    return head[:-1] + b',"data":' + (body.strip() or b"null") + b"}"


def event_key(notices: Sequence[Notice]) -> str:
    """Give what makes a delivery the same one as an earlier: its event's id, or a mark of all of them."""
    if len(notices) == 1:
        return notices[0].event_id
    return hashlib.sha256("\x1f".join(each.event_id for each in notices).encode()).hexdigest()


def _entries(body: bytes, source: str) -> list[dict[str, Any]]:
    try:
        read = read_json(body)
    except DocumentError as error:
        raise _no_event(source, "", f"the body is no JSON: {error}") from error
    entries = read if isinstance(read, list) else [read]
    if not entries or len(entries) > EVENTS_MAX or not all(isinstance(each, dict) for each in entries):
        raise _no_event(source, "", f"expected a JSON object, or a list of at most {EVENTS_MAX}")
    return entries


def _notice(entry: dict[str, Any], places: Fields, source: str, index: int) -> Notice:
    inner = _inner(entry)
    found = {name: _text(inner, getattr(places, name)) for name in ("id", "type", "number", "company", "at")}
    for name in ("id", "type", "number"):
        if not found[name]:
            place = getattr(places, name)
            text = f"the event's {name} is missing; expected it at {place}, or where `fields.{name}` says"
            raise _no_event(source, f"event {index + 1} / {place}", text)
    return Notice(found["id"], found["type"], found["number"], found["company"], found["at"])


def _inner(entry: dict[str, Any]) -> dict[str, Any]:
    """Give the ERP's own event where Event Grid carries it in its envelope."""
    data = entry.get("data")
    is_carried = "eventType" in entry and "subject" in entry and isinstance(data, dict)
    return data if is_carried and isinstance(data, dict) else entry


def usual_fields(erp: Erp, fields: Fields) -> Fields:
    """Give where each part of an event stands: as routes.yaml says, else where the ERP usually has it."""
    said = {name: text for name, text in fields.model_dump().items() if text}
    return _USUAL[erp].model_copy(update=said)


def _text(value: Any, path: str) -> str:
    for part in path.split(".") if path else ():
        if not isinstance(value, dict) or part not in value:
            return ""
        value = value[part]
    if isinstance(value, bool) or not isinstance(value, str | int) or not path:
        return ""
    text = str(value).strip()
    return text if len(text) <= TEXT_MAX and text.isprintable() else ""


def _no_event(source: str, path: str, text: str) -> NoticeError:
    return NoticeError(Finding("ERP-EVENT-FORM", Position(source, path=path), text))
