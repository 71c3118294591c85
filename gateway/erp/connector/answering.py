"""What a supplier's acknowledgment (855) means for an order in the ERP, line by line. Pure.

Accepted in every line as ordered, it is written as a whole; refused in every line, too. Anything between
is written line by line where the ERP can hold it, and what it cannot hold is the buyer's: the
acknowledgment then counts as partly applied. A price or a substitute changes an order only by a declared
rule (`answers` in the endpoint's settings).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from adapters.base import Finding
from canonical.acknowledgment import Acknowledgment, AcknowledgmentLine
from canonical.scalars import plain_digits
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.series import Place
from gateway.erp.connector.settings import AnswerRules


class Standing(StrEnum):
    """How a line stands. The order is by how much a person must do."""

    AS_ORDERED = "as_ordered"
    DATED = "dated"  # as ordered, on another day
    PRICED = "priced"  # as ordered, at another price that the rule lets in
    PARTLY = "partly"  # less than ordered, the rest backordered or refused
    REJECTED = "rejected"  # the whole line
    BUYERS = "buyers"  # only the buyer can say


@dataclass(frozen=True, slots=True)
class OrderedLine:
    """A line of the order as the ERP holds it; None where it does not say."""

    quantity: Decimal | None = None
    price: Decimal | None = None  # of one unit
    requested: date | None = None


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """One answered line: `line_number` is the ERP's id of it, None where it cannot be told."""

    place: int  # in the acknowledgment, from 0
    line: AcknowledgmentLine
    line_number: str | None
    standing: Standing
    reason: str = ""
    accepted: Decimal | None = None
    promised: date | None = None
    price: Decimal | None = None  # of one unit, where it is to be written

    @property
    def path(self) -> str:
        """Give the canonical path of the line."""
        return f"lines[{self.place}]"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with an acknowledgment."""

    lines: tuple[LineAnswer, ...]
    header: Standing  # AS_ORDERED, REJECTED, or BUYERS where only lines (or nobody) can say

    def writable(self, standings: Collection[Standing]) -> tuple[LineAnswer, ...]:
        """Give the lines that an ERP can hold which can hold these standings."""
        return tuple(each for each in self.lines if each.standing in standings)

    def left(self, standings: Collection[Standing]) -> tuple[LineAnswer, ...]:
        """Give the lines that are left to the buyer."""
        return tuple(each for each in self.lines if each.standing not in standings)


def judged(
    answer: Acknowledgment, order: ErpOrder, ordered: Mapping[str, OrderedLine], rules: AnswerRules
) -> Verdict:
    """Say how each line stands. `ordered`: by the ERP's line id; what is not there is not compared."""
    lines = tuple(_line(at, line, order, ordered, rules) for at, line in enumerate(answer.lines))
    standings = {each.standing for each in lines}
    if not lines:
        words = {"accepted": Standing.AS_ORDERED, "rejected": Standing.REJECTED}
        return Verdict((), words.get(answer.response, Standing.BUYERS))
    is_complete = not ordered or {each.line_number for each in lines} >= set(ordered)
    if len(standings) == 1 and is_complete and standings <= {Standing.AS_ORDERED, Standing.REJECTED}:
        return Verdict(lines, standings.pop())
    return Verdict(lines, Standing.BUYERS)


def partly_applied(
    place: Place, order_number: str, written: Sequence[LineAnswer], left: Sequence[LineAnswer]
) -> tuple[Finding, ...]:
    """Give the buyer's item: one finding for each line that was not written, marked as partly applied."""
    facts = {
        "applied": "partly" if written else "nothing",
        "lines_written": ", ".join(str(each.line_number) for each in written),
        "order": order_number,
    }
    marked = {name: text for name, text in facts.items() if text}
    if not left:
        text = (
            f"the supplier neither accepts nor refuses order {order_number} as a whole, and names none of its"
            " lines; ask the supplier, enter the answer in the ERP, then resolve this"
        )
        return (place.finding("ERP-ACK-PARTLY", text, "response", **marked),)
    return tuple(
        place.finding(
            "ERP-ACK-PARTLY",
            f"order {order_number} line {each.line_number or 'unknown'}: {each.reason}; the acknowledgment is"
            " applied in part: decide, enter it in the ERP, then resolve this",
            each.path,
            **marked,
        )
        for each in left
    )


