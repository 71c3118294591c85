"""Requisitions: the header, then its lines, each a journaled step. Pure.

A requisition is of no company, its lines are (`BuyingLegalEntityId`). It is found by our reference at the
head of `RequisitionName`, whoever numbers it, and stands as a draft: no entity submits one to the ERP's
workflow. Sources: public notes on `PurchaseRequisitionHeaders` and `PurchaseRequisitionLines` with requests
and answers of a tenant, and clients made from a tenant's `$metadata`. Lengths are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finding, Finished, Level, Position
from canonical.requisition import Requisition, RequisitionLine
from gateway.erp.connector.references import reference_for
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.connector.series import Answer, Hit, LookUp, Series, Write
from gateway.erp.dynamics365.addresses import (
    REQUISITION_LINES,
    REQUISITIONS,
    created,
    found_by,
    found_by_any,
    rows,
)
from gateway.erp.dynamics365.order_rendering import (
    NUMBER_LENGTH,
    REFERENCE_LENGTH,
    marked_reference,
    midday,
    render_line,
)
from gateway.erp.dynamics365.orders import look_up_of_line
from gateway.erp.dynamics365.settings import Dynamics365Defaults

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

NAME_LENGTH = 60
LINE_COMPARED = ("ItemNumber", "RequestedPurchaseQuantity", "PurchaseUnitSymbol", "PurchasePrice")
_OF_ORDER_LINES = {
    "dataAreaId": "BuyingLegalEntityId",
    "OrderedPurchaseQuantity": "RequestedPurchaseQuantity",
    "RequestedDeliveryDate": "RequestedDate",
}
"""Fields of an order line that a requisition line calls otherwise; the rest is called alike."""
_NOT_THERE = frozenset({"Barcode", "PurchaseRequisitionId"})


def create_requisition(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Create a requisition, once."""
    document = delivery.document
    assert isinstance(document, Requisition)  # noqa: S101 - the kind said so
    header, lines = render_requisition(connector, delivery, document)
    name, reference = str(header["RequisitionName"]), reference_for(delivery, REFERENCE_LENGTH)
    query = found_by_any(REQUISITIONS, "RequisitionName", (name, f"{reference}*"))
    made = yield Write(
        "requisition",
        created(REQUISITIONS, header),
        LookUp(query, lambda answer: _hits(answer, reference, name)),
        looks_first=True,
    )
    number = str(made.fields["RequisitionNumber"])
    for at, line in enumerate(lines, start=1):
        fields = {"RequisitionNumber": number, "RequisitionLineNumber": at, **line}
        call = created(REQUISITION_LINES, fields)
        yield Write(f"requisition_line:{at}", call, _line_look_up(number, at, fields), is_unique=True)
    text = (
        f"requisition {document.number} is {number} in the ERP, as a draft: submit it to its workflow there"
    )
    return Finished(
        number, notes=(Finding("ERP-REQUISITION-DRAFT", Position(connector.name), text, Level.NOTE),)
    )


def render_requisition(
    connector: Dynamics365, delivery: Delivery, document: Requisition
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Write a requisition in Dynamics' words. Errors: StuckError with all that cannot be said there."""
    settings, defaults = connector.settings, connector.settings.of_route(delivery.route)
    rendering = Rendering(settings.codes, connector.place)
    title = f"{marked_reference(delivery)} {document.description or document.number}"
    is_ours = settings.requisitions.numbering == "ours"
    header = without_nothing(
        {
            "RequisitionNumber": (
                rendering.bounded(document.number, NUMBER_LENGTH, "number") if is_ours else None
            ),
            "RequisitionName": title[:NAME_LENGTH].rstrip(),
            "RequisitionPurpose": settings.requisitions.purpose,
            "DefaultRequestedDate": midday(document.need_by),
            "PreparerPersonnelNumber": settings.requisitions.preparer,
        }
    )
    lines = [
        _line(connector, rendering, defaults, document, line, place)
        for place, line in enumerate(document.lines)
    ]
    if not lines:
        rendering.problem("ERP-MISSING", "the requisition has no lines", "lines")
    rendering.finish()
    return header, lines


def _line(
    connector: Dynamics365,
    rendering: Rendering,
    defaults: Dynamics365Defaults,
    document: Requisition,
    line: RequisitionLine,
    place: int,
) -> dict[str, Any]:
    path = f"lines[{place}]"
    of_order = render_line(rendering, defaults, line, place, requested=document.need_by)
    supplier = line.supplier or document.seller
    currency = document.currency or defaults.currency
    fields = {
        _OF_ORDER_LINES.get(name, name): value for name, value in of_order.items() if name not in _NOT_THERE
    }
    if len(line.schedules) > 1:
        text = "the line has several schedules; a requisition's line has one day: split it in the mapping"
        rendering.problem("ERP-SCHEDULES", text, f"{path}.schedules")
    suggested = rendering.supplier(supplier, f"{path}.supplier") if supplier is not None else None
    return fields | without_nothing(
        {
            "CurrencyCode": rendering.required(currency, "the currency", "currency"),
            "VendorAccountNumber": (
                rendering.bounded(suggested, 20, f"{path}.supplier") if suggested else None
            ),
            "RequisitionerPersonnelNumber": connector.settings.requisitions.requester,
        }
    )


def _hits(answer: Answer, reference: str, name: str) -> Sequence[Hit] | str:
    """Judge what was found: it must begin with our reference, and be of the same content."""
    found = rows(answer.fields)
    if found is None:
        return "the answer holds no list of requisitions"
    names = [str(each.get("RequisitionName", "")) for each in found]
    if found and not all(each.casefold().startswith(f"{reference.casefold()}.") for each in names):
        return f"asked for requisitions called {reference}, the ERP gave others: it ignores the filter"
    return [
        Hit(
            str(each.get("RequisitionNumber", "")),
            each,
            () if _mark(called) == _mark(name) else ("content",),
        )
        for each, called in zip(found, names, strict=True)
    ]


def _mark(name: str) -> str:
    """Give the reference and the mark of the content, without the title behind them."""
    return name.partition(" ")[0].casefold()


def _line_look_up(number: str, line: int, fields: Mapping[str, Any]) -> LookUp:
    call = found_by(REQUISITION_LINES, RequisitionNumber=number, RequisitionLineNumber=line)
    return look_up_of_line(call, f"{number} line {line}", fields, LINE_COMPARED)
