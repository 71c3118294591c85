"""Requests to SAP's services: addresses, headers, batches; and what replies hold, by version. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import Reply
from gateway.erp.connector.series import Answer, Call
from gateway.erp.odata import v2, v4
from gateway.erp.odata.batch import (
    Changeset,
    ChangesetReply,
    Operation,
    OperationReply,
    multipart_content_type,
    read_multipart,
    write_multipart,
)
from gateway.erp.odata.bodies import Entity, ODataBodyError
from gateway.erp.odata.literals import Filter, Value, Version, entity, query
from gateway.erp.sap_s4hana.settings import SapSettings

REQUISITIONS = "API_PURCHASEREQ_PROCESS_SRV"
INVOICES = "API_SUPPLIERINVOICE_PROCESS_SRV"
MOVEMENTS = "API_MATERIAL_DOCUMENT_SRV"
PARTNERS = "API_BUSINESS_PARTNER"
FOUND_MAX = 3  # documents with one reference that a look-up asks for: two are one too many

_JSON = (("Accept", "application/json"),)
_BODY = (*_JSON, ("Content-Type", "application/json"))

Body = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Services:
    """The paths of one tenant."""

    settings: SapSettings

    def order(self, number: str) -> Call:
        """Ask for an order with its items and their schedule lines."""
        return _get(query(self._orders(number), expand=_DEEP))

    def orders_by_reference(self, condition: Filter) -> Call:
        """Ask for the orders that meet a condition, with their items."""
        address = query(
            f"{self.settings.order_service}/PurchaseOrder", filter=condition, expand=_DEEP, top=FOUND_MAX
        )
        return _get(address)

    def create_order(self, body: Body) -> Call:
        """Create an order with all its parts (deep insert)."""
        return Call("POST", f"{self.settings.order_service}/PurchaseOrder", lambda: v4.write(body()), _BODY)

    def change_order(self, operations: tuple[Operation, ...], boundary: str) -> Call:
        """Do changes of one order, all or none (a changeset)."""
        return _changeset(f"{self.settings.order_service}/$batch", operations, boundary)

    def v2_create(self, service: str, entity_set: str, body: Body) -> Call:
        """Create a document of a V2 service with its items."""
        return Call("POST", self._v2(service, entity_set), lambda: v2.write(body()), _BODY)

    def v2_found(
        self, service: str, entity_set: str, condition: Filter, expand: str = "", top: int = FOUND_MAX
    ) -> Call:
        """Ask a V2 service for what meets a condition."""
        options: dict[str, str | int | Filter] = {"filter": condition, "top": top, "format": "json"}
        if expand:
            options["expand"] = expand
        return _get(query(self._v2(service, entity_set), **options))

    def requisition(self, number: str) -> Call:
        """Ask for a requisition with its items."""
        address = entity(self._v2(REQUISITIONS, "A_PurchaseRequisitionHeader"), number, Version.V2)
        return _get(query(address, expand="to_PurchaseReqnItem", format="json"))

    def change_requisition(self, operations: tuple[Operation, ...], boundary: str) -> Call:
        """Do changes of one requisition, all or none."""
        return _changeset(self._v2(REQUISITIONS, "$batch"), operations, boundary)

    def supplier(self, number: str) -> Call:
        """Ask for a supplier with its purchasing organisations."""
        address = entity(self._v2(PARTNERS, "A_Supplier"), number, Version.V2)
        return _get(query(address, expand="to_SupplierPurchasingOrg", format="json"))

    def _orders(self, number: str) -> str:
        return entity(f"{self.settings.order_service}/PurchaseOrder", number, Version.V4)

    def _v2(self, service: str, entity_set: str) -> str:
        return f"{self.settings.v2_services}/{service}/{entity_set}"


_DEEP = "_PurchaseOrderItem($expand=_PurchaseOrderScheduleLineTP)"


def item_change(order: str, item: str, fields: Mapping[str, Any], etag: str) -> Operation:
    """Change fields of an order's item, where the order is still the one that was read."""
    keys: dict[str, Value] = {"PurchaseOrder": order, "PurchaseOrderItem": item}
    return _changing("PATCH", entity("PurchaseOrderItem", keys, Version.V4), fields, etag)


def schedule_change(order: str, item: str, schedule: str, fields: Mapping[str, Any], etag: str) -> Operation:
    """Change fields of an item's schedule line."""
    keys: dict[str, Value] = {"PurchaseOrder": order, "PurchaseOrderItem": item, "ScheduleLine": schedule}
    return _changing("PATCH", entity("PurchaseOrderScheduleLine", keys, Version.V4), fields, etag)


