"""The supplier's answer (855) as Dynamics keeps it: a response beside the order, or days on its lines. Pure.

The response entities belong to vendor collaboration. They are written line by line, as full snapshots: a
second answer to the same order changes the response that is there. What it cannot hold is the buyer's.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.acknowledgment import Acknowledgment
from gateway.erp.connector.aliases import erp_order
from gateway.erp.connector.answering import LineAnswer, OrderedLine, Standing, Verdict, judged, partly_applied
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.rendering import without_nothing
from gateway.erp.connector.series import Answer, Ask, Hit, LookUp, Read, Series, StuckError, Write
from gateway.erp.dynamics365.addresses import (
    LINES,
    RESPONSE_LINES,
    RESPONSES,
    changed,
    created,
    found_by,
    rows,
)
from gateway.erp.dynamics365.order_rendering import midday

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

Fields = dict[str, Any]

_HELD = frozenset({Standing.AS_ORDERED, Standing.DATED, Standing.PARTLY, Standing.REJECTED, Standing.PRICED})
_HELD_BY_LINES = frozenset({Standing.AS_ORDERED, Standing.DATED})
_ON_ORDER_LINES = {
    # The buyer takes a response over there; only a price that a rule lets in is written to the order at once.
    "entity": frozenset({Standing.PRICED}),
    "order_lines": _HELD_BY_LINES,
}
_LINE_STATUS = {
    Standing.AS_ORDERED: "Accepted",
    Standing.DATED: "AcceptedWithChanges",
    Standing.PARTLY: "AcceptedWithChanges",
    Standing.PRICED: "AcceptedWithChanges",
    Standing.REJECTED: "Rejected",
}
_HEADER_STATUS = {Standing.AS_ORDERED: "Accepted", Standing.REJECTED: "Rejected"}


def take_answer(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Write an acknowledgment, and leave to the buyer what only a buyer decides."""
    answer = delivery.document
    assert isinstance(answer, Acknowledgment)  # noqa: S101 - the kind said so
    order = erp_order(delivery, answer.order, connector.place)
    keys = {
        "dataAreaId": connector.settings.of_route(delivery.route).company,
        "PurchaseOrderNumber": order.number,
    }
    read = yield Read("ordered", found_by(LINES, **keys))
    held = rows(read.fields) or []
    if not held:
        text = f"order {order.number} has no lines in company {keys['dataAreaId']}, or is gone"
        raise connector.place.stuck("ERP-ORDER-UNKNOWN", f"{text}; see the ERP, then retry", "order.number")
    verdict = judged(answer, order, _ordered(held), connector.settings.answers)
    holds = _HELD if connector.settings.responses == "entity" else _HELD_BY_LINES
    if holds is _HELD:
        yield from _respond(keys, answer, verdict)
    for each in verdict.writable(_ON_ORDER_LINES[connector.settings.responses]):
        yield from _write_line(connector, keys, each)
    left = verdict.left(holds)
    if left or (verdict.header is Standing.BUYERS and not verdict.lines):
        raise StuckError(*partly_applied(connector.place, order.number, verdict.writable(holds), left))
    return Finished(order.number)


def _respond(
    keys: Mapping[str, Any], answer: Acknowledgment, verdict: Verdict
) -> Generator[Ask, Answer, None]:
    fields = without_nothing(
        {
            "ResponseStatus": _HEADER_STATUS.get(verdict.header, "AcceptedWithChanges"),
            "RespondingDateTime": midday(answer.acknowledged),
            "VendorOrderReference": answer.order.seller_number,
        }
    )
    yield from _put("response", RESPONSES, keys, fields)
    for each in verdict.writable(_HELD):
        line_keys = {**keys, "LineNumber": int(str(each.line_number))}
        yield from _put(f"response_line:{each.line_number}", RESPONSE_LINES, line_keys, _response_line(each))


def _put(
    step: str, entity_set: str, keys: Mapping[str, Any], fields: Mapping[str, Any]
) -> Generator[Ask, Answer, None]:
    """Create what is not there, change what is."""
    query = found_by(entity_set, **keys)
    head, colon, rest = step.partition(":")
    found = rows((yield Read(f"{head}_before{colon}{rest}", query)).fields) or []
    if not found:

        def hits(answer: Answer) -> list[Hit]:
            return [
                Hit("", each, tuple(differing(fields, each, tuple(fields))))
                for each in rows(answer.fields) or []
            ]

        yield Write(step, created(entity_set, {**keys, **fields}), LookUp(query, hits), is_unique=True)
        return
    changes = {name: value for name, value in fields.items() if differing({name: value}, found[0], (name,))}
    if changes:

        def made(answer: Answer) -> list[Hit]:
            return [
                Hit("", each)
                for each in rows(answer.fields) or []
                if not differing(changes, each, tuple(changes))
            ]

        yield Write(step, changed(entity_set, keys, changes), LookUp(query, made))


def _response_line(answer: LineAnswer) -> Fields:
    is_refused = answer.standing is Standing.REJECTED
    accepted = Decimal(0) if is_refused else answer.accepted
    if accepted is None and answer.line.quantity is not None:
        accepted = answer.line.quantity.value
    price = answer.line.price
    return without_nothing(
        {
            "LineAcceptanceStatus": _LINE_STATUS[answer.standing],
            "ConfirmedPurchaseQuantity": accepted,
            "ConfirmedDeliveryDate": midday(answer.promised) if not is_refused else None,
            "PurchasePrice": price.amount if price is not None else None,
            "PurchasePriceQuantity": price.base_quantity if price is not None else None,
        }
    )


def _write_line(
    connector: Dynamics365, keys: Mapping[str, Any], answer: LineAnswer
) -> Generator[Ask, Answer, None]:
    """Write what an answer means for the order's own line: confirmed day, a price that a rule lets in."""
    fields = without_nothing(
        {
            "ConfirmedDeliveryDate": midday(answer.promised),
            "PurchasePrice": answer.price,
            "PurchasePriceQuantity": Decimal(1) if answer.price is not None else None,
        }
    )
    if answer.standing is Standing.REJECTED or not fields:
        return
    line_keys = {**keys, "LineNumber": int(str(answer.line_number))}
    call = changed(LINES, line_keys, fields)
    yield Write(f"confirm:{answer.line_number}", call, effect=connector.repeatable)


def _ordered(held: list[Fields]) -> dict[str, OrderedLine]:
    return {str(int(each["LineNumber"])): _ordered_line(each) for each in held}


def _ordered_line(line: Fields) -> OrderedLine:
    quantity, price = _decimal(line.get("OrderedPurchaseQuantity")), _decimal(line.get("PurchasePrice"))
    base = _decimal(line.get("PurchasePriceQuantity")) or Decimal(1)
    day = str(line.get("RequestedDeliveryDate") or "")[:10]
    requested = date.fromisoformat(day) if day and not day.startswith("1900") else None
    return OrderedLine(quantity, price / base if price is not None else None, requested)


def _decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
