"""The way back from canonical words to X12 codes: the one that was sent, where it says the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from adapters.edi_x12 import codes


def inverse(table: Mapping[str, Any], **preferred: str) -> Mapping[str, str]:
    """Turn a table round: the first code that has a word, unless one is preferred."""
    turned: dict[str, str] = {}
    for code, word in table.items():
        turned.setdefault(word[0] if isinstance(word, tuple) else word, code)
    return MappingProxyType({**turned, **preferred})


PURPOSES: Final = inverse(codes.PURPOSES)
ORDER_TYPES: Final = inverse(codes.ORDER_TYPES, new="NE", stand_alone="SA")
RESPONSES: Final = inverse(codes.RESPONSES)
LINE_STATUSES: Final = inverse(codes.LINE_STATUSES)
INVOICE_TYPES: Final = inverse(codes.INVOICE_TYPES)
PARTY_ROLES: Final = inverse(codes.PARTY_ROLES, seller="SE", remit_to="RE", mark_for="Z7")
PARTY_SCHEMES: Final = inverse(codes.PARTY_SCHEMES, tax="FI", internal="92", vendor_site="92")
ITEM_SCHEMES: Final = inverse(codes.ITEM_SCHEMES, buyer="IN", upc="UP", ndc="N4")
REFERENCES: Final = inverse(codes.REFERENCES, customer_number="CR", vendor_number="IA", buyer_order="CO")
DATES: Final = inverse(codes.DATES, promised_delivery="069", promised_ship="079")
PRICE_BASES: Final = inverse(codes.PRICE_BASES)
CONTACT_ROLES: Final = inverse(codes.CONTACT_ROLES)
CHARGE_INDICATORS: Final = inverse(codes.CHARGE_INDICATORS, allowance="A", charge="C")
CHARGE_KINDS: Final = inverse(codes.CHARGE_KINDS, handling="D500")
TAX_KINDS: Final = inverse(codes.TAX_KINDS, sales="LS")
FREIGHT_TERMS: Final = inverse(codes.FREIGHT_TERMS)
SUB_LINES: Final = inverse(codes.SUB_LINES)
ZONES: Final[Mapping[float, str]] = MappingProxyType(
    {0.0: "UT", -4.0: "ED", -5.0: "ES", -6.0: "CS", -7.0: "MS", -8.0: "PS"}
)
"""Offset from UTC in hours -> element 623; a zone with its season, so that the moment is told exactly."""


def code(
    word: str, sent: str | None, table: Mapping[str, Any], back: Mapping[str, str], default: str = ""
) -> str:
    """Give the code for a word: the one that was sent, where it means the same."""
    if sent is not None and (table.get(sent, "other") == word or (word == "other" and sent)):
        return sent
    return back.get(word, sent or default)
