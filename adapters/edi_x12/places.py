"""What segments mean that several sets share: money, references, contacts, dates, notes, parties, charges.

One function per kind of segment. It takes the reader, the segment's elements (absent ones None) and its
index in the set, and says what became of it: None where all of it has a home in the document, `PARTLY`
where some of it has (the segment is kept as sent, too), False where none has.
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


# -- notes


def heading(reader: Reader, owner: Part, row: Elements, level: str) -> Reading:
    """N9 names a reference, and heads the text that follows it; both may speak of a patient."""
    kind = "item" if "/" in level else "general"
    reader.note = {"kind": kind, "qualifier": row[0]}
    if row[1] is not None:
        made = parts_in.numbered(row[0], row[1], row[2], may_be_phi=True)
        owner.setdefault("references", []).append(made)
        reader.token(owner, level, "N9")
    elif row[2] is not None:
        owner.setdefault("notes", []).append({**reader.note, "text": row[2]})
        reader.token(owner, level, "N9T")
    else:
        return False
    return PARTLY if any(row[3:]) else None


def message(reader: Reader, owner: Part, row: Elements, level: str) -> Reading:
    """MSG."""
    owner.setdefault("notes", []).append({**reader.note, "text": row[0] or ""})
    reader.token(owner, level, "MSG")
    return PARTLY if any(row[1:]) else None


def text(reader: Reader, owner: Part, row: Elements, level: str) -> Reading:
    """MTX, 005010's longer MSG: two texts of one note. Source: X12 MTX01-MTX03."""
    texts = [value for value in row[1:3] if value is not None]
    if not texts:
        return False
    qualifier = row[0] or reader.note.get("qualifier")
    made = {**reader.note, "text": "\n".join(texts), "qualifier": qualifier}
    owner.setdefault("notes", []).append(made)
    reader.token(owner, level, "MTXQ" if row[0] else "MTX")
    return PARTLY if row[1] is None or any(row[3:]) else None


def header_notes(level: str) -> dict[str, PlaceReader]:
    """Give the readers of a header's N9 loop."""
    return {
        "N9": lambda reader, row, index: heading(reader, reader.header, row, level),
        "N9/MSG": lambda reader, row, index: message(reader, reader.header, row, level),
        "N9/MTX": lambda reader, row, index: text(reader, reader.header, row, level),
    }


def line_notes(line: str, level: str) -> dict[str, PlaceReader]:
    """Give the readers of a line's notes, with a heading or without."""
    return {
        f"{line}/MSG": lambda reader, row, index: message(reader, reader.line, row, level),
        f"{line}/MTX": lambda reader, row, index: text(reader, reader.line, row, level),
        f"{line}/N9": lambda reader, row, index: heading(reader, reader.line, row, level),
        f"{line}/N9/MSG": lambda reader, row, index: message(reader, reader.line, row, level),
        f"{line}/N9/MTX": lambda reader, row, index: text(reader, reader.line, row, level),
    }


def describe(reader: Reader, owner: Part, row: Elements, level: str) -> Reading:
    """PID: the first free text describes the line; further ones stand beside it. Any may name a patient."""
    words = row[4]
    if words is None:
        return False
    is_plain = row[0] == "F" and not (row[2] or row[3] or row[5] or row[6] or row[7] or row[8])
    if "description" not in owner and row[1] in (None, "08"):
        owner["description"] = words
        owner["description_may_be_phi"] = True
        if reader.has_token("PID"):  # one with another PID02 stood before it
            reader.token(owner, level, "PID0")
        is_plain = is_plain and row[1] is None
    else:
        owner.setdefault("notes", []).append({"kind": "item", "qualifier": row[1], "text": words})
        reader.token(owner, level, "PID")
    return None if is_plain else PARTLY


# -- parties


def header_party(reader: Reader, row: Elements, index: int) -> Reading:
    """Put the first party of a role that has a field there, all others into `parties`."""
    made = reader.party = parts_in.party(row)
    code = row[0] or ""
    reader.party_order.append(code)
    field = codes.HEADER_PARTIES.get(code)
    if field is not None and field not in reader.header:
        reader.header[field] = made
        return None
    made["role"] = codes.PARTY_ROLES.get(code, "other")
    reader.header.setdefault("parties", []).append(made)
    return None


def n2(reader: Reader, row: Elements, index: int) -> Reading:
    """N2: up to two more names; two segments of one name each are told from one of two."""
    names = [value for value in row[:2] if value is not None]
    parts_in.add_texts(reader.party, reader.party.setdefault("more_names", []), names, "N2")
    return None


def n3(reader: Reader, row: Elements, index: int) -> Reading:
    """N3."""
    lines = reader.party.setdefault("address", {}).setdefault("lines", [])
    parts_in.add_texts(reader.party, lines, [value for value in row[:2] if value is not None], "N3")
    return None


def n4(reader: Reader, row: Elements, index: int) -> Reading:
    """N4."""
    return None if any(row) and parts_in.add_place(reader.party, row) else False


def party_reference(reader: Reader, row: Elements, index: int) -> Reading:
    """REF of a party."""
    made = parts_in.reference(row)
    if made is None:
        return False
    reader.party.setdefault("references", []).append(made)
    return None


def party_contact(reader: Reader, row: Elements, index: int) -> Reading:
    """PER of a party."""
    reader.party.setdefault("contacts", []).append(parts_in.contact(row))
    return None


