"""Purchase orders: the header, then its lines, each a journaled step. Pure.

Dynamics takes no deep insert, so an order is half there for a while, and stays so where a line is refused
or the process dies. What heals it is that both keys are ours: the header's number and each line's number.
A step of unknown outcome is looked up by its key, what is there is adopted, and the rest is added.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.base import Alias, Delivery, Finished
from canonical.lines import PlacedLine, Schedule
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.registry import without_provenance
from canonical.values import DateValue, Quantity
from gateway.erp.connector.aliases import ErpLine, order_aliases
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.references import digest_of, reference_for
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.connector.series import Answer, Ask, Call, Hit, LookUp, Read, Series, Write
from gateway.erp.dynamics365.addresses import HEADERS, LINES, VENDORS, created, found_by, found_by_any, rows
from gateway.erp.dynamics365.settings import Dynamics365Defaults

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

NUMBER_LENGTH = 20
REFERENCE_LENGTH = 26  # VendorOrderReference holds more
DIGITS, SCALE = 20, 6
MIDDAY = time(12, 0, tzinfo=UTC)  # dates are moments there: midday is the same day in every zone

MOVED = "move"
"""The origin of what is left of an order that moves here (`gateway.order_mover`)."""

_KEPT = "dynamics365.order"
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


@dataclass(frozen=True, slots=True)
class RenderedLine:
    """One line as it is sent: `sequence` is ours; several of one sequence are its schedules."""

    number: int
    sequence: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RenderedOrder:
    """An order as it is sent. `number` empty: the ERP's number sequence gives it."""

    number: str
    header: Mapping[str, Any]
    lines: tuple[RenderedLine, ...]


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


# --- rendering ----------------------------------------------------------------------------------------


def rendered_once(connector: Dynamics365, delivery: Delivery, order: PurchaseOrder) -> RenderedOrder:
    """Write an order once for all its steps, not once for each of its lines. Errors: StuckError."""
    known = delivery.worked_out.get(_KEPT)
    if not isinstance(known, RenderedOrder):
        known = delivery.worked_out[_KEPT] = render_order(connector, delivery, order)
    return known


def render_order(connector: Dynamics365, delivery: Delivery, order: PurchaseOrder) -> RenderedOrder:
    """Write an order in Dynamics' words. Errors: StuckError with everything that cannot be said there."""
    defaults = connector.settings.of_route(delivery.route)
    rendering = Rendering(connector.settings.codes, connector.place)
    number = _number(connector, order, rendering)
    header = without_nothing(
        {
            "dataAreaId": defaults.company,
            "PurchaseOrderNumber": number,
            "OrderVendorAccountNumber": rendering.bounded(
                rendering.supplier(order.seller, "seller"), 20, "seller"
            ),
            "CurrencyCode": order.currency,
            "RequestedDeliveryDate": midday(order.requested),
            "AccountingDate": midday(order.order_date),
            "VendorOrderReference": marked_reference(delivery),
            "PaymentTermsName": _terms(connector, order),
            "DeliveryTermsId": next((each.incoterm for each in order.shipping if each.incoterm), None),
            "BuyerGroupId": defaults.buyer_group,
            "PurchaseOrderPoolId": defaults.pool,
            "DefaultLedgerDimensionDisplayValue": defaults.ledger_dimension,
            "DeliveryAddressLocationId": _location(connector, rendering, order, defaults),
        }
    )
    lines: list[RenderedLine] = []
    for place, line in enumerate(order.lines):
        for schedule in line.schedules or (None,):
            fields = render_line(rendering, defaults, line, place, schedule, order.requested)
            at = len(lines) + 1
            lines.append(RenderedLine(at, line.sequence, {**fields, "LineNumber": at}))
    if not lines:
        rendering.problem(
            "ERP-MISSING", "the order has no lines; the ERP would keep an empty header", "lines"
        )
    rendering.finish()
    return RenderedOrder(number, header, tuple(lines))


def marked_reference(delivery: Delivery) -> str:
    """Give our reference and a mark of the content: what is found under it must be this very document.

    A header that stands alone says nothing of the lines that belong to it, so its content cannot be compared.
    """
    mark = digest_of(without_provenance(delivery.canonical or b""))
    return f"{reference_for(delivery, REFERENCE_LENGTH)}.{mark}"


