"""The feed: which question finds what changed since a moment, and what its answer says. Pure.

The moment of the last change seen is asked for again (`ge`), since several orders may have changed in it;
the arrival key tells those that were taken already. Sources: Oracle's REST documentation (`q`, `orderBy`,
`limit`), OData 4.01 (`$filter`, `$orderby`, `$top`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from adapters.base.transport import Effect, Request
from adapters.erp_events.config import FEED_TYPE, Erp, Fields
from adapters.erp_events.notice import usual_fields
from canonical.registry import read_json

PAGE = 200
_SAP = "sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001/PurchaseOrder"
_ORACLE = "fscmRestApi/resources/11.13.18.05/purchaseOrders"
_FIELDS = {"oracle_fusion": "LastUpdateDate", "sap_s4hana": "LastChangeDateTime", "dynamics365": ""}
_NUMBERS = {
    "oracle_fusion": "OrderNumber",
    "sap_s4hana": "PurchaseOrder",
    "dynamics365": "PurchaseOrderNumber",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One order that changed; `at` is the ERP's own word for when."""

    number: str
    at: str
    company: str = ""


def question(erp: Erp, field: str, since: str) -> Request:
    """Ask for what changed at a moment or later, oldest first."""
    field = field or _FIELDS[erp]
    headers = [("Accept", "application/json")]
    match erp:
        case "oracle_fusion":
            asked = quote(f"{field}>='{since}'", safe="")
            address = f"{_ORACLE}?q={asked}&orderBy={field}:asc&limit={PAGE}&onlyData=true"
            headers.append(("REST-Framework-Version", "4"))
        case "sap_s4hana":
            address = f"{_SAP}?$filter={quote(f'{field} ge {since}')}&$orderby={field}&$top={PAGE}"
        case _:
            asked = f"$filter={quote(f'{field} ge {since}')}&$orderby={field}&$top={PAGE}"
            address = f"data/PurchaseOrderHeadersV2?{asked}&cross-company=true"
    return Request("feed", Effect.READ, "GET", address, headers=tuple(headers))


def changes(erp: Erp, field: str, body: bytes) -> list[Change]:
    """Give the orders of an answer. Errors: ValueError where it is none."""
    read = read_json(body)
    rows = read.get("value", read.get("items")) if isinstance(read, dict) else None
    if not isinstance(rows, list):
        raise ValueError("the feed's answer holds no list")
    return [_change(erp, field or _FIELDS[erp], each) for each in rows if isinstance(each, dict)]


def settled(found: Sequence[Change], until: datetime) -> list[Change]:
    """Give the changes up to a moment; one whose time cannot be read counts as old."""
    return [each for each in found if (at := _moment(each.at)) is None or at <= until]


def event_body(erp: Erp, fields: Fields, change: Change) -> bytes:
    """Write a change as the event that the ERP would have sent, so that it is read like one."""
    places = usual_fields(erp, fields)
    event: dict[str, Any] = {}
    for path, text in (
        (places.id, event_id(change)),
        (places.type, FEED_TYPE),
        (places.number, change.number),
        (places.company, change.company),
        (places.at, change.at),
    ):
        if path and text:
            _put(event, path.split("."), text)
    return json.dumps(event, separators=(",", ":")).encode()


def event_id(change: Change) -> str:
    """Give what makes a change the same one when it is found again."""
    return f"{change.number}@{change.at}"


def _change(erp: Erp, field: str, row: dict[str, Any]) -> Change:
    number, at = str(row.get(_NUMBERS[erp]) or ""), str(row.get(field) or "")
    if not number or not at:
        raise ValueError(f"an order of the feed has no {_NUMBERS[erp]} or no {field}")
    return Change(number, at, str(row.get("dataAreaId") or ""))


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _put(into: dict[str, Any], path: Sequence[str], text: str) -> None:
    for name in path[:-1]:
        into = into.setdefault(name, {})
    into[path[-1]] = text
