"""What a supplier's answers about one line come to: accepted, backordered, rejected, promised. Pure.

X12 leaves open what the quantity of a partial backorder is; a partner's profile says. What cannot be told
stays absent, never zero, and nothing is converted from one unit to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from adapters.base.findings import Level
from adapters.edi_x12.parts_in import KEPT, Part, validated
from adapters.edi_x12.profile import PartialBackorder
from adapters.edi_x12.reader import Reader
from canonical.acknowledgment import LineResponse, LineStatus
from canonical.values import DateKind, DateValue, KindedDate, Quantity

ACCEPTING: Final[frozenset[LineStatus]] = frozenset({
    "accepted", "changed", "price_changed", "quantity_changed", "rescheduled", "substituted", "date_pending",
    "price_pending", "shipped", "released",
})  # fmt: skip
REJECTING: Final[frozenset[LineStatus]] = frozenset({"rejected", "deleted"})
PROMISES: Final[tuple[DateKind, ...]] = ("promised_delivery", "promised_ship", "estimated_delivery")


def read_answers(reader: Reader) -> None:
    """Work out what every line's responses come to."""
    reading = reader.partner.acknowledgments.partial_backorder
    for line in reader.lines:
        if not isinstance(line, dict):
            continue  # a usual one, and read already
        responses: list[LineResponse] = line.get("responses", [])
        if not responses:
            continue
        first = responses[0]
        if len(responses) == 1 and first.status in ACCEPTING:  # most lines
            line["status"] = first.status
            _put(line, "accepted", first.quantity or line.get("quantity"))
        else:
            line["status"] = _status([each.status for each in responses])
            line.update(_quantities(line.get("quantity"), responses, reading))
            if _is_open(responses, line, reading):
                _ask(reader, line)
        _put(line, "promised", promised(responses))
        substitutes = [each for r in responses if r.status == "substituted" for each in r.item_ids]
        if substitutes:
            line["substitute_ids"] = substitutes


def _put(line: Part, name: str, value: Any) -> None:
    if value is not None:
        line[name] = value


def _status(statuses: Sequence[LineStatus]) -> LineStatus:
    distinct = set(statuses)
    if len(distinct) == 1:
        return statuses[0]
    if "backordered" in distinct and distinct <= ACCEPTING | {"backordered", "partly_backordered"}:
        return "partly_backordered"
    return "mixed"


def promised(responses: Sequence[LineResponse]) -> DateValue | None:
    """Give the date that a line's answers promise, the surest kind of them."""
    best: KindedDate | None = None
    for response in responses:
        for each in response.dates:
            if each.kind in PROMISES and (best is None or _rank(each) < _rank(best)):
                best = each
    return None if best is None else _plain(best.date, best.at, best.zone, best.text)


def _rank(date: KindedDate) -> int:
    return PROMISES.index(date.kind)


@lru_cache(maxsize=KEPT)
def _plain(day: date, at: datetime | None, zone: str | None, text: str | None) -> DateValue:
    made = {"date": day, "at": at, "zone": zone, "text": text}
    return validated(DateValue, {name: value for name, value in made.items() if value is not None})


def _quantities(
    ordered: Quantity | None, responses: Sequence[LineResponse], reading: PartialBackorder | None
) -> dict[str, Quantity]:
    sums: dict[str, list[Quantity]] = {"accepted": [], "backordered": [], "rejected": []}
    is_alone = len(responses) == 1
    for response in responses:
        for name, quantity in _of_response(ordered, response, reading, is_alone=is_alone).items():
            sums[name].append(quantity)
    return {name: total for name, parts in sums.items() if (total := _total(parts)) is not None}


def _of_response(
    ordered: Quantity | None, response: LineResponse, reading: PartialBackorder | None, *, is_alone: bool
) -> dict[str, Quantity]:
    """Give what one ACK says. Without a quantity it speaks of the whole line, if it is the only one."""
    told, status = response.quantity, response.status
    quantity = told or (ordered if is_alone else None)
    if quantity is None:
        return {}
    if status in ACCEPTING:
        return {"accepted": quantity}
    if status in REJECTING:
        return {"rejected": quantity}
    if status == "backordered" and (told is None or not is_alone or _is_whole(ordered, told)):
        return {"backordered": quantity}
    if status not in ("backordered", "partly_backordered"):
        return {}
    return _partial(ordered, told, status, reading, is_alone=is_alone)


def _partial(
    ordered: Quantity | None,
    told: Quantity | None,
    status: LineStatus,
    reading: PartialBackorder | None,
    *,
    is_alone: bool,
) -> dict[str, Quantity]:
    match reading:
        case "whole_line" if ordered is not None:
            return {"backordered": ordered}
        case "accepted" | "backordered" if told is not None and is_alone:
            other = "backordered" if reading == "accepted" else "accepted"
            rest = _rest(ordered, told)
            return {reading: told} if rest is None else {reading: told, other: rest}
        case _ if status == "backordered" and told is not None:
            return {"backordered": told}  # an IB says of its own quantity that it is backordered
        case _:
            return {}


def _is_open(responses: Sequence[LineResponse], line: Part, reading: PartialBackorder | None) -> bool:
    """Tell whether a partial backorder leaves open what was accepted, for want of a word in the profile."""
    if reading is not None or "accepted" in line:
        return False
    if any(each.status == "partly_backordered" for each in responses):
        return True
    told = responses[0].quantity
    is_partial = told is not None and not _is_whole(line.get("quantity"), told)
    return len(responses) == 1 and responses[0].status == "backordered" and is_partial


def _ask(reader: Reader, line: Part) -> None:
    name = reader.partner_name or "<partner>"
    where = f"PO1[{line['sequence']}]/ACK"
    text = (
        "a part of the line is backordered, and X12 does not say whether the quantity is the accepted or the "
        f"backordered one; say so with partners.{name}.edi_x12.acknowledgments.partial_backorder. Until then "
        "what is accepted stays unknown"
    )
    reader.report.add(
        "X12-ACK-READING", text, reader.line_indexes[line["sequence"] - 1], where, level=Level.NOTE
    )


def _is_whole(ordered: Quantity | None, told: Quantity) -> bool:
    return ordered is not None and ordered.unit in (told.unit, None) and told.value >= ordered.value


def _rest(ordered: Quantity | None, told: Quantity) -> Quantity | None:
    """Give what is left of the ordered quantity, None where it cannot be told in the same unit."""
    if ordered is None or told.unit not in (ordered.unit, None) or told.value > ordered.value:
        return None
    return Quantity(value=ordered.value - told.value, unit=ordered.unit)


def _total(parts: Sequence[Quantity]) -> Quantity | None:
    """Add quantities of one unit; None where there are none, or several units."""
    units = {each.unit for each in parts}
    if len(units) != 1:
        return None
    return (
        parts[0]
        if len(parts) == 1
        else Quantity(value=sum((p.value for p in parts), Decimal(0)), unit=units.pop())
    )