def render_line(
    rendering: Rendering,
    defaults: Dynamics365Defaults,
    line: PlacedLine,
    place: int,
    schedule: Schedule | None = None,
    requested: DateValue | None = None,
) -> dict[str, object]:
    """Write a line, or one schedule of it, without its number."""
    path = f"lines[{place}]"
    item = rendering.item(line)
    category = line.category or defaults.category
    if item is None and not category:
        text = (
            "the line names no item of the ERP's own and no category; add defaults.category, or a crosswalk"
        )
        rendering.problem("ERP-MISSING", text, f"{path}.item_ids")
    price = rendering.price(line, path)
    quantity = _quantity(rendering, line, schedule, path)
    day = (schedule.requested if schedule is not None else None) or line.requested or requested
    return without_nothing(
        {
            "dataAreaId": defaults.company,
            "ItemNumber": rendering.bounded(item, 20, f"{path}.item_ids") if item else None,
            "ProcurementProductCategoryName": category if item is None else None,
            "ExternalItemNumber": _bounded(rendering, rendering.supplier_item(line), 20, f"{path}.item_ids"),
            "Barcode": _bounded(rendering, line.item_id("gtin"), 80, f"{path}.item_ids"),
            "LineDescription": _bounded(rendering, line.description, 1000, f"{path}.description"),
            "OrderedPurchaseQuantity": quantity,
            "PurchaseUnitSymbol": rendering.bounded(rendering.unit(line, path), 10, f"{path}.quantity.unit"),
            "PurchasePrice": _priced(rendering, price[0], path) if price else None,
            "PurchasePriceQuantity": _priced(rendering, price[1], path) if price else None,
            "RequestedDeliveryDate": midday(day),
            "ReceivingSiteId": rendering.location(None, line.facility) or defaults.site,
            "ReceivingWarehouseId": _bounded(
                rendering, line.inventory_location or defaults.warehouse, 10, f"{path}.inventory_location"
            ),
            "DefaultLedgerDimensionDisplayValue": _dimension(rendering, line, path),
            "PurchaseRequisitionId": _requisition(line),
        }
    )


def midday(day: DateValue | date | None) -> datetime | None:
    """Give a day as Dynamics keeps it."""
    if day is None:
        return None
    return datetime.combine(day.date if isinstance(day, DateValue) else day, MIDDAY)


def _number(connector: Dynamics365, order: PurchaseOrder, rendering: Rendering) -> str:
    """Give the order's number there: our own, and with it the release, since each release is an order."""
    if connector.settings.numbering == "sequence":
        return ""
    number = f"{order.number}-{order.release}" if order.release else order.number
    return rendering.bounded(number, NUMBER_LENGTH, "number")


def _quantity(rendering: Rendering, line: PlacedLine, schedule: Schedule | None, path: str) -> Decimal:
    scheduled: Quantity | None = schedule.quantity if schedule is not None else None
    if scheduled is None:
        return rendering.quantity(line, path, DIGITS, SCALE)
    if line.quantity is not None and scheduled.unit not in (None, line.quantity.unit):
        text = f"a schedule is in {scheduled.unit}, its line in {line.quantity.unit}"
        rendering.problem("ERP-UNIT", text, f"{path}.schedules")
    return rendering.number(scheduled.value, DIGITS, SCALE, f"{path}.schedules")


def _priced(rendering: Rendering, value: Decimal, path: str) -> Decimal:
    return rendering.number(value, DIGITS, SCALE, f"{path}.price")


def _bounded(rendering: Rendering, value: str | None, length: int, path: str) -> str | None:
    return rendering.bounded(value, length, path) if value else None


def _dimension(rendering: Rendering, line: PurchaseOrderLine | PlacedLine, path: str) -> str | None:
    accounts = [rendering.account(each) for each in line.distributions]
    found = list(dict.fromkeys(each for each in accounts if each))
    if len(found) > 1:
        text = "the line is paid from several accounts; Dynamics takes one: split the line, or use a template"
        rendering.problem("ERP-DISTRIBUTION", text, f"{path}.distributions")
    return found[0] if found else None


def _requisition(line: PlacedLine) -> str | None:
    return next((each.number for each in line.references if each.kind == "requisition"), None)


def _terms(connector: Dynamics365, order: PurchaseOrder) -> str | None:
    terms = connector.settings.codes.terms
    return next((terms[each.code] for each in order.payment_terms if each.code in terms), None)


def _location(
    connector: Dynamics365, rendering: Rendering, order: PurchaseOrder, defaults: Dynamics365Defaults
) -> str:
    """Give the delivery location: only a declared one, since ids of theirs are not the document's."""
    words = connector.settings.codes.locations
    found = rendering.location(order.ship_to)
    return found if found is not None and found in words.values() else defaults.delivery_location


# --- looking up ---------------------------------------------------------------------------------------


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
