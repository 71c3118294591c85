"""What the segments of a header's N1 loop mean: who it is, where, and whom to ask. See `places.py`."""

from __future__ import annotations

from adapters.edi_x12 import codes, parts_in
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.places import Reading
from adapters.edi_x12.reader import Reader


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
