"""Code tables between X12 and the canonical words; a code that is not here becomes `other`, kept as sent.

Only codes that we use. Sources: data elements 353, 92, 98, 66, 235, 128, 374, 639, 366, 248, 355, 146,
587, 623, 640, 662 and 668 of X12 004010 and 005010.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from canonical.acknowledgment import LineStatus

PURPOSES: Mapping[str, str] = MappingProxyType({
    "00": "original", "01": "cancellation", "02": "add", "03": "delete", "04": "change", "05": "replace",
    "06": "confirmation", "07": "duplicate", "08": "status", "13": "request", "15": "resubmission",
    "16": "proposal", "18": "reissue", "22": "information_copy", "24": "draft",
})  # fmt: skip

ORDER_TYPES: Mapping[str, str] = MappingProxyType({
    "SA": "stand_alone", "NE": "new", "BK": "blanket", "BE": "blanket", "BH": "blanket", "BL": "blanket",
    "RL": "release", "RO": "rush", "CN": "consignment", "DS": "dropship", "RE": "replenishment",
    "ST": "standing", "SP": "sample", "SS": "service", "EO": "emergency",
})  # fmt: skip

RESPONSES: Mapping[str, str] = MappingProxyType({
    "AT": "accepted", "AP": "accepted", "AC": "accepted_with_changes", "AE": "accepted_with_changes",
    "RO": "accepted_with_changes", "RD": "rejected", "RF": "rejected", "RJ": "rejected",
    "AD": "acknowledged_with_detail", "AK": "acknowledged_without_detail", "AH": "on_hold",
})  # fmt: skip
"""Element 587. RO is a rejection with a counter offer: what is offered stands in the lines."""

LINE_STATUSES: Mapping[str, LineStatus] = MappingProxyType({
    "IA": "accepted", "IB": "backordered", "BP": "partly_backordered", "IC": "changed", "IP": "price_changed",
    "IQ": "quantity_changed", "IE": "price_pending", "SP": "date_pending", "DR": "rescheduled",
    "IS": "substituted", "IF": "on_hold", "IH": "on_hold", "IW": "on_hold", "ID": "deleted", "IR": "rejected",
    "AC": "shipped", "AR": "released", "AA": "accepted", "R1": "rejected", "R2": "rejected", "R3": "rejected",
    "R4": "rejected", "R5": "rejected", "R6": "rejected",
})  # fmt: skip
"""Element 668."""

INVOICE_TYPES: Mapping[str, str] = MappingProxyType({
    "DI": "invoice", "PR": "invoice", "DR": "debit_memo", "DN": "debit_memo", "CR": "credit_memo",
    "CN": "credit_memo", "CI": "consolidated", "PP": "prepayment", "PF": "pro_forma",
})  # fmt: skip
"""Element 640, as BIG07 uses it."""

URGENT_ORDER_TYPES = frozenset({"RO", "EO"})

HEADER_PARTIES: Mapping[str, str] = MappingProxyType({
    "BY": "buyer", "SE": "seller", "VN": "seller", "SU": "seller", "ST": "ship_to", "BT": "bill_to",
    "RE": "remit_to", "RI": "remit_to", "SF": "ship_from",
})  # fmt: skip

PLAIN_PARTIES = frozenset({"BY", "SE", "ST", "BT", "RE", "SF"})
"""The code that a field's party has where nothing else is said; any other is kept in raw_codes."""

PARTY_ROLES: Mapping[str, str] = MappingProxyType({
    **HEADER_PARTIES, "SO": "sold_to", "PR": "payer", "PE": "payee", "MF": "manufacturer",
    "DB": "distributor", "CA": "carrier", "RC": "receiver", "RQ": "requester", "Z7": "mark_for",
    "MA": "mark_for", "EN": "end_user", "AG": "agent", "BK": "bank", "MI": "planning_site",
    "FR": "message_from",
})  # fmt: skip

