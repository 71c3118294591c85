"""Canonical parts turned into the elements of X12 segments: the inverse of `parts_in.py`. Pure.

Each function gives a segment's elements in order, "" where one is absent. A code that was sent wins over
the one that its word has here, as long as both mean the same.
Errors: OutError where X12 has no way to say what the document says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from adapters.edi_x12 import codes, codes_out, parts_in
from adapters.edi_x12.config import X12Partner
from canonical.values import (
    AllowanceCharge,
    Attribute,
    Contact,
    DateValue,
    ItemIdentifier,
    KindedDate,
    Packaging,
    Party,
    PartyIdentifier,
    PaymentTerms,
    Price,
    Quantity,
    Reference,
    Shipping,
    Tax,
)

Elements = list[str]
_AS_X12 = re.compile(r"(\d{8})(?: (\d{4,8}))?(?: ([A-Z]{2}))?")


class OutError(ValueError):
    """Something that X12 cannot say; the text is the end of a sentence about the element."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def number(value: Decimal | int | None) -> str:
    """Write an R number."""
    return "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


def cents(value: Decimal | None) -> str:
    """Write an N2 number: 12.50 -> 1250. Errors: OutError for a fraction of a cent."""
    if value is None:
        return ""
    scaled = value.scaleb(2)
    if scaled != scaled.to_integral_value():
        raise OutError("X12-CENTS", "is an amount with more than two decimals, and the element holds two")
    return format(scaled.to_integral_value(), "f")


def raw_number(value: Decimal | None, sent: str | None) -> str:
    """Write a number as it was sent, where that is still its value."""
    if sent and value is not None:
        plain = parts_in.number(sent)
        if plain is not None and Decimal(plain) == value:
            return sent
    return number(value)


def unit(code: str | None, sent: str | None, partner: X12Partner) -> str:
    """Write a unit in the partner's words. Errors: OutError where neither it nor X12 knows the unit."""
    if sent and (partner.units.get(sent, sent) == code or code is None):
        return sent
    if code is None:
        return ""
    own = [theirs for theirs, ours in partner.units.items() if ours == code]
    if len(own) == 1:
        return own[0]
    if code not in codes.UNITS:
        raise OutError("X12-UOM", f"has the unit '{code}', which X12 does not know; map it in `units`")
    return code


def day(value: DateValue | None) -> str:
    """Write a date as CCYYMMDD."""
    return "" if value is None else eight_digits(value.date)


@lru_cache(maxsize=1024)
def eight_digits(value: date) -> str:
    """Write a day as CCYYMMDD."""
    return value.isoformat().replace("-", "")  # a quarter of the time of strftime


def moment(value: DateValue) -> Elements:
    """Write date, time and zone: as sent where it was X12, else with the zone that the moment has."""
    digits = eight_digits(value.date)
    if value.text:
        sent = _AS_X12.fullmatch(value.text)
        if sent and sent[1] == digits:
            return [sent[1], sent[2] or "", sent[3] or ""]
    if value.at is None:
        return [digits, "", ""]
    at: datetime = value.at
    offset = at.utcoffset()
    zone = codes_out.ZONES.get(offset.total_seconds() / 3600) if offset is not None else None
    if zone is None:
        at, zone = at.astimezone(UTC), "UT"
    return [eight_digits(at.date()), f"{at:%H%M%S}" if at.second else f"{at:%H%M}", zone]


def dated(value: KindedDate) -> Elements:
    """Write a DTM."""
    qualifier = value.qualifier or ("" if value.kind == "other" else codes_out.DATES.get(value.kind))
    if qualifier is None:
        raise OutError("X12-OUT-CODE", f"is a date of kind '{value.kind}', for which there is no qualifier")
    return [qualifier, *moment(value)]


def reference(value: Reference) -> Elements:
    """Write a REF or N9."""
    qualifier = value.qualifier or codes_out.REFERENCES.get(value.kind, "ZZ")
    return [qualifier, value.number, value.description or ""]


def contact(value: Contact) -> Elements:
    """Write a PER: numbers at the places where they were sent, else telephone, e-mail, fax."""
    raw = value.raw_codes
    role = codes_out.code(value.role, raw.get("PER01"), codes.CONTACT_ROLES, codes_out.CONTACT_ROLES, "IC")
    pairs = (_numbers_as_sent(value, raw) if raw else []) or [
        pair
        for qualifier, numbers in (("TE", value.phones), ("EM", value.emails), ("FX", value.faxes))
        for pair in ((qualifier, each) for each in numbers)
    ]
    flat = [part for pair in pairs[:3] for part in pair]
    return [role, value.name or "", *flat, *[""] * (6 - len(flat)), raw.get("PER09", "")]


def _numbers_as_sent(value: Contact, raw: Mapping[str, str]) -> list[tuple[str, str]]:
    left = {"phones": list(value.phones), "emails": list(value.emails), "faxes": list(value.faxes)}
    pairs = [("", "")] * 3
    for at in range(3):
        qualifier = raw.get(f"PER{3 + 2 * at:02}", "")
        kind = codes.CONTACT_NUMBERS.get(qualifier)
        if qualifier and (kind is None or left[kind]):
            pairs[at] = (qualifier, left[kind].pop(0) if kind else raw.get(f"PER{4 + 2 * at:02}", ""))
    return pairs if any(map(any, pairs)) and not any(left.values()) else []


