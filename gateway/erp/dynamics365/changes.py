"""Changes and cancellations of orders that are there, line by line. Pure.

A change is written to given values only where the line is still as it was read (ETag): somebody else's
change meanwhile is read again, and ours is made on top of it, at most three times.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence, Set
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Alias, Delivery, Finding, Finished, Level, Position
from canonical.document import OrderReference
from canonical.goods_receipt import GoodsReceipt
from canonical.invoice import Invoice
from canonical.order_change import OrderChange, OrderChangeLine
from canonical.purchase_order import PurchaseOrder
from gateway.erp.connector.aliases import ErpLine, ErpOrder, erp_order, order_aliases
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.line_changes import CHANGING
from gateway.erp.connector.rendering import Rendering
from gateway.erp.connector.series import Answer, Ask, Hit, LookUp, Read, Series, StuckError, Write
from gateway.erp.dynamics365.addresses import HEADERS, LINES, changed, created, found_by, removed, rows
from gateway.erp.dynamics365.cuts import TRIES, Cut, cut_lines, open_lines, read_lines
from gateway.erp.dynamics365.order_rendering import midday, render_line
from gateway.erp.dynamics365.orders import line_look_up
from gateway.erp.dynamics365.standing import StandingLine
from gateway.erp.odata.literals import Value

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

CHANGED_MEANWHILE = 412


def cancel_order(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Cancel an order: remove it, or stop its lines."""
    document = delivery.document
    assert isinstance(document, PurchaseOrder)  # noqa: S101 - the kind said so
    order = erp_order(delivery, document.named_orders[0], connector.place)
    return (yield from cancelled(connector, delivery, order))


def cancelled(connector: Dynamics365, delivery: Delivery, order: ErpOrder) -> Series:
    """Give the series that cancels an order: all of it, or what is left where goods came."""
    keys = {
        "dataAreaId": connector.settings.of_route(delivery.route).company,
        "PurchaseOrderNumber": order.number,
    }
    lines = yield from read_lines(connector, keys, "0")
    if connector.settings.cancel == "delete" and not any(each.received for each in lines):
        # One that is gone already (404) is what was wanted; the ERP refuses where goods or an invoice came.
        yield Write("cancel", removed(HEADERS, keys), effect=connector.repeatable)
        return Finished(order.number)
    yield from cut_lines(connector, keys, open_lines)
    return Finished(order.number, notes=_came_before(connector, order.number, lines))


def _came_before(connector: Dynamics365, number: str, lines: Sequence[StandingLine]) -> tuple[Finding, ...]:
    """Say which goods came before a cancellation: they are there, and only the rest was cancelled."""
    came = [f"{each.received} of line {each.number}" for each in lines if each.received]
    if not came:
        return ()
    text = f"order {number}: {', '.join(came)} had been received; what was left of it is cancelled"
    return (Finding("ERP-CANCEL-REMAINDER", Position(connector.name), text, Level.NOTE),)


