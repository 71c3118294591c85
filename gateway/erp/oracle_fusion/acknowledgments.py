"""A supplier's acknowledgment (855) in Oracle: the whole order accepted or rejected, or the buyer's. Pure.

Source: `PATCH purchaseOrderAcknowledgments/{POHeaderId}` (from 25C) with `AcknowledgmentResponse` ACCEPT or
REJECT; a note is required to reject. It knows no lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Effect, Finished
from canonical.acknowledgment import Acknowledgment
from gateway.erp.connector.aliases import erp_order
from gateway.erp.connector.answering import OrderedLine, Standing, Verdict, judged, partly_applied
from gateway.erp.connector.series import Series, StuckError, Write
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.orders import opened
from gateway.erp.oracle_fusion.resources import children

if TYPE_CHECKING:
    from gateway.erp.oracle_fusion.connector import OracleFusion

ACKNOWLEDGMENTS = "purchaseOrderAcknowledgments"
NOTE_MAX = 1_000


def acknowledgment(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Write what Oracle can hold; park the rest as the buyer's, marked as partly applied."""
    document = delivery.document
    assert isinstance(document, Acknowledgment)  # noqa: S101 - the kind says so
    order = erp_order(delivery, document.order, connector.place)
    fields, _ = yield from opened(connector, order.number)
    ordered = {text_at(each, "LineNumber"): _ordered(each) for each in children(fields, "lines")}
    verdict = judged(document, order, ordered, connector.settings.answers)
    if verdict.header is Standing.BUYERS:
        raise StuckError(*partly_applied(connector.place, order.number, (), _open_lines(verdict)))
    is_accepted = verdict.header is Standing.AS_ORDERED
    body = {"AcknowledgmentResponse": "ACCEPT" if is_accepted else "REJECT"}
    if not is_accepted:
        body["AcknowledgmentNote"] = _note(document)
    header_id = text_at(fields, "POHeaderId")
    call = connector.resources.change(f"{ACKNOWLEDGMENTS}/{header_id}", body)
    # Set again to the same values, it changes nothing.
    yield Write("acknowledge", call, effect=Effect.REPEATABLE)
    return Finished(order.number)


def _open_lines(verdict: Verdict) -> Any:
    """Give the lines that keep the header from being written: all that are not as ordered."""
    return verdict.left({Standing.AS_ORDERED}) or verdict.lines


def _ordered(line: Mapping[str, Any]) -> OrderedLine:
    schedules = children(line, "schedules")
    days = {text_at(each, "RequestedDeliveryDate")[:10] for each in schedules} - {""}
    return OrderedLine(
        _number(line.get("Quantity")),
        _number(line.get("Price")),
        date.fromisoformat(days.pop()) if len(days) == 1 else None,
    )


def _number(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _note(document: Acknowledgment) -> str:
    reasons = (
        note.text for line in document.lines for response in line.responses for note in response.reasons
    )
    text = "; ".join(dict.fromkeys(reasons))
    return text[:NOTE_MAX] or "The supplier rejects the order."