def _line(
    at: int, line: AcknowledgmentLine, order: ErpOrder, ordered: Mapping[str, OrderedLine], rules: AnswerRules
) -> LineAnswer:
    number = order.line_number(line)
    if number is None:
        text = f"line '{line.order_line_id or line.line_id or ''}' is none of the order's"
        return LineAnswer(at, line, None, Standing.BUYERS, text)
    asked = ordered.get(number, OrderedLine(line.quantity.value if line.quantity is not None else None))
    standing, reason = _standing(line, asked, rules)
    accepted = line.accepted.value if line.accepted is not None else None
    promised = line.promised.date if line.promised is not None else None
    price = _unit_price(line) if standing is Standing.PRICED else None
    return LineAnswer(at, line, number, standing, reason, accepted, promised, price)


def _standing(line: AcknowledgmentLine, asked: OrderedLine, rules: AnswerRules) -> tuple[Standing, str]:
    if line.status in ("rejected", "deleted"):
        return Standing.REJECTED, "the supplier refuses the line"
    if (line.substitute_ids or line.status == "substituted") and rules.substitute == "buyer":
        return Standing.BUYERS, "the supplier offers a substitute"
    if line.status in ("on_hold", "price_pending", "date_pending", "mixed", "other", None):
        return Standing.BUYERS, f"the supplier's answer is '{line.status or 'none'}'"
    units = {each.unit for each in (line.quantity, line.accepted) if each is not None and each.unit}
    if len(units) > 1:
        return (
            Standing.BUYERS,
            f"the supplier answers in another unit than was ordered ({', '.join(sorted(units))})",
        )
    priced = _priced(line, asked, rules)
    if priced is not None and priced[0] is Standing.BUYERS:
        return priced
    quantity = _quantity(line, asked)
    if quantity is not None:
        return quantity
    return priced or _dated(line, asked, rules) or (Standing.AS_ORDERED, "")


def _quantity(line: AcknowledgmentLine, asked: OrderedLine) -> tuple[Standing, str] | None:
    accepted = line.accepted.value if line.accepted is not None else None
    if accepted is None and line.status in (
        "backordered",
        "partly_backordered",
        "quantity_changed",
        "changed",
    ):
        return (
            Standing.BUYERS,
            f"the line is {str(line.status).replace('_', ' ')}, and by how much is not plain",
        )
    if accepted is None or asked.quantity is None or accepted == asked.quantity:
        return None
    if accepted > asked.quantity:
        return Standing.BUYERS, "the supplier confirms more than was ordered"
    if accepted == 0 and line.status != "backordered":
        return Standing.BUYERS, "nothing of the line is confirmed, nor is it refused"
    return Standing.PARTLY, f"{plain_digits(accepted)} of {plain_digits(asked.quantity)} are confirmed"


def _priced(line: AcknowledgmentLine, asked: OrderedLine, rules: AnswerRules) -> tuple[Standing, str] | None:
    price = _unit_price(line)
    is_other = price is not None and asked.price is not None and price != asked.price
    if not is_other and line.status != "price_changed":
        return None
    if rules.price == "ignore":
        return None
    if rules.price == "apply" and is_other and _is_within(price, asked.price, rules.price_percent_max):
        return Standing.PRICED, "at another price"
    return Standing.BUYERS, "the supplier names another price"


def _is_within(price: Decimal | None, asked: Decimal | None, percent_max: float) -> bool:
    if price is None or asked is None:
        return False
    return price <= asked * (1 + Decimal(str(percent_max)) / 100)


def _dated(line: AcknowledgmentLine, asked: OrderedLine, rules: AnswerRules) -> tuple[Standing, str] | None:
    promised = line.promised.date if line.promised is not None else None
    is_other = promised is not None and asked.requested is not None and promised != asked.requested
    if not is_other and line.status != "rescheduled":
        return None
    if rules.dates == "ignore":
        return None
    if rules.dates == "apply" and promised is not None:
        return Standing.DATED, f"promised for {promised.isoformat()}"
    return Standing.BUYERS, "the supplier names another day"


def _unit_price(line: AcknowledgmentLine) -> Decimal | None:
    if line.price is None:
        return None
    base = line.price.base_quantity or Decimal(1)
    each = line.price.amount / base
    return each if each * base == line.price.amount else None
