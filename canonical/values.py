"""What document fields are made of: amounts, quantities, parties, dates, notes, charges.

Meanings follow UBL 2.4; names are ours. Codes are translated into the words listed here;
a code without a word becomes `other`, and the text as sent stays in `raw_codes` (or in the
`qualifier` beside an identifier), so that nothing is lost on the way back out.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Literal

from canonical.model import NO_ENTRIES, Model
from canonical.scalars import (
    CalendarDate,
    Code,
    Extensions,
    FreeText,
    Moment,
    Number,
    RawCodes,
    Text,
)


class Money(Model):
    """An amount; without a currency it is in the document's."""

    amount: Number
    currency: Code | None = None


class Quantity(Model):
    """A number of units. Units are X12 element 355 codes (EA, CA, BX); `unit` is absent where none was sent.

    An unknown unit is the decoder's finding, never a guess: quantities are converted only with an
    item-specific factor (DESIGN section 6, crosswalks).
    """

    value: Number
    unit: Code | None = None


PriceBasis = Literal[
    "per_each", "per_unit_of_measure", "per_hundred", "per_thousand", "per_pack", "contract", "catalog",
    "wholesale", "quotation", "none_charged", "other",
]  # fmt: skip


class Price(Model):
    """A price per `base_quantity` of `base_unit`; the line's amount is quantity x amount / base_quantity.

    Source: UBL 2.4 Price/BaseQuantity; X12 PO104 with basis code PO105 (element 639), where HP means
    per hundred. `base_quantity` absent is 1, `base_unit` absent is the unit of the line's quantity.
    """

    amount: Number
    currency: Code | None = None
    base_quantity: Number | None = None
    base_unit: Code | None = None
    basis: PriceBasis | None = None
    basis_code: Code | None = None


PartyScheme = Literal[
    "gln", "duns", "duns4", "hin", "assigned_by_buyer", "assigned_by_seller", "mutually_defined",
    "health_industry_dea", "tax", "iban", "network", "email", "vendor_site", "internal", "other",
]  # fmt: skip


class PartyIdentifier(Model):
    """Who a party is, in one scheme.

    Source: X12 N103 (element 66): UL gln, 1 duns, 9 duns4, 21 hin, 91 assigned_by_seller, 92
    assigned_by_buyer, ZZ mutually_defined. `qualifier` keeps the code as sent where the scheme alone
    would not give it back; N104 without N103 is `other` without a qualifier.
    """

    scheme: PartyScheme
    value: Code
    qualifier: Code | None = None


ItemScheme = Literal[
    "vendor", "buyer", "manufacturer", "gtin", "upc", "ean", "ndc", "hibcc", "udi", "unspsc", "hcpcs",
    "serial", "lot", "model", "catalog", "sku", "mutually_defined", "other",
]  # fmt: skip


class ItemIdentifier(Model):
    """Which item, in one scheme. A line has as many as were sent, in the order sent.

    Source: X12 PO106-25 (element 235): VN/VP/VC/VA vendor, IN/BP/CB buyer, MG/MF manufacturer, UK gtin,
    UP upc, EN ean, N4 ndc. `qualifier` keeps the code as sent where the scheme alone would not give it back.
    """

    scheme: ItemScheme
    value: Code
    qualifier: Code | None = None


class Address(Model):
    """Where. `country` and `region` are codes as the sender uses them (ISO 3166 where possible)."""

    lines: tuple[Text, ...] = ()
    city: Text | None = None
    region: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None


ContactRole = Literal[
    "buyer", "delivery", "order", "receiving", "requester", "accounts_payable", "accounts_receivable",
    "expediter", "information", "sales", "other",
]  # fmt: skip


class Contact(Model):
    """A person or desk to reach."""

    role: ContactRole = "other"
    name: Text | None = None
    phones: tuple[Text, ...] = ()
    emails: tuple[Text, ...] = ()
    faxes: tuple[Text, ...] = ()
    raw_codes: RawCodes = NO_ENTRIES


