"""Canonical orders, requisitions, receipts and invoices as Oracle's JSON. Pure.

Field names: the vendor's REST guides and their examples; which are required varies with a tenant's set-up.
Prices are per unit: Oracle knows no price basis, so a price per hundred is divided, exactly or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from adapters.base import Delivery
from canonical.goods_receipt import GoodsReceipt, GoodsReceiptLine
from canonical.invoice import Invoice, InvoiceLine
from canonical.lines import PlacedLine, Schedule
from canonical.purchase_order import PurchaseOrder
from canonical.requisition import Requisition
from canonical.values import AllowanceCharge, DateValue, Distribution
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.rendering import Rendering, accounting_date, product, without_nothing
from gateway.erp.connector.settings import AccountingDate
from gateway.erp.oracle_fusion.charges import charge_lines, contract_of, untold
from gateway.erp.oracle_fusion.settings import OracleDefaults, OracleFusionSettings

DESCRIPTION_MAX = 240
ITEM_DESCRIPTION_MAX = 240
PRICE_SCALE = 10
NOTE_MAX = 1_000


def order_body(
    order: PurchaseOrder,
    supplier: str,
    rendering: Rendering,
    defaults: OracleDefaults,
    settings: OracleFusionSettings,
) -> dict[str, Any]:
    """Give a draft order without its reference."""
    head = without_nothing(
        {
            "ProcurementBU": rendering.required(defaults.procurement_bu, "procurement_bu", ""),
            "RequisitioningBU": defaults.requisitioning_bu or defaults.procurement_bu,
            "SoldToLegalEntity": defaults.sold_to_legal_entity,
            "Supplier": supplier,
            "SupplierSite": defaults.supplier_site,
            "BuyerEmail": defaults.buyer_email,
            "Currency": order.currency or defaults.currency,
            "DocumentStyle": defaults.document_style,
            "PaymentTerms": rendering.terms(order.payment_terms),
            "NoteToSupplier": _note(order, rendering),
        }
    )
    lines = [
        _order_line(at, line, order, rendering, defaults)
        | without_nothing({"SourceAgreement": contract_of(order, at, settings)})
        for at, line in enumerate(order.lines)
    ]
    if not lines:
        rendering.required(None, "a line", "lines")
    if settings.not_told == "park":
        for each in untold(order, settings):
            rendering.problem(each.code, each.text, each.path)
    return {**head, "lines": [*lines, *charge_lines(order, settings, defaults, rendering)]}


def _note(order: PurchaseOrder, rendering: Rendering) -> str:
    """Give what the supplier is to read: all notes but the hospital's own."""
    texts = (each.text.strip() for each in order.notes if each.kind not in ("internal", "clinical"))
    return rendering.bounded("\n".join(dict.fromkeys(texts)), NOTE_MAX, "notes")


def _order_line(
    at: int, line: PlacedLine, order: PurchaseOrder, rendering: Rendering, defaults: OracleDefaults
) -> dict[str, Any]:
    path = f"lines[{at}]"
    item = rendering.item(line)
    if item is None and not line.description:
        rendering.problem(
            "ERP-MISSING", "neither an item of the ERP's nor a description; one is needed", path
        )
    schedules = [
        _schedule(number, line, schedule, order, rendering, defaults, path)
        for number, schedule in enumerate(line.schedules or (None,), start=1)
    ]
    return without_nothing(
        {
            "LineNumber": line.sequence,
            "LineType": defaults.line_type,
            "Item": item,
            "Category": (line.category or defaults.category) if item is None else None,
            "Description": (line.description or "")[:ITEM_DESCRIPTION_MAX],
            "SupplierItem": rendering.supplier_item(line),
            "Quantity": rendering.quantity(line, path),
            "UOM": rendering.unit(line, path),
            "Price": rendering.unit_price(line, path, PRICE_SCALE),
            "schedules": schedules,
        }
    )


def _schedule(
    number: int,
    line: PlacedLine,
    schedule: Schedule | None,
    order: PurchaseOrder,
    rendering: Rendering,
    defaults: OracleDefaults,
    path: str,
) -> dict[str, Any]:
    quantity = line.quantity
    if schedule is not None and schedule.quantity is not None:
        quantity = schedule.quantity
    place = (schedule.ship_to if schedule is not None else None) or line.ship_to or order.ship_to
    requested = (schedule.requested if schedule is not None else None) or line.requested or order.requested
    amount = quantity.value if quantity is not None else None
    shares = _distributions(line.distributions or order.distributions, amount, rendering)
    return without_nothing(
        {
            "ScheduleNumber": number,
            "Quantity": quantity.value if quantity is not None else None,
            "ShipToOrganizationCode": defaults.ship_to_organization,
            "ShipToLocation": rendering.location(place, line.facility or order.facility)
            or defaults.ship_to_location,
            "RequestedDeliveryDate": _day(requested),
            "distributions": shares,
        }
    )


