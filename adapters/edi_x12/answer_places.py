"""What each place of the 855 guide means for the acknowledgment. See `places.py`.

What a supplier says about a line stands in `responses`, as sent; what follows from that (accepted,
backordered, rejected) is worked out in `answer_reading.py`, by the partner's profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from adapters.edi_x12 import codes, line_items, line_places, note_places, parts_in, party_places, places
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.line_items import LineNames
from adapters.edi_x12.places import PlaceReader, Reading
from adapters.edi_x12.reader import Reader
from canonical.acknowledgment import LineResponse, LineStatus
from canonical.assembly import assembler, kept_text, part_text, quote
from canonical.values import Quantity

_NAMES = LineNames("PO1")
_LEVEL = "855"


def _bak(reader: Reader, row: Elements, index: int) -> Reading:
    """Source: BAK01-BAK10. BAK04 is the order's date, BAK09 the acknowledgment's own."""
    header, purpose, answer = reader.header, row[0] or "", row[1] or ""
    header["purpose"] = codes.PURPOSES.get(purpose, "other")
    own = reader.partner.acknowledgments.responses
    response = own.get(answer) or codes.RESPONSES.get(answer)
    if response is None:
        reader.unknown_code("BAK02", answer, f"acknowledgments.responses: {{{answer}: accepted}}", index)
    header["response"] = response or "other"
    order: parts_in.Part = {"number": row[2]}
    if row[3] is not None:
        order["date"] = parts_in.date_value(row[3], reader.zone)
    for name, at in (("release", 4), ("contract", 6), ("seller_number", 7)):
        if row[at] is not None:
            order[name] = row[at]
    header["order"] = order
    if row[8] is not None:
        header["acknowledged"] = parts_in.date_value(row[8], reader.zone)
    raw = {"BAK01": purpose, "BAK02": answer, "BAK06": row[5], "BAK08": row[7], "BAK10": row[9]}
    header["raw_codes"] = {name: value for name, value in raw.items() if value}
    return None


def _reference(reader: Reader, row: Elements, index: int) -> Reading:
    made = places.header_reference(reader, row, index)
    if made is None and row[0] == "VN" and row[1] is not None:
        reader.header.get("order", {}).setdefault("seller_number", row[1])
    return made


def _po1(reader: Reader, row: Elements, index: int) -> Reading:
    line_items.begin_line(reader, row, _NAMES, index)
    return None


def _pid(reader: Reader, row: Elements, index: int) -> Reading:
    return note_places.describe(reader, reader.line, row, "855/line")


def _ack(reader: Reader, row: Elements, index: int) -> Reading:
    """Source: ACK01-ACK29. The true status of some partners stands in ACK29."""
    made = reader.response = read_answer(reader, row, index)
    reader.line.setdefault("responses", []).append(made)
    return None


def read_answer(reader: Reader, row: Elements, index: int) -> LineResponse:
    """Give what an ACK says of its line."""
    reading = reader.partner.acknowledgments
    code, industry = row[0] or "", row[28]
    told = industry if reading.status_from == "ACK29" and industry else code
    status = reading.statuses.get(told) or codes.LINE_STATUSES.get(told)
    if status is None:
        setting = f"acknowledgments.statuses: {{{told}: accepted}}"
        reader.unknown_code("ACK29" if told is industry else "ACK01", told, setting, index)
    unit = row[2]
    known = unit if row[1] is None or unit is None else reader.unit(unit, "ACK03", index)
    if status is not None and known == unit and row[1] and _is_plain(row):
        return _plain_response(row, status, known, reader.zone)
    return _response(row, status or "other", known, reader.zone)


def _is_plain(row: Elements) -> bool:
    """Tell whether an ACK says no more than status, quantity and date: each of these is checked by itself."""
    return row[4] is not None and not any(row[5:]) and len(row[0] or "") <= parts_in.CODE_MAX and bool(row[0])


_PLAIN = frozenset({"status", "raw_code", "quantity", "dates"})
_RESPONSE, _respond = assembler(LineResponse, _PLAIN)


def _plain_response(row: Elements, status: LineStatus, unit: str | None, zone: str) -> LineResponse:
    code, quantity = row[0] or "", parts_in.quantity(row[1] or "", unit)
    date = parts_in.kinded_date(row[3], row[4] or "", zone, None, None)
    values = _RESPONSE.copy()
    values["status"], values["raw_code"], values["quantity"], values["dates"] = (
        status,
        code,
        quantity,
        (date,),
    )
    text = (
        f'{{"status":"{status}","raw_code":{quote(code)},"quantity":{part_text(quantity)}'
        f',"dates":[{part_text(date)}]}}'
    )
    made: LineResponse = _respond(values, text)
    return made


@dataclass(eq=False, frozen=True, slots=True)
class PlainAnswer:
    """An answer that other quantities may have, too: a response but for its quantity, and its JSON text."""

    unit: str | None
    values: dict[str, Any]
    head: str
    tail: str

    def of(self, quantity: Quantity) -> LineResponse:
        """Give the response about a quantity."""
        values = self.values.copy()
        values["quantity"] = quantity
        text = f"{self.head}{kept_text(quantity) or part_text(quantity)}{self.tail}"
        made: LineResponse = _respond(values, text)
        return made


def plain_answer(response: LineResponse) -> PlainAnswer | None:
    """Give what a response says of any quantity; None where reading it had more to tell than that."""
    quantity = response.quantity
    if response.model_fields_set != _PLAIN or response.status == "other" or quantity is None:
        return None
    if quantity.unit not in codes.UNITS:
        return None
    # What stands before the quantity is quoted, so that no text in there can look like one.
    head, _, tail = part_text(response).partition(part_text(quantity))
    return PlainAnswer(quantity.unit, response.__dict__, head, tail)


@lru_cache(maxsize=parts_in.KEPT)
def _response(row: Elements, status: LineStatus, unit: str | None, zone: str) -> LineResponse:
    """Give what one ACK says; frozen, since the same answer stands at many lines."""
    made: parts_in.Part = {"status": status, "raw_code": row[0] or ""}
    raw = {f"ACK{n:02}": value for n in (6, 27, 28, 29) if (value := row[n - 1]) is not None}
    if row[1] is not None:
        made["quantity"] = parts_in.quantity(row[1], unit)
        if unit != row[2]:
            raw["ACK03"] = row[2] or ""
    elif row[2] is not None:
        raw["ACK03"] = row[2]
    if row[4] is not None:
        made["dates"] = [parts_in.kinded_date(row[3], row[4], zone, None, None)]
    elif row[3] is not None:
        raw["ACK04"] = row[3]
    ids = row[6:26]
    if any(ids):
        made["item_ids"] = parts_in.item_ids(ids)
        raw.update({f"ACK{7 + 2 * gap:02}": "" for gap in parts_in.gaps(ids)})
    if raw:
        made["raw_codes"] = raw
    return parts_in.validated(LineResponse, made)


def _ack_dated(reader: Reader, row: Elements, index: int) -> Reading:
    """The DTM behind an ACK dates that answer; where ACK05 is empty, that is kept."""
    response = reader.response
    held: parts_in.Part = {}
    made = places.dated(held, reader, row)
    if response is None or made is False:
        return False
    raw = response.raw_codes if response.dates else {**response.raw_codes, "ACK05": ""}
    update = {"dates": (*response.dates, *held["dates"]), "raw_codes": raw}
    reader.response = reader.line["responses"][-1] = response.model_copy(update=update)
    return made


PLACES: Final[dict[str, PlaceReader]] = {
    "BAK": _bak,
    "CUR": places.currency,
    "REF": _reference,
    "PER": places.header_contact,
    "FOB": places.header_fob,
    "TD5": places.header_td5,
    "ITD": places.header_terms,
    "SAC": places.header_charge,
    "TXI": places.header_tax,
    "DTM": places.header_dated,
    **note_places.header_notes(_LEVEL),
    "N1": party_places.header_party,
    "N1/N2": party_places.n2,
    "N1/N3": party_places.n3,
    "N1/N4": party_places.n4,
    "N1/REF": party_places.party_reference,
    "N1/PER": party_places.party_contact,
    "CTT": places.control_totals("totals"),
    "CTT/AMT": places.total_amount,
    "PO1": _po1,
    "PO1/PID": _pid,
    "PO1/MEA": line_places.line_measure,
    "PO1/CTP": line_places.line_price,
    "PO1/PO4": line_places.line_packaging,
    "PO1/REF": line_places.line_reference,
    "PO1/SAC": line_places.line_charge,
    "PO1/DTM": places.line_dated,
    "PO1/TXI": line_places.line_tax,
    "PO1/AMT": line_places.line_amount,
    "PO1/ACK": _ack,
    "PO1/ACK/DTM": _ack_dated,
    **note_places.line_notes("PO1", "855/line"),
    "PO1/SCH": line_places.schedule,
    "PO1/SCH/TD5": line_places.schedule_td5,
    "PO1/SLN": line_places.sub_line,
    "PO1/SLN/SAC": line_places.sub_line_charge,
    **note_places.sub_line_notes("PO1", "855/sub"),
}