ReferenceKind = Literal[
    "contract", "requisition", "quote", "promotion", "vendor_number", "customer_number", "department",
    "account", "cost_center", "project", "buyer_order", "seller_order", "erp_order", "master_order",
    "release", "invoice", "original_invoice", "shipment", "bill_of_lading", "packing_slip", "tracking",
    "delivery", "receipt", "case", "ticket", "tax_registration", "bank_account", "serial", "lot", "batch",
    "line_item", "internal", "other",
]  # fmt: skip


class Reference(Model):
    """A number of something else. `qualifier` keeps the code as sent (X12 REF01) where the kind would not."""

    kind: ReferenceKind
    number: Code
    qualifier: Code | None = None
    description: Text | None = None
    may_be_phi: bool = False


class Party(Model):
    """A party in the role that its field or `PartyInRole` names.

    The ship-to of a drop shipment can be a patient's home: whoever knows sets `may_be_phi`.
    """

    name: Text | None = None
    more_names: tuple[Text, ...] = ()
    identifiers: tuple[PartyIdentifier, ...] = ()
    address: Address | None = None
    contacts: tuple[Contact, ...] = ()
    references: tuple[Reference, ...] = ()
    may_be_phi: bool = False
    raw_codes: RawCodes = NO_ENTRIES


PartyRole = Literal[
    "buyer", "seller", "ship_to", "bill_to", "remit_to", "ship_from", "sold_to", "payer", "payee",
    "manufacturer", "distributor", "carrier", "receiver", "requester", "deliver_to", "mark_for",
    "end_user", "agent", "bank", "planning_site", "message_from", "other",
]  # fmt: skip


class PartyInRole(Party):
    """A further party, one that has no field of its own on the document."""

    role: PartyRole


class DateValue(Model):
    """A calendar date, with the moment where a time was sent.

    `date` is the sender's local calendar date. `zone` names the zone that was assumed because the
    sender stated none, and `text` is then the date as sent; both are absent for a date sent in full.
    """

    date: CalendarDate
    at: Moment | None = None
    zone: Code | None = None
    text: Text | None = None


def assume_zone(local: datetime, zone: tzinfo, zone_name: str, text: str) -> DateValue:
    """Give a date sent without a zone the partner's declared zone; the text as sent is kept.

    A local time that a clock change skips or repeats takes the first reading (fold 0).
    """
    return DateValue(date=local.date(), at=local.replace(tzinfo=zone), zone=zone_name, text=text)


DateKind = Literal[
    "requested_delivery", "requested_ship", "promised_delivery", "promised_ship", "ship_not_before",
    "ship_not_later", "deliver_not_before", "deliver_not_later", "cancel_after", "shipped", "delivered",
    "estimated_delivery", "received", "order", "invoice", "due", "discount_due", "effective", "expires",
    "manufactured", "procedure", "promotion_start", "promotion_end", "period_start", "period_end",
    "scheduled", "posted", "other",
]  # fmt: skip


class KindedDate(DateValue):
    """A further date, by what it means. `qualifier` is the code as sent (X12 DTM01)."""

    kind: DateKind
    qualifier: Code | None = None


NoteKind = Literal[
    "general", "delivery", "ordering", "special_instructions", "terms", "internal", "supplier", "clinical",
    "packing", "invoice", "reason", "item", "other",
]  # fmt: skip


class Note(Model):
    """Free text. It may hold a patient's name until someone who knows the source says it cannot."""

    text: FreeText
    kind: NoteKind = "general"
    language: Code | None = None
    qualifier: Code | None = None
    may_be_phi: bool = True


ChargeIndicator = Literal[
    "allowance", "charge", "neither", "allowance_request", "charge_request", "service", "promotion",
]  # fmt: skip

ChargeKind = Literal[
    "freight", "handling", "fuel_surcharge", "hazardous", "small_order", "restocking", "packaging",
    "insurance", "discount", "volume_discount", "trade_discount", "rebate", "promotion", "core", "tax",
    "service", "expedite", "minimum_order", "other",
]  # fmt: skip


