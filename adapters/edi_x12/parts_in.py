"""X12 segments that look alike in several sets, turned into canonical parts: dates, parties, charges ...

Small parts that repeat from line to line and from order to order (dates, quantities, prices, item ids,
references) are validated once and kept: they are frozen, so one object can stand in many documents.
Larger ones are plain dicts of texts, which the document's model checks in one go at the end.
Errors: pydantic's ValidationError where X12 allows a value and the canonical model does not.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from adapters.edi_x12 import codes
from adapters.edi_x12.grammar import Elements
from canonical.assembly import assembler, not_written_yet, quote
from canonical.model import Model
from canonical.values import (
    Contact,
    DateValue,
    ItemIdentifier,
    KindedDate,
    PaymentTerms,
    Price,
    Quantity,
    Reference,
)

Part = dict[str, Any]
M = TypeVar("M", bound=Model)
CODE_MAX = 255  # of canonical codes; a partner's guide may allow more
KEPT = 4096  # parts of each sort that are kept
KEPT_SELDOM = 512  # of sorts that hardly repeat, have few values, or are kept with their line


def validated(model: type[M], part: Part) -> M:
    """Give a part as the frozen value that may stand in many documents. Errors: ValidationError."""
    made: M = model.__pydantic_validator__.validate_python(part)
    not_written_yet(made)
    return made


@lru_cache(maxsize=KEPT_SELDOM)
def date_value(text: str, zone: str, time: str | None = None, time_code: str | None = None) -> DateValue:
    """Give a date with the zone it is meant in. Source: X12 elements 373, 337, 623."""
    return validated(DateValue, _dated(text, zone, time, time_code))


@lru_cache(maxsize=KEPT_SELDOM)
def kinded_date(
    qualifier: str | None, text: str, zone: str, time: str | None, code: str | None
) -> KindedDate:
    """Give a date by what it means. Source: X12 element 374."""
    kind = codes.DATES.get(qualifier or "", "other")
    return validated(KindedDate, {**_dated(text, zone, time, code), "kind": kind, "qualifier": qualifier})


def _dated(text: str, zone: str, time: str | None, time_code: str | None) -> Part:
    day = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if not time:
        return {"date": day, "zone": zone, "text": text}
    stated = codes.ZONES.get(time_code or "")
    clock = f"{time[:2]}:{time[2:4]}:{time[4:6] or '00'}"
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(stated or zone)).isoformat()
    if stated:
        return {"date": day, "at": moment}
    return {"date": day, "at": moment, "zone": zone, "text": " ".join(filter(None, (text, time, time_code)))}


@lru_cache(maxsize=KEPT)
def quantity(value: str, unit: str | None) -> Quantity:
    """Give a quantity. Source: X12 elements 380 and 355."""
    return validated(Quantity, {"value": number(value), "unit": unit})


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


def add_texts(made: Part, texts: list[str], further: list[str], segment: str) -> None:
    """Add the texts of an N2 or N3; where a segment before it had room, how many each had is kept."""
    if len(texts) % 2 or not further:
        raw = made.setdefault("raw_codes", {})
        before = raw.get(segment) or " ".join(["2"] * (len(texts) // 2) + ["1"] * (len(texts) % 2))
        raw[segment] = f"{before} {len(further)}".strip()
    elif segment in made.get("raw_codes", ()):
        made["raw_codes"][segment] += f" {len(further)}"
    texts.extend(further)


def add_place(made: Part, row: Elements) -> bool:
    """Add an N4; False where the party has one already."""
    address = made.setdefault("address", {})
    has_one = address.keys() - {"lines"} or any(name.startswith("N4") for name in made.get("raw_codes", ()))
    if has_one:
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
    sent: list[str] = []
    last = 0
    for at in (2, 4, 6):
        qualifier, number = row[at], row[at + 1]
        if qualifier is None or number is None:
            continue
        sent.append(qualifier)
        last = at // 2
        kind = codes.CONTACT_NUMBERS.get(qualifier)
        if kind is None:
            raw[f"PER{at + 2:02}"] = number
        else:
            made.setdefault(kind, []).append(number)
    plain = sorted((each for each in sent if each in _PLAIN_NUMBERS), key=_PLAIN_NUMBERS.index)
    if sent != plain or last != len(sent):
        raw |= {f"PER{at + 1:02}": value for at in (2, 4, 6) if (value := row[at]) is not None}
    if row[8] is not None:
        raw["PER09"] = row[8]
    made["raw_codes"] = raw
    return made


@lru_cache(maxsize=KEPT_SELDOM)
def known_contact(row: Elements) -> Contact | None:
    """Give a contact as the frozen value that may stand in many documents; None where it is not valid."""
    return _if_valid(Contact, contact(row))


@lru_cache(maxsize=KEPT_SELDOM)
def known_terms(row: Elements, zone: str) -> PaymentTerms | None:
    """Give terms as the frozen value that may stand in many documents; None where they are not valid."""
    return _if_valid(PaymentTerms, terms(row, zone))


def _if_valid(model: type[M], part: Part) -> M | None:
    try:
        return validated(model, part)
    except ValidationError:
        return None  # the document's own validation says where it stands


_PLAIN_NUMBERS = ("TE", "EM", "FX")  # the order in which we write them


def reference(row: Elements) -> Reference | None:
    """Give a REF; None where its number stands only in a description or a composite."""
    return None if row[1] is None or row[3] is not None else numbered(row[0], row[1], row[2])


@lru_cache(maxsize=KEPT_SELDOM)
def numbered(qualifier: str | None, number: str, text: str | None, *, may_be_phi: bool = False) -> Reference:
    """Give a number of something else. Source: X12 elements 128 and 127."""
    if qualifier and number and text is None and not may_be_phi and len(number) <= CODE_MAX >= len(qualifier):
        return plain_reference(qualifier, number)
    made: Part = {"kind": codes.REFERENCES.get(qualifier or "", "other"), "number": number}
    made |= {"qualifier": qualifier, "description": text, "may_be_phi": may_be_phi}
    return validated(Reference, {name: value for name, value in made.items() if value})


_REFERENCE, _refer = assembler(Reference, frozenset({"kind", "number", "qualifier"}))


def plain_reference(qualifier: str, number: str) -> Reference:
    """Give a plain REF, mostly a number that is seen once: what there is to check of it was checked."""
    kind = codes.REFERENCES.get(qualifier, "other")
    values = _REFERENCE.copy()
    values["kind"], values["number"], values["qualifier"] = kind, number, qualifier
    text = f'{{"kind":"{kind}","number":{quote(number)},"qualifier":{quote(qualifier)}}}'
    made: Reference = _refer(values, text)
    return made


def terms(row: Elements, zone: str) -> Part:
    """Give the terms of an ITD. Source: X12 ITD01-ITD15."""
    made: Part = {
        "code": row[0],
        "basis": row[1],
        "discount_percent": number(row[2]),
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
    _add(shipping, *_fob(row))


@lru_cache(maxsize=KEPT_SELDOM)
def _fob(row: Elements) -> tuple[Part, Part]:
    """Give what a FOB says, which comes again from order to order, and its elements."""
    made: Part = {"freight_terms": codes.FREIGHT_TERMS.get(row[0] or "", row[0])}
    if row[4] is not None:
        made["incoterm"] = row[4]
    location = row[2] or row[6]
    if location is not None:
        made["freight_location"] = location
    return made, _raw("FOB", row)


def add_td5(shipping: Part, row: Elements) -> None:
    """Add a TD5. Source: X12 TD501-TD515."""
    _add(shipping, *_td5(row))


@lru_cache(maxsize=KEPT_SELDOM)
def _td5(row: Elements) -> tuple[Part, Part]:
    places = (("carrier_code", 2), ("mode", 3), ("routing", 4), ("service", 11))
    return {name: value for name, at in places if (value := row[at]) is not None}, _raw("TD5", row)


def _add(shipping: Part, fields: Part, raw: Part) -> None:
    shipping.update(fields)
    shipping.setdefault("raw_codes", {}).update(raw)


def add_cad(shipping: Part, row: Elements) -> None:
    """Add a CAD. Source: X12 CAD01-CAD09."""
    for name, at in (("mode", 0), ("carrier_code", 3), ("routing", 4), ("service", 8)):
        value = row[at]
        if value is not None:
            shipping[name] = value
    if row[6] in ("2I", "CN") and row[7] is not None:
        shipping["tracking_numbers"] = [row[7]]
    _add_raw(shipping, "CAD", row)


def charge(row: Elements) -> Part:
    """Give the allowance or charge of a SAC. SAC05 has two implied decimals, always (element 610, N2)."""
    made: Part = {
        "indicator": codes.CHARGE_INDICATORS.get(row[0] or "", "neither"),
        "kind": codes.CHARGE_KINDS.get(row[1] or "", "other"),
        "amount": cents(row[4]),
        "percent": number(row[6]),
        "percent_of": row[5],
        "rate": number(row[7]),
        "description": row[14],
        "reference": row[12],
    }
    if row[9] is not None:
        made["quantity"] = quantity(row[9], row[8])
    made = {name: value for name, value in made.items() if value is not None}
    rest = (1, 2, 3, 4, 9, 11, 12, 14, 16)
    raw = {f"SAC{n:02}": row[n - 1] for n in rest if row[n - 1] is not None}
    return {**made, "raw_codes": raw}


def tax(row: Elements) -> Part:
    """Give the tax of a TXI. Source: X12 TXI01-TXI10; TXI03 is a fraction, canonically a percentage."""
    made: Part = {
        "kind": codes.TAX_KINDS.get(row[0] or "", "other"),
        "amount": number(row[1]),
        "percent": percent(row[2]),
        "jurisdiction": row[4],
        "exemption": row[5],
        "taxable_amount": number(row[7]),
        "registration": row[8],
    }
    made = {name: value for name, value in made.items() if value is not None}
    raw = {f"TXI{n:02}": row[n - 1] for n in (1, 3, 4, 7, 10) if row[n - 1] is not None}
    return {**made, "raw_codes": raw}


@lru_cache(maxsize=KEPT_SELDOM)
def price(amount: str, basis: str | None) -> Price:
    """Give a price and what it is for. Source: X12 elements 212 and 639."""
    if basis is None:
        return validated(Price, {"amount": number(amount)})
    word, base = codes.PRICE_BASES.get(basis, ("other", None))
    made = {"amount": number(amount), "basis": word, "basis_code": basis}
    return validated(Price, {**made, "base_quantity": base} if base else made)


@lru_cache(maxsize=KEPT_SELDOM)
def item_ids(pairs: Elements) -> tuple[ItemIdentifier, ...]:
    """Give product ids from (qualifier, value, qualifier, value ...): gaps allowed, all kept in order."""
    made: list[ItemIdentifier] = []
    for qualifier, value in zip(pairs[::2], pairs[1::2], strict=False):
        if value is None:
            continue
        if value and len(value) <= CODE_MAX and qualifier in codes.PLAIN_SCHEMES:
            made.append(_plain_id(codes.ITEM_SCHEMES.get(qualifier or "", "other"), value))
            continue
        each = {"scheme": codes.ITEM_SCHEMES.get(qualifier or "", "other"), "value": value}
        if qualifier is not None and qualifier not in codes.PLAIN_SCHEMES:
            each["qualifier"] = qualifier
        made.append(validated(ItemIdentifier, each))
    return tuple(made)


_ITEM_ID, _identify = assembler(ItemIdentifier, frozenset({"scheme", "value"}))


def _plain_id(scheme: str, value: str) -> ItemIdentifier:
    text = f'{{"scheme":"{scheme}","value":{quote(value)}}}'
    values = _ITEM_ID.copy()
    values["scheme"], values["value"] = scheme, value
    made: ItemIdentifier = _identify(values, text)
    return made


def gaps(pairs: Elements) -> list[int]:
    """Give which pairs of (qualifier, value, qualifier, value ...) stand empty in front of a later one."""
    values = pairs[1::2]
    last = max((at for at, value in enumerate(values) if value is not None), default=0)
    return [at for at in range(last) if values[at] is None]


def is_odd(text: str) -> bool:
    """Tell whether a number is written otherwise than we would write it: 007, .5, 5."""
    digits = text[1:] if text.startswith("-") else text
    return digits[-1:] == "." or digits[:1] == "." or (digits[:1] == "0" and digits[1:2] not in ("", "."))


def cents(text: str | None) -> str | None:
    """Give an N2 number with its two implied decimals: 1250 -> 12.50, -5 -> -0.05."""
    if text is None:
        return None
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    padded = digits.rjust(3, "0")
    return f"{sign}{padded[:-2]}.{padded[-2:]}"


def number(text: str | None) -> str | None:
    """Give an R number with digits on both sides of its point: .01 -> 0.01, 5. -> 5 (X12.6, type R)."""
    if not text or (text[0].isdigit() and text[-1] != "."):
        return text
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    return sign + ("0" + digits if digits.startswith(".") else digits.removesuffix("."))


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
    made.setdefault("raw_codes", {}).update(_raw(name, row))


def _raw(name: str, row: Elements) -> Part:
    return {f"{name}{n:02}": value for n, value in enumerate(row, 1) if value is not None}