PARTY_SCHEMES: Mapping[str, str] = MappingProxyType({
    "UL": "gln", "1": "duns", "9": "duns4", "21": "hin", "91": "assigned_by_seller",
    "92": "assigned_by_buyer", "ZZ": "mutually_defined", "11": "health_industry_dea",
    "24": "tax", "FI": "tax",
})  # fmt: skip

ITEM_SCHEMES: Mapping[str, str] = MappingProxyType({
    "VN": "vendor", "VP": "vendor", "VC": "vendor", "VA": "vendor", "IN": "buyer", "BP": "buyer",
    "CB": "buyer", "MG": "manufacturer", "MF": "manufacturer", "UK": "gtin", "UP": "upc", "UI": "upc",
    "UA": "upc", "EN": "ean", "N1": "ndc", "N2": "ndc", "N3": "ndc", "N4": "ndc", "ND": "ndc",
    "HC": "hcpcs", "SK": "sku", "SN": "serial", "LT": "lot", "MN": "model", "CG": "catalog",
    "ZZ": "mutually_defined",
})  # fmt: skip

PLAIN_SCHEMES = frozenset({
    "UL", "1", "9", "21", "91", "92", "ZZ", "11",
    "VN", "IN", "MG", "UK", "UP", "EN", "N4", "HC", "SK", "SN", "LT", "MN",
})  # fmt: skip
"""Qualifiers that their scheme gives back; others are kept beside it."""

REFERENCES: Mapping[str, str] = MappingProxyType({
    "CT": "contract", "RQ": "requisition", "Q1": "quote", "PD": "promotion", "IA": "vendor_number",
    "VR": "vendor_number", "CR": "customer_number", "IT": "customer_number", "DP": "department",
    "11": "account", "12": "account", "CO": "buyer_order", "PO": "buyer_order", "VN": "seller_order",
    "RE": "release", "IV": "invoice", "OI": "original_invoice", "SI": "shipment", "BM": "bill_of_lading",
    "PK": "packing_slip", "2I": "tracking", "BT": "batch", "SE": "serial", "LT": "lot", "LI": "line_item",
    "TJ": "tax_registration", "CA": "case",
})  # fmt: skip

DATES: Mapping[str, str] = MappingProxyType({
    "001": "cancel_after", "002": "requested_delivery", "003": "invoice", "004": "order",
    "007": "effective", "010": "requested_ship", "011": "shipped", "015": "promotion_start",
    "016": "promotion_end", "017": "estimated_delivery", "035": "delivered", "036": "expires",
    "037": "ship_not_before", "038": "ship_not_later", "050": "received", "063": "deliver_not_later",
    "064": "deliver_not_before", "067": "promised_delivery", "068": "promised_ship",
    "069": "promised_delivery", "079": "promised_ship", "094": "manufactured", "193": "period_start",
    "194": "period_end",
})  # fmt: skip

PRICE_BASES: Mapping[str, tuple[str, str | None]] = MappingProxyType({
    "PE": ("per_each", None), "UM": ("per_unit_of_measure", None), "HP": ("per_hundred", "100"),
    "TP": ("per_thousand", "1000"), "PK": ("per_pack", None), "CT": ("contract", None),
    "CA": ("catalog", None), "LE": ("catalog", None), "WE": ("wholesale", None), "WH": ("wholesale", None),
    "QT": ("quotation", None), "QE": ("quotation", None), "NC": ("none_charged", None),
})  # fmt: skip
"""Code -> (word, base quantity). Without the base quantity a price per hundred is 100 times too high."""

CONTACT_ROLES: Mapping[str, str] = MappingProxyType({
    "BD": "buyer", "DC": "delivery", "OC": "order", "RE": "receiving", "RQ": "requester",
    "AP": "accounts_payable", "AR": "accounts_receivable", "EX": "expediter", "IC": "information",
    "SR": "sales",
})  # fmt: skip

