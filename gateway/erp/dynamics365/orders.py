"""Purchase orders: the header, then its lines, each a journaled step. Pure.

Dynamics takes no deep insert, so an order is half there for a while, and stays so where a line is refused
or the process dies. What heals it is that both keys are ours: the header's number and each line's number.
A step of unknown outcome is looked up by its key, what is there is adopted, and the rest is added.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Alias, Delivery, Finished
from canonical.purchase_order import PurchaseOrder
from gateway.erp.connector.aliases import ErpLine, order_aliases
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.rendering import Rendering
from gateway.erp.connector.series import Answer, Ask, Call, Hit, LookUp, Read, Series, Write
from gateway.erp.dynamics365.addresses import HEADERS, LINES, VENDORS, created, found_by, found_by_any, rows
from gateway.erp.dynamics365.order_rendering import (
    NUMBER_LENGTH,
    RenderedOrder,
    rendered_once,
)

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

MOVED = "move"
"""The origin of what is left of an order that moves here (`gateway.order_mover`)."""

HEADER_COMPARED = ("OrderVendorAccountNumber", "CurrencyCode", "VendorOrderReference")
LINE_COMPARED = (
    "ItemNumber",
    "OrderedPurchaseQuantity",
    "PurchaseUnitSymbol",
    "PurchasePrice",
    "PurchasePriceQuantity",
)
ON_HOLD = frozenset({"All", "PurchOrder", "Requisition", "Never"})
"""`OnHoldStatus` words under which no order may be placed; `No`, `Invoice` and `Payment` let one pass."""


def create_order(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Create an order."""
    order = delivery.document
    assert isinstance(order, PurchaseOrder)  # noqa: S101 - the kind said so
    connector.is_output_off(delivery)  # raises where two would send it to the supplier, or nobody
    rendered = rendered_once(connector, delivery, order)
    company = rendered.header["dataAreaId"]
    if delivery.origin.transport == MOVED and rendered.number:
        rendered = yield from _come_back(connector, rendered)
    if connector.settings.check_vendor:
        yield from check_vendor(
            connector, company, str(rendered.header["OrderVendorAccountNumber"]), "seller"
        )
    made = yield Write(
        "create",
        created(HEADERS, rendered.header),
        LookUp(_header_look_up(rendered, company), lambda answer: _header_hits(answer, rendered)),
        looks_first=True,
        is_unique=bool(rendered.number),
    )
    number = str(made.fields["PurchaseOrderNumber"])
    for line in rendered.lines:
        fields = {**line.fields, "PurchaseOrderNumber": number}
        yield Write(
            f"line:{line.number}",
            created(LINES, fields),
            line_look_up(company, number, line.number, fields),
            is_unique=True,
        )
    return Finished(number, aliases_of(number, rendered, order))


def _come_back(connector: Dynamics365, rendered: RenderedOrder) -> Generator[Ask, Answer, RenderedOrder]:
    """Give a moved order a number that is free: where it was there before, its own is the closed order's.

    Errors: StuckError for a number without room for the mark.
    """
    number, company = rendered.number, str(rendered.header["dataAreaId"])
    call = found_by_any(HEADERS, "PurchaseOrderNumber", (number, f"{number}-M*"), dataAreaId=company)
    found = yield Read("numbers", call)
    taken = {
        str(each.get("PurchaseOrderNumber")): str(each.get("VendorOrderReference") or "")
        for each in rows(found.fields) or ()
    }
    mine = f"{_reference(rendered)}."
    ours = next((name for name, reference in taken.items() if reference.startswith(mine)), None)
    names = (number, *(f"{number}-M{at}" for at in range(2, len(taken) + 2)))
    free = ours or next(name for name in names if name not in taken)
    rendering = Rendering(connector.settings.codes, connector.place)
    rendering.bounded(free, NUMBER_LENGTH, "number")
    rendering.finish()
    return replace(rendered, number=free, header={**rendered.header, "PurchaseOrderNumber": free})


