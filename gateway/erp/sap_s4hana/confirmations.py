"""A supplier's acknowledgment (855) in SAP: prepared over OData, sent over one-way SOAP, looked for. Pure.

SAP answers 202 and works on the message later; whether it did shows in the order only. So the order is
read again until it shows the supplier's number; a message that was lost is sent once more, under another
id. Lines that SAP's confirmation cannot hold are the buyer's, and the acknowledgment is partly applied.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Effect, Finished
from canonical.acknowledgment import Acknowledgment, AcknowledgmentLine
from canonical.lines import Schedule
from gateway.erp.connector.aliases import ErpOrder, erp_order
from gateway.erp.connector.answering import LineAnswer, OrderedLine, Standing, judged, partly_applied
from gateway.erp.connector.series import Answer, Ask, Call, Poll, Read, Series, StuckError, Write
from gateway.erp.odata.batch import Operation
from gateway.erp.odata.bodies import decimal_or_none
from gateway.erp.sap_s4hana.confirmation_message import (
    ACTION,
    CONTENT_TYPE,
    ConfirmationMessage,
    ConfirmedItem,
    ConfirmedLine,
    message_id,
    write,
)
from gateway.erp.sap_s4hana.orders import Order, changed_order
from gateway.erp.sap_s4hana.prices import sap_price
from gateway.erp.sap_s4hana.services import (
    etag_of,
    item_change,
    items_of,
    schedules_of,
    v4_order,
    without_zeros,
)

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

HOLDS = frozenset({Standing.AS_ORDERED, Standing.DATED, Standing.PARTLY, Standing.PRICED})
ACKNOWLEDGED = "PurgDocOrderAcknNumber"
ACKNOWLEDGED_LENGTH = 20
SENT_MAX = 2  # messages for one acknowledgment: a lost one is sent once more

Item = Mapping[str, Any]


def acknowledgment(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Confirm what the supplier confirms, line by line; leave the rest to the buyer."""
    document = delivery.document
    assert isinstance(document, Acknowledgment)  # noqa: S101 - the kind says so
    known = erp_order(delivery, document.order, connector.place)
    read = yield Read("order", connector.services.order(known.number))
    current = v4_order(read).fields
    written, left = _divided(connector, document, known, current)
    if written:
        yield from _prepared(connector, delivery, known.number, written)
        items = tuple(_confirmed(connector, answer, item) for answer, item in written)
        yield from _sent(connector, delivery, document, known.number, items)
    if left or not written:
        raise StuckError(*partly_applied(connector.place, known.number, [each for each, _ in written], left))
    return Finished(known.number)


# -- what to write, what to leave ----------------------------------------------------------------------


def _divided(
    connector: SapS4Hana, document: Acknowledgment, known: ErpOrder, order: Order
) -> tuple[list[tuple[LineAnswer, Item]], list[LineAnswer]]:
    """Give the lines to confirm with their items, and those that are the buyer's."""
    named = {without_zeros(number): number for line in document.lines if (number := known.line_number(line))}
    items = {
        named.get(without_zeros(each.get("PurchaseOrderItem")), str(each.get("PurchaseOrderItem"))): each
        for each in items_of(order)
        if not each.get("PurchasingDocumentDeletionCode")
    }
    ordered = {number: _ordered(each) for number, each in items.items()}
    verdict = judged(document, known, ordered, connector.settings.answers)
    if not verdict.lines and verdict.header is Standing.REJECTED:
        text = f"the supplier refuses order {known.number} as a whole, and SAP's confirmation cannot say so"
        raise connector.place.stuck(
            "ERP-ACK-REFUSED", f"{text}: cancel the order or buy elsewhere, then resolve this", "response"
        )
    if not verdict.lines and verdict.header is Standing.AS_ORDERED:
        return [(_whole(number), each) for number, each in items.items()], []
    written: list[tuple[LineAnswer, Item]] = []
    left: list[LineAnswer] = []
    for answer in verdict.lines:
        item = items.get(answer.line_number or "")
        problem = _problem(connector, answer, item)
        if item is None or problem:
            left.append(replace(answer, standing=Standing.BUYERS, reason=problem or answer.reason))
        else:
            written.append((answer, item))
    return written, left