def requisition_item_change(number: str, item: str, fields: Mapping[str, Any], etag: str) -> Operation:
    """Change fields of a requisition's item, where the requisition is still the one that was read."""
    keys: dict[str, Value] = {"PurchaseRequisition": number, "PurchaseRequisitionItem": item}
    address = entity("A_PurchaseRequisitionItem", keys, Version.V2)
    return Operation("PATCH", address, v2.write(fields), (*_BODY, ("If-Match", etag)))


def etag_of(part: Mapping[str, Any], order_etag: str) -> str:
    """Give the ETag of an item or schedule line: its own where it shows one, else its order's."""
    return str(part.get("@odata.etag") or order_etag)


def new_item(order: str, fields: Mapping[str, Any], etag: str) -> Operation:
    """Add an item to an order."""
    address = entity("PurchaseOrder", order, Version.V4) + "/_PurchaseOrderItem"
    return _changing("POST", address, fields, etag)


def changed(reply: Reply) -> OperationReply | None:
    """Give what stands for a changeset that failed; None where all of it was done.

    Errors: ODataBodyError where the batch's reply cannot be read.
    """
    parts = read_multipart(reply.body, reply.header("Content-Type") or "")
    if len(parts) != 1:
        raise ODataBodyError(f"expected the reply to one changeset; found {len(parts)}")
    part = parts[0]
    if isinstance(part, ChangesetReply):
        return next((each for each in part.replies if each.status >= 400), None)
    return part if part.status >= 400 else None


def v4_order(answer: Answer) -> Entity:
    """Give the order of an answer: fields with all digits, and its ETag, from the body or the header.

    What is no order has no fields.
    """
    found = v4.entity_of(answer.fields if isinstance(answer.fields, dict) else {})
    return found if found.etag else Entity(found.fields, answer.reply.header("ETag") or "")


def items_of(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give an order's items, those that say their number; none where the reply shows none."""
    return _named(order.get("_PurchaseOrderItem"), "PurchaseOrderItem")


def schedules_of(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give an item's schedule lines, those that say their number."""
    return _named(item.get("_PurchaseOrderScheduleLineTP"), "ScheduleLine")


def _named(rows: Any, name: str) -> list[dict[str, Any]]:
    found = [each for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
    return [each for each in found if isinstance(each.get(name), str) and each[name]]


def v2_rows(fields: Any) -> list[dict[str, Any]] | None:
    """Give the rows of a V2 collection, None where it is none; as they came, nested lists not unwrapped."""
    inner = fields.get("d") if isinstance(fields, Mapping) else None
    rows = inner.get("results") if isinstance(inner, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        return None
    return rows


def v4_rows(fields: Any) -> list[dict[str, Any]] | None:
    """Give the rows of a V4 collection, None where it is none."""
    rows = fields.get("value") if isinstance(fields, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        return None
    return rows


def found_by(rows: list[dict[str, Any]] | None, field: str, value: str) -> list[dict[str, Any]] | str:
    """Give those rows of a look-up that have what was asked for; or say why its answer is not believed."""
    if rows is None:
        return "the look-up's reply is no collection; expected `value` (V4) or `d.results` (V2)"
    ours = [each for each in rows if each.get(field) == value]
    if rows and not ours:
        return f"the look-up for {field} {value} gave others' documents: SAP ignores the filter"
    return ours


def v2_entity(fields: Any) -> dict[str, Any]:
    """Give the entity of a V2 reply; empty where there is none."""
    inner = fields.get("d") if isinstance(fields, Mapping) else None
    return inner if isinstance(inner, dict) else {}


def without_zeros(number: object) -> str:
    """Give a number as people compare it: SAP says `10` here and `00010` there."""
    text = str(number or "")
    return text.lstrip("0") or ("0" if text else "")


def _changeset(address: str, operations: tuple[Operation, ...], boundary: str) -> Call:
    headers = (("Content-Type", multipart_content_type(boundary)), ("Accept", "multipart/mixed"))
    return Call("POST", address, lambda: write_multipart((Changeset(operations),), boundary), headers)


def _get(address: str) -> Call:
    return Call("GET", address, headers=_JSON)


def _changing(method: str, address: str, fields: Mapping[str, Any], etag: str) -> Operation:
    headers = (*_BODY, ("If-Match", etag))
    return Operation(method, address, v4.write(fields), headers)
