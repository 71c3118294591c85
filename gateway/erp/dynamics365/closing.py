"""Closing an order that the other side has now: what was received or invoiced stays, no more. Pure.

The order is read before and after: where the ERP received more or less than the documents say, or has lines
that none of them ordered, nothing is cut by guess. It counts as closed once the ERP itself shows what stays,
and nothing open.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.base import Delivery, Finished
from canonical.order_change import OrderChange, OrderChangeLine
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.closing import (
    Miscount,
    by_hand,
    closing_change,
    counted_otherwise,
    not_closed,
    order_to_close,
)
from gateway.erp.connector.series import Answer, Ask, Poll, Read, Series, StuckError, Write
from gateway.erp.dynamics365.addresses import HEADERS, LINES, RECEIPT_LINES, found_by, removed, rows
from gateway.erp.dynamics365.cuts import Cut, cut_lines, open_lines, read_lines, standing
from gateway.erp.dynamics365.standing import StandingLine

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

ZERO = Decimal(0)
READ_BACK_WAITS_S = (2.0, 8.0, 30.0)


def close_order(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Close an order down to what stays of it there, and read it back."""
    change = closing_change(delivery)
    order = order_to_close(delivery, change, connector.place)
    closing = Closing(connector, delivery, change, order)
    try:
        if closing.leaves_nothing and connector.settings.cancel == "delete":
            yield from _take_away(connector, closing)
        else:
            yield from cut_lines(connector, closing.keys, closing.cuts)
            yield from _read_back(connector, closing)
    except StuckError as error:
        if any(each.code.startswith("MOVE-") for each in error.findings):
            raise
        raise StuckError(*error.findings, by_hand(connector.place, delivery, order.number)) from error
    return Finished(order.number)


def _take_away(connector: Dynamics365, closing: Closing) -> Generator[Ask, Answer, None]:
    """Take an order away of which nothing stays; one that is gone already is what was wanted."""
    closing.cuts((yield from read_lines(connector, closing.keys, "1")))
    yield Write("cancel", removed(HEADERS, closing.keys), effect=connector.repeatable)
    seen = yield Poll(
        "read_back",
        found_by(HEADERS, **closing.keys),
        lambda answer: rows(answer.fields) == [],
        READ_BACK_WAITS_S,
        "removed; read back until it is gone",
    )
    if rows(seen.fields) != []:
        raise closing.is_not_closed("the ERP still shows it after its removal")


def _read_back(connector: Dynamics365, closing: Closing) -> Generator[Ask, Answer, None]:
    """Read the order until nothing is left to cut. Errors: StuckError where the ERP goes on showing more."""
    came = yield Read("receipts:after", found_by(RECEIPT_LINES, **closing.keys))

    def left(answer: Answer) -> list[Cut]:
        return closing.cuts(standing(connector, closing.keys, answer.fields, came.fields), is_closed=True)

    waits = READ_BACK_WAITS_S
    call = found_by(LINES, **closing.keys)
    seen = yield Poll(
        "read_back", call, lambda answer: not left(answer), waits, "closed; read back until it shows"
    )
    if cuts := left(seen):
        shown = "; ".join(f"line {each.line.number}: {each.line.ordered}, not {each.keeps}" for each in cuts)
        raise closing.is_not_closed(f"the ERP still shows it open ({shown})")


class Closing:
    """What stays of each line of one order, against what the ERP shows of it."""

    def __init__(
        self, connector: Dynamics365, delivery: Delivery, change: OrderChange, order: ErpOrder
    ) -> None:
        self._place = connector.place
        self._delivery = delivery
        self._change = change
        self._order = order
        self._knows_lines = any(order.line_numbers(each) for each in change.lines)
        self.keys: Mapping[str, str] = {
            "dataAreaId": connector.settings.of_route(delivery.route).company,
            "PurchaseOrderNumber": order.number,
        }

    @property
    def leaves_nothing(self) -> bool:
        """Tell whether nothing of the order stays."""
        return not any(_stays(line) for line in self._change.lines)

    def cuts(self, lines: Sequence[StandingLine], *, is_closed: bool = False) -> list[Cut]:
        """Give the lines that are open beyond what stays. Errors: StuckError where a person must look.

        Where something was invoiced before it came, less is received than stays: the line is open until the
        rest has come, so that a person must look there, too.
        """
        unnamed = {str(each.number): each for each in lines}
        found: list[Cut] = []
        told = Miscount()
        for line in self._change.lines:
            parts = [unnamed.pop(each) for each in self._numbers(line) if each in unnamed]
            stays, name = _stays(line), line.line_id or str(line.sequence)
            if stays and not parts:
                raise self.is_not_closed(f"line '{name}', of which {stays} stay, is none of its lines there")
            told = told.and_line(f"'{name}'", sum((each.fixed for each in parts), ZERO), stays)
            found += open_lines(parts)
        added = [number for number, each in unnamed.items() if not each.is_over]
        if told:
            raise counted_otherwise(
                self._place, self._delivery, self._order.number, told, is_closed=is_closed and not found
            )
        if added:
            raise self.is_not_closed(
                f"it has lines there that no document ordered ({', '.join(added)}), and which did not move"
            )
        return found

    def _numbers(self, line: OrderChangeLine) -> tuple[str, ...]:
        """Give the ERP's numbers of a line; an order older than the gateway calls its lines by them."""
        if self._knows_lines:
            return self._order.line_numbers(line)
        return ((line.line_id or str(line.sequence)).lstrip("0"),)

    def is_not_closed(self, why: str) -> StuckError:
        """Give the error for an order that was not closed, or is not seen to be."""
        return not_closed(self._place, self._delivery, self._order.number, why)


def _stays(line: OrderChangeLine) -> Decimal:
    """Give what stays of a line here; a close says it for every line."""
    return line.quantity.value if line.quantity is not None else ZERO
