"""What each place of the 850 guide means for the order. See `places.py` for how such a function answers."""

from __future__ import annotations

from typing import Final

from adapters.edi_x12 import codes, line_items, line_places, note_places, parts_in, party_places, places
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.line_items import LineNames
from adapters.edi_x12.places import PlaceReader, Reading
from adapters.edi_x12.reader import Reader, hint

_BEG_REST = tuple(range(7, 13))
_NAMES = LineNames("PO1")
_LEVEL = "850"


def _beg(reader: Reader, row: Elements, index: int) -> Reading:
    """Source: BEG01-BEG12. Purposes other than the original never open a second order."""
    header, purpose, kind = reader.header, row[0] or "", row[1] or ""
    header["purpose"] = codes.PURPOSES.get(purpose, "other")
    own = reader.partner.order_types
    header["order_type"] = own.get(kind) or codes.ORDER_TYPES.get(kind, "other")
    if kind in codes.URGENT_ORDER_TYPES or header["order_type"] in ("rush", "emergency"):
        header["urgency"] = "rush"
    if _is_placed(reader, header["purpose"], header["order_type"]):
        header["already_placed"] = True
    raw = {"BEG01": purpose, "BEG02": kind}
    header["number"] = row[2]
    if row[3] is not None:
        header["release"] = row[3]
    if row[4] is not None:
        header["order_date"] = parts_in.date_value(row[4], reader.zone)
    if row[5] is not None:
        header["contract"] = raw["BEG06"] = row[5]
    if any(row[6:]):
        raw.update((f"BEG{n:02}", value) for n in _BEG_REST if (value := row[n - 1]) is not None)
    header["raw_codes"] = {name: value for name, value in raw.items() if value}
    return None


def _is_placed(reader: Reader, purpose: str, order_type: str) -> bool:
    """Tell whether the supplier has the order already: it is confirmed, or what it is for was used up."""
    policy = reader.partner.already_placed
    if purpose == "confirmation":
        return policy != "never"
    return order_type == "bill_only" and policy == "bill_only_and_confirmed"


def _reference(reader: Reader, row: Elements, index: int) -> Reading:
    made = places.header_reference(reader, row, index)
    number = row[1]
    if made is None and number is not None:
        if row[0] == "CT":
            reader.header.setdefault("contract", number)
        elif row[0] == "DP":
            reader.header.setdefault("department", number)
        elif row[0] == "VN":
            reader.header.setdefault("seller_number", number)
    return made


def _dated(reader: Reader, row: Elements, index: int) -> Reading:
    return places.requested_or_dated(reader.header, reader, row)


def _po1(reader: Reader, row: Elements, index: int) -> Reading:
    line_items.begin_line(reader, row, _NAMES, index)
    return None


def _pid(reader: Reader, row: Elements, index: int) -> Reading:
    return note_places.describe(reader, reader.line, row, "850/line")


def _line_reference(reader: Reader, row: Elements, index: int) -> Reading:
    made = line_places.line_reference(reader, row, index)
    if made is None and row[0] == "CT" and row[1] is not None:
        reader.line.setdefault("contract", row[1])
    return made


def _line_dated(reader: Reader, row: Elements, index: int) -> Reading:
    return places.requested_or_dated(reader.line, reader, row)


def _line_td5(reader: Reader, row: Elements, index: int) -> Reading:
    return places.carrier(reader.line, row)


def _line_fob(reader: Reader, row: Elements, index: int) -> Reading:
    return places.freight(reader.line, row)


def _line_party(reader: Reader, row: Elements, index: int) -> Reading:
    """A line has its own ship-to and supplier; other parties have no field and are kept as sent."""
    made = reader.party = parts_in.party(row)
    field = {"ST": "ship_to", "SE": "supplier", "VN": "supplier", "SU": "supplier"}.get(row[0] or "")
    if field is None or field in reader.line:
        reader.party = {}
        return False
    if field == "ship_to" and "supplier" in reader.line:
        hint(reader.line, "PO1/N1", ["supplier", "ship_to"])
    reader.line[field] = made
    return None


