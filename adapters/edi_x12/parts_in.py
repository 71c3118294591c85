"""X12 segments that look alike in several sets, turned into canonical parts: dates, parties, charges ...

Parts are plain dicts of texts; the canonical models check and convert them in one go at the end.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from adapters.edi_x12 import codes
from adapters.edi_x12.grammar import Elements

Part = dict[str, Any]


@lru_cache(maxsize=4096)
def date_value(text: str, zone: str, time: str | None = None, time_code: str | None = None) -> Part:
    """Give a date with the zone it is meant in. Source: X12 elements 373, 337, 623.

    Kept between calls, since an order repeats few dates; nobody changes the dict.
    """
    day = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    stated = codes.ZONES.get(time_code or "")
    if not time:
        return {"date": day, "zone": zone, "text": text}
    local = datetime.strptime(text + time[:4], "%Y%m%d%H%M")  # noqa: DTZ007 - the zone is given below
    seconds = int(time[4:6] or "0")
    moment = local.replace(second=seconds, tzinfo=ZoneInfo(stated or zone)).isoformat()
    if stated:
        return {"date": day, "at": moment}
    return {
        "date": day,
        "at": moment,
        "zone": zone,
        "text": f"{text} {time}" + (f" {time_code}" if time_code else ""),
    }


def dtm(row: Elements, zone: str) -> Part | None:
    """Give a DTM as a dated kind; None where it holds no plain date. Source: X12 DTM01-DTM04."""
    if row[1] is None:
        return None
    qualifier = row[0] or ""
    kind = codes.DATES.get(qualifier, "other")
    return {**date_value(row[1], zone, row[2], row[3]), "kind": kind, "qualifier": qualifier or None}


def party(row: Elements) -> Part:
    """Give the party of an N1. Source: X12 N102-N104; N104 without N103 is seen and kept as other."""
    made: Part = {}
    if row[1] is not None:
        made["name"] = row[1]
    if row[3] is not None:
        made["identifiers"] = [party_identifier(row[2], row[3])]
    raw = {} if row[0] in codes.PLAIN_PARTIES else {"N101": row[0] or ""}
    if row[4] or row[5]:
        raw |= {name: value for name, value in (("N105", row[4]), ("N106", row[5])) if value}
    if raw:
        made["raw_codes"] = raw
    return made


def party_identifier(qualifier: str | None, value: str) -> Part:
    """Give an identifier in its scheme. Source: X12 element 66."""
    made: Part = {"scheme": codes.PARTY_SCHEMES.get(qualifier or "", "other"), "value": value}
    if qualifier and qualifier not in codes.PLAIN_SCHEMES:
        made["qualifier"] = qualifier
    return made


def add_address(made: Part, row: Elements) -> None:
    """Add an N3."""
    address = made.setdefault("address", {})
    address.setdefault("lines", []).extend(line for line in row[:2] if line is not None)


def add_place(made: Part, row: Elements) -> bool:
    """Add an N4; False where the party has one already."""
    address = made.setdefault("address", {})
    if "city" in address or "postal_code" in address or "country" in address:
        return False
    for name, value in zip(("city", "region", "postal_code", "country"), row, strict=False):
        if value is not None:
            address[name] = value
    extra = {f"N4{n:02}": value for n, value in enumerate(row[4:], 5) if value is not None}
    if extra:
        made.setdefault("raw_codes", {}).update(extra)
    return True


def contact(row: Elements) -> Part:
    """Give the contact of a PER. Source: X12 PER01-PER09."""
    made: Part = {"role": codes.CONTACT_ROLES.get(row[0] or "", "other")}
    raw = {"PER01": row[0] or ""}
    if row[1] is not None:
        made["name"] = row[1]
    for at in (2, 4, 6):
        qualifier, number = row[at], row[at + 1]
        if qualifier is None or number is None:
            continue
        made.setdefault(codes.CONTACT_NUMBERS.get(qualifier, ""), []).append(number)
        if qualifier not in ("TE", "EM", "FX"):
            raw[f"PER{at + 1:02}"] = qualifier
    for unknown in made.pop("", ()):
        raw.setdefault("number", unknown)
    if row[8] is not None:
        raw["PER09"] = row[8]
    made["raw_codes"] = raw
    return made


def reference(row: Elements) -> Part | None:
    """Give a REF; None where its number stands only in a description or a composite."""
    if row[1] is None or row[3] is not None:
        return None
    made: Part = {"kind": codes.REFERENCES.get(row[0] or "", "other"), "number": row[1], "qualifier": row[0]}
    if row[2] is not None:
        made["description"] = row[2]
    return made


def terms(row: Elements, zone: str) -> Part:
    """Give the terms of an ITD. Source: X12 ITD01-ITD15."""
    made: Part = {
        "code": row[0],
        "basis": row[1],
        "discount_percent": row[2],
        "discount_due": date_value(row[3], zone) if row[3] else None,
        "discount_days": row[4],
        "net_due": date_value(row[5], zone) if row[5] else None,
        "net_days": row[6],
        "discount_amount": cents(row[7]),
        "description": row[11],
    }
    rest = {f"ITD{n:02}": row[n - 1] for n in (9, 10, 11, 13, 14, 15) if row[n - 1] is not None}
    made = {name: value for name, value in made.items() if value is not None}
    return {**made, "raw_codes": rest} if rest else made


def add_fob(shipping: Part, row: Elements) -> None:
    """Add a FOB. Source: X12 FOB01-FOB09; FOB05 is an Incoterm where FOB04 says 01 or nothing."""
    shipping["freight_terms"] = codes.FREIGHT_TERMS.get(row[0] or "", row[0])
    if row[4] is not None:
        shipping["incoterm"] = row[4]
    location = row[2] or row[6]
    if location is not None:
        shipping["freight_location"] = location
    _add_raw(shipping, "FOB", row)


def add_td5(shipping: Part, row: Elements) -> None:
    """Add a TD5. Source: X12 TD501-TD515."""
    for name, at in (("carrier_code", 2), ("mode", 3), ("routing", 4), ("service", 11)):
        value = row[at]
        if value is not None:
            shipping[name] = value
    _add_raw(shipping, "TD5", row)


def charge(row: Elements) -> Part:
    """Give the allowance or charge of a SAC. SAC05 has two implied decimals, always (element 610, N2)."""
    made: Part = {
        "indicator": codes.CHARGE_INDICATORS.get(row[0] or "", "neither"),
        "kind": codes.CHARGE_KINDS.get(row[1] or "", "other"),
        "amount": cents(row[4]),
        "percent": row[6],
        "percent_of": row[5],
        "rate": row[7],
        "description": row[14],
        "reference": row[12],
    }
    if row[9] is not None:
        made["quantity"] = {"value": row[9], "unit": row[8]}
    made = {name: value for name, value in made.items() if value is not None}
    rest = (1, 2, 3, 4, 9, 11, 12, 14, 16)
    raw = {f"SAC{n:02}": row[n - 1] for n in rest if row[n - 1] is not None}
    return {**made, "raw_codes": raw}


def tax(row: Elements) -> Part:
    """Give the tax of a TXI. Source: X12 TXI01-TXI10; TXI03 is a fraction, canonically a percentage."""
    made: Part = {
        "kind": codes.TAX_KINDS.get(row[0] or "", "other"),
        "amount": row[1],
        "percent": percent(row[2]),
        "jurisdiction": row[4],
        "exemption": row[5],
        "taxable_amount": row[7],
        "registration": row[8],
    }
    made = {name: value for name, value in made.items() if value is not None}
    raw = {f"TXI{n:02}": row[n - 1] for n in (1, 3, 4, 7, 10) if row[n - 1] is not None}
    return {**made, "raw_codes": raw}


def price(amount: str, basis: str | None) -> Part:
    """Give a price and what it is for. Source: X12 elements 212 and 639."""
    if basis is None:
        return {"amount": amount}
    word, base = codes.PRICE_BASES.get(basis, ("other", None))
    made = {"amount": amount, "basis": word, "basis_code": basis}
    if base:
        made["base_quantity"] = base
    return made


def item_ids(row: Elements, first: int) -> list[Part]:
    """Give the product ids from an element on: by position, gaps allowed, all kept in order."""
    made: list[Part] = []
    for qualifier, value in zip(row[first::2], row[first + 1 :: 2], strict=False):
        if value is None:
            continue
        each = {"scheme": codes.ITEM_SCHEMES.get(qualifier or "", "other"), "value": value}
        if qualifier is not None and qualifier not in codes.PLAIN_SCHEMES:
            each["qualifier"] = qualifier
        made.append(each)
    return made


def cents(text: str | None) -> str | None:
    """Give an N2 number with its two implied decimals: 1250 -> 12.50, -5 -> -0.05."""
    if text is None:
        return None
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    padded = digits.rjust(3, "0")
    return f"{sign}{padded[:-2]}.{padded[-2:]}"


def percent(fraction: str | None) -> str | None:
    """Give a fraction (element 954, 0.0825) as a percentage, digit for digit."""
    if fraction is None:
        return None
    sign, digits = ("-", fraction[1:]) if fraction.startswith("-") else ("", fraction)
    whole, _, decimals = digits.partition(".")
    decimals = decimals.ljust(2, "0")
    moved = (whole + decimals[:2]).lstrip("0") or "0"
    return sign + moved + (f".{decimals[2:]}" if decimals[2:] else "")


def _add_raw(made: Part, name: str, row: Elements) -> None:
    raw = {f"{name}{n:02}": value for n, value in enumerate(row, 1) if value is not None}
    made.setdefault("raw_codes", {}).update(raw)