def _problem(connector: SapS4Hana, answer: LineAnswer, item: Item | None) -> str:
    if answer.standing not in HOLDS:
        return answer.reason
    if item is None:
        return "the order's item is not there any more"
    unit = answer.line.accepted.unit if answer.line.accepted is not None else None
    unit = unit or (answer.line.quantity.unit if answer.line.quantity is not None else None)
    theirs = item.get("PurchaseOrderQuantityUnit")
    if unit is not None and connector.settings.codes.units.get(unit, unit) != theirs:
        return f"the supplier answers in {unit}, the order's line is in {theirs}"
    if answer.accepted is not None and answer.accepted <= 0:
        return "nothing of the line is confirmed yet"
    if _day(answer, item) is None:
        return "neither the supplier nor the order names a day"
    return ""


def _ordered(item: Item) -> OrderedLine:
    days = {
        day for each in schedules_of(item) if (day := _date(each.get("ScheduleLineDeliveryDate"))) is not None
    }
    amount, per = decimal_or_none(item.get("NetPriceAmount")), decimal_or_none(item.get("NetPriceQuantity"))
    price = amount / per if amount is not None and per else None
    return OrderedLine(
        decimal_or_none(item.get("OrderQuantity")), price, days.pop() if len(days) == 1 else None
    )


def _whole(number: str) -> LineAnswer:
    """Give the answer for an item of an order that was accepted without naming lines."""
    return LineAnswer(0, AcknowledgmentLine(sequence=1), number, Standing.AS_ORDERED)


# -- preparing -----------------------------------------------------------------------------------------


def _prepared(
    connector: SapS4Hana, delivery: Delivery, number: str, written: Sequence[tuple[LineAnswer, Item]]
) -> Generator[Ask, Answer, None]:
    """Give items the control key without which SAP takes no confirmation, and prices that a rule lets in."""
    defaults = connector.defaults(delivery)
    without_key = [str(each["PurchaseOrderItem"]) for _, each in written if not _key(each)]
    if without_key and not defaults.confirmation_control_key:
        text = f"order {number}: items {', '.join(without_key)} lack a confirmation control key; SAP takes no"
        raise connector.place.stuck(
            "ERP-CONFIRMATION-KEY",
            f"{text} confirmation; set one in SAP (or defaults.confirmation_control_key), then retry",
        )

    def plan(order: Order, etag: str) -> tuple[Operation, ...]:
        now = {without_zeros(each.get("PurchaseOrderItem")): each for each in items_of(order)}
        currency = str(order.get("DocumentCurrency") or "")
        found: list[Operation] = []
        for answer, item in written:
            name = str(item["PurchaseOrderItem"])
            current = now.get(without_zeros(name), item)
            fields: dict[str, Any] = {}
            if not _key(current):
                fields["SupplierConfirmationControlKey"] = defaults.confirmation_control_key
            fields |= _new_price(connector, answer, current, currency)
            if fields:
                found.append(item_change(number, name, fields, etag_of(current, etag)))
        return tuple(found)

    if without_key or any(answer.standing is Standing.PRICED for answer, _ in written):
        yield from changed_order(connector, delivery, number, plan, "prepare")


def _new_price(connector: SapS4Hana, answer: LineAnswer, item: Item, currency: str) -> dict[str, Any]:
    if answer.standing is not Standing.PRICED or answer.line.price is None:
        return {}
    price = answer.line.price
    base = price.base_quantity or Decimal(1)
    written = sap_price(price.amount, base, connector.settings.decimals(currency))
    if written is None:
        text = "the supplier's price has more digits than SAP keeps; enter it by hand, then resolve this"
        raise connector.place.stuck("ERP-DIGITS", text, f"{answer.path}.price")
    amount, per = decimal_or_none(item.get("NetPriceAmount")), decimal_or_none(item.get("NetPriceQuantity"))
    if amount is not None and per is not None and amount * written[1] == written[0] * per:
        return {}
    return {"NetPriceAmount": written[0], "NetPriceQuantity": written[1]}