def keep(reader: Reader, row: Elements, index: int) -> Reading:
    """Keep a segment as sent."""
    return False


# -- totals


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


# -- lines


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


def sub_line_notes(line: str, level: str) -> dict[str, PlaceReader]:
    """Give the readers of a sub-line's texts."""
    place = f"{line}/SLN"
    return {
        f"{place}/PID": lambda reader, row, index: describe(reader, reader.sub_line, row, level),
        f"{place}/MSG": lambda reader, row, index: message(reader, reader.sub_line, row, level),
        f"{place}/MTX": lambda reader, row, index: text(reader, reader.sub_line, row, level),
        f"{place}/N9": lambda reader, row, index: heading(reader, reader.sub_line, row, level),
        f"{place}/N9/MSG": lambda reader, row, index: message(reader, reader.sub_line, row, level),
        f"{place}/N9/MTX": lambda reader, row, index: text(reader, reader.sub_line, row, level),
    }


def begin_line(reader: Reader, row: Elements, names: LineNames, index: int) -> Part:
    """Begin a line with what PO1 and IT1 say alike: id, quantity, unit, price and its basis, item ids.

    Ids stay text and are read by position, gaps allowed, all kept. A number in another form than we would
    write (`007`, `.5`) is kept as sent, too. Source: X12 PO101-PO125, IT101-IT125.
    """
    line: Part = {"sequence": len(reader.lines) + 1}
    reader.lines.append(line)
    reader.line_indexes.append(index)
    reader.line = line
    reader.note = {"kind": "item"}
    reader.begin_owner()
    if row[0] is not None:
        line["line_id"] = row[0]
    value = row[1]
    if value is not None and row[9:] == _NO_MORE_IDS and not reader.units:
        item = _items.now.get((names.ids, row[2:9]))
        if item is None:
            item = _item_of(row, names)
        if item is not None:  # the same item, unit and price as in a line before: only the quantity is new
            line.update(item)
            line["quantity"] = parts_in.quantity(value, row[2])
            reader.quantities.append(value)
            _keep_odd(line, names.quantity, value)
            return line
    _quantity_and_price(reader, line, row, names, index)
    _item_ids(line, row, names)
    return line


def _item_of(row: Elements, names: LineNames) -> Part | None:
    """Give what a line says beside its id and quantity, and keep it; None where it says something odd."""
    if row[2] not in PLAIN_UNITS:
        return None
    key = (names.ids, row[2:9])
    made = _items.before.get(key)
    if made is None:
        made = {}
        _price(made, row, names)
        _item_ids(made, row, names)
        if "raw_codes" in made:
            return None  # every line needs a dict of its own
    _items.keep(key, made)
    return made


def _quantity_and_price(reader: Reader, line: Part, row: Elements, names: LineNames, index: int) -> None:
    value, unit = row[1], row[2]
    if value is not None:
        known = unit if unit in PLAIN_UNITS and not reader.units else reader.unit(unit, names.unit, index)
        line["quantity"] = parts_in.quantity(value, known)
        reader.quantities.append(value)
        if known != unit:
            line["raw_codes"] = {names.unit: unit}
        _keep_odd(line, names.quantity, value)
    elif unit is not None:
        line["raw_codes"] = {names.unit: unit}
    _price(line, row, names)


def _price(line: Part, row: Elements, names: LineNames) -> None:
    amount = row[3]
    if amount is not None:
        line["price"] = parts_in.price(amount, row[4])
        _keep_odd(line, names.price, amount)
    elif row[4] is not None:
        line.setdefault("raw_codes", {})[names.basis] = row[4]


def _keep_odd(line: Part, name: str, value: str) -> None:
    if (value[0] in "0.-" or value[-1] == ".") and parts_in.is_odd(value):
        line.setdefault("raw_codes", {})[name] = value


def _item_ids(line: Part, row: Elements, names: LineNames) -> None:
    # Two pairs are the rule; a short key is found faster among the ids that are kept.
    ids = row[5:9] if row[9:] == _NO_MORE_IDS else row[5:]
    if any(ids):
        line["item_ids"] = parts_in.item_ids(ids)
        for gap in parts_in.gaps(ids):
            line.setdefault("raw_codes", {})[f"{names.ids}{6 + 2 * gap:02}"] = ""


class LineNames:
    """How a line segment's elements are called in `raw_codes`."""

    __slots__ = ("basis", "ids", "price", "quantity", "unit")

    def __init__(self, segment: str) -> None:
        self.ids = segment
        self.quantity, self.unit = f"{segment}02", f"{segment}03"
        self.price, self.basis = f"{segment}04", f"{segment}05"


PLAIN_UNITS = codes.UNITS | {None}
_NO_MORE_IDS = (None,) * 16  # PO110 to PO125
ITEMS_MAX = 6_144  # items with their unit and price that are kept ready; as many from before


class _Items:
    """What is kept of items: when it is full it becomes what was before, and what is used again stays."""

    def __init__(self) -> None:
        self.now: dict[tuple[str, Elements], Part] = {}
        self.before: dict[tuple[str, Elements], Part] = {}

    def keep(self, key: tuple[str, Elements], made: Part) -> None:
        """Keep an item."""
        if len(self.now) >= ITEMS_MAX:
            self.before, self.now = self.now, {}
        self.now[key] = made


_items = _Items()
