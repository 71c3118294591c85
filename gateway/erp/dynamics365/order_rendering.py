"""Purchase orders in Dynamics' words: header and lines, each schedule a line of its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery
from canonical.lines import PlacedLine, Schedule
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.registry import without_provenance
from canonical.values import DateValue, Quantity
from gateway.erp.connector.references import digest_of, reference_for
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.dynamics365.settings import Dynamics365Defaults

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

NUMBER_LENGTH = 20
REFERENCE_LENGTH = 26  # VendorOrderReference holds more
DIGITS, SCALE = 20, 6
MIDDAY = time(12, 0, tzinfo=UTC)  # dates are moments there: midday is the same day in every zone
_KEPT = "dynamics365.order"


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
