"""Closing an order that the other side has now: what was received or invoiced stays, no more. Pure.

The order is read before and after: what the ERP received beyond the documents, or has lines for that none of
them ordered, is not cut by guess. It counts as closed once the ERP itself shows no more than what stays.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.base import Delivery, Finished
from canonical.order_change import OrderChange, OrderChangeLine
from gateway.erp.connector.aliases import ErpOrder, erp_order
from gateway.erp.connector.closing import closing_change, kept
from gateway.erp.connector.series import Answer, Ask, Poll, Read, Series, Write
from gateway.erp.dynamics365.addresses import HEADERS, LINES, RECEIPT_LINES, found_by, removed, rows
from gateway.erp.dynamics365.cuts import Cut, cut_lines, read_lines, standing
from gateway.erp.dynamics365.standing import StandingLine

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

ZERO = Decimal(0)
READ_BACK_WAITS_S = (2.0, 8.0, 30.0)


def close_order(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Close an order down to what stays of it there, and read it back."""
    change = closing_change(delivery)
    number = change.order.erp_number
    order = (
        ErpOrder(number, delivery.aliases) if number else erp_order(delivery, change.order, connector.place)
    )
    keys = {
        "dataAreaId": connector.settings.of_route(delivery.route).company,
        "PurchaseOrderNumber": order.number,
    }
    closing = Closing(connector, change, order)
    if closing.leaves_nothing and connector.settings.cancel == "delete":
        return (yield from _removed(connector, keys, closing))
    yield from cut_lines(connector, keys, closing.cuts)
    yield from _read_back(connector, keys, closing)
    return Finished(order.number)


def _removed(connector: Dynamics365, keys: Mapping[str, str], closing: Closing) -> Series:
    """Take an order away of which nothing stays; one that is gone already is what was wanted."""
    closing.cuts((yield from read_lines(connector, keys, "1")))
    yield Write("cancel", removed(HEADERS, keys), effect=connector.repeatable)
    seen = yield Poll(
        "read_back",
        found_by(HEADERS, **keys),
        lambda answer: rows(answer.fields) == [],
        READ_BACK_WAITS_S,
        "removed; read back until it is gone",
    )
    if rows(seen.fields) != []:
        text = f"the ERP still shows order {keys['PurchaseOrderNumber']} after its removal"
        raise connector.place.stuck("ERP-NOT-CLOSED", text)
    return Finished(keys["PurchaseOrderNumber"])


def _read_back(
    connector: Dynamics365, keys: Mapping[str, str], closing: Closing
) -> Generator[Ask, Answer, None]:
    """Read the order until nothing is left to cut. Errors: StuckError where the ERP goes on showing more."""
    came = yield Read("receipts:after", found_by(RECEIPT_LINES, **keys))

    def is_closed(answer: Answer) -> bool:
        return not closing.cuts(standing(connector, keys, answer.fields, came.fields))

    seen = yield Poll(
        "read_back", found_by(LINES, **keys), is_closed, READ_BACK_WAITS_S, "closed; read back until it shows"
    )
    if not is_closed(seen):
        text = f"the ERP still shows more of order {keys['PurchaseOrderNumber']} than what stays there"
        raise connector.place.stuck("ERP-NOT-CLOSED", text)


class Closing:
    """What stays of each line of one order, against what the ERP shows of it."""

    def __init__(self, connector: Dynamics365, change: OrderChange, order: ErpOrder) -> None:
        self._place = connector.place
        self._change = change
        self._order = order

    @property
    def leaves_nothing(self) -> bool:
        """Tell whether nothing of the order stays."""
        return not any(_stays(line) for line in self._change.lines)

    def cuts(self, lines: Sequence[StandingLine]) -> list[Cut]:
        """Give the lines that show more than what stays. Errors: StuckError where a person must look."""
        unnamed = {str(each.number): each for each in lines}
        found: list[Cut] = []
        for place, line in enumerate(self._change.lines):
            numbers = self._order.line_numbers(line)
            parts = [unnamed.pop(each) for each in numbers if each in unnamed]
            found += self._of_line(line, parts, f"lines[{place}]")
        added = [number for number, each in unnamed.items() if not each.is_over]
        if added:
            text = (
                f"order {self._order.number} has lines in the ERP that no document ordered "
                f"({', '.join(added)}): they are not on the other side"
            )
            raise self._place.stuck("ERP-LINE-ADDED", text, "lines")
        return found

    def _of_line(self, line: OrderChangeLine, parts: Sequence[StandingLine], path: str) -> list[Cut]:
        stays, name = _stays(line), line.line_id or str(line.sequence)
        if stays and not parts:
            text = (
                f"line '{name}' of order {self._order.number} is not in the ERP, and {stays} of it stay there"
            )
            raise self._place.stuck("ERP-LINE-UNKNOWN", text, path)
        received = sum((each.received for each in parts), ZERO)
        if received > stays:
            text = (
                f"the ERP has received {received} of line '{name}' of order {self._order.number}, and the "
                f"gateway has heard of {stays}: what came besides was moved to the other side, too"
            )
            raise self._place.stuck("ERP-RECEIVED-MORE", text, path)
        keeps = kept([(each.ordered, each.received) for each in parts], stays)
        return [
            Cut(part, keep)
            for part, keep in zip(parts, keeps, strict=True)
            if keep < part.ordered and not part.is_over
        ]


def _stays(line: OrderChangeLine) -> Decimal:
    """Give what stays of a line here; a close says it for every line."""
    return line.quantity.value if line.quantity is not None else ZERO