# -- sending -------------------------------------------------------------------------------------------


def _sent(
    connector: SapS4Hana,
    delivery: Delivery,
    document: Acknowledgment,
    number: str,
    items: tuple[ConfirmedItem, ...],
) -> Generator[Ask, Answer, None]:
    """Send the message, and see that the order shows it. Errors: StuckError ERP-CONFIRMATION-LOST."""
    seller_number = (document.order.seller_number or "")[:ACKNOWLEDGED_LENGTH]
    waits = connector.settings.confirmation_waits_s
    names = {without_zeros(each.number) for each in items}
    for attempt in range(1, SENT_MAX + 1):
        message = ConfirmationMessage(
            message_id(delivery.reference, attempt), number, seller_number, items, delivery.accepted_at
        )
        # The snapshot replaces what is there, and the message has an id: the same again changes nothing.
        yield Write(f"confirm:{attempt}", _call(connector, message), effect=Effect.REPEATABLE)
        if not seller_number or not waits:
            return
        seen = yield Poll(
            f"confirmed:{attempt}",
            connector.services.order(number),
            lambda answer: _shows(answer, names, seller_number),
            waits,
            "SAP took the confirmation; the order does not show it yet",
        )
        if _shows(seen, names, seller_number):
            return
    text = (
        f"SAP took the confirmation of order {number} {SENT_MAX} times (202), and the order does not show it;"
        " look in SAP's message monitor for the reason, enter it by hand, then resolve this"
    )
    raise connector.place.stuck("ERP-CONFIRMATION-LOST", text)


def _call(connector: SapS4Hana, message: ConfirmationMessage) -> Call:
    path = connector.settings.confirmation_service
    headers = (("Content-Type", CONTENT_TYPE), ("SOAPAction", f'"{ACTION}"'), ("Accept", "text/xml"))
    address = f"{path}?MessageId={message.message_id}"
    return Call("POST", address, lambda: write(message, f"/{path}"), headers)


def _shows(answer: Answer, names: set[str], seller_number: str) -> bool:
    order = answer.fields if isinstance(answer.fields, Mapping) else {}
    shown = {without_zeros(each.get("PurchaseOrderItem")): each.get(ACKNOWLEDGED) for each in items_of(order)}
    return all(shown.get(name) == seller_number for name in names)


def _confirmed(connector: SapS4Hana, answer: LineAnswer, item: Item) -> ConfirmedItem:
    unit, name = str(item.get("PurchaseOrderQuantityUnit") or ""), str(item["PurchaseOrderItem"])
    quantity = answer.accepted if answer.accepted is not None else decimal_or_none(item.get("OrderQuantity"))
    day = _day(answer, item)
    if quantity is None or day is None:
        raise connector.place.stuck("ERP-CONFIRMATION", f"item {name} shows no quantity or day", answer.path)
    parts = [
        (each.quantity.value, when)
        for each in answer.line.schedules
        if (when := _promised(each)) and each.quantity
    ]
    is_whole = len(parts) == len(answer.line.schedules) and sum(each for each, _ in parts) == quantity
    if parts and is_whole:
        return ConfirmedItem(name, tuple(ConfirmedLine(each, unit, when) for each, when in parts))
    return ConfirmedItem(name, (ConfirmedLine(quantity, unit, day),))


def _promised(schedule: Schedule) -> date | None:
    kinds = ("promised_delivery", "estimated_delivery", "promised_ship")
    found = [each.date for kind in kinds for each in schedule.dates if each.kind == kind]
    return found[0] if found else schedule.requested.date if schedule.requested is not None else None


def _day(answer: LineAnswer, item: Item) -> date | None:
    days = [_date(each.get("ScheduleLineDeliveryDate")) for each in schedules_of(item)]
    return answer.promised or next((each for each in days if each is not None), None)


def _key(item: Item) -> str:
    return str(item.get("SupplierConfirmationControlKey") or "")


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
