"""What each place of the 810 guide means for the invoice. See `places.py`."""

from __future__ import annotations

from typing import Final

from adapters.edi_x12 import codes, line_items, line_places, note_places, parts_in, party_places, places
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.line_items import LineNames
from adapters.edi_x12.places import PlaceReader, Reading
from adapters.edi_x12.reader import Reader

_NAMES = LineNames("IT1")
_LEVEL = "810"


def _big(reader: Reader, row: Elements, index: int) -> Reading:
    """Source: BIG01-BIG10. Amounts keep the sign that was sent; BIG07 says whether it is a credit."""
    header, kind, purpose = reader.header, row[6], row[7]
    if row[0] is not None:
        header["invoiced"] = parts_in.date_value(row[0], reader.zone)
    header["number"] = row[1]
    order: parts_in.Part = {}
    for name, at in (("number", 3), ("release", 4), ("revision", 5)):
        if row[at] is not None:
            order[name] = row[at]
    if row[2] is not None:
        order["date"] = parts_in.date_value(row[2], reader.zone)
    if order:
        header["orders"] = [order]
    raw = {"BIG07": kind, "BIG08": purpose, "BIG09": row[8]}
    if kind is not None:
        header["invoice_type"] = _invoice_type(reader, kind, index)
        header["debit_credit"] = "credit" if header["invoice_type"] == "credit_memo" else "debit"
    if purpose is not None:
        header["purpose"] = codes.PURPOSES.get(purpose, "other")
    if row[9] is not None:
        header["corrects"] = {"document_type": "invoice", "number": row[9]}
    raw_codes = {name: value for name, value in raw.items() if value}
    if raw_codes:
        header["raw_codes"] = raw_codes
    return None


def _invoice_type(reader: Reader, code: str, index: int) -> str:
    known = reader.partner.invoice_types.get(code) or codes.INVOICE_TYPES.get(code)
    if known is None:
        reader.unknown_code("BIG07", code, f"invoice_types: {{{code}: invoice}}", index)
    return known or "other"


def _nte(reader: Reader, row: Elements, index: int) -> Reading:
    """Source: NTE01-NTE02."""
    made = {"kind": "invoice", "text": row[1] or "", "qualifier": row[0]}
    reader.header.setdefault("notes", []).append(made)
    reader.token(reader.header, _LEVEL, "NTE")
    return None


def _reference(reader: Reader, row: Elements, index: int) -> Reading:
    """Read a REF of the header; VN is the supplier's number of the order, often all that an invoice names."""
    made = places.header_reference(reader, row, index)
    if made is None and row[0] == "VN" and row[1] is not None:
        reader.header.setdefault("orders", [{}])[0].setdefault("seller_number", row[1])
    return made


def _it1(reader: Reader, row: Elements, index: int) -> Reading:
    """A line of an invoice for several orders names its order among its ids, or in a REF."""
    line = line_items.begin_line(reader, row, _NAMES, index)
    for each in line.get("item_ids", ()):
        if each.qualifier == "PO":
            line["order"] = {"number": each.value}
    return None


def _line_reference(reader: Reader, row: Elements, index: int) -> Reading:
    made = line_places.line_reference(reader, row, index)
    if made is None and row[0] == "PO" and row[1] is not None:
        reader.line.setdefault("order", {"number": row[1]})
    return made


def _it3(reader: Reader, row: Elements, index: int) -> Reading:
    """Source: IT301-IT305."""
    if row[0] is None or "shipped" in reader.line:
        return False
    reader.line["shipped"] = quantity = reader.quantity(row[0], row[1], "IT302", index)
    is_whole = quantity.unit == row[1] and not any(row[2:])
    return None if is_whole else places.PARTLY


def _pid(reader: Reader, row: Elements, index: int) -> Reading:
    return note_places.describe(reader, reader.line, row, "810/line")


def _sub_pid(reader: Reader, row: Elements, index: int) -> Reading:
    return note_places.describe(reader, reader.sub_line, row, "810/line")


def _tds(reader: Reader, row: Elements, index: int) -> Reading:
    """TDS has two implied decimals, always. Source: X12 TDS01-TDS04 (element 610, N2)."""
    totals = reader.header.setdefault("totals", {})
    for name, value in zip(("gross", "discountable", "discounted", "discount"), row, strict=False):
        if value is not None:
            totals[name] = parts_in.cents(value)
    return None


PLACES: Final[dict[str, PlaceReader]] = {
    "BIG": _big,
    "NTE": _nte,
    "CUR": places.currency,
    "REF": _reference,
    "PER": places.header_contact,
    "N1": party_places.header_party,
    "N1/N2": party_places.n2,
    "N1/N3": party_places.n3,
    "N1/N4": party_places.n4,
    "N1/REF": party_places.party_reference,
    "N1/PER": party_places.party_contact,
    "ITD": places.header_terms,
    "DTM": places.header_dated,
    "FOB": places.header_fob,
    **note_places.header_notes(_LEVEL),
    "IT1": _it1,
    "IT1/IT3": _it3,
    "IT1/TXI": line_places.line_tax,
    "IT1/CTP": line_places.line_price,
    "IT1/MEA": line_places.line_measure,
    "IT1/PID": _pid,
    "IT1/PO4": line_places.line_packaging,
    "IT1/REF": _line_reference,
    "IT1/DTM": places.line_dated,
    "IT1/SAC": line_places.line_charge,
    "IT1/SLN": line_places.sub_line,
    "IT1/SLN/PID": _sub_pid,
    "IT1/SLN/REF": line_places.sub_line_reference,
    "IT1/SLN/SAC": line_places.sub_line_charge,
    "TDS": _tds,
    "TXI": places.header_tax,
    "CAD": places.header_cad,
    "SAC": places.header_charge,
    "CTT": places.control_totals("controls"),
}