def _distributions(
    distributions: Sequence[Distribution], quantity: Decimal | None, rendering: Rendering
) -> list[dict[str, Any]]:
    """Give who pays for how much: by quantity as it is, by percent of the schedule's quantity."""
    given: list[dict[str, Any]] = []
    for number, each in enumerate(distributions, start=1):
        share = each.quantity
        if share is None and each.percent is not None and quantity is not None:
            share = product(quantity, each.percent.scaleb(-2))
        if share is None and len(distributions) == 1:
            share = quantity
        fields = {"DistributionNumber": number, "Quantity": share, "POChargeAccount": rendering.account(each)}
        given.append(without_nothing(fields))
    return given


def requisition_body(
    requisition: Requisition, rendering: Rendering, defaults: OracleDefaults
) -> dict[str, Any]:
    """Give a requisition without its reference. Approval is bypassed: legacy has given it."""
    bu = rendering.required(defaults.requisitioning_bu or defaults.procurement_bu, "requisitioning_bu", "")
    return {
        "RequisitioningBU": bu,
        "PreparerEmail": rendering.required(defaults.preparer_email, "preparer_email", ""),
        "ExternallyManagedFlag": True,
        "lines": [
            _requisition_line(at, line, requisition, rendering, defaults)
            for at, line in enumerate(requisition.lines)
        ],
    }


def _requisition_line(
    at: int, line: PlacedLine, requisition: Requisition, rendering: Rendering, defaults: OracleDefaults
) -> dict[str, Any]:
    path = f"lines[{at}]"
    item = rendering.item(line)
    supplier = line.supplier or requisition.seller
    place = line.ship_to or requisition.deliver_to or requisition.ship_to
    quantity = rendering.quantity(line, path)
    return without_nothing(
        {
            "LineNumber": line.sequence,
            "LineTypeCode": defaults.line_type,
            "Item": item,
            "CategoryName": (line.category or defaults.category) if item is None else None,
            "ItemDescription": (line.description or "")[:ITEM_DESCRIPTION_MAX],
            "Quantity": quantity,
            "UOM": rendering.unit(line, path),
            "Price": rendering.unit_price(line, path, PRICE_SCALE),
            "CurrencyCode": requisition.currency or defaults.currency,
            "DestinationTypeCode": defaults.destination_type,
            "DestinationOrganizationCode": defaults.ship_to_organization,
            "DeliverToLocationCode": rendering.location(place, line.facility or requisition.facility)
            or defaults.ship_to_location,
            "RequesterEmail": defaults.requester_email or defaults.preparer_email,
            "RequestedDeliveryDate": _day(line.requested or requisition.need_by),
            "Supplier": rendering.supplier(supplier, f"{path}.supplier") if supplier is not None else None,
            "SupplierSite": defaults.supplier_site if supplier is not None else None,
            "distributions": _distributions(
                line.distributions or requisition.distributions or (Distribution(),), quantity, rendering
            ),
        }
    )


def receipt_body(
    receipt: GoodsReceipt,
    reference: str,
    orders: Sequence[ErpOrder],
    rendering: Rendering,
    defaults: OracleDefaults,
    rule: AccountingDate,
    delivery: Delivery,
) -> dict[str, Any]:
    """Give a receipt; `orders` has the ERP's order of each line, in the lines' order."""
    day = accounting_date(rule, receipt.posted or receipt.received, delivery.accepted_at)
    head = without_nothing(
        {
            "ReceiptSourceCode": defaults.receipt_source,
            "ASNType": "STD",
            "OrganizationCode": rendering.required(defaults.receipt_organization, "receipt_organization", ""),
            "VendorName": rendering.supplier(receipt.seller, "seller"),
            "EmployeeId": defaults.employee_id,
            "ShipmentNumber": reference,
            "PackingSlip": receipt.shipment_number,
        }
    )
    lines = [
        _receipt_line(at, line, order, rendering, defaults, day.isoformat())
        for at, (line, order) in enumerate(zip(receipt.lines, orders, strict=True))
    ]
    return {**head, "lines": lines}


def _receipt_line(
    at: int, line: GoodsReceiptLine, order: ErpOrder, rendering: Rendering, defaults: OracleDefaults, day: str
) -> dict[str, Any]:
    path = f"lines[{at}]"
    number = order.line_number(line)
    if number is None:
        rendering.problem(
            "ERP-LINE-UNKNOWN", f"order {order.number} has no such line in the ERP", f"{path}.line_id"
        )
    counted = line.accepted or line.quantity
    quantity = counted.value if counted is not None else rendering.quantity(line, path)
    return without_nothing(
        {
            "TransactionType": "RECEIVE",
            "AutoTransactCode": defaults.auto_transact,
            "TransactionDate": day,
            "SourceDocumentCode": "PO",
            "DocumentNumber": order.number,
            "DocumentLineNumber": int(number) if number and number.isdecimal() else None,
            "ItemNumber": rendering.item(line),
            "Quantity": quantity,
            "UnitOfMeasure": rendering.unit(line, path),
            "lotItemLots": [
                without_nothing(
                    {
                        "LotNumber": lot.lot,
                        "TransactionQuantity": lot.quantity.value if lot.quantity is not None else quantity,
                        "LotExpirationDate": lot.expires.isoformat() if lot.expires is not None else None,
                    }
                )
                for lot in line.lots
                if lot.lot
            ],
        }
    )


