"""What each place of the 850 guide means for the order. One function per place; False: no home for it.

A function takes the reader, the segment's elements (absent ones None) and its index in the set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adapters.edi_x12 import codes, parts_in
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.order_reader import OrderReader
from adapters.edi_x12.parts_in import Part

PlaceReader = Callable[[OrderReader, Elements, int], bool | None]

PLAIN_UNITS = codes.UNITS | {None}
_NO_MORE_IDS = (None,) * 16  # PO110 to PO125
_BEG_REST = tuple(range(7, 13))


def _beg(reader: OrderReader, row: Elements, index: int) -> None:
    """Source: BEG01-BEG12. Purposes other than the original never open a second order."""
    header, purpose, kind = reader.header, row[0] or "", row[1] or ""
    header["purpose"] = codes.PURPOSES.get(purpose, "other")
    header["order_type"] = codes.ORDER_TYPES.get(kind, "other")
    if kind in codes.URGENT_ORDER_TYPES:
        header["urgency"] = "rush"
    raw = {"BEG01": purpose, "BEG02": kind}
    header["number"] = row[2]
    if row[3] is not None:
        header["release"] = row[3]
    if row[4] is not None:
        header["order_date"] = parts_in.date_value(row[4], reader.zone)
    if row[5] is not None:
        header["contract"] = row[5]
    raw.update((f"BEG{n:02}", value) for n in _BEG_REST if (value := row[n - 1]) is not None)
    header["raw_codes"] = {name: value for name, value in raw.items() if value}


def _cur(reader: OrderReader, row: Elements, index: int) -> bool | None:
    if "currency" in reader.header:
        return False
    reader.header["currency"] = row[1]
    reader.header["raw_codes"] = {**reader.header.get("raw_codes", {}), "CUR01": row[0] or ""}
    return False if any(row[2:]) else None


def _header_ref(reader: OrderReader, row: Elements, index: int) -> bool | None:
    made = parts_in.reference(row)
    if made is None:
        return False
    header = reader.header
    header.setdefault("references", []).append(made)
    if row[0] == "CT":
        header.setdefault("contract", row[1])
    elif row[0] == "DP":
        header.setdefault("department", row[1])
    elif row[0] == "VN":
        header.setdefault("seller_number", row[1])
    return None


def _header_per(reader: OrderReader, row: Elements, index: int) -> None:
    reader.header.setdefault("contacts", []).append(parts_in.contact(row))


def _header_fob(reader: OrderReader, row: Elements, index: int) -> None:
    _fob(reader.header, row)


def _fob(owner: Part, row: Elements) -> None:
    parts_in.add_fob(_shipping(owner, "FOB"), row)


def _td5(owner: Part, row: Elements) -> None:
    parts_in.add_td5(_shipping(owner, "TD5"), row)


def _shipping(owner: Part, segment: str) -> Part:
    """Give the entry that a segment adds to: the last one, unless it holds such a segment already."""
    entries: list[Part] = owner.setdefault("shipping", [])
    if not entries or any(name.startswith(segment) for name in entries[-1]["raw_codes"]):
        entries.append({"raw_codes": {}})
    return entries[-1]


def _header_td5(reader: OrderReader, row: Elements, index: int) -> None:
    _td5(reader.header, row)


def _header_itd(reader: OrderReader, row: Elements, index: int) -> None:
    reader.header.setdefault("payment_terms", []).append(parts_in.terms(row, reader.zone))


def _header_sac(reader: OrderReader, row: Elements, index: int) -> None:
    reader.header.setdefault("allowances_charges", []).append(_charge(reader, row, index))


def _charge(reader: OrderReader, row: Elements, index: int) -> Part:
    made = parts_in.charge(row)
    if "quantity" in made:
        made["quantity"] = reader.quantity(row[9] or "", row[8], "SAC09", index)
    return made


def _header_txi(reader: OrderReader, row: Elements, index: int) -> None:
    reader.header.setdefault("taxes", []).append(parts_in.tax(row))


def _header_dtm(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _date(reader.header, reader, row)


def _date(owner: Part, reader: OrderReader, row: Elements) -> bool | None:
    """Put 002 into `requested`, the first time; everything else among the dates."""
    day = row[1]
    if day is None or row[4] is not None:
        return False
    if row[0] == "002" and "requested" not in owner:
        owner["requested"] = parts_in.date_value(day, reader.zone, row[2], row[3])
    else:
        made = parts_in.kinded_date(row[0], day, reader.zone, row[2], row[3])
        owner.setdefault("dates", []).append(made)
    return None


def _header_n9(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _n9(reader, reader.header, row, "general")


def _n9(reader: OrderReader, owner: Part, row: Elements, kind: str) -> bool | None:
    """N9 names a reference, and heads the text that follows it; both may speak of a patient."""
    reader.note = {"kind": kind, "qualifier": row[0]}
    if row[1] is not None:
        made = parts_in.numbered(row[0], row[1], row[2], may_be_phi=True)
        owner.setdefault("references", []).append(made)
    elif row[2] is not None:
        owner.setdefault("notes", []).append({**reader.note, "text": row[2]})
    return False if any(row[3:]) else None


def _message(owner: Part, reader: OrderReader, row: Elements) -> bool | None:
    owner.setdefault("notes", []).append({**reader.note, "text": row[0] or ""})
    return False if any(row[1:]) else None


def _text(owner: Part, reader: OrderReader, row: Elements) -> bool | None:
    """Take an MTX, 005010's longer MSG: two texts of one note. Source: X12 MTX01-MTX03."""
    texts = [value for value in row[1:3] if value is not None]
    qualifier = row[0] or reader.note.get("qualifier")
    made = {**reader.note, "text": "\n".join(texts), "qualifier": qualifier}
    owner.setdefault("notes", []).append(made)
    return False if any(row[3:]) else None


