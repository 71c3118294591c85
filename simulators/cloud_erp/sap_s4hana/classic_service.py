"""The V2 services: requisition, supplier invoice, material document, business partner. No network.

Items come only with their header (deep insert), all or nothing. A requisition marked "only validation"
is checked and not stored. A material document is never changed, only cancelled by another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from simulators.cloud_erp.sap_s4hana import orders, postings
from simulators.cloud_erp.sap_s4hana.schema import Problem, entities, read, shown
from simulators.cloud_erp.sap_s4hana.store import Document, Unit
from simulators.cloud_erp.sap_s4hana.tenant import SupplierMaster, Tenant
from simulators.cloud_erp.sap_s4hana.wire import (
    ODataError,
    Operation,
    Result,
    counted,
    keys_of,
    matches,
    reference_asked,
    write,
)
from simulators.cloud_erp.sap_s4hana.wire import read as read_json

ROOT = "/sap/opu/odata/sap"
REQUISITIONS = "API_PURCHASEREQ_PROCESS_SRV"
INVOICES = "API_SUPPLIERINVOICE_PROCESS_SRV"
MOVEMENTS = "API_MATERIAL_DOCUMENT_SRV"
PARTNERS = "API_BUSINESS_PARTNER"
JSON = "application/json"

HEADS = {
    "A_PurchaseRequisitionHeader": ("requisition", "PurchaseRequisition", "to_PurchaseReqnItem"),
    "A_SupplierInvoice": ("supplier_invoice", "SupplierInvoice", postings.INVOICE_ITEMS),
    "A_MaterialDocumentHeader": ("material_document", "MaterialDocument", postings.MOVEMENT_ITEMS),
}
ITEM_SETS = {
    "A_PurchaseRequisitionItem": ("A_PurchaseRequisitionHeader", "PurchaseRequisition"),
    "A_SuplrInvcItemPurOrdRef": ("A_SupplierInvoice", "SupplierInvoice"),
    "A_MaterialDocumentItem": ("A_MaterialDocumentHeader", "MaterialDocument"),
}
REFERENCES = {  # fields of which a document's reference in the ledger is made
    "A_PurchaseRequisitionItem": "PurReqnExternalReference",
    "A_SupplierInvoice": "SupplierInvoiceIDByInvcgParty",
    "A_MaterialDocumentHeader": "ReferenceDocument",
}
SETS = {
    REQUISITIONS: {"A_PurchaseRequisitionHeader", "A_PurchaseRequisitionItem"},
    INVOICES: {"A_SupplierInvoice", "A_SuplrInvcItemPurOrdRef"},
    MOVEMENTS: {"A_MaterialDocumentHeader", "A_MaterialDocumentItem", "Cancel"},
    PARTNERS: {"A_Supplier"},
}


class ClassicService:
    """The V2 services of one tenant."""

    def __init__(self, tenant: Tenant, service: str) -> None:
        self._tenant = tenant
        self._sets = SETS[service]

    def answer(self, operation: Operation, unit: Unit, today: date) -> Result:
        """Do one operation. Errors: ODataError."""
        name, keys = keys_of(operation.path)
        if name not in self._sets:
            raise ODataError(404, Problem("/IWBEP/CM_MGC/404", f"Resource not found for '{name}'", ""))
        match operation.method, name:
            case "POST", "Cancel":
                return self._cancel_movement(operation, unit)
            case "POST", _ if name in HEADS and not keys:
                return self._create(operation, unit, name, today)
            case "PATCH" | "MERGE", "A_PurchaseRequisitionHeader" | "A_PurchaseRequisitionItem" if keys:
                return self._change_requisition(operation, unit, name, keys)
            case "GET", "A_Supplier":
                return self._supplier(operation, keys) if keys else self._suppliers(operation)
            case "GET", _ if name in HEADS or name in ITEM_SETS:
                return self._read(operation, unit, name, keys)
        raise ODataError(405, Problem("/IWBEP/CM_MGC/405", f"Method {operation.method} not allowed", ""))

    # -- writes ------------------------------------------------------------------------------------

    def _create(self, operation: Operation, unit: Unit, name: str, today: date) -> Result:
        entity = entities()[f"v2 {name}"]
        kind, number_field, items = HEADS[name]
        values, problems = read(entity, read_json(operation.body))
        problems = problems or self._problems(name, unit, values)
        if problems:
            raise ODataError(400, *problems)
        if values.pop("PurReqnDoOnlyValidation", False):
            shown_only = shown(entity, {**values, number_field: "", "PurReqnDoOnlyValidation": True})
            return Result(201, write({"d": shown_only}), self._warned({"Content-Type": JSON}))
        number = unit.next_number(kind)
        head = {number_field: number} | _year(name, values, today)
        rows = [
            _item(name, head, row, at, self._tenant.pads_items)
            for at, row in enumerate(values.get(items) or [], start=1)
        ]
        values = {**values, **head, items: rows}
        document = unit.create(kind, number, _reference(name, values), values)
        headers = self._warned({"Content-Type": JSON, "ETag": document.etag})
        if name == "A_SupplierInvoice" and self._tenant.duplicate_invoice == "warning":
            found = postings.duplicate_of(unit.store, values)
            if found:
                headers["sap-message"] = _sap_message(found[0])
        return Result(201, write({"d": self._shown(name, document)}), headers)

    def _problems(self, name: str, unit: Unit, values: Mapping[str, Any]) -> list[Problem]:
        match name:
            case "A_PurchaseRequisitionHeader":
                return orders.requisition_problems(self._tenant, values)
            case "A_SupplierInvoice":
                return postings.invoice_problems(self._tenant, unit.store, values)
            case _:
                return postings.movement_problems(self._tenant, unit.store, values)

    def _cancel_movement(self, operation: Operation, unit: Unit) -> Result:
        keys = {name: text.strip("'") for name, text in operation.query.items()}
        document = unit.get("material_document", keys.get("MaterialDocument", ""))
        if document is None or document.values["MaterialDocumentYear"] != keys.get("MaterialDocumentYear"):
            raise ODataError(400, Problem("M7/053", "The material document does not exist", ""))
        others = unit.store.visible("material_document")
        if any(each.values.get("ReversedMaterialDocument") == document.number for each in others):
            raise ODataError(400, Problem("M7/420", "The material document is cancelled already", ""))
        number = unit.next_number("material_document")
        values = {**document.values, "MaterialDocument": number, "ReversedMaterialDocument": document.number}
        unit.create("material_document", number, _reference("", values), values)
        body = {"MaterialDocumentYear": values["MaterialDocumentYear"], "MaterialDocument": number}
        return Result(200, write({"d": body}), {"Content-Type": JSON})

    def _change_requisition(
        self, operation: Operation, unit: Unit, name: str, keys: Mapping[str, str]
    ) -> Result:
        number = keys.get("PurchaseRequisition") or keys.get("", "")
        document = unit.get("requisition", number)
        if document is None:
            raise ODataError(404, Problem("06/019", f"Purchase requisition {number} does not exist", ""))
        if "if-match" not in operation.headers:
            raise ODataError(428, Problem("/IWBEP/CM_MGC/428", "A precondition (If-Match) is required", ""))
        if operation.headers["if-match"] not in ("*", document.etag):
            raise ODataError(412, Problem("/IWBEP/CM_MGC/412", "Changed meanwhile", ""))
        change, problems = read(entities()[f"v2 {name}"], read_json(operation.body))
        if problems:
            raise ODataError(400, *problems)
        rows = [dict(each) for each in document.values["to_PurchaseReqnItem"]]
        values = {**document.values, "to_PurchaseReqnItem": rows}
        if name == "A_PurchaseRequisitionItem":
            wanted = keys.get("PurchaseRequisitionItem", "").lstrip("0")
            row = next((each for each in rows if each["PurchaseRequisitionItem"].lstrip("0") == wanted), None)
            if row is None:
                raise ODataError(404, Problem("06/020", "The item does not exist", ""))
            row |= change
        else:
            values |= change
        still = [row for row in rows if not row.get("IsDeleted")]
        if still:
            problems = orders.requisition_problems(self._tenant, values | {"to_PurchaseReqnItem": still})
            if problems:
                raise ODataError(400, *problems)
        unit.change(document, values)
        return Result(204)

    def _warned(self, headers: dict[str, str]) -> dict[str, str]:
        if not self._tenant.warns:
            return headers
        warning = Problem("06/402", "Release is still possible", "")
        return headers | {"sap-message": _sap_message(warning)}

    # -- reads -------------------------------------------------------------------------------------

    def _supplier(self, operation: Operation, keys: Mapping[str, str]) -> Result:
        found = orders.supplier(self._tenant, keys.get("Supplier") or keys.get("", ""))
        if found is None:
            raise ODataError(404, Problem("R11/104", "Resource not found for the supplier", ""))
        fields = _supplier_fields(found, "to_SupplierPurchasingOrg" in operation.query.get("$expand", ""))
        return Result(200, write({"d": shown(entities()["v2 A_Supplier"], fields)}), {"Content-Type": JSON})

    def _read(self, operation: Operation, unit: Unit, name: str, keys: Mapping[str, str]) -> Result:
        condition = "" if keys or self._tenant.ignores_filter else operation.query.get("$filter", "")
        rows = self._rows(unit, name, reference_asked(condition, REFERENCES.get(name, "-")))
        deep = "$expand" in operation.query
        if keys:
            wanted = {key or _first_key(name): text.lstrip("0") for key, text in keys.items()}
            found = [each for each in rows if all(_bare(each.get(k)) == text for k, text in wanted.items())]
            if not found:
                raise ODataError(404, Problem("/IWBEP/CM_MGC/404", "Resource not found", ""))
            return Result(200, write({"d": self._row(name, found[0], deep)}), {"Content-Type": JSON})
        found = [each for each in rows if matches(condition, each)]
        return self._page(operation, name, found)

    def _suppliers(self, operation: Operation) -> Result:
        """Give the suppliers of the tenant, as a collection is read: filtered, a page at a time."""
        condition = "" if self._tenant.ignores_filter else operation.query.get("$filter", "")
        rows = [_supplier_fields(each, True) for each in self._tenant.suppliers]
        return self._page(operation, "A_Supplier", [each for each in rows if matches(condition, each)])

    def _page(self, operation: Operation, name: str, found: list[dict[str, Any]]) -> Result:
        skip = counted(operation, "$skiptoken", counted(operation, "$skip", 0))
        top = min(counted(operation, "$top", self._tenant.page_size), self._tenant.page_size)
        deep = "$expand" in operation.query
        inner: dict[str, Any] = {
            "results": [self._row(name, each, deep) for each in found[skip : skip + top]]
        }
        if "$top" not in operation.query and len(found) > skip + top:
            inner["__next"] = f"{name}?$skiptoken={skip + top}"
        return Result(200, write({"d": inner}), {"Content-Type": JSON})

    def _rows(self, unit: Unit, name: str, reference: str | None) -> list[dict[str, Any]]:
        if name in HEADS:
            kind = HEADS[name][0]
            return [each.values | {"__etag": each.etag} for each in unit.store.visible(kind, reference)]
        head, _ = ITEM_SETS[name]
        kind, _, items = HEADS[head]
        return [
            row | {"__etag": each.etag}
            for each in unit.store.visible(kind, reference)
            for row in each.values[items]
        ]

    def _row(self, name: str, values: Mapping[str, Any], deep: bool) -> dict[str, Any]:
        """Show a row; what it leads to is only referred to, unless it was asked for ($expand)."""
        metadata = {"uri": name, "type": name, "etag": values.get("__etag", "")}
        row = {"__metadata": metadata} | shown(entities()[f"v2 {name}"], values)
        deferred = {"__deferred": {"uri": name}}
        return {
            key: each if deep or not (isinstance(each, dict) and "results" in each) else deferred
            for key, each in row.items()
        }

    def _shown(self, name: str, document: Document) -> dict[str, Any]:
        return self._row(name, document.values | {"__etag": document.etag}, True)


def _year(name: str, values: Mapping[str, Any], today: date) -> dict[str, str]:
    year = str((values.get("PostingDate") or today).year)
    return {
        "A_SupplierInvoice": {"FiscalYear": year},
        "A_MaterialDocumentHeader": {"MaterialDocumentYear": year},
    }.get(name, {})


def _item(name: str, head: Mapping[str, str], row: Mapping[str, Any], at: int, pads: bool) -> dict[str, Any]:
    match name:
        case "A_PurchaseRequisitionHeader":
            number = str(row.get("PurchaseRequisitionItem") or at * 10).lstrip("0")
            return {**row, **head, "PurchaseRequisitionItem": number.zfill(5) if pads else number}
        case "A_SupplierInvoice":
            return {**row, "SupplierInvoiceItem": str(row.get("SupplierInvoiceItem") or at).zfill(6)}
        case _:
            return {**row, **head, "MaterialDocumentItem": str(at)}


def _reference(name: str, values: Mapping[str, Any]) -> str:
    if name.startswith("A_Purch"):
        rows = values.get("to_PurchaseReqnItem") or [{}]
        return str(rows[0].get("PurReqnExternalReference") or "")
    return str(values.get("SupplierInvoiceIDByInvcgParty") or values.get("ReferenceDocument") or "")


def _supplier_fields(found: SupplierMaster, deep: bool) -> dict[str, Any]:
    number = orders.alpha(found.key).lstrip("0")
    fields: dict[str, Any] = {
        "Supplier": number,
        "SupplierName": found.name,
        "PurchasingIsBlocked": found.purchasing_is_blocked,
        "PostingIsBlocked": found.posting_is_blocked,
        "PaymentIsBlockedForSupplier": False,
        "DeletionIndicator": False,
        "InternationalLocationNumber1": found.gln[:7],
        "InternationalLocationNumber2": found.gln[7:12],
        "InternationalLocationNumber3": found.gln[12:],
    }
    if deep:
        fields["to_SupplierPurchasingOrg"] = [
            {
                "Supplier": number,
                "PurchasingOrganization": each,
                "PurchaseOrderCurrency": "USD",
                "PurchasingIsBlockedForSupplier": False,
            }
            for each in found.organisations
        ]
    return fields


def _first_key(name: str) -> str:
    return next(each.name for each in entities()[f"v2 {name}"].fields.values() if each.is_key)


def _bare(value: Any) -> str:
    return str(value or "").lstrip("0")


def _sap_message(problem: Problem) -> str:
    fields = {"code": problem.code, "message": problem.text, "severity": "warning", "target": problem.target}
    return write(fields | {"details": []}).decode()
