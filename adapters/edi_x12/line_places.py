"""What the segments behind PO1 and IT1 mean: prices, packaging, charges, schedules. See `places.py`."""

from __future__ import annotations

from adapters.edi_x12 import codes, parts_in
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.places import PARTLY, Reading, carrier, charge
from adapters.edi_x12.reader import Reader


def line_measure(reader: Reader, row: Elements, index: int) -> Reading:
    """MEA."""
    if row[2] is None or any(row[4:]) or row[1] is None:
        return False
    value = row[2] if row[3] is None else f"{row[2]} {row[3]}"
    made = {"name": row[1], "value": value, "qualifier": row[0]}
    reader.line.setdefault("attributes", []).append(made)
    return None


def line_price(reader: Reader, row: Elements, index: int) -> Reading:
    """CTP: a list price has a home; other price classes are kept as sent. Source: CTP02 (element 236)."""
    if row[1] not in ("LPR", "MSR", "CAT") or row[2] is None or "list_price" in reader.line:
        return False
    reader.line["list_price"] = parts_in.price(row[2], None)
    return None if row[1] == "LPR" and row[0] is None and not any(row[3:]) else PARTLY


def line_packaging(reader: Reader, row: Elements, index: int) -> Reading:
    """PO4."""
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
    raw = {f"PO4{n:02}": value for n, value in enumerate(row, 1) if value is not None and n not in _PO4_TAKEN}
    reader.line["packaging"] = {**made, "raw_codes": raw} if raw else made
    return None


_PO4_TAKEN = frozenset({1, 2, 3, 6, 7, 8, 9, 15})


def line_reference(reader: Reader, row: Elements, index: int) -> Reading:
    """REF of a line."""
    made = parts_in.reference(row)
    if made is None:
        return False
    reader.line.setdefault("references", []).append(made)
    return None


def line_charge(reader: Reader, row: Elements, index: int) -> Reading:
    """SAC of a line."""
    reader.line.setdefault("allowances_charges", []).append(charge(reader, row, index))
    return None


def line_tax(reader: Reader, row: Elements, index: int) -> Reading:
    """TXI of a line."""
    reader.line.setdefault("taxes", []).append(parts_in.tax(row))
    return None


def line_amount(reader: Reader, row: Elements, index: int) -> Reading:
    """AMT: code 1 is the line's total. Source: X12 AMT01 (element 522)."""
    if row[0] != "1" or row[1] is None or "amount" in reader.line:
        return False
    reader.line["amount"] = parts_in.number(row[1])
    return None if row[2] is None else PARTLY


def schedule(reader: Reader, row: Elements, index: int) -> Reading:
    """SCH. Source: X12 SCH01-SCH12."""
    made: Part = {}
    raw: dict[str, str] = {}
    if row[0] is not None:
        made["quantity"] = quantity = reader.quantity(row[0], row[1], "SCH02", index)
        if quantity.unit != row[1]:
            raw["SCH02"] = row[1] or ""
    reader.schedule = made
    reader.line.setdefault("schedules", []).append(made)
    if row[2] == "ST" and row[3] is not None:
        made["ship_to"] = {"name": row[3]}
    _schedule_dates(reader, made, row)
    if row[11] is not None:
        made["schedule_id"] = row[11]
    if row[10] is not None:
        raw["SCH11"] = row[10]
    if row[2] != "ST":
        raw |= {name: value for name, value in (("SCH03", row[2]), ("SCH04", row[3])) if value}
    if raw:
        made["raw_codes"] = raw
    is_turned = row[7] == "002" and row[4] != "002"
    is_undated = row[8] is None and (row[7] or row[9]) is not None
    return PARTLY if is_turned or is_undated or (row[2] == "ST" and row[3] is None) else None


def _schedule_dates(reader: Reader, made: Part, row: Elements) -> None:
    for at in (4, 7):
        qualifier, day = row[at], row[at + 1]
        if day is None:
            continue
        if qualifier == "002" and "requested" not in made:
            made["requested"] = parts_in.date_value(day, reader.zone, row[at + 2])
        else:
            kinded = parts_in.kinded_date(qualifier, day, reader.zone, row[at + 2], None)
            made.setdefault("dates", []).append(kinded)


def schedule_td5(reader: Reader, row: Elements, index: int) -> Reading:
    """TD5 of a schedule."""
    return carrier(reader.schedule, row)


def sub_line(reader: Reader, row: Elements, index: int) -> Reading:
    """SLN. Source: X12 SLN01-SLN28."""
    relation = row[2] or ""
    made = reader.sub_line = {
        "sub_line_id": row[0],
        "parent_id": row[1],
        "relationship": codes.SUB_LINES.get(relation, "other"),
        "item_ids": parts_in.item_ids(row[8:]),
    }
    reader.note = {"kind": "item"}
    reader.begin_owner()
    reader.line.setdefault("sub_lines", []).append(made)
    raw = {name: value for name, value in (("SLN03", relation), ("SLN08", row[7])) if value}
    if row[3] is not None:
        made["quantity"] = quantity = reader.quantity(row[3], row[4], "SLN05", index)
        if quantity.unit != row[4]:
            raw["SLN05"] = row[4] or ""
    if row[5] is not None:
        made["price"] = parts_in.price(row[5], row[6])
    if raw:
        made["raw_codes"] = raw
    is_whole = (row[3] is not None or row[4] is None) and (row[5] is not None or row[6] is None)
    return None if is_whole and not parts_in.gaps(row[8:]) else PARTLY


def sub_line_charge(reader: Reader, row: Elements, index: int) -> Reading:
    """SAC of a sub-line."""
    reader.sub_line.setdefault("allowances_charges", []).append(charge(reader, row, index))
    return None


def sub_line_reference(reader: Reader, row: Elements, index: int) -> Reading:
    """REF of a sub-line."""
    made = parts_in.reference(row)
    if made is None:
        return False
    reader.sub_line.setdefault("references", []).append(made)
    return None
