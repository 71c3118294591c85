"""Closing an order in Oracle that another system owns now: closed, read back, never cancelled. Pure.

A cancellation is communicated to the supplier, who keeps the order; a close is the buyer's own affair. What
was received or invoiced stays as it is. Source: Procurement REST guide, Purchase Orders, action `close`
(`closeAction`: closeForReceiving, closeForInvoicing, close, finallyClose), and Purchase Order Schedules.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from adapters.base import Delivery, Finding
from adapters.base.orders import OrderThere
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.closing import (
    CLOSE,
    closed_as_counted,
    closing_change,
    not_closed,
    order_to_close,
    require_counted,
)
from gateway.erp.connector.series import Answer, Call, Hit, LookUp, Poll, Read, Series, Write
from gateway.erp.oracle_fusion.orders import ORDERS
from gateway.erp.oracle_fusion.resources import members, own_path
from gateway.erp.oracle_fusion.schedules import ZERO, order_of, schedules_of

if TYPE_CHECKING:
    from gateway.erp.oracle_fusion.connector import OracleFusion

READ_BACK_WAITS_S = (2.0, 10.0, 60.0)


def closing(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Close an order and read it back; one that is closed already is only read."""
    change = closing_change(delivery)
    order = order_to_close(delivery, change, connector.place)
    schedules = schedules_of(connector.resources, order.number)
    there = _shown(connector, delivery, order, (yield Read("quantities", schedules)))
    if there.state == "open":
        require_counted(connector.place, delivery, change, order, there)
        path = _path(connector, delivery, order, (yield Read("order", _query(connector, order))))
        call = connector.resources.action(
            path,
            "close",
            closeAction=_action(connector, there),
            closeReason=connector.settings.close_reason,
        )
        # Oracle refuses to close what is closed: so it is looked at first, also when a person retries.
        look_up = LookUp(schedules, lambda answer: _hits_closed(connector, answer))
        yield Write(CLOSE, call, look_up, looks_first=True, is_unique=True)
        reason = "closed; the ERP does not show it so yet"
        back = yield Poll(
            "read_back",
            schedules,
            lambda answer: bool(_hits_closed(connector, answer)),
            READ_BACK_WAITS_S,
            reason,
        )
        there = _shown(connector, delivery, order, back)
    why = "the ERP took the close, and still shows it open; an approval may stand before it"
    return closed_as_counted(connector.place, delivery, change, order, there, why)


def _query(connector: OracleFusion, order: ErpOrder) -> Call:
    return connector.resources.query(ORDERS, {"OrderNumber": order.number})


def _action(connector: OracleFusion, there: OrderThere) -> str:
    """Give the close action: what is received and not invoiced yet must stay open to its invoice."""
    waits = any((each.received or ZERO) > (each.invoiced or ZERO) for each in there.lines)
    return "close" if waits else connector.settings.close_action


def _shown(connector: OracleFusion, delivery: Delivery, order: ErpOrder, answer: Answer) -> OrderThere:
    found = order_of(connector.name, connector.settings.codes.units, answer.fields)
    if isinstance(found, Finding):
        raise not_closed(connector.place, delivery, order.number, found.text)
    if found is None:
        text = "the ERP shows no schedule of it; see whether these credentials may read it"
        raise not_closed(connector.place, delivery, order.number, text)
    return found


def _path(connector: OracleFusion, delivery: Delivery, order: ErpOrder, answer: Answer) -> str:
    path = next((own_path(each, ORDERS) for each in members(answer) or ()), "")
    if not path:
        raise not_closed(connector.place, delivery, order.number, "it is not among the ERP's orders")
    return path


def _hits_closed(connector: OracleFusion, answer: Answer) -> list[Hit]:
    found = order_of(connector.name, {}, answer.fields)
    is_closed = isinstance(found, OrderThere) and found.state == "closed"
    return [Hit(found.number, answer.fields)] if isinstance(found, OrderThere) and is_closed else []