CONTACT_NUMBERS: Mapping[str, str] = MappingProxyType(
    {"TE": "phones", "CP": "phones", "WP": "phones", "EM": "emails", "FX": "faxes"}
)

CHARGE_INDICATORS: Mapping[str, str] = MappingProxyType({
    "A": "allowance", "B": "allowance_request", "C": "charge", "N": "neither", "P": "promotion",
    "Q": "charge_request", "R": "allowance_request", "S": "service",
})  # fmt: skip

CHARGE_KINDS: Mapping[str, str] = MappingProxyType({
    "C310": "discount", "D240": "freight", "D500": "handling", "D980": "insurance", "F800": "promotion",
    "G830": "handling", "I170": "trade_discount", "I180": "volume_discount",
})  # fmt: skip

TAX_KINDS: Mapping[str, str] = MappingProxyType({
    "ST": "state", "SP": "state", "CT": "county", "CP": "county", "CS": "city", "CI": "city",
    "FD": "federal", "FT": "excise", "GS": "gst", "VA": "vat", "SU": "sales", "LS": "sales", "UT": "use",
    "EX": "exempt",
})  # fmt: skip

FREIGHT_TERMS: Mapping[str, str] = MappingProxyType({
    "CC": "collect", "PP": "prepaid", "PC": "prepaid_but_charged_to_customer", "TP": "third_party",
    "DF": "defined_by_buyer_and_seller", "PB": "customer_pickup", "PO": "prepaid_only",
})  # fmt: skip

SUB_LINES: Mapping[str, str] = MappingProxyType(
    {"I": "included", "A": "added", "D": "deleted", "S": "substituted", "O": "information"}
)

ZONES: Mapping[str, str] = MappingProxyType({
    "UT": "UTC", "GM": "UTC", "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver",
    "PT": "America/Los_Angeles", "AT": "America/Anchorage", "HT": "Pacific/Honolulu",
    "ES": "Etc/GMT+5", "ED": "Etc/GMT+4", "CS": "Etc/GMT+6", "CD": "Etc/GMT+5", "MS": "Etc/GMT+7",
    "MD": "Etc/GMT+6", "PS": "Etc/GMT+8", "PD": "Etc/GMT+7",
})  # fmt: skip
"""Element 623 -> zone. LT (local time) and what is not here take the partner's declared zone."""

UNITS = frozenset(
    [
        "AM",
        "BA",
        "BD",
        "BF",
        "BG",
        "BK",
        "BN",
        "BO",
        "BR",
        "BS",
        "BT",
        "BX",
        "C3",
        "CA",
        "CC",
        "CF",
        "CG",
        "CH",
        "CI",
        "CM",
        "CN",
        "CQ",
        "CR",
        "CS",
        "CT",
        "CX",
        "CY",
        "DA",
        "DR",
        "DZ",
        "EA",
        "EN",
        "FO",
        "FT",
        "GA",
        "GM",
        "GR",
        "GS",
        "HD",
        "HR",
        "HU",
        "IN",
        "JR",
        "KG",
        "KT",
        "LB",
        "LF",
        "LN",
        "LO",
        "LT",
        "ME",
        "MJ",
        "MM",
        "MO",
        "MP",
        "MR",
        "ML",
        "OZ",
        "P1",
        "PA",
        "PC",
        "PD",
        "PG",
        "PH",
        "PK",
        "PL",
        "PR",
        "PT",
        "QT",
        "RL",
        "RM",
        "SF",
        "SH",
        "SI",
        "SL",
        "SP",
        "SQ",
        "ST",
        "SX",
        "SY",
        "TB",
        "TH",
        "TK",
        "TN",
        "TU",
        "TY",
        "UN",
        "V2",
        "VI",
        "WK",
        "YD",
        "YR",
    ]
)
"""Units of measure (element 355) that mean what X12 says. ZZ (mutually defined) is a partner's to explain."""
