"""The series of an order: found or drafted, validated, submitted; cancelled; changed. Pure.

A draft that Oracle's validation refuses stays there under our reference: corrected there by hand, a retry
takes it up and goes on. An order that was submitted before (the journal may come from a backup) is found
among the open ones.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Alias, Delivery, Effect, Finished
from canonical.document import OrderReference
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from gateway.erp.connector.aliases import ErpLine, erp_order, order_aliases
from gateway.erp.connector.comparing import differing, differing_lines
from gateway.erp.connector.series import Answer, Ask, Hit, LookUp, Read, Series, Write
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.changes import change_body
from gateway.erp.oracle_fusion.order_bodies import order_body
from gateway.erp.oracle_fusion.references import Reference
from gateway.erp.oracle_fusion.resources import children, items, members, own_path
from gateway.erp.oracle_fusion.suppliers import supplier_name

if TYPE_CHECKING:
    from gateway.erp.oracle_fusion.connector import OracleFusion

DRAFTS = "draftPurchaseOrders"
ORDERS = "purchaseOrders"
CHILDREN = "lines,lines.schedules"
COMPARED = ("Supplier", "Currency", "ProcurementBU")
COMPARED_IN_LINES = ("Item", "Quantity", "UOM", "Price")
NOT_OPEN = frozenset({"INCOMPLETE", "REJECTED", "WITHDRAWN"})
CANCELED = frozenset({"CANCELED", "CANCELLED"})


def order(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Create an order: find it among the open ones, draft it, have it validated, submit it."""
    document = delivery.document
    assert isinstance(document, PurchaseOrder)  # noqa: S101 - the kind says so
    resources, reference = connector.resources, Reference(delivery, connector.settings.reference_field)
    is_off = connector.is_output_off(delivery)
    supplier = yield from supplier_name(connector, delivery, document.seller)
    output = {connector.settings.output_field: connector.settings.output_off} if is_off else {}
    body = connector.rendered(
        delivery,
        lambda r, d: order_body(document, supplier, r, d, connector.settings) | output,
        kept_for=f"order of {supplier}",
    )
    open_orders = yield Read("open", resources.query(ORDERS, reference.condition, CHILDREN))
    found = connector.only(_hits(open_orders, reference, body))
    if found is not None:
        return Finished(
            found.number, connector.aliases(delivery, "open", found.fields), connector.notes(delivery)
        )
    look_up = LookUp(
        resources.query(DRAFTS, reference.condition, CHILDREN), lambda each: _hits(each, reference, body)
    )
    title = f"{document.number}{f' release {document.release}' if document.release else ''}"
    create = resources.create(DRAFTS, lambda: {**body, **reference.fields(title)})
    created = yield Write("create", create, look_up, looks_first=True)
    return (yield from _submitted(connector, delivery, created, reference))


def _submitted(connector: OracleFusion, delivery: Delivery, created: Answer, reference: Reference) -> Series:
    resources = connector.resources
    number, path = text_at(created.fields, "OrderNumber"), own_path(created.fields, DRAFTS)
    if not path:
        again = yield Read("draft", resources.query(DRAFTS, {"OrderNumber": number}, CHILDREN))
        path = next((own_path(each, DRAFTS) for each in members(again) or ()), "")
    # Validation changes nothing that another one would not: it may be sent again.
    yield Write("validate", resources.action(path, "validateDocument"), effect=Effect.REPEATABLE)
    is_open = LookUp(resources.query(ORDERS, {"OrderNumber": number}), _hits_open(number))
    yield Write("submit", resources.action(path, "submit"), is_open, is_unique=True)
    aliases = connector.aliases(delivery, "create", created.fields)
    if not any(each.line_number for each in aliases):  # the reply showed no lines: ask for them
        shown = yield Read("lines", resources.query(ORDERS, {"OrderNumber": number}, CHILDREN))
        fields = next(iter(members(shown) or ()), created.fields)
        aliases = connector.aliases(delivery, "create", {**created.fields, "lines": fields.get("lines")})
    return Finished(number, aliases, connector.notes(delivery))