def invoice_body(
    invoice: Invoice,
    orders: Sequence[ErpOrder | None],
    supplier: str,
    rendering: Rendering,
    defaults: OracleDefaults,
    rule: AccountingDate,
    delivery: Delivery,
) -> dict[str, Any]:
    """Give an invoice; `orders` has the ERP's order of each line, None for a line without one."""
    totals = invoice.totals
    sign = -1 if invoice.debit_credit == "credit" else 1
    if totals is None or totals.gross is None:
        rendering.required(None, "the total", "totals.gross")
    gross = totals.gross if totals is not None and totals.gross is not None else Decimal(0)
    lines = [
        _invoice_line(at, line, order, sign, rendering)
        for at, (line, order) in enumerate(zip(invoice.lines, orders, strict=True))
    ]
    lines += _further_lines(invoice, sign, len(lines), rendering)
    if sum((each["LineAmount"] for each in lines), Decimal(0)) != sign * abs(gross):
        text = "lines, charges and taxes do not add up to the total; the ERP would hold the invoice"
        rendering.problem("ERP-TOTAL", f"{text}: enter it by hand and resolve this", "totals.gross")
    return without_nothing(
        {
            "InvoiceNumber": rendering.bounded(invoice.number, 50, "number"),
            "InvoiceCurrency": invoice.currency or defaults.currency,
            "InvoiceAmount": sign * abs(gross),
            "InvoiceDate": _day(invoice.invoiced),
            "AccountingDate": accounting_date(rule, invoice.invoiced, delivery.accepted_at).isoformat(),
            "InvoiceType": "Credit memo" if sign < 0 else "Standard",
            "BusinessUnit": rendering.required(
                defaults.invoice_bu or defaults.procurement_bu, "invoice_bu", ""
            ),
            "Supplier": supplier,
            "SupplierSite": defaults.supplier_site,
            "invoiceLines": lines,
        }
    )


def _invoice_line(
    at: int, line: InvoiceLine, order: ErpOrder | None, sign: int, rendering: Rendering
) -> dict[str, Any]:
    path = f"lines[{at}]"
    amount = rendering.line_amount(line, path)
    number = order.line_number(line) if order is not None else None
    if order is not None and number is None:
        rendering.problem(
            "ERP-LINE-UNKNOWN", f"order {order.number} has no such line in the ERP", f"{path}.line_id"
        )
    return without_nothing(
        {
            "LineNumber": at + 1,
            "LineType": "Item",
            "LineAmount": sign * abs(amount),
            "Quantity": line.quantity.value if line.quantity is not None else None,
            "Description": (line.description or "")[:ITEM_DESCRIPTION_MAX],
            "PurchaseOrderNumber": order.number if order is not None else None,
            "PurchaseOrderLineNumber": int(number) if number and number.isdecimal() else None,
            "DistributionCombination": next(
                (account for each in line.distributions if (account := rendering.account(each))), None
            )
            if order is None
            else None,
        }
    )


def _further_lines(invoice: Invoice, sign: int, before: int, rendering: Rendering) -> list[dict[str, Any]]:
    """Give charges, allowances and taxes as lines of their own: those named, else the totals' sums."""
    charges = [
        *invoice.allowances_charges,
        *(each for line in invoice.lines for each in line.allowances_charges),
    ]
    taxes = [*invoice.taxes, *(each for line in invoice.lines for each in line.taxes)]
    amounts = [_charge(each, rendering) for each in charges if each.indicator in ("charge", "allowance")]
    totals = invoice.totals
    if not charges and totals is not None:
        amounts += [("Freight", totals.freight), ("Miscellaneous", totals.charges)]
        amounts += [("Miscellaneous", -totals.allowances if totals.allowances is not None else None)]
    tax = sum((each.amount for each in taxes if each.amount is not None), Decimal(0))
    amounts.append(("Tax", tax or (totals.tax if totals is not None else None)))
    given = [(kind, amount) for kind, amount in amounts if amount]
    return [
        {"LineNumber": before + number, "LineType": kind, "LineAmount": sign * amount}
        for number, (kind, amount) in enumerate(given, start=1)
    ]


def _charge(charge: AllowanceCharge, rendering: Rendering) -> tuple[str, Decimal | None]:
    if charge.amount is None:
        text = f"a {charge.indicator} has no amount; enter the invoice by hand and resolve this"
        rendering.problem("ERP-CHARGE", text, "allowances_charges")
        return "", None
    amount = abs(charge.amount) if charge.indicator == "charge" else -abs(charge.amount)
    return "Freight" if charge.kind == "freight" else "Miscellaneous", amount


def _day(value: DateValue | None) -> str | None:
    return value.date.isoformat() if value is not None else None
