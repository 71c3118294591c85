"""What all canonical documents share: identity of the schema, common facts, order references.

A document says what the sender said. Where it came from (`provenance`) rides along for lineage
but is no part of its content: two arrivals of one order have equal content and equal keys.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from canonical.model import NO_ENTRIES, Model
from canonical.scalars import Code, DocumentNumber, Extensions, Moment, RawCodes, Text
from canonical.values import DateValue, KindedDate, Note, Party, PartyInRole, Reference

SCHEMA_MAJOR = 1

Purpose = Literal[
    "original", "duplicate", "resubmission", "reissue", "cancellation", "replace", "change", "add", "delete",
    "confirmation", "information_copy", "status", "request", "proposal", "draft", "other",
]  # fmt: skip
"""Why this document is sent. Source: X12 element 353 (BEG01, BAK01, BIG08): 00 original, 01 cancellation,
02 add, 03 delete, 04 change, 05 replace, 06 confirmation, 07 duplicate, 08 status, 13 request, 15
resubmission, 16 proposal, 18 reissue, 22 information_copy, 24 draft."""

SAME_AS_ORIGINAL: frozenset[Purpose] = frozenset({"original", "duplicate", "resubmission", "reissue"})
"""Purposes that send the original (again): they share its document key, so a repeat is seen as one."""


class Provenance(Model):
    """Where a document came from. Volatile: never part of `content_hash`, of a key or of a comparison."""

    message_id: Code | None = None
    correlation_id: Code | None = None
    causation_id: Code | None = None
    partner: Code | None = None
    route: Code | None = None
    system: Text | None = None
    channel: Text | None = None
    source: Text | None = None
    sha256: Code | None = None
    position: Text | None = None
    control_numbers: dict[Code, Text] = NO_ENTRIES
    environment: Literal["test", "production"] | None = None
    sent_at: Moment | None = None
    received_at: Moment | None = None


class CanonicalDocument(Model):
    """The base of the thirteen document types, each told by its `document_type`."""

    document_type: str
    schema_version: Literal["1.0"] = "1.0"
    provenance: Provenance | None = None
    references: tuple[Reference, ...] = ()
    notes: tuple[Note, ...] = ()
    dates: tuple[KindedDate, ...] = ()
    parties: tuple[PartyInRole, ...] = ()
    raw_codes: RawCodes = NO_ENTRIES
    extensions: Extensions = NO_ENTRIES

    @property
    def opens_order(self) -> bool:
        """Say whether this document may open an order in the ledger; all others only follow one."""
        return False

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give the orders that this document is about, in the order named, each once."""
        return ()

    @property
    def order_references(self) -> tuple[OrderNumber, ...]:
        """Give every order number of this document, typed by who issued it, for alias look-up."""
        return tuple(number for order in self.named_orders for number in order.numbers)


Issuer = Literal["buyer", "seller", "erp"]


class OrderNumber(NamedTuple):
    """One number of one order: `issuer` says whose numbering it belongs to."""

    issuer: Issuer
    number: str
    release: str | None = None


class OrderReference(Model):
    """An order that a follow-on document names: one order, by up to three numbers.

    `number` is the buyer's, the one the supplier sees (X12 BAK03, BIG04, PRF01), `seller_number` the
    supplier's own (BAK08, REF VN), `erp_number` the cloud ERP's where that differs from the buyer's.
    """

    number: DocumentNumber | None = None
    release: Code | None = None
    revision: Code | None = None
    seller_number: DocumentNumber | None = None
    erp_number: DocumentNumber | None = None
    date: DateValue | None = None
    contract: Code | None = None

    @property
    def numbers(self) -> tuple[OrderNumber, ...]:
        """Give the numbers present, the buyer's first."""
        issued: tuple[tuple[Issuer, str | None], ...] = (
            ("buyer", self.number),
            ("seller", self.seller_number),
            ("erp", self.erp_number),
        )
        return tuple(OrderNumber(issuer, number, self.release) for issuer, number in issued if number)


def distinct_orders(orders: tuple[OrderReference | None, ...]) -> tuple[OrderReference, ...]:
    """Drop absent and repeated references, keeping the order of first mention."""
    seen: dict[tuple[OrderNumber, ...], OrderReference] = {}
    for order in orders:
        if order is not None and order.numbers:
            seen.setdefault(order.numbers, order)
    return tuple(seen.values())


class TradeDocument(CanonicalDocument):
    """A document between a buyer and a seller: order, acknowledgment, change, invoice, ship notice."""

    purpose: Purpose = "original"
    currency: Code | None = None
    buyer: Party | None = None
    seller: Party | None = None
    ship_to: Party | None = None
    bill_to: Party | None = None


class DocumentReference(Model):
    """Another document, or one line of it, by type and number."""

    document_type: Code
    number: DocumentNumber
    release: Code | None = None
    revision: Code | None = None
    line_id: Code | None = None


class DocumentAboutAnother(CanonicalDocument):
    """A document about one other: a decision, a check, an event.

    `order` names the order that `subject` belongs to; where `subject` is an order it may be absent.
    """

    number: DocumentNumber | None = None
    buyer: Party | None = None
    subject: DocumentReference
    order: OrderReference | None = None

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give the order of the subject."""
        if self.subject.document_type != "purchase_order":
            return distinct_orders((self.order,))
        subject = OrderReference(
            number=self.subject.number, release=self.subject.release, revision=self.subject.revision
        )
        return distinct_orders((self.order, subject))
