"""What the operations do: the rules of a small materials-management system, and its memory.

It knows only what its own ledger says, so a restart changes nothing. Test cases are chosen by what a
request says, as with a payment service's test cards: an item `X-...` is unknown, cost center `0000` does
not exist, vendor `V-HOLD` is on hold, `V-BUSY` finds the system busy, orders of `V-AUDIT` are not closed, an
amount above 20,000 exceeds the budget, and a period before 2026 is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lxml import etree

from simulators.soap_mms.envelope import BUDGET, COMMON, PURCHASING, Call, element, text
from simulators.soap_mms.tallies import encumbered_of, invoiced_of, ordered_of, received_of

BUDGET_TOTAL = Decimal("20000")
FIRST_OPEN_PERIOD = "2026-01"
VENDORS = {
    "V-1042": ("Midwest Surgical Supply", "36-7654321"),
    "V-2200": ("Lakeshore Orthopedics", "39-1122334"),
    "V-HOLD": ("Paused Pharma", "12-0000000"),
    "V-BUSY": ("Busy Biologics", "12-0000001"),
    "V-AUDIT": ("Audited Anesthetics", "12-0000002"),
}
Entry = dict[str, Any]


@dataclass
class Refusal(Exception):  # noqa: N818 - it is this system's typed fault
    """A typed fault."""

    code: str
    told: str
    retryable: bool = False
    lines: tuple[tuple[int, str, str], ...] = ()

    def detail(self) -> str:
        """Write the ServiceFault element."""
        errors = "".join(
            element(
                "LineError",
                text("LineNumber", number, "c") + text("Code", code, "c") + text("Message", told, "c"),
                "c",
            )
            for number, code, told in self.lines
        )
        retryable = "true" if self.retryable else "false"
        inner = text("Code", self.code, "c") + text("Message", self.told, "c")
        return element("ServiceFault", inner + text("Retryable", retryable, "c") + errors, "c")


@dataclass
class Outcome:
    """What an operation answers, and what of it must be in the ledger before anyone hears of it."""

    answer: str
    entry: Entry | None = None
    number: str = ""


@dataclass
class Business:
    """The system's memory: ledger entries by operation and number."""

    entries: list[Entry] = field(default_factory=list)
    detects_duplicates: bool = True

    def run(self, call: Call) -> Outcome:
        """Run an operation. Errors: Refusal."""
        operation = OPERATIONS.get((etree.QName(call.payload).namespace or "", call.operation))
        if operation is None:
            raise Refusal("INVALID_REQUEST", f"there is no operation {call.operation}")
        return operation(self, call.payload)

    def of(self, operation: str, number: str) -> list[Entry]:
        """Give what was committed under a number."""
        return [each for each in self.entries if (each["operation"], each["number"]) == (operation, number)]

    def next_number(self, prefix: str, first: int) -> str:
        """Give the next number of a kind."""
        return f"{prefix}{first + len(self.entries)}"


def submit_requisition(business: Business, payload: etree._Element) -> Outcome:
    """Take a requisition."""
    number = _say(payload, "RequisitionNumber")
    lines = list(_lines(payload))
    _check_items(lines)
    centers = [each for each in payload.iter(f"{{{COMMON}}}CostCenter") if (each.text or "") == "0000"]
    if centers:
        raise Refusal("INVALID_COST_CENTER", "a cost center does not exist")
    _check_new(business, "SubmitRequisition", number)
    answer = element("SubmitRequisitionResponse", text("ReqNumber", number) + text("Status", "PENDING"))
    return Outcome(answer, {"lines": lines}, number)


def submit_purchase_order(business: Business, payload: etree._Element) -> Outcome:
    """Take an order."""
    order = payload.find(f"{{{PURCHASING}}}PurchaseOrder")
    if order is None:
        raise Refusal("INVALID_REQUEST", "there is no PurchaseOrder")
    number, vendor = _say(order, "PONumber"), _say(order, "VendorId")
    lines = list(_lines(order))
    _check_items(lines)
    if vendor == "V-BUSY":
        raise Refusal("SYSTEM_BUSY", "nightly posting runs; try again later", retryable=True)
    if vendor == "V-HOLD":
        raise Refusal("VENDOR_HOLD", "the vendor is on hold")
    total = Decimal(_say(order, "Total") or "0")
    if total > BUDGET_TOTAL:
        raise Refusal("BUDGET", "the order exceeds the budget")
    _check_new(business, "SubmitPurchaseOrder", number)
    acks = "".join(
        element(
            "LineAck",
            text("LineNumber", line["line"]) + text("Accepted", "true") + '<p:Promised xsi:nil="true"/>',
        )
        for line in lines
    )
    answer = element(
        "SubmitPurchaseOrderResponse", text("PONumber", number) + text("Status", "RECEIVED") + acks
    )
    entry = {"vendor": vendor, "type": order.get("type"), "total": str(total), "lines": lines}
    return Outcome(answer, entry, number)