def _header_msg(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _message(reader.header, reader, row)


def _header_mtx(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _text(reader.header, reader, row)


def _header_n1(reader: OrderReader, row: Elements, index: int) -> None:
    """Put the first party of a role that has a field there, all others into `parties`."""
    made = reader.party = parts_in.party(row)
    field = codes.HEADER_PARTIES.get(row[0] or "")
    if field and field not in reader.header:
        reader.header[field] = made
        return
    made["role"] = codes.PARTY_ROLES.get(row[0] or "", "other")
    reader.header.setdefault("parties", []).append(made)


def _n2(reader: OrderReader, row: Elements, index: int) -> None:
    names = [value for value in row[:2] if value is not None]
    reader.party.setdefault("more_names", []).extend(names)


def _n3(reader: OrderReader, row: Elements, index: int) -> None:
    parts_in.add_address(reader.party, row)


def _n4(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return None if parts_in.add_place(reader.party, row) else False


def _party_ref(reader: OrderReader, row: Elements, index: int) -> bool | None:
    made = parts_in.reference(row)
    if made is None:
        return False
    reader.party.setdefault("references", []).append(made)
    return None


def _party_per(reader: OrderReader, row: Elements, index: int) -> None:
    reader.party.setdefault("contacts", []).append(parts_in.contact(row))


def _amt(reader: OrderReader, row: Elements, index: int) -> bool | None:
    """TT and GV are the order's total. Source: X12 AMT01 (element 522)."""
    totals = reader.header.setdefault("totals", {})
    if row[0] not in ("TT", "GV") or row[1] is None or "amount" in totals:
        return False
    totals["amount"] = {"amount": parts_in.number(row[1])}
    return None if row[0] == "TT" and row[2] is None else False


def _ctt(reader: OrderReader, row: Elements, index: int) -> bool | None:
    totals = reader.header.setdefault("totals", {})
    totals["line_count"] = row[0]
    if row[1] is not None:
        totals["quantity_hash"] = parts_in.number(row[1])
    if row[2] is not None:
        totals["weight"] = parts_in.quantity(row[2], row[3])
    if row[4] is not None:
        totals["volume"] = parts_in.quantity(row[4], row[5])
    return False if row[6] is not None else None


# -- lines


def _po1(reader: OrderReader, row: Elements, index: int) -> None:
    """Source: PO101-PO125. Line ids stay text; ids are read by position, gaps allowed, all kept."""
    line: Part = {"sequence": len(reader.lines) + 1}
    reader.lines.append(line)
    reader.line = line
    reader.note = {"kind": "item"}
    if row[0] is not None:
        line["line_id"] = row[0]
    value, unit = row[1], row[2]
    if value is not None:
        known = unit if unit in PLAIN_UNITS and not reader.units else reader.unit(unit, "PO103", index)
        line["quantity"] = parts_in.quantity(value, known)
        reader.quantities.append(value)
        if known != unit:
            line["raw_codes"] = {"PO103": unit}
    elif unit is not None:
        line["raw_codes"] = {"PO103": unit}
    if row[3] is not None:
        line["price"] = parts_in.price(row[3], row[4])
    elif row[4] is not None:
        line.setdefault("raw_codes", {})["PO105"] = row[4]
    # Two pairs are the rule; a short key is found faster among the ids that are kept.
    ids = row[5:9] if row[9:] == _NO_MORE_IDS else row[5:]
    if any(ids):
        line["item_ids"] = parts_in.item_ids(ids)


def _pid(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _describe(reader.line, row)


def _sub_pid(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _describe(reader.sub_line, row)


def _describe(owner: Part, row: Elements) -> bool | None:
    """The first free text describes the line; further ones stand beside it. Any may name a patient."""
    text = row[4]
    if text is None:
        return False
    if "description" not in owner and row[1] in (None, "08"):
        owner["description"] = text
        owner["description_may_be_phi"] = True
    else:
        owner.setdefault("notes", []).append({"kind": "item", "qualifier": row[1], "text": text})
    return False if row[2] or row[3] or row[5] or row[6] or row[7] or row[8] else None


def _mea(reader: OrderReader, row: Elements, index: int) -> bool | None:
    if row[2] is None or any(row[4:]) or row[1] is None:
        return False
    value = row[2] if row[3] is None else f"{row[2]} {row[3]}"
    made = {"name": row[1], "value": value, "qualifier": row[0]}
    reader.line.setdefault("attributes", []).append(made)
    return None


def _ctp(reader: OrderReader, row: Elements, index: int) -> bool | None:
    """A list price has a home; any other price class is kept as sent. Source: X12 CTP02 (element 236)."""
    if row[1] not in ("LPR", "MSR", "CAT") or row[2] is None or "list_price" in reader.line:
        return False
    reader.line["list_price"] = parts_in.price(row[2], None)
    return False


def _po4(reader: OrderReader, row: Elements, index: int) -> bool | None:
    if "packaging" in reader.line:
        return False
    made: Part = {}
    if row[0] is not None:
        made["packs"] = row[0]
    if row[1] is not None:
        made["size"] = parts_in.quantity(row[1], row[2])
    if row[5] is not None:
        made["weight"] = parts_in.quantity(row[5], row[6])
    if row[7] is not None:
        made["volume"] = parts_in.quantity(row[7], row[8])
    if row[14] is not None:
        made["description"] = row[14]
    taken = {1, 2, 3, 6, 7, 8, 9, 15}
    raw = {f"PO4{n:02}": value for n, value in enumerate(row, 1) if value is not None and n not in taken}
    reader.line["packaging"] = {**made, "raw_codes": raw} if raw else made
    return None


def _line_ref(reader: OrderReader, row: Elements, index: int) -> bool | None:
    made = parts_in.reference(row)
    if made is None:
        return False
    reader.line.setdefault("references", []).append(made)
    if row[0] == "CT":
        reader.line.setdefault("contract", row[1])
    return None


def _line_sac(reader: OrderReader, row: Elements, index: int) -> None:
    reader.line.setdefault("allowances_charges", []).append(_charge(reader, row, index))


def _line_dtm(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _date(reader.line, reader, row)


def _line_td5(reader: OrderReader, row: Elements, index: int) -> None:
    _td5(reader.line, row)


def _line_fob(reader: OrderReader, row: Elements, index: int) -> None:
    _fob(reader.line, row)


def _line_txi(reader: OrderReader, row: Elements, index: int) -> None:
    reader.line.setdefault("taxes", []).append(parts_in.tax(row))


def _line_msg(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _message(reader.line, reader, row)


def _line_mtx(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _text(reader.line, reader, row)


def _line_n9(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _n9(reader, reader.line, row, "item")


def _line_amt(reader: OrderReader, row: Elements, index: int) -> bool | None:
    """Code 1 is the line's total. Source: X12 AMT01 (element 522)."""
    if row[0] != "1" or row[1] is None or "amount" in reader.line:
        return False
    reader.line["amount"] = parts_in.number(row[1])
    return None if row[2] is None else False


def _line_n1(reader: OrderReader, row: Elements, index: int) -> bool | None:
    """A line has its own ship-to and supplier; other parties have no field and are kept as sent, too."""
    made = reader.party = parts_in.party(row)
    field = {"ST": "ship_to", "SE": "supplier", "VN": "supplier", "SU": "supplier"}.get(row[0] or "")
    if field is None or field in reader.line:
        reader.party = {}
        return False
    reader.line[field] = made
    return None


def _line_party(known: PlaceReader) -> PlaceReader:
    """Keep the segments of a line's party as sent where the party itself has no field."""

    def read(reader: OrderReader, row: Elements, index: int) -> bool | None:
        return known(reader, row, index) if reader.party else False

    return read


def _sdq(reader: OrderReader, row: Elements, index: int) -> bool | None:
    """One schedule per destination. Source: X12 SDQ01-SDQ22: unit, qualifier, pairs of id and quantity."""
    schedules = reader.line.setdefault("schedules", [])
    for location, value in zip(row[2:22:2], row[3:22:2], strict=False):
        if location is None or value is None:
            continue
        ship_to = {"identifiers": [parts_in.party_identifier(row[1], location)]}
        schedules.append({"quantity": reader.quantity(value, row[0], "SDQ01", index), "ship_to": ship_to})
    return False if row[22] is not None else None


def _sch(reader: OrderReader, row: Elements, index: int) -> None:
    """Source: X12 SCH01-SCH12."""
    made: Part = {}
    if row[0] is not None:
        made["quantity"] = reader.quantity(row[0], row[1], "SCH02", index)
    reader.schedule = made
    reader.line.setdefault("schedules", []).append(made)
    if row[2] == "ST" and row[3] is not None:
        made["ship_to"] = {"name": row[3]}
    for at in (4, 7):
        qualifier, day = row[at], row[at + 1]
        if day is None:
            continue
        if qualifier == "002" and "requested" not in made:
            made["requested"] = parts_in.date_value(day, reader.zone, row[at + 2])
        else:
            kinded = parts_in.kinded_date(qualifier, day, reader.zone, row[at + 2], None)
            made.setdefault("dates", []).append(kinded)
    if row[11] is not None:
        made["schedule_id"] = row[11]
    raw = {"SCH11": row[10]} if row[10] is not None else {}
    if row[2] is not None and row[2] != "ST":
        raw |= {"SCH03": row[2], "SCH04": row[3] or ""}
    if raw:
        made["raw_codes"] = raw


def _party_sch(reader: OrderReader, row: Elements, index: int) -> None:
    """A schedule inside a party's loop is for that party."""
    _sch(reader, row, index)
    if reader.party and reader.party is reader.line.get("ship_to"):
        reader.schedule["ship_to"] = reader.party


def _sch_td5(reader: OrderReader, row: Elements, index: int) -> None:
    _td5(reader.schedule, row)


def _sln(reader: OrderReader, row: Elements, index: int) -> bool | None:
    """Source: X12 SLN01-SLN28."""
    relation = row[2] or ""
    made = reader.sub_line = {
        "sub_line_id": row[0],
        "parent_id": row[1],
        "relationship": codes.SUB_LINES.get(relation, "other"),
        "item_ids": parts_in.item_ids(row[8:]),
    }
    reader.note = {"kind": "item"}
    reader.line.setdefault("sub_lines", []).append(made)
    if row[3] is not None:
        made["quantity"] = reader.quantity(row[3], row[4], "SLN05", index)
    if row[5] is not None:
        made["price"] = parts_in.price(row[5], row[6])
    raw = {name: value for name, value in (("SLN03", relation), ("SLN08", row[7])) if value}
    if raw:
        made["raw_codes"] = raw
    return None


def _sub_msg(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _message(reader.sub_line, reader, row)


def _sub_sac(reader: OrderReader, row: Elements, index: int) -> None:
    reader.sub_line.setdefault("allowances_charges", []).append(_charge(reader, row, index))


def _sub_n9(reader: OrderReader, row: Elements, index: int) -> bool | None:
    return _n9(reader, reader.sub_line, row, "item")


PLACES: Final[dict[str, PlaceReader]] = {  # a plain dict: it is asked for every segment
    "BEG": _beg,
    "CUR": _cur,
    "REF": _header_ref,
    "PER": _header_per,
    "FOB": _header_fob,
    "TD5": _header_td5,
    "ITD": _header_itd,
    "SAC": _header_sac,
    "TXI": _header_txi,
    "DTM": _header_dtm,
    "N9": _header_n9,
    "N9/MSG": _header_msg,
    "N9/MTX": _header_mtx,
    "N1": _header_n1,
    "N1/N2": _n2,
    "N1/N3": _n3,
    "N1/N4": _n4,
    "N1/REF": _party_ref,
    "N1/PER": _party_per,
    "AMT": _amt,
    "CTT": _ctt,
    "CTT/AMT": _amt,
    "PO1": _po1,
    "PO1/PID": _pid,
    "PO1/MEA": _mea,
    "PO1/PID/MEA": _mea,
    "PO1/CTP": _ctp,
    "PO1/PO4": _po4,
    "PO1/REF": _line_ref,
    "PO1/SAC": _line_sac,
    "PO1/DTM": _line_dtm,
    "PO1/TD5": _line_td5,
    "PO1/FOB": _line_fob,
    "PO1/TXI": _line_txi,
    "PO1/MSG": _line_msg,
    "PO1/MTX": _line_mtx,
    "PO1/N9": _line_n9,
    "PO1/N9/MSG": _line_msg,
    "PO1/N9/MTX": _line_mtx,
    "PO1/AMT": _line_amt,
    "PO1/N1": _line_n1,
    "PO1/N1/N2": _line_party(_n2),
    "PO1/N1/N3": _line_party(_n3),
    "PO1/N1/N4": _line_party(_n4),
    "PO1/N1/REF": _line_party(_party_ref),
    "PO1/N1/PER": _line_party(_party_per),
    "PO1/N1/SCH": _party_sch,
    "PO1/SDQ": _sdq,
    "PO1/SCH": _sch,
    "PO1/SCH/TD5": _sch_td5,
    "PO1/SLN": _sln,
    "PO1/SLN/PID": _sub_pid,
    "PO1/SLN/MSG": _sub_msg,
    "PO1/SLN/SAC": _sub_sac,
    "PO1/SLN/N9": _sub_n9,
    "PO1/SLN/N9/MSG": _sub_msg,
}