def _of_line_party(known: PlaceReader) -> PlaceReader:
    """Keep the segments of a line's party as sent where the party itself has no field."""

    def read(reader: Reader, row: Elements, index: int) -> Reading:
        return known(reader, row, index) if reader.party else False

    return read


def _sdq(reader: Reader, row: Elements, index: int) -> Reading:
    """One schedule per destination. Source: X12 SDQ01-SDQ22: unit, qualifier, pairs of id and quantity."""
    schedules = reader.line.setdefault("schedules", [])
    pairs = zip(row[2:22:2], row[3:22:2], strict=False)
    for location, value in pairs:
        if location is None or value is None:
            continue
        ship_to = {"identifiers": [parts_in.party_identifier(row[1], location)]}
        quantity = reader.quantity(value, row[0], "SDQ01", index)
        made = {"quantity": quantity, "ship_to": ship_to}
        if quantity.unit != row[0]:
            made["raw_codes"] = {"SDQ01": row[0] or ""}
        schedules.append(made)
    reader.spread.append((reader.line, (row[0] or "", row[1] or ""), sum(map(bool, row[3:22:2]))))
    return places.PARTLY if row[22] is not None or parts_in.gaps(row[2:22]) else None


def _party_sch(reader: Reader, row: Elements, index: int) -> Reading:
    """A schedule inside the loop of the line's ship-to is for that; in another party's loop it is kept."""
    if not reader.party or reader.party is not reader.line.get("ship_to"):
        return False
    made = line_places.schedule(reader, row, index)
    reader.schedule["ship_to"] = reader.party
    return places.PARTLY if row[2] == "ST" else made


PLACES: Final[dict[str, PlaceReader]] = {  # a plain dict: it is asked for every segment
    "BEG": _beg,
    "CUR": places.currency,
    "REF": _reference,
    "PER": places.header_contact,
    "FOB": places.header_fob,
    "TD5": places.header_td5,
    "ITD": places.header_terms,
    "SAC": places.header_charge,
    "TXI": places.header_tax,
    "DTM": _dated,
    **note_places.header_notes(_LEVEL),
    "N1": party_places.header_party,
    "N1/N2": party_places.n2,
    "N1/N3": party_places.n3,
    "N1/N4": party_places.n4,
    "N1/REF": party_places.party_reference,
    "N1/PER": party_places.party_contact,
    "AMT": places.early_total_amount,
    "CTT": places.control_totals("totals"),
    "CTT/AMT": places.total_amount,
    "PO1": _po1,
    "PO1/PID": _pid,
    "PO1/MEA": line_places.line_measure,
    "PO1/CTP": line_places.line_price,
    "PO1/PO4": line_places.line_packaging,
    "PO1/REF": _line_reference,
    "PO1/SAC": line_places.line_charge,
    "PO1/DTM": _line_dated,
    "PO1/TD5": _line_td5,
    "PO1/FOB": _line_fob,
    "PO1/TXI": line_places.line_tax,
    **note_places.line_notes("PO1", "850/line"),
    "PO1/AMT": line_places.line_amount,
    "PO1/N1": _line_party,
    "PO1/N1/N2": _of_line_party(party_places.n2),
    "PO1/N1/N3": _of_line_party(party_places.n3),
    "PO1/N1/N4": _of_line_party(party_places.n4),
    "PO1/N1/REF": _of_line_party(party_places.party_reference),
    "PO1/N1/PER": _of_line_party(party_places.party_contact),
    "PO1/N1/SCH": _party_sch,
    "PO1/SDQ": _sdq,
    "PO1/SCH": line_places.schedule,
    "PO1/SCH/TD5": line_places.schedule_td5,
    "PO1/SLN": line_places.sub_line,
    "PO1/SLN/SAC": line_places.sub_line_charge,
    **note_places.sub_line_notes("PO1", "850/sub"),
}