def party_code(value: Party, role: str) -> str:
    """Write N101."""
    sent = value.raw_codes.get("N101")
    return codes_out.code(role, sent, codes.PARTY_ROLES, codes_out.PARTY_ROLES, "ZZ")


def party(value: Party, role: str, partner: X12Partner) -> Elements:
    """Write an N1."""
    raw, code = value.raw_codes, party_code(value, role)
    known = _identifier(value, partner)
    elements = [code, value.name or ""]
    if known is not None:
        scheme = known.qualifier or codes_out.PARTY_SCHEMES.get(known.scheme, "")
        is_bare = known.scheme == "other" and known.qualifier is None
        elements += ["" if is_bare else scheme or "ZZ", known.value]
    return _with_raw(elements, "N1", raw, (5, 6))


def _identifier(value: Party, partner: X12Partner) -> PartyIdentifier | None:
    """Give the identifier that this partner likes best; X12 has room for one."""
    wanted = partner.outbound.party_schemes
    found = (each for scheme in wanted for each in value.identifiers if each.scheme == scheme)
    return next(found, value.identifiers[0] if value.identifiers else None)


def texts(values: Sequence[str], layout: str | None) -> list[Elements]:
    """Write N2 or N3 segments, two texts each, or as many as each had that was sent."""
    sizes = [int(size) for size in layout.split()] if layout else []
    if sum(sizes) != len(values):
        sizes = [2] * (len(values) // 2) + [1] * (len(values) % 2)
    made, at = [], 0
    for size in sizes:
        made.append(list(values[at : at + size]))
        at += size
    return made


def place(value: Party) -> Elements:
    """Write an N4, nothing where the party has none."""
    address, raw = value.address, value.raw_codes
    if address is None:
        return []
    made = [address.city or "", address.region or "", address.postal_code or "", address.country or ""]
    made = _with_raw(made, "N4", raw, (5, 6, 7))
    return made if any(made) else []


def terms(value: PaymentTerms) -> Elements:
    """Write an ITD."""
    made = [
        value.code or "",
        value.basis or "",
        number(value.discount_percent),
        day(value.discount_due),
        number(value.discount_days),
        day(value.net_due),
        number(value.net_days),
        cents(value.discount_amount),
        "", "", "",
        value.description or "",
    ]  # fmt: skip
    return _with_raw(made, "ITD", value.raw_codes, (9, 10, 11, 13, 14, 15))


_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    segment: tuple(f"{segment}{n:02}" for n in range(1, length + 1))
    for segment, length in (("FOB", 9), ("TD5", 15), ("CAD", 9))
}
# Where code, mode, routing and service stand, from 0.
_CARRIED: Mapping[str, tuple[int, ...]] = {"TD5": (2, 3, 4, 11), "CAD": (3, 0, 4, 8)}


def freight(value: Shipping) -> Elements:
    """Write a FOB, nothing where there is none of it."""
    raw = value.raw_codes
    made = [raw.get(name, "") for name in _ELEMENTS["FOB"]]
    if value.freight_terms != codes.FREIGHT_TERMS.get(made[0], made[0] or None):
        made[0] = codes_out.FREIGHT_TERMS.get(value.freight_terms or "", value.freight_terms or "")
    if value.incoterm != (made[4] or None):
        made[4] = value.incoterm or ""
    if value.freight_location not in ((made[2] or made[6]) or None, None):
        made[2] = value.freight_location or ""
    if made[2] and not made[1] and not any(name.startswith("FOB") for name in raw):
        made[1] = "ZZ"
    return trimmed(made)


def carrier(value: Shipping, segment: str) -> Elements:
    """Write a TD5 or CAD, nothing where there is none of it."""
    at, raw = _CARRIED[segment], value.raw_codes
    made = [raw.get(name, "") for name in _ELEMENTS[segment]]
    other = "CAD" if segment == "TD5" else "TD5"
    if not any(made) and any(name.startswith((other, "FOB")) for name in raw):
        return []  # it came, and without such a segment
    for position, sent in zip(
        at, (value.carrier_code, value.mode, value.routing or value.carrier, value.service), strict=True
    ):
        if sent and sent != made[position]:
            made[position] = sent
    is_named = segment == "TD5" and not made[1] and value.carrier_code
    if is_named and not any(name.startswith("TD5") for name in raw):
        made[1] = "2"  # a SCAC
    return trimmed(made)


