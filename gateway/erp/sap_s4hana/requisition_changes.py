"""Changing and cancelling a requisition that is there: its items, in one changeset under its ETag. Pure.

A cancellation deletes every item, a replacement those that it does not name any more; SAP keeps them, marked
(`IsDeleted`). An item that an order was made of is the order's affair, and a person's. Source: service
metadata of API_PURCHASEREQ_PROCESS_SRV (A_PurchaseRequisitionItem: IsDeleted, OrderedQuantity).
Assumed: a changeset takes several items, and what is shown without an ETag of its own has its header's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.document import OrderReference
from canonical.requisition import Requisition
from gateway.erp.connector.aliases import ErpOrder, erp_order
from gateway.erp.connector.comparing import is_same
from gateway.erp.connector.rendering import Rendering
from gateway.erp.connector.series import Answer, Hit, LookUp, Read, Series, Write
from gateway.erp.odata.batch import Operation
from gateway.erp.odata.bodies import decimal_or_none
from gateway.erp.odata.times import ODataValueError, date_of
from gateway.erp.sap_s4hana.order_body import item_number
from gateway.erp.sap_s4hana.order_texts import left_out
from gateway.erp.sap_s4hana.orders import ROUNDS_MAX
from gateway.erp.sap_s4hana.requisitions import REFERENCE, requisition_item
from gateway.erp.sap_s4hana.services import changed, requisition_item_change, v2_entity, without_zeros
from gateway.erp.sap_s4hana.settings import SapDefaults

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

ITEMS = "to_PurchaseReqnItem"
DELETED = {"IsDeleted": "X"}
KEPT = frozenset({"PurchaseRequisitionItem", REFERENCE})  # of the first document, whatever changes

Item = Mapping[str, Any]
Wanted = Mapping[str, Mapping[str, Any]]  # by item number without zeros: the fields that are to be other


def requisition_change(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Change, replace or cancel a requisition."""
    document = delivery.document
    assert isinstance(document, Requisition)  # noqa: S101 - the kind says so
    known = erp_order(delivery, OrderReference(number=document.number), connector.place)
    call = connector.services.requisition(known.number)
    for attempt in range(1, ROUNDS_MAX + 1):
        read = yield Read(f"requisition:{attempt}", call)
        wanted = _wanted(connector, delivery, document, known, _items(read))
        if not wanted:
            return _finished(connector, document, known)  # it is as asked already
        operations = _operations(known.number, read, wanted)
        boundary = f"batch_{delivery.reference}_{attempt}"
        # Under an old ETag SAP refuses it, so it is never done twice, however often it is sent.
        write = Write(
            f"change_requisition:{attempt}",
            connector.services.change_requisition(operations, boundary),
            LookUp(call, lambda answer, w=wanted: _hits(answer, w)),  # type: ignore[misc]
            is_unique=True,
        )
        answer = yield write
        if answer.is_adopted or changed(answer.reply) is None:
            return _finished(connector, document, known)
    text = f"requisition {known.number} was changed by others {ROUNDS_MAX} times while it was read"
    raise connector.place.stuck("ERP-CHANGED-MEANWHILE", f"{text}; retry when it is quiet")


def _finished(connector: SapS4Hana, document: Requisition, known: ErpOrder) -> Finished:
    if document.purpose == "cancellation":
        return Finished(known.number)
    return Finished(known.number, notes=left_out(connector.name, document, connector.settings))


# -- what is to be other -------------------------------------------------------------------------------


def _wanted(
    connector: SapS4Hana, delivery: Delivery, document: Requisition, known: ErpOrder, items: Sequence[Item]
) -> Wanted:
    """Give what differs, by item. Errors: StuckError ERP-LINE-UNKNOWN, ERP-REQUISITION-ORDERED."""
    named: dict[str, Mapping[str, Any]] = {}
    if document.purpose != "cancellation":
        named = connector.rendered(delivery, lambda r, d: _rendered(connector, document, known, r, d))
    shown = {without_zeros(each.get("PurchaseRequisitionItem")): each for each in items}
    unknown = [name for name in named if name not in shown or shown[name].get("IsDeleted")]
    if unknown:
        text = f"items {', '.join(unknown)} are none of requisition {known.number}'s, or deleted there"
        raise connector.place.stuck(
            "ERP-LINE-UNKNOWN", f"{text}; add them by hand, then resolve this", "lines"
        )
    wanted: dict[str, Mapping[str, Any]] = {}
    for name, item in shown.items():
        fields = named.get(name)
        if fields is not None:
            differing = {key: each for key, each in fields.items() if not _is_same(each, item.get(key))}
        else:
            is_out = document.purpose != "change" and not item.get("IsDeleted")
            differing = dict(DELETED) if is_out else {}
        if differing:
            _check_not_ordered(connector, known.number, name, item)
            wanted[name] = differing
    return wanted


def _rendered(
    connector: SapS4Hana, document: Requisition, known: ErpOrder, rendering: Rendering, defaults: SapDefaults
) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for at, line in enumerate(document.lines):
        fields = requisition_item(line, f"lines[{at}]", document, "", rendering, connector.settings, defaults)
        name = known.line_number(line) or item_number(line.sequence)
        found[without_zeros(name)] = {key: each for key, each in fields.items() if key not in KEPT}
    return found


def _check_not_ordered(connector: SapS4Hana, number: str, name: str, item: Item) -> None:
    ordered = decimal_or_none(item.get("OrderedQuantity"))
    if ordered:
        text = f"item {name} of requisition {number} is ordered already ({ordered})"
        raise connector.place.stuck(
            "ERP-REQUISITION-ORDERED", f"{text}: change or cancel the order, then resolve this", "lines"
        )


def _is_same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, date):
        try:
            return date_of(theirs) == ours
        except ODataValueError:
            return False
    return is_same(ours, theirs if theirs is not None else "")


# -- asking and looking --------------------------------------------------------------------------------


def _items(answer: Answer) -> list[Item]:
    listed = v2_entity(answer.fields).get(ITEMS)
    rows = listed.get("results") if isinstance(listed, Mapping) else listed
    found = [each for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
    return [each for each in found if each.get("PurchaseRequisitionItem")]


def _operations(number: str, answer: Answer, wanted: Wanted) -> tuple[Operation, ...]:
    header_etag = _etag(v2_entity(answer.fields)) or answer.reply.header("ETag") or ""
    return tuple(
        requisition_item_change(
            number, str(item["PurchaseRequisitionItem"]), fields, _etag(item) or header_etag
        )
        for item in _items(answer)
        if (fields := wanted.get(without_zeros(item["PurchaseRequisitionItem"]))) is not None
    )


def _etag(entity: Mapping[str, Any]) -> str:
    metadata = entity.get("__metadata")
    return str(metadata.get("etag") or "") if isinstance(metadata, Mapping) else ""


def _hits(answer: Answer, wanted: Wanted) -> Sequence[Hit]:
    shown = {without_zeros(each["PurchaseRequisitionItem"]): each for each in _items(answer)}
    is_done = all(
        name in shown and all(_is_same(each, shown[name].get(key)) for key, each in fields.items())
        for name, fields in wanted.items()
    )
    found = v2_entity(answer.fields)
    return [Hit(str(found.get("PurchaseRequisition")), found)] if is_done else []
