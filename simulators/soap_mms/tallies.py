"""What an order of this system comes to: ordered or kept, received, invoiced, by what the ledger says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.soap_mms.business import Business, Entry


def ordered_of(business: Business, number: str) -> dict[str, Decimal]:
    """Give what each line of an order commits to: what was ordered, or what its close has kept."""
    [order, *_] = business.of("SubmitPurchaseOrder", number)
    closed = business.of("ClosePurchaseOrder", number)
    if closed:
        return {line["line"]: Decimal(closed[0]["kept"].get(line["line"], "0")) for line in order["lines"]}
    return {line["line"]: Decimal(line["quantity"]) for line in order["lines"]}


def received_of(business: Business, number: str) -> dict[str, Decimal]:
    """Give what has come, line by line."""
    return _added(business.of("PostGoodsReceipt", number))


def invoiced_of(business: Business, number: str) -> dict[str, Decimal]:
    """Give what was invoiced, line by line."""
    invoices = [each for each in business.entries if each["operation"] == "SubmitInvoice"]
    return _added([each for each in invoices if each["order"] == number])


def _added(entries: list[Entry]) -> dict[str, Decimal]:
    added: dict[str, Decimal] = {}
    for entry in entries:
        for line in entry["lines"]:
            added[line["line"]] = added.get(line["line"], Decimal(0)) + Decimal(line["quantity"])
    return added


def encumbered_of(business: Business) -> Decimal:
    """Give what all orders bind of the budget: a closed one only what it has kept."""
    closed = {each["number"] for each in business.entries if each["operation"] == "ClosePurchaseOrder"}
    orders = [each for each in business.entries if each["operation"] == "SubmitPurchaseOrder"]
    bound = Decimal(0)
    for order in orders:
        if order["number"] not in closed:
            bound += Decimal(order["total"])
            continue
        kept = ordered_of(business, order["number"])
        bound += sum((kept[line["line"]] * Decimal(line["price"]) for line in order["lines"]), Decimal(0))
    return bound