def change_order(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Change an order."""
    change = delivery.document
    assert isinstance(change, OrderChange)  # noqa: S101 - the kind said so
    order = erp_order(delivery, change.order, connector.place)
    if change.initiator == "seller":
        text = f"the supplier asks to change order {order.number}; nothing is changed without the buyer"
        raise connector.place.stuck(
            "ERP-CHANGE-SELLER", f"{text}: enter it in the ERP, then resolve this", "initiator"
        )
    if change.purpose == "cancellation":
        return (yield from cancelled(connector, delivery, order))
    work = _Change(connector, delivery, change, order)
    return (yield from work.series())


class _Change:
    """One change on its way."""

    def __init__(
        self, connector: Dynamics365, delivery: Delivery, change: OrderChange, order: ErpOrder
    ) -> None:
        self._connector = connector
        self._defaults = connector.settings.of_route(delivery.route)
        self._change = change
        self._order = order
        self._keys = {"dataAreaId": self._defaults.company, "PurchaseOrderNumber": order.number}

    def series(self) -> Series:
        """Give the steps: all is rendered first, so that what cannot be said stops all."""
        self._check()
        added: list[tuple[int, OrderChangeLine]] = []
        taken: set[int] = set()
        last = 0
        if any(line.action == "add" for line in self._change.lines):
            found = yield Read("lines", found_by(LINES, **self._keys))
            last = max((int(each["LineNumber"]) for each in rows(found.fields) or []), default=0)
        for place, line in enumerate(self._change.lines):
            match line.action:
                case "add":
                    number = last + len(added) + 1
                    yield from self._add(place, line, number)
                    added.append((number, line))
                case "delete":
                    taken |= self._numbers(place, line)
                case action if action in CHANGING:
                    yield from self._alter(place, line)
        notes = (yield from self._cancel(taken)) if taken else ()
        return Finished(self._order.number, self._aliases(added), notes)

    def _cancel(self, taken: Set[int]) -> Generator[Ask, Answer, tuple[Finding, ...]]:
        """Cancel lines: all of each, or what is left where goods came; one that is gone is as wanted."""

        def cuts(lines: Sequence[StandingLine]) -> list[Cut]:
            return open_lines([each for each in lines if each.number in taken])

        lines = yield from cut_lines(self._connector, self._keys, cuts)
        return _came_before(
            self._connector, self._order.number, [each for each in lines if each.number in taken]
        )

    def _aliases(self, added: Sequence[tuple[int, OrderChangeLine]]) -> tuple[Alias, ...]:
        """Name added lines. Their sequence is the ERP's number: it is above any that the order itself has."""
        if not added:
            return ()
        lines = [ErpLine(number, str(number)) for number, _ in added]
        ours = [line.model_copy(update={"sequence": number}) for number, line in added]
        return order_aliases(self._order.number, lines, ours)

    def _check(self) -> None:
        rendering = self._rendering()
        for place, line in enumerate(self._change.lines):
            if line.action == "add":
                render_line(rendering, self._defaults, line, place)
            elif line.action in CHANGING:
                self._number(place, line)
                self._fields(rendering, place, line)
            elif line.action == "delete":
                self._numbers(place, line)
            elif line.action != "no_change":
                text = f"action '{line.action}' has no meaning in the ERP; enter it there, then resolve this"
                rendering.problem("ERP-CHANGE", text, f"lines[{place}].action")
        rendering.finish()

    def _add(self, place: int, line: OrderChangeLine, number: int) -> Generator[Ask, Answer, None]:
        rendering = self._rendering()
        fields = {
            **render_line(rendering, self._defaults, line, place),
            "PurchaseOrderNumber": self._order.number,
            "LineNumber": number,
        }
        look_up = line_look_up(self._defaults.company, self._order.number, number, fields)
        yield Write(f"add:{place}", created(LINES, fields), look_up, is_unique=True)

    def _alter(self, place: int, line: OrderChangeLine) -> Generator[Ask, Answer, None]:
        keys: Mapping[str, Value] = {**self._keys, "LineNumber": self._number(place, line)}
        fields = self._fields(self._rendering(), place, line)
        if not fields:
            return
        for attempt in range(1, TRIES + 1):
            query = found_by(LINES, **keys)
            read = yield Read(f"current:{place}.{attempt}", query)
            current = rows(read.fields)
            if not current:
                text = f"line {keys['LineNumber']} of order {self._order.number} is gone from the ERP"
                raise self._connector.place.stuck("ERP-LINE-UNKNOWN", text, f"lines[{place}]")
            if not differing(fields, current[0], tuple(fields)):
                return  # it says so already: an earlier attempt, or a person
            etag = str(current[0].get("@odata.etag") or "")
            call = changed(LINES, keys, fields, etag)
            answer = yield Write(f"change:{place}.{attempt}", call, _change_look_up(query, fields))
            if answer.status != CHANGED_MEANWHILE:
                return
        text = f"order {self._order.number} line {keys['LineNumber']} was changed {TRIES} times meanwhile"
        raise self._connector.place.stuck("ERP-CHANGED-MEANWHILE", f"{text}; retry this", f"lines[{place}]")

    def _fields(self, rendering: Rendering, place: int, line: OrderChangeLine) -> Mapping[str, Any]:
        path = f"lines[{place}]"
        fields: dict[str, Any] = {}
        if line.quantity is not None:
            fields["OrderedPurchaseQuantity"] = rendering.quantity(line, path, 20, 6)
            if line.quantity.unit is not None:
                fields["PurchaseUnitSymbol"] = rendering.unit(line, path)
        price = rendering.price(line, path)
        if price is not None:
            fields["PurchasePrice"] = rendering.number(price[0], 20, 6, f"{path}.price")
            fields["PurchasePriceQuantity"] = rendering.number(price[1], 20, 6, f"{path}.price")
        day = line.requested or self._change.requested
        if day is not None and line.action in ("change", "replace", "reschedule", "change_of_dates"):
            fields["RequestedDeliveryDate"] = midday(day)
        return fields

    def _number(self, place: int, line: OrderChangeLine) -> int:
        number = self._order.line_number(line)
        if number is None:
            text = f"line '{line.line_id or ''}' is none of order {self._order.number}'s"
            raise self._connector.place.stuck("ERP-LINE-UNKNOWN", text, f"lines[{place}]")
        return int(number)

    def _numbers(self, place: int, line: OrderChangeLine) -> set[int]:
        """Give the numbers of all that stands for a line: each of its schedules is a line there."""
        self._number(place, line)
        return {int(each) for each in self._order.line_numbers(line)}

    def _rendering(self) -> Rendering:
        return Rendering(self._connector.settings.codes, self._connector.place)


def _change_look_up(query: Any, fields: Mapping[str, Any]) -> LookUp:
    """Tell whether a change was made: the line then says what we wrote."""

    def hits(answer: Answer) -> Sequence[Hit] | str:
        found = rows(answer.fields)
        if found is None:
            return "the answer holds no list of lines"
        return [Hit("", each) for each in found if not differing(fields, each, tuple(fields))]

    return LookUp(query, hits)


def order_of(
    delivery: Delivery, reference: OrderReference | None, connector: Dynamics365, path: str
) -> ErpOrder:
    """Give the order that a line or a document names. Errors: StuckError."""
    if reference is None:
        text = "neither the document nor its line names an order"
        raise StuckError(connector.place.finding("ERP-ORDER-UNKNOWN", text, path))
    return erp_order(delivery, reference, connector.place)


def order_line_of(
    connector: Dynamics365,
    delivery: Delivery,
    rendering: Rendering,
    document: Invoice | GoodsReceipt,
    place: int,
) -> tuple[str, int | None]:
    """Give the order that a document's line names, and the line's number there. Errors: StuckError."""
    line, path = document.lines[place], f"lines[{place}]"
    reference = line.order or (document.orders[0] if len(document.orders) == 1 else None)
    order = order_of(delivery, reference, connector, f"{path}.order")
    number = order.line_number(line)
    if number is None:
        text = f"line '{line.order_line_id or line.line_id or ''}' is none of order {order.number}'s"
        rendering.problem("ERP-LINE-UNKNOWN", text, path)
        return order.number, None
    return order.number, int(number)