class AllowanceCharge(Model):
    """Money off or on top.

    Source: UBL 2.4 AllowanceCharge; X12 SAC, where SAC05 has two implied decimals, always.
    """

    indicator: ChargeIndicator
    kind: ChargeKind = "other"
    amount: Number | None = None
    percent: Number | None = None
    percent_of: Text | None = None
    rate: Number | None = None
    quantity: Quantity | None = None
    description: Text | None = None
    reference: Code | None = None
    raw_codes: RawCodes = NO_ENTRIES


TaxKind = Literal[
    "sales", "use", "state", "county", "city", "federal", "vat", "gst", "excise", "exempt", "other",
]  # fmt: skip


class Tax(Model):
    """One tax. Source: X12 TXI; UBL 2.4 TaxSubtotal."""

    kind: TaxKind
    amount: Number | None = None
    percent: Number | None = None
    taxable_amount: Number | None = None
    jurisdiction: Text | None = None
    exemption: Text | None = None
    registration: Code | None = None
    raw_codes: RawCodes = NO_ENTRIES


class PaymentTerms(Model):
    """When to pay, and what paying early saves. Source: X12 ITD; UBL 2.4 PaymentTerms."""

    code: Code | None = None
    description: Text | None = None
    discount_percent: Number | None = None
    discount_amount: Number | None = None
    discount_days: int | None = None
    discount_due: DateValue | None = None
    net_days: int | None = None
    net_due: DateValue | None = None
    basis: Text | None = None
    raw_codes: RawCodes = NO_ENTRIES


class Shipping(Model):
    """How goods travel and who pays for it; several where the sender repeats itself or offers a choice.

    Source: X12 TD5, TD1, TD3, FOB, CAD; UBL 2.4 Shipment.
    """

    carrier: Text | None = None
    carrier_code: Code | None = None
    mode: Text | None = None
    service: Text | None = None
    routing: Text | None = None
    incoterm: Code | None = None
    freight_terms: Text | None = None
    freight_location: Text | None = None
    freight_account: Code | None = None
    tracking_numbers: tuple[Code, ...] = ()
    packages: int | None = None
    weight: Quantity | None = None
    volume: Quantity | None = None
    equipment: Text | None = None
    raw_codes: RawCodes = NO_ENTRIES


class Distribution(Model):
    """Who pays for (a part of) a line: by percent, amount or quantity.

    `segments` are the parts of a structured account by the sender's names (fund, department, natural).
    """

    account: Code | None = None
    cost_center: Code | None = None
    project: Code | None = None
    segments: dict[Code, Text] = NO_ENTRIES
    percent: Number | None = None
    amount: Number | None = None
    quantity: Number | None = None
    description: Text | None = None
    raw_codes: RawCodes = NO_ENTRIES


class Lot(Model):
    """Which physical goods: lot, serial number, expiry, device identifier (UDI)."""

    lot: Code | None = None
    serial: Code | None = None
    expires: CalendarDate | None = None
    manufactured: CalendarDate | None = None
    udi: Text | None = None
    quantity: Quantity | None = None


class Packaging(Model):
    """How an item is packed. Source: X12 PO4."""

    packs: Number | None = None
    size: Quantity | None = None
    inner_packs: Number | None = None
    weight: Quantity | None = None
    volume: Quantity | None = None
    description: Text | None = None
    raw_codes: RawCodes = NO_ENTRIES


class Attribute(Model):
    """A named property of an item that is no description (colour, sterility). Source: X12 PID, MEA."""

    name: Text
    value: Text
    qualifier: Code | None = None


class ClinicalCase(Model):
    """The procedure that a bill-only or consignment order belongs to. Everything in it is PHI."""

    case_number: Code | None = None
    procedure: DateValue | None = None
    physician: Text | None = None
    patient: Text | None = None
    extensions: Extensions = NO_ENTRIES


class DocumentTotals(Model):
    """Control totals as the sender states them (X12 CTT, AMT): decoders check them, nobody computes them."""

    line_count: int | None = None
    quantity_hash: Number | None = None
    amount: Money | None = None
    weight: Quantity | None = None
    volume: Quantity | None = None
