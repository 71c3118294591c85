"""Orders of a REST ERP of declared shape: reading one, and closing it with a read-back. Pure.

A close sets quantities and subtracts nothing, so that it can be sent again; it counts as done only once
the ERP itself shows the order closed, with what the move counted where it shows that.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from adapters.base import (
    Accepted,
    Delivery,
    Finding,
    Finished,
    Level,
    NoReply,
    Outcome,
    Reply,
    Stuck,
    Transient,
)
from adapters.base.orders import LineThere, OrderThere, not_read
from canonical.order_change import OrderChange
from canonical.registry import DocumentError, read_json
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.closing import Miscount, counted_otherwise, miscounted
from gateway.erp.connector.series import Place
from gateway.erp.generic_rest_settings import OrderSettings
from gateway.erp.json_paths import dig, text_at

CLOSE = "close"
READ_BACK = "read_back"
NOT_CLOSED_YET_S = 5.0


def filled(path: str, number: str, reference: str) -> str:
    """Give an address for one order."""
    return path.format_map({"number": quote(number, safe=""), "reference": quote(reference, safe="")})


def order_shown(name: str, settings: OrderSettings, reply: Reply | NoReply) -> OrderThere | Finding | None:
    """Say what a reply shows of an order; None where it says that there is none."""
    if isinstance(reply, NoReply):
        return not_read(name, reply.reason)
    if reply.status in settings.missing_statuses:
        return None
    if reply.status != 200:
        return not_read(name, f"status {reply.status}")
    try:
        body: Any = read_json(reply.body)
        shown = dig(body, settings.order) if settings.order else body
        if shown is None or shown == []:
            return None
        found = dig(shown, settings.lines)
        lines = tuple(_line(each, settings) for each in (found if isinstance(found, list) else ()))
    except (DocumentError, InvalidOperation, ValueError) as error:
        return not_read(name, str(error))
    state = text_at(shown, settings.state)
    if not state:
        return not_read(name, f"there is no state at '{settings.state}'")
    sender = text_at(shown, settings.transmitter) if settings.transmitter else ""
    return OrderThere(
        text_at(shown, settings.number),
        "closed" if state in settings.closed else "open",
        lines,
        sender == settings.transmits_word if sender else None,
        _flag(shown, settings.encumbers),
    )


def _flag(shown: Any, path: str) -> bool | None:
    found = dig(shown, path) if path else None
    return found if isinstance(found, bool) else None


def read_back(name: str, settings: OrderSettings, reply: Reply | NoReply) -> Outcome:
    """Judge what a close was worth by what the ERP shows afterwards."""
    shown = order_shown(name, settings, reply)
    if isinstance(shown, Finding):
        return Transient(f"closed, and it cannot be read back: {shown.text}", retry_after_s=NOT_CLOSED_YET_S)
    if shown is None:
        return Transient("closed, and the ERP shows no such order", retry_after_s=NOT_CLOSED_YET_S)
    if shown.state != "closed":
        return Transient("the ERP still shows it open", retry_after_s=NOT_CLOSED_YET_S)
    return Accepted(shown.number or "closed")


def ended_close(place: Place, delivery: Delivery, change: OrderChange, shown: OrderThere) -> Finished | Stuck:
    """End a close by the closed order that was read back: as counted, otherwise, or nobody can tell.

    What an ERP does not show may be there: it can make less than was counted, never more.
    """
    number = shown.number or "closed"
    told = miscounted(change, ErpOrder(number, ()), shown)
    is_whole = bool(shown.lines) and all(
        line.received is not None and line.invoiced is not None for line in shown.lines
    )
    if told.more or (told.less and is_whole):
        counted = told if is_whole else Miscount(more=told.more)
        return Stuck(counted_otherwise(place, delivery, number, counted, is_closed=True).findings)
    is_silent = all(line.received is None and line.invoiced is None for line in shown.lines)
    return Finished(number, notes=(_not_compared(place, number),) if told.less or is_silent else ())


def _not_compared(place: Place, number: str) -> Finding:
    text = (
        f"order {number} is closed there, and what was received and invoiced of it could not be compared "
        "with what its move counted: the reply does not show both for each line. Name them in "
        "orders.received and orders.invoiced of the endpoint, where the system tells them; look at this "
        "order there"
    )
    return replace(place.finding("MOVE-NOT-COMPARED", text), level=Level.NOTE)


def _line(shown: Any, settings: OrderSettings) -> LineThere:
    def number(path: str) -> Decimal | None:
        text = text_at(shown, path) if path else ""
        return Decimal(text) if text else None

    line = text_at(shown, settings.line)
    quantity = number(settings.quantity)
    if not line or quantity is None:
        raise ValueError(f"a line has no '{settings.line}' or no '{settings.quantity}'")
    return LineThere(
        line,
        quantity,
        text_at(shown, settings.unit) if settings.unit else "",
        number(settings.price),
        number(settings.received),
        number(settings.invoiced),
    )
