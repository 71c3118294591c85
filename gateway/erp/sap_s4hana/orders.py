"""Creating an order, changing it, cancelling it: the series of SAP's steps. Pure.

A create is one deep insert. Changes go into one changeset, all or nothing, under the ETag of the order
that was read: answered 412, someone else changed it, and it is read and changed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Alias, Delivery, Finding, Finished, Level, Position
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.scalars import plain_digits
from gateway.erp.connector.aliases import ErpLine, erp_order, order_aliases
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.references import reference_for
from gateway.erp.connector.series import Answer, Ask, Hit, LookUp, Read, Series, Write
from gateway.erp.odata.batch import Operation
from gateway.erp.odata.bodies import decimal_or_none
from gateway.erp.odata.literals import Version, equals
from gateway.erp.sap_s4hana.order_body import OrderBody, item_number
from gateway.erp.sap_s4hana.order_changes import OrderChanges, added, came_of, is_done, items_out
from gateway.erp.sap_s4hana.order_texts import left_out
from gateway.erp.sap_s4hana.services import (
    changed,
    found_by,
    items_of,
    schedules_of,
    v4_order,
    v4_rows,
    without_zeros,
)
from gateway.erp.sap_s4hana.suppliers import check_supplier

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

REFERENCE = "CorrespncInternalReference"
REFERENCE_LENGTH = 12
ROUNDS_MAX = 3  # reads and changes of one order that others change meanwhile
HEAD = ("Supplier", "CompanyCode", "DocumentCurrency", "PurchasingOrganization")
ITEM = ("Material", "SupplierMaterialNumber", "Plant", "OrderQuantity", "PurchaseOrderQuantityUnit")

Order = Mapping[str, Any]
Plan = Callable[[Order, str], tuple[Operation, ...]]


def order(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Create an order, once."""
    document = delivery.document
    assert isinstance(document, PurchaseOrder)  # noqa: S101 - the kind says so
    reference = reference_for(delivery, REFERENCE_LENGTH)
    is_silent = connector.is_output_off(delivery)
    body = connector.rendered_once(
        delivery,
        lambda r, d: OrderBody(r, connector.settings, d).order(document, reference, is_silent=is_silent),
    )
    organization = str(body["PurchasingOrganization"])
    yield from check_supplier(connector, str(body["Supplier"]), "PurchasingIsBlocked", organization)
    condition = equals(REFERENCE, reference, Version.V4)
    look_up = LookUp(
        connector.services.orders_by_reference(condition), lambda answer: _hits(answer, reference, body)
    )
    created = yield Write("create", connector.services.create_order(lambda: body), look_up, looks_first=True)
    number = str(created.fields["PurchaseOrder"])
    names = connector.names(delivery, document, created.fields)
    notes = connector.notes(delivery, created, Version.V4)
    return Finished(number, names, (*notes, *left_out(connector.name, document, connector.settings)))