def get_purchase_order_status(business: Business, payload: etree._Element) -> Outcome:
    """Tell what became of an order."""
    number = _say(payload, "PONumber")
    found = business.of("SubmitPurchaseOrder", number)
    if not found:
        raise Refusal("NOT_FOUND", "there is no such order")
    ordered, received = ordered_of(business, number), received_of(business, number)
    invoiced = invoiced_of(business, number)
    lines = ""
    for line in found[0]["lines"]:
        name, unit = line["line"], line["uom"]
        lines += element(
            "LineStatus",
            text("LineNumber", name)
            + _quantity("Ordered", ordered[name], unit)
            + _quantity("Received", received.get(name, Decimal(0)), unit)
            + _quantity("Invoiced", invoiced.get(name, Decimal(0)), unit),
        )
    status = "PARTIALLY_RECEIVED" if received else "RECEIVED"
    status = "CLOSED" if business.of("ClosePurchaseOrder", number) else status
    answer = element(
        "GetPurchaseOrderStatusResponse", text("PONumber", number) + text("Status", status) + lines
    )
    return Outcome(answer, None, number)


def close_purchase_order(business: Business, payload: etree._Element) -> Outcome:
    """Close an order: its lines keep what is said, and never less than was received."""
    number = _say(payload, "PONumber")
    found = business.of("SubmitPurchaseOrder", number)
    if not found:
        raise Refusal("NOT_FOUND", "there is no such order")
    if business.of("ClosePurchaseOrder", number):
        raise Refusal("ALREADY_CLOSED", "the order is closed")
    if found[0]["vendor"] == "V-AUDIT":
        raise Refusal("AUDIT_HOLD", "orders of this vendor are under audit and stay as they are")
    kept = {line["line"]: line["quantity"] for line in _lines(payload)}
    less = tuple(
        (int(line), "RECEIVED", "more was received than is to be kept")
        for line, received in received_of(business, number).items()
        if received > Decimal(kept.get(line, "0"))
    )
    if less:
        raise Refusal("RECEIVED", "more was received than is to be kept", lines=less)
    answer = element("ClosePurchaseOrderResponse", text("PONumber", number) + text("Status", "CLOSED"))
    return Outcome(answer, {"kept": kept, "reason": _say(payload, "Reason")}, number)


def check_budget(business: Business, payload: etree._Element) -> Outcome:
    """Tell what is left."""
    amount, period = Decimal(_say(payload, "Amount") or "0"), _say(payload, "FiscalPeriod")
    decision, available, encumbered = _budget(business, amount, period)
    answer = element(
        "CheckBudgetResponse",
        f'<p:Available currency="USD">{available}</p:Available>'
        f'<p:Encumbered currency="USD">{encumbered}</p:Encumbered>' + text("Decision", decision),
    )
    return Outcome(answer)


def check_budget_encoded(business: Business, payload: etree._Element) -> Outcome:
    """The older RPC/encoded service: accessors without a namespace."""
    amount, period = (payload.findtext("amount") or "0"), (payload.findtext("fiscalPeriod") or "")
    decision, available, encumbered = _budget(business, Decimal(amount), period)
    typed = "".join(
        f'<{name} xsi:type="xsd:{kind}">{value}</{name}>'
        for name, kind, value in (
            ("available", "decimal", available),
            ("encumbered", "decimal", encumbered),
            ("decision", "string", decision),
        )
    )
    answer = (
        f'<b:checkBudgetResponse xmlns:b="{BUDGET}" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' env:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">'
        f'<answer xsi:type="b:Answer">{typed}</answer></b:checkBudgetResponse>'
    )
    return Outcome(answer)


def validate_supplier(business: Business, payload: etree._Element) -> Outcome:
    """Tell who a vendor is."""
    vendor, tax = _say(payload, "VendorId"), _say(payload, "TaxId")
    found = next(
        (key for key, (_, theirs) in VENDORS.items() if key == vendor or (tax and theirs == tax)), ""
    )
    if not found:
        raise Refusal("NOT_FOUND", "there is no such vendor")
    name = VENDORS[found][0]
    hold = text("Hold", "on hold since audit") if found == "V-HOLD" else '<p:Hold xsi:nil="true"/>'
    remit = element("RemitTo", text("LocationCode", "RT-1", "c") + text("Name", f"{name}, Receivables", "c"))
    answer = element(
        "ValidateSupplierResponse",
        text("VendorId", found) + text("Name", name) + text("Active", "true") + hold + remit,
    )
    return Outcome(answer)


