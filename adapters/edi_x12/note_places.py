"""What texts mean: N9, MSG, MTX and PID, at the header, a line, a sub-line. See `places.py`.

All of them may speak of a patient.
"""

from __future__ import annotations

from adapters.edi_x12 import parts_in
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.places import PARTLY, PlaceReader, Reading
from adapters.edi_x12.reader import Reader


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