def change(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Change an order as the buyer asks."""
    document = delivery.document
    assert isinstance(document, OrderChange)  # noqa: S101
    known = erp_order(delivery, document.order, connector.place)
    _is_the_buyers(connector, document)
    read_first: list[Order] = []

    def plan(current: Order, etag: str) -> tuple[Operation, ...]:
        read_first.append(current)
        return connector.rendered(
            delivery,
            lambda r, d: OrderChanges(document, known, r, connector.settings, d).operations(
                current, etag, read_first[0]
            ),
        )

    yield from changed_order(connector, delivery, known.number, plan)
    taken = {without_zeros(known.line_number(each)) for each in document.lines if each.action == "delete"}
    came = _came_before(connector, known.number, read_first[0], taken)
    notes = (*came, *left_out(connector.name, document, connector.settings))
    return Finished(known.number, _new_names(known.number, read_first[0], document), notes)


def cancellation(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Cancel an order as a whole, item by item; where goods came, what is left of one. SAP keeps the order.

    Single lines are cancelled by a change that deletes them.
    """
    document = delivery.document
    assert isinstance(document, PurchaseOrder | OrderChange)  # noqa: S101
    if isinstance(document, OrderChange):
        _is_the_buyers(connector, document)
    known = erp_order(delivery, document.named_orders[0], connector.place)
    read_first: list[Order] = []

    def plan(current: Order, etag: str) -> tuple[Operation, ...]:
        read_first.append(current)
        return tuple(items_out(current, items_of(current), etag))

    yield from changed_order(connector, delivery, known.number, plan)
    return Finished(known.number, notes=_came_before(connector, known.number, read_first[0]))


def _is_the_buyers(connector: SapS4Hana, document: OrderChange) -> None:
    if document.initiator == "seller":
        text = "the supplier asks for the change; the buyer decides: enter it in SAP, then resolve this"
        raise connector.place.stuck("ERP-CHANGE-SELLER", text, "initiator")


def _came_before(
    connector: SapS4Hana, number: str, order: Order, taken: Container[str] | None = None
) -> tuple[Finding, ...]:
    """Say which goods came before items were cancelled (`taken`; None: all); only the rest of them was."""
    came = [
        f"{plain_digits(quantity)} of item {each['PurchaseOrderItem']}"
        for each in items_of(order)
        if (quantity := came_of(each)) > 0
        and (taken is None or without_zeros(each["PurchaseOrderItem"]) in taken)
    ]
    if not came:
        return ()
    text = f"order {number}: {', '.join(came)} had been received; what was left of it is cancelled"
    return (Finding("ERP-CANCEL-REMAINDER", Position(connector.name), text, Level.NOTE),)


def order_names(number: str, order: Order, document: PurchaseOrder) -> tuple[Alias, ...]:
    """Give all names of an order that was created; lines by the item numbers that we asked for."""
    shown = {without_zeros(each.get("PurchaseOrderItem")): each for each in items_of(order)}
    lines = []
    for line in document.lines:
        name = item_number(line.sequence)
        item = shown.get(name, {})
        schedules = tuple(each["ScheduleLine"] for each in schedules_of(item))
        lines.append(ErpLine(line.sequence, str(item.get("PurchaseOrderItem") or name), schedules))
    return order_aliases(number, lines, document.lines, document.release)


def changed_order(
    connector: SapS4Hana, delivery: Delivery, number: str, plan: Plan, step: str = "change"
) -> Generator[Ask, Answer, None]:
    """Read the order and do a plan of changes on it, anew where others changed it meanwhile."""
    for attempt in range(1, ROUNDS_MAX + 1):
        read = yield Read(f"order:{attempt}", connector.services.order(number))
        current = v4_order(read)
        wanted = plan(current.fields, current.etag)
        if not wanted:
            return  # it is as asked already
        boundary = f"batch_{delivery.reference}_{attempt}"
        # Under an old ETag SAP refuses it, so it is never done twice, however often it is sent.
        look_up = LookUp(connector.services.order(number), lambda answer, w=wanted: _hits_done(answer, w))  # type: ignore[misc]
        answer = yield Write(
            f"{step}:{attempt}", connector.services.change_order(wanted, boundary), look_up, is_unique=True
        )
        # Any other refusal of a part has parked it: what comes here was done, or met a changed order (412).
        if answer.is_adopted or changed(answer.reply) is None:
            return
    text = (
        f"order {number} was changed by others {ROUNDS_MAX} times while it was read; retry when it is quiet"
    )
    raise connector.place.stuck("ERP-CHANGED-MEANWHILE", text)


def _hits_done(answer: Answer, wanted: Sequence[Operation]) -> Sequence[Hit]:
    found = v4_order(answer)
    return (
        [Hit(str(found.fields.get("PurchaseOrder")), found.fields)] if is_done(found.fields, wanted) else []
    )


def _hits(answer: Answer, reference: str, body: Mapping[str, Any]) -> Sequence[Hit] | str:
    ours = found_by(v4_rows(answer.fields), REFERENCE, reference)
    if isinstance(ours, str):
        return ours
    return [Hit(str(each.get("PurchaseOrder")), each, tuple(_differences(body, each))) for each in ours]


def _differences(body: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Compare what says which order it is: head, items, quantities, and prices as a quotient."""
    ours = {**body, "Supplier": without_zeros(body["Supplier"])}
    head = differing(ours, {**theirs, "Supplier": without_zeros(theirs.get("Supplier"))}, HEAD)
    shown = {without_zeros(each.get("PurchaseOrderItem")): each for each in items_of(theirs)}
    if not shown:
        return head
    found = list(head)
    for item in body["_PurchaseOrderItem"]:
        name = item["PurchaseOrderItem"]
        other = shown.pop(name, None)
        if other is None:
            found.append(f"item {name}")
            continue
        found += differing(item, other, ITEM, f"item {name} ")
        if not _is_price(item, other):
            found.append(f"item {name} NetPriceAmount")
    return [*found, *(f"item {name}" for name in shown)]


def _is_price(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    amount, per = ours.get("NetPriceAmount"), ours.get("NetPriceQuantity")
    their_amount = decimal_or_none(theirs.get("NetPriceAmount"))
    their_per = decimal_or_none(theirs.get("NetPriceQuantity"))
    if amount is None or per is None or their_amount is None or their_per is None:
        return True  # one side leaves the price to SAP
    return bool(amount * their_per == their_amount * per)


def _new_names(number: str, before: Order, document: OrderChange) -> tuple[Alias, ...]:
    """Name the lines that were added. Our sequences of them go on behind those of the order.

    A change counts its own lines from 1, which the order has used already: an added line is named by the
    id that its sender gave it, under the item number's tens, which no line of the order has.
    """
    new = added(document, before)
    lines = [ErpLine(int(name) // 10, name) for _, name in new]
    sent = [line.model_copy(update={"sequence": int(name) // 10}) for line, name in new]
    return order_aliases(number, lines, sent) if new else ()