def cancellation(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Cancel an order that is there; one that is cancelled already is left as it is."""
    document = delivery.document
    assert isinstance(document, PurchaseOrder | OrderChange)  # noqa: S101
    (reference,) = document.named_orders[:1] or (OrderReference(),)
    number = erp_order(delivery, reference, connector.place).number
    fields, path = yield from opened(connector, number)
    if text_at(fields, "StatusCode") in CANCELED:
        return Finished(number)
    call = connector.resources.action(
        path, "cancel", cancellationReason=connector.settings.cancel_reason, initiatingParty="BUYER"
    )
    look_up = LookUp(connector.resources.query(ORDERS, {"OrderNumber": number}), _hits_canceled)
    yield Write("cancel", call, look_up, is_unique=True)
    return Finished(number)


def change(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Change an order: a draft change order of what differs, validated and submitted."""
    document = delivery.document
    assert isinstance(document, OrderChange)  # noqa: S101
    if document.initiator == "seller":
        text = "the supplier asks for a change; decide, enter it in the ERP, then resolve this"
        raise connector.place.stuck("ERP-CHANGE-SELLER", text)
    target = erp_order(delivery, document.order, connector.place)
    resources = connector.resources
    reference = Reference(delivery, "ChangeOrderDescription")
    fields, _ = yield from opened(connector, target.number)
    body = connector.rendered(
        delivery, lambda r, d: change_body(document, target, children(fields, "lines"), r, d)
    )
    condition = {"OrderNumber": target.number, **reference.condition}
    applied = yield Read("applied", resources.query(ORDERS, condition))
    if members(applied):
        return Finished(target.number)
    look_up = LookUp(resources.query(DRAFTS, condition, CHILDREN), lambda each: _hits(each, reference, body))
    # Upsert: an order of this number is open, so Oracle makes a change order of it, not a second order.
    create = resources.create(DRAFTS, lambda: {**body, **reference.fields(target.number)}, upsert=True)
    created = yield Write("create", create, look_up, looks_first=True)
    path = own_path(created.fields, DRAFTS)
    yield Write("validate", resources.action(path, "validateDocument"), effect=Effect.REPEATABLE)
    is_applied = LookUp(resources.query(ORDERS, condition), _hits_open(target.number))
    yield Write("submit", resources.action(path, "submit"), is_applied, is_unique=True)
    return Finished(target.number, _added_names(target.number, document, body))


def _added_names(number: str, document: OrderChange, body: Mapping[str, Any]) -> tuple[Alias, ...]:
    """Give the names of added lines: Oracle's line numbers go on where the order's own sequence ended."""
    numbers = [str(each["LineNumber"]) for each in body["lines"] if "LineType" in each]
    added = [line for line in document.lines if line.action == "add"]
    lines = [ErpLine(int(each), each, ("1",)) for each in numbers]
    ours = [
        line.model_copy(update={"sequence": int(each)}) for each, line in zip(numbers, added, strict=True)
    ]
    return order_aliases(number, lines, ours)


def opened(connector: OracleFusion, number: str) -> Generator[Ask, Answer, tuple[dict[str, Any], str]]:
    """Read an open order by its number: give its fields and its path. Errors: StuckError ERP-ORDER-GONE."""
    answer = yield Read("order", connector.resources.query(ORDERS, {"OrderNumber": number}, CHILDREN))
    found = members(answer)
    if not found:
        text = (
            f"order {number} is not among the open orders of the ERP; look there, then resolve or retry this"
        )
        raise connector.place.stuck("ERP-ORDER-GONE", text, "order.number")
    return found[0], own_path(found[0], ORDERS)


def order_names(number: str, fields: Any, document: Any) -> tuple[Alias, ...]:
    """Give an order's names: its number, its lines, their schedules; `document` is the order as sent."""
    own = {line.sequence for line in document.lines}  # the rest are charges
    lines = [
        ErpLine(
            int(each["LineNumber"]),
            str(each["LineNumber"]),
            tuple(str(schedule["ScheduleNumber"]) for schedule in children(each, "schedules")),
        )
        for each in items(fields.get("lines") if isinstance(fields, Mapping) else None) or ()
        if isinstance(each.get("LineNumber"), int) and each["LineNumber"] in own
    ]
    return order_aliases(number, lines, document.lines, document.release)


def _hits(answer: Answer, reference: Reference, body: Mapping[str, Any]) -> Sequence[Hit] | str:
    found = members(answer)
    if found is None:
        return "the look-up's reply is no collection; expected `items`"
    ours = [each for each in found if reference.is_in(each)]
    if found and not ours:
        return f"the look-up for {reference.text} gave others' documents: the ERP ignores the filter"
    return [Hit(text_at(each, "OrderNumber"), each, _differences(each, reference, body)) for each in ours]


def _differences(found: Mapping[str, Any], reference: Reference, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Compare by the digest of what was sent; where that differs, name the fields that a person can see."""
    if reference.says_the_same(found):
        return ()
    paths = differing(body, found, COMPARED)
    lines = items(found.get("lines"))
    if lines is not None:
        paths += differing_lines(body["lines"], lines, "LineNumber", COMPARED_IN_LINES, "lines")
    return tuple(paths) or ("content",)


def _hits_open(number: str) -> Any:
    def read(answer: Answer) -> Sequence[Hit]:
        found = members(answer) or []
        return [
            Hit(number, each)
            for each in found
            if text_at(each, "OrderNumber") == number and text_at(each, "StatusCode") not in NOT_OPEN
        ]

    return read


def _hits_canceled(answer: Answer) -> Sequence[Hit]:
    found = members(answer) or []
    return [
        Hit(text_at(each, "OrderNumber"), each) for each in found if text_at(each, "StatusCode") in CANCELED
    ]