def post_goods_receipt(business: Business, payload: etree._Element) -> Outcome:
    """Take a receipt; never more than was ordered."""
    number = _say(payload, "PONumber")
    found = business.of("SubmitPurchaseOrder", number)
    if not found:
        raise Refusal("NOT_FOUND", "there is no such order")
    ordered = ordered_of(business, number)
    received, lines = received_of(business, number), list(_lines(payload))
    over = tuple(
        (int(line["line"]), "OVER_RECEIPT", "more came than was ordered")
        for line in lines
        if received.get(line["line"], Decimal(0)) + Decimal(line["quantity"])
        > ordered.get(line["line"], Decimal(0))
    )
    if over:
        raise Refusal("OVER_RECEIPT", "more came than was ordered", lines=over)
    receipt = business.next_number("GR-", 300001)
    answer = element("PostGoodsReceiptResponse", text("ReceiptNumber", receipt))
    entry = {"receipt": receipt, "slip": _say(payload, "PackingSlip"), "lines": lines}
    return Outcome(answer, entry, number)


def submit_invoice(business: Business, payload: etree._Element) -> Outcome:
    """Take an invoice, matched against its order."""
    number, order = _say(payload, "InvoiceNumber"), _say(payload, "PONumber")
    _check_new(business, "SubmitInvoice", number)
    found = business.of("SubmitPurchaseOrder", order) if order else []
    prices = {line["line"]: Decimal(line["price"]) for each in found for line in each["lines"]}
    lines = list(_lines(payload))
    varying = tuple(
        (int(line["line"]), "PRICE_VARIANCE", "the price is not the order's")
        for line in lines
        if line["line"] in prices and prices[line["line"]] != Decimal(line["price"])
    )
    if varying:
        raise Refusal("PRICE_VARIANCE", "prices differ from the order", lines=varying)
    document = business.next_number("DOC-", 500001)
    matched = "MATCHED" if found else "UNMATCHED"
    answer = element("SubmitInvoiceResponse", text("DocumentId", document) + text("MatchStatus", matched))
    return Outcome(answer, {"document": document, "order": order, "lines": lines}, number)


OPERATIONS: dict[tuple[str, str], Callable[[Business, etree._Element], Outcome]] = {
    (PURCHASING, "SubmitRequisition"): submit_requisition,
    (PURCHASING, "SubmitPurchaseOrder"): submit_purchase_order,
    (PURCHASING, "GetPurchaseOrderStatus"): get_purchase_order_status,
    (PURCHASING, "ClosePurchaseOrder"): close_purchase_order,
    (PURCHASING, "CheckBudget"): check_budget,
    (PURCHASING, "ValidateSupplier"): validate_supplier,
    (PURCHASING, "PostGoodsReceipt"): post_goods_receipt,
    (PURCHASING, "SubmitInvoice"): submit_invoice,
    (BUDGET, "checkBudget"): check_budget_encoded,
}


def _say(parent: etree._Element, name: str) -> str:
    return " ".join((parent.findtext(f"{{{PURCHASING}}}{name}") or "").split())


def _lines(parent: etree._Element) -> Iterator[Entry]:
    for line in parent.findall(f"{{{PURCHASING}}}Line"):
        item = line.find(f"{{{PURCHASING}}}Item")
        quantity = line.find(f"{{{PURCHASING}}}Quantity")
        quantity = line.find(f"{{{PURCHASING}}}Kept") if quantity is None else quantity
        named = (
            [item.findtext(f"{{{COMMON}}}{name}") for name in ("VendorCatalog", "Gtin")]
            if item is not None
            else []
        )
        yield {
            "line": _say(line, "LineNumber"),
            "item": next((each for each in named if each), ""),
            "quantity": (quantity.text or "0") if quantity is not None else "0",
            "uom": (quantity.get("uom") or "EA") if quantity is not None else "EA",
            "price": _say(line, "UnitPrice") or "0",
        }


def _check_items(lines: list[Entry]) -> None:
    unknown = tuple(
        (int(line["line"]), "INVALID_ITEM", "unknown item") for line in lines if line["item"].startswith("X-")
    )
    if unknown:
        raise Refusal("INVALID_ITEM", "an item is not in the item master", lines=unknown)


def _check_new(business: Business, operation: str, number: str) -> None:
    if business.detects_duplicates and business.of(operation, number):
        raise Refusal("DUPLICATE", "this number exists already")


def _budget(business: Business, amount: Decimal, period: str) -> tuple[str, Decimal, Decimal]:
    if period < FIRST_OPEN_PERIOD:
        raise Refusal("PERIOD_CLOSED", "the fiscal period is closed")
    encumbered = encumbered_of(business)
    available = BUDGET_TOTAL - encumbered
    decision = "PASS" if amount <= available * Decimal("0.9") else "WARN" if amount <= available else "FAIL"
    return decision, available, encumbered


def _quantity(name: str, value: object, unit: str) -> str:
    return f'<p:{name} uom="{unit}">{value}</p:{name}>'