def charge(value: AllowanceCharge, partner: X12Partner) -> Elements:
    """Write a SAC."""
    raw = value.raw_codes
    indicator = codes_out.code(
        value.indicator, raw.get("SAC01"), codes.CHARGE_INDICATORS, codes_out.CHARGE_INDICATORS, "N"
    )
    kind = raw.get("SAC02") or codes_out.CHARGE_KINDS.get(value.kind, "")
    quantity = value.quantity
    made = [
        indicator,
        kind,
        raw.get("SAC03", ""),
        raw.get("SAC04", ""),
        cents(value.amount),
        value.percent_of or "",
        number(value.percent),
        number(value.rate),
        unit(quantity.unit, raw.get("SAC09"), partner) if quantity else raw.get("SAC09", ""),
        number(quantity.value) if quantity else "",
        raw.get("SAC11", ""),
        raw.get("SAC12", ""),
        value.reference or "",
        raw.get("SAC14", ""),
        value.description or "",
        raw.get("SAC16", ""),
    ]
    if not made[1] and not made[2]:
        raise OutError("X12-OUT-CODE", f"is a charge of kind '{value.kind}', for which there is no code")
    return made


def tax(value: Tax) -> Elements:
    """Write a TXI; TXI03 is a fraction."""
    raw = value.raw_codes
    kind = codes_out.code(value.kind, raw.get("TXI01"), codes.TAX_KINDS, codes_out.TAX_KINDS, "ZZ")
    fraction = raw.get("TXI03", "")
    if value.percent is not None and (
        not fraction or Decimal(parts_in.percent(fraction) or 0) != value.percent
    ):
        fraction = number(value.percent.scaleb(-2))
    return [
        kind,
        number(value.amount),
        fraction if value.percent is not None else "",
        raw.get("TXI04", "") or ("VD" if value.jurisdiction else ""),
        value.jurisdiction or "",
        value.exemption or "",
        raw.get("TXI07", ""),
        number(value.taxable_amount),
        value.registration or "",
        raw.get("TXI10", ""),
    ]


def price(value: Price | None, sent: str | None) -> Elements:
    """Write amount and basis. Errors: OutError for a base quantity that no basis code has."""
    if value is None:
        return ["", ""]
    return [raw_number(value.amount, sent), basis(value)]


def basis(value: Price) -> str:
    """Write the basis of a price. Errors: OutError, as `price`."""
    return basis_of(value.basis, value.basis_code, value.base_quantity)


@lru_cache(maxsize=1024)
def basis_of(word: str | None, sent: str | None, base: Decimal | None) -> str:
    """Write a basis, as sent where that means the same. Errors: OutError, as `price`."""
    if sent is not None:
        known = codes.PRICE_BASES.get(sent, ("other", None))
        if known[0] == (word or "other") and (Decimal(known[1]) if known[1] else None) == base:
            return sent
    if base in (None, 1):
        return codes_out.PRICE_BASES.get(word or "", "")
    code = {Decimal(100): "HP", Decimal(1000): "TP"}.get(base or Decimal(1))
    if code is None:
        raise OutError("X12-OUT-PRICE", f"is a price for {base}, and X12 has no basis code for that")
    return code


def item_ids(values: Sequence[ItemIdentifier], gaps: Sequence[int], partner: X12Partner) -> Elements:
    """Write pairs of qualifier and id, leaving the gaps that were sent."""
    wanted = partner.outbound.item_qualifiers
    made: Elements = []
    for each in values:
        while len(made) // 2 in gaps:
            made += ["", ""]
        made += [wanted.get(each.scheme) or item_qualifier(each.scheme, each.qualifier), each.value]
    return made


@lru_cache(maxsize=1024)
def item_qualifier(scheme: str, qualifier: str | None) -> str:
    """Write the code of an item id's scheme (element 235), as sent where it was sent."""
    if qualifier is not None:
        return qualifier
    return "" if scheme == "other" else codes_out.ITEM_SCHEMES.get(scheme, "ZZ")


def measure(value: Attribute) -> Elements:
    """Write a MEA, nothing for an attribute that is no measurement."""
    figure, _, unit_code = value.value.partition(" ")
    if not re.fullmatch(r"-?[0-9]*\.?[0-9]+|-?[0-9]+\.", figure):
        return []
    return [value.qualifier or "", value.name, figure, unit_code]


def packaging(value: Packaging) -> Elements:
    """Write a PO4."""
    raw = value.raw_codes
    made = [raw.get(f"PO4{n:02}", "") for n in range(1, 19)]
    made[0] = number(value.packs)
    for at, quantity in ((1, value.size), (5, value.weight), (7, value.volume)):
        if quantity is not None:
            made[at], made[at + 1] = number(quantity.value), quantity.unit or ""
    made[14] = value.description or ""
    return trimmed(made)


def measured(quantity: Quantity | None) -> Elements:
    """Write a number and its unit."""
    return ["", ""] if quantity is None else [number(quantity.value), quantity.unit or ""]


def _with_raw(made: Elements, segment: str, raw: Mapping[str, str], at: tuple[int, ...]) -> Elements:
    if not raw:
        return made
    for position in at:
        value = raw.get(f"{segment}{position:02}")
        if value:
            made += [""] * (position - len(made))
            made[position - 1] = value
    return made


def trimmed(made: Elements) -> Elements:
    """Take the empty elements off a segment's end."""
    while made and not made[-1]:
        made.pop()
    return made