def check_vendor(
    connector: Dynamics365, company: str, account: str, path: str
) -> Generator[Ask, Answer, None]:
    """Look a vendor up; one that is unknown or on hold parks with its name. Errors: StuckError."""
    answer = yield Read("vendor", found_by(VENDORS, dataAreaId=company, VendorAccountNumber=account))
    found = rows(answer.fields)
    if not found:
        text = f"vendor '{account}' does not exist in company {company}; add it there, or to codes.suppliers"
        raise connector.place.stuck("ERP-SUPPLIER-UNKNOWN", text, path)
    status = str(found[0].get("OnHoldStatus") or "No")
    if status in ON_HOLD:
        text = f"vendor '{account}' is on hold in {company} (OnHoldStatus {status}); release it and retry"
        raise connector.place.stuck("ERP-SUPPLIER-BLOCKED", text, path)


def line_look_up(company: str, number: str, line: int, fields: Mapping[str, Any]) -> LookUp:
    """Give how to find a line by its key, and whether it is what we sent."""
    call = found_by(LINES, dataAreaId=company, PurchaseOrderNumber=number, LineNumber=line)
    return look_up_of_line(call, f"{number} line {line}", fields, LINE_COMPARED)


def look_up_of_line(call: Call, name: str, fields: Mapping[str, Any], compared: Sequence[str]) -> LookUp:
    """Give how a line that a call finds is compared with what we sent."""

    def hits(answer: Answer) -> Sequence[Hit] | str:
        found = rows(answer.fields)
        if found is None:
            return "the answer holds no list of lines"
        return [Hit(name, each, tuple(differing(fields, each, compared))) for each in found]

    return LookUp(call, hits)


def aliases_of(number: str, rendered: RenderedOrder, order: PurchaseOrder) -> tuple[Alias, ...]:
    """Give the names of an order's lines and schedules."""
    by_sequence: dict[int, list[str]] = {}
    for line in rendered.lines:
        by_sequence.setdefault(line.sequence, []).append(str(line.number))
    lines = [
        ErpLine(sequence, numbers[0], tuple(numbers) if len(numbers) > 1 else ())
        for sequence, numbers in by_sequence.items()
    ]
    return order_aliases(number, lines, order.lines, order.release)


def _header_look_up(rendered: RenderedOrder, company: str) -> Call:
    """Find an order by our number, or by our reference whatever content it was marked with.

    A `*` in a text that is compared is Dynamics' own wildcard (its OData page, section on filters). Should a
    tenant not know it, the whole text beside it still finds the same content.
    """
    if rendered.number:
        return found_by(HEADERS, dataAreaId=company, PurchaseOrderNumber=rendered.number)
    whole = str(rendered.header["VendorOrderReference"])
    return found_by_any(
        HEADERS, "VendorOrderReference", (whole, f"{_reference(rendered)}*"), dataAreaId=company
    )


def _reference(rendered: RenderedOrder) -> str:
    return str(rendered.header["VendorOrderReference"]).partition(".")[0]


def _header_hits(answer: Answer, rendered: RenderedOrder) -> Sequence[Hit] | str:
    found = rows(answer.fields)
    if found is None:
        return "the answer holds no list of orders"
    name, wanted = "PurchaseOrderNumber", rendered.number
    if not wanted:
        name, wanted = "VendorOrderReference", _reference(rendered)
    if found and not all(_begins(each, name, wanted, is_whole=bool(rendered.number)) for each in found):
        return f"asked for {name} {wanted}, the ERP gave others: it ignores the filter"
    return [
        Hit(str(each["PurchaseOrderNumber"]), each, tuple(differing(rendered.header, each, HEADER_COMPARED)))
        for each in found
    ]


def _begins(row: Mapping[str, Any], name: str, wanted: str, *, is_whole: bool) -> bool:
    text = str(row.get(name, "")).casefold()
    return text == wanted.casefold() or (not is_whole and text.startswith(f"{wanted.casefold()}."))
