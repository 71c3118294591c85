"""The invoice: what a supplier wants to be paid for. It is never split between two systems."""

from __future__ import annotations

from typing import Literal

from canonical.document import DocumentReference, OrderReference, TradeDocument, distinct_orders
from canonical.lines import FollowOnLine, SubLine
from canonical.model import Model
from canonical.scalars import Code, DocumentNumber, Number
from canonical.values import (
    AllowanceCharge,
    Contact,
    DateValue,
    DocumentTotals,
    Party,
    PaymentTerms,
    Quantity,
    Shipping,
    Tax,
)

InvoiceType = Literal[
    "invoice", "credit_memo", "debit_memo", "consolidated", "prepayment", "pro_forma", "other",
]  # fmt: skip
"""Source: X12 BIG07 (element 640): DI/PR invoice, CR/CN credit_memo, DR/DN debit_memo, CI consolidated."""


class InvoiceLine(FollowOnLine):
    """One invoiced line: `quantity` is the invoiced one, `amount` the extended net amount as sent."""

    shipped: Quantity | None = None
    receipt_number: Code | None = None
    shipment_number: Code | None = None
    sub_lines: tuple[SubLine, ...] = ()


class InvoiceTotals(Model):
    """Totals as the supplier states them. Source: X12 TDS (two implied decimals, always), AMT, CTT."""

    gross: Number | None = None
    net: Number | None = None
    lines: Number | None = None
    discountable: Number | None = None
    discounted: Number | None = None
    discount: Number | None = None
    tax: Number | None = None
    freight: Number | None = None
    charges: Number | None = None
    allowances: Number | None = None
    prepaid: Number | None = None


class Invoice(TradeDocument):
    """An invoice, credit or debit note (X12 810; UBL 2.4 Invoice, CreditNote).

    Document key: supplier + remit-to + number + date + debit/credit, and for purposes other than the
    original the purpose with a content hash. Order key: organisation + order number; an invoice may
    name several orders (`order_keys`).
    """

    document_type: Literal["invoice"] = "invoice"
    number: DocumentNumber
    invoiced: DateValue | None = None
    invoice_type: InvoiceType = "invoice"
    debit_credit: Literal["debit", "credit"] = "debit"
    orders: tuple[OrderReference, ...] = ()
    corrects: DocumentReference | None = None
    remit_to: Party | None = None
    ship_from: Party | None = None
    contacts: tuple[Contact, ...] = ()
    payment_terms: tuple[PaymentTerms, ...] = ()
    due: DateValue | None = None
    shipping: tuple[Shipping, ...] = ()
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    taxes: tuple[Tax, ...] = ()
    lines: tuple[InvoiceLine, ...] = ()
    totals: InvoiceTotals | None = None
    controls: DocumentTotals | None = None

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give all orders that the header or a line names."""
        return distinct_orders((*self.orders, *(line.order for line in self.lines)))
