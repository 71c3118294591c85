"""Asking Dynamics for one order, in one request: its header, its lines and the receipts of them. Pure.

Three queries travel as one `$batch`, since an order's lines tell nothing of what was received. Sources:
Microsoft's page "Open Data Protocol (OData)", section on batch requests; OData 4.01, part 1, section 11.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.base import Effect, Finding, NoReply, Reply, Request
from adapters.base.orders import LineThere, OrderAt, OrderThere, not_read
from canonical.registry import DocumentError
from gateway.erp.connector.engine import reply_fields
from gateway.erp.connector.series import Place
from gateway.erp.dynamics365.addresses import HEADERS, LINES, RECEIPT_LINES, ROOT, found_by_any, rows
from gateway.erp.dynamics365.settings import Dynamics365Settings
from gateway.erp.dynamics365.standing import StandingLine, standing_lines
from gateway.erp.odata.batch import (
    Operation,
    OperationReply,
    PartReply,
    multipart_content_type,
    read_multipart,
    write_multipart,
)
from gateway.erp.odata.bodies import ODataBodyError

STEP = "read_order"
ASKED = (HEADERS, LINES, RECEIPT_LINES)
_BOUNDARY = "legacy-bridge-order"


def order_request(settings: Dynamics365Settings, order: OrderAt) -> Request:
    """Give the request that reads an order, in whichever of the endpoint's companies it is."""
    declared = (settings.defaults, *settings.per_route.values())
    companies = tuple(sorted({each.company for each in declared if each.company}))
    calls = [found_by_any(each, "dataAreaId", companies, PurchaseOrderNumber=order.number) for each in ASKED]
    operations = [Operation("GET", each.address.removeprefix(ROOT), headers=each.headers) for each in calls]
    return Request(
        step=STEP,
        effect=Effect.READ,
        method="POST",
        address=f"{ROOT}$batch",
        body=write_multipart(operations, _BOUNDARY),
        headers=(("Content-Type", multipart_content_type(_BOUNDARY)), ("Accept", "multipart/mixed")),
        timeout_s=settings.timeout_s,
    )


def order_shown(
    place: Place, units: Mapping[str, str], reply: Reply | NoReply
) -> OrderThere | Finding | None:
    """Say what a reply shows of an order; None where there is none. `units`: our unit codes to theirs."""
    if isinstance(reply, NoReply):
        return not_read(place.name, reply.reason, place.facts)
    if reply.status != 200:
        return not_read(place.name, f"status {reply.status}", place.facts)
    try:
        headers, lines, receipts = _answers(reply)
        found = standing_lines(lines, receipts)
    except (ODataBodyError, DocumentError, ValueError, KeyError, TypeError) as error:
        return not_read(place.name, str(error), place.facts)
    if not headers:
        return None
    if len(headers) > 1:
        companies = ", ".join(sorted(str(each.get("dataAreaId")) for each in headers))
        why = f"several companies have an order of that number ({companies})"
        return not_read(place.name, why, place.facts)
    return OrderThere(
        str(headers[0].get("PurchaseOrderNumber") or ""),
        "closed" if all(each.is_over for each in found) else "open",
        tuple(_line(each, units) for each in found),
        lines_named="there",
    )


def _line(line: StandingLine, units: Mapping[str, str]) -> LineThere:
    ours = [code for code, theirs in units.items() if theirs == line.unit]
    unit = line.unit if not ours else ours[0] if len(ours) == 1 else ""  # "": nobody can tell which
    return LineThere(str(line.number), line.committed, unit, line.price, line.received, line.invoiced)


def _answers(reply: Reply) -> Sequence[list[dict[str, Any]]]:
    """Give the rows of each query. Errors: ODataBodyError, DocumentError, ValueError."""
    content_type = next((text for name, text in reply.headers if name.lower() == "content-type"), "")
    parts = read_multipart(reply.body, content_type)
    if len(parts) != len(ASKED):
        raise ValueError(f"{len(ASKED)} queries were asked, {len(parts)} answered")
    return [_rows(name, part) for name, part in zip(ASKED, parts, strict=True)]


def _rows(name: str, part: PartReply) -> list[dict[str, Any]]:
    if not isinstance(part, OperationReply) or part.status != 200:
        status = part.status if isinstance(part, OperationReply) else "none"
        raise ValueError(f"{name} was answered with status {status}")
    fields = reply_fields(part.body)
    found = rows(fields)
    if found is None:
        raise ValueError(f"the answer of {name} holds no list")
    if fields.get("@odata.nextLink"):
        raise ValueError(f"{name} has more rows than one page")
    return found
