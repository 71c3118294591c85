"""What segments mean that several sets share: money, references, contacts, dates, shipping, charges, totals.

One function per kind of segment, here and in `note_places.py`, `party_places.py`, `line_places.py` and
`line_items.py`. It takes the reader, the segment's elements (absent ones None) and its index in the set, and
says what became of it: None where all of it has a home in the document, `PARTLY` where some of it has (the
segment is kept as sent, too), False where none has.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from adapters.edi_x12 import codes, parts_in
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.reader import Reader, hint


class Taken(Enum):
    """How much of a segment the document holds."""

    PARTLY = "partly"


PARTLY: Final = Taken.PARTLY
Reading = Taken | bool | None
PlaceReader = Callable[[Reader, Elements, int], Reading]


def currency(reader: Reader, row: Elements, index: int) -> Reading:
    """CUR. Source: X12 CUR01-CUR02; rates and dates behind them are kept as sent."""
    if "currency" in reader.header:
        return False
    reader.header["currency"] = row[1]
    reader.header["raw_codes"] = {**reader.header.get("raw_codes", {}), "CUR01": row[0] or ""}
    return PARTLY if any(row[2:]) else None


def header_reference(reader: Reader, row: Elements, index: int) -> Reading:
    """REF of the header. Source: X12 REF01-REF03."""
    made = parts_in.reference(row)
    if made is None:
        return False
    reader.header.setdefault("references", []).append(made)
    return None


def header_contact(reader: Reader, row: Elements, index: int) -> Reading:
    """PER of the header."""
    reader.header.setdefault("contacts", []).append(parts_in.known_contact(row) or parts_in.contact(row))
    return None


def _shipping(owner: Part, segment: str) -> Part:
    """Give the entry that a segment adds to: the last one, unless it holds such a segment already."""
    entries: list[Part] = owner.setdefault("shipping", [])
    if entries:
        for name in entries[-1]["raw_codes"]:
            if name.startswith(segment):
                break
        else:
            return entries[-1]
    entries.append({"raw_codes": {}})
    return entries[-1]


def freight(owner: Part, row: Elements) -> Reading:
    """FOB."""
    parts_in.add_fob(_shipping(owner, "FOB"), row)
    return None


def carrier(owner: Part, row: Elements) -> Reading:
    """TD5."""
    parts_in.add_td5(_shipping(owner, "TD5"), row)
    return None


def header_fob(reader: Reader, row: Elements, index: int) -> Reading:
    """FOB of the header."""
    return freight(reader.header, row)


def header_td5(reader: Reader, row: Elements, index: int) -> Reading:
    """TD5 of the header."""
    return carrier(reader.header, row)


def header_cad(reader: Reader, row: Elements, index: int) -> Reading:
    """CAD of the summary: who carried an invoice's goods."""
    parts_in.add_cad(_shipping(reader.header, "CAD"), row)
    return None


def header_terms(reader: Reader, row: Elements, index: int) -> Reading:
    """ITD."""
    reader.header.setdefault("payment_terms", []).append(
        parts_in.known_terms(row, reader.zone) or parts_in.terms(row, reader.zone)
    )
    return None


def charge(reader: Reader, row: Elements, index: int) -> Part:
    """Give a SAC, its quantity in a known unit."""
    made = parts_in.charge(row)
    if "quantity" in made:
        made["quantity"] = reader.quantity(row[9] or "", row[8], "SAC09", index)
    return made


def header_charge(reader: Reader, row: Elements, index: int) -> Reading:
    """SAC of the header or summary."""
    reader.header.setdefault("allowances_charges", []).append(charge(reader, row, index))
    return None


def header_tax(reader: Reader, row: Elements, index: int) -> Reading:
    """TXI of the header or summary."""
    reader.header.setdefault("taxes", []).append(parts_in.tax(row))
    return None


def requested_or_dated(owner: Part, reader: Reader, row: Elements) -> Reading:
    """Put 002 into `requested`, the first time; everything else among the dates."""
    if row[0] != "002" or "requested" in owner or row[1] is None or row[4] is not None:
        return dated(owner, reader, row)
    owner["requested"] = parts_in.date_value(row[1], reader.zone, row[2], row[3])
    if "dates" in owner:
        hint(owner, "DTM", [*(each.qualifier or "" for each in owner["dates"]), "002"])
    return PARTLY if row[3] in codes.ZONES else None


def dated(owner: Part, reader: Reader, row: Elements) -> Reading:
    """DTM. A stated zone becomes the moment's own; which of its names was sent is kept as sent."""
    if row[1] is None or row[4] is not None:
        return False
    made = parts_in.kinded_date(row[0], row[1], reader.zone, row[2], row[3])
    owner.setdefault("dates", []).append(made)
    return PARTLY if row[3] in codes.ZONES else None


def header_dated(reader: Reader, row: Elements, index: int) -> Reading:
    """DTM of a set that requests nothing."""
    return dated(reader.header, reader, row)


def line_dated(reader: Reader, row: Elements, index: int) -> Reading:
    """DTM of such a set's line."""
    return dated(reader.line, reader, row)


def control_totals(field: str) -> PlaceReader:
    """Give the reader of CTT. Source: X12 CTT01-CTT07."""

    def read(reader: Reader, row: Elements, index: int) -> Reading:
        totals = reader.header.setdefault(field, {})
        totals["line_count"] = row[0]
        if row[1] is not None:
            totals["quantity_hash"] = parts_in.number(row[1])
        if row[2] is not None:
            totals["weight"] = parts_in.quantity(row[2], row[3])
        if row[4] is not None:
            totals["volume"] = parts_in.quantity(row[4], row[5])
        return PARTLY if row[6] is not None else None

    return read


def total_amount(reader: Reader, row: Elements, index: int) -> Reading:
    """AMT: TT and GV are the total. Source: X12 AMT01 (element 522)."""
    totals = reader.header.setdefault("totals", {})
    if row[0] not in ("TT", "GV") or row[1] is None or "amount" in totals:
        return False
    totals["amount"] = {"amount": parts_in.number(row[1])}
    return None if row[0] == "TT" and row[2] is None else PARTLY


def early_total_amount(reader: Reader, row: Elements, index: int) -> Reading:
    """AMT in front of the lines says the same; we write it behind them."""
    return PARTLY if total_amount(reader, row, index) is not False else False
