"""Where each entity stands, and what is sent with every request. Pure.

Every query says `cross-company=true`: without it Dynamics shows only the account's own company, and an
order of another one is an empty list with status 200, which a look-up would take for "not there".
Source: Microsoft's page "Open Data Protocol (OData)", section on cross-company behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gateway.erp.connector.series import Call
from gateway.erp.odata import v4
from gateway.erp.odata.literals import Value, Version, any_of, entity, equals, plain_query, query

HEADERS = "PurchaseOrderHeadersV2"
LINES = "PurchaseOrderLinesV2"
RESPONSES = "PurchaseOrderResponseHeaders"
RESPONSE_LINES = "PurchaseOrderResponseLines"
INVOICES = "VendorInvoiceHeaders"
INVOICE_LINES = "VendorInvoiceLines"
VENDORS = "VendorsV2"
JOURNALS = "ItemArrivalJournalHeaders"
JOURNAL_LINES = "ItemArrivalJournalLines"
PRODUCT_RECEIPTS = "ProductReceiptHeaders"
RECEIPT_LINES = "ProductReceiptLines"
REQUISITIONS = "PurchaseRequisitionHeaders"
REQUISITION_LINES = "PurchaseRequisitionLines"

ROOT = "data/"
_ALL = {"cross-company": "true"}
_READ = (("Accept", "application/json"), ("OData-MaxVersion", "4.0"))
_WRITE = (*_READ, ("Content-Type", "application/json"), ("OData-Version", "4.0"))


@lru_cache(maxsize=2_048)  # a series is run anew for each step, and asks for its look-ups again
def found_by(entity_set: str, **values: Value) -> Call:
    """Give the query for entities with these values."""
    first, *rest = [equals(name, value, Version.V4) for name, value in values.items()]
    for each in rest:
        first = first & each
    return Call("GET", plain_query(query(f"{ROOT}{entity_set}", filter=first), _ALL), None, _READ)


@lru_cache(maxsize=2_048)
def found_by_any(entity_set: str, name: str, values: tuple[str, ...], **others: Value) -> Call:
    """Give the query for entities one of whose fields is one of several texts, and others these values."""
    asked = any_of(name, values, Version.V4)
    for each in (equals(other, value, Version.V4) for other, value in others.items()):
        asked = each & asked
    return Call("GET", plain_query(query(f"{ROOT}{entity_set}", filter=asked), _ALL), None, _READ)


def created(entity_set: str, fields: Mapping[str, Any]) -> Call:
    """Give the creation of an entity."""
    return Call("POST", f"{ROOT}{entity_set}", lambda: v4.write(fields), _WRITE)


def changed(entity_set: str, keys: Mapping[str, Value], fields: Mapping[str, Any], etag: str = "") -> Call:
    """Give the change of an entity to given values; with an ETag only where it is still as it was read."""
    headers = (*_WRITE, ("If-Match", etag)) if etag else _WRITE
    return Call("PATCH", _one(entity_set, keys), lambda: v4.write(fields), headers)


def removed(entity_set: str, keys: Mapping[str, Value], etag: str = "") -> Call:
    """Give the removal of an entity; with an ETag only where it is still as it was read."""
    headers = (*_READ, ("If-Match", etag)) if etag else _READ
    return Call("DELETE", _one(entity_set, keys), None, headers)


def _one(entity_set: str, keys: Mapping[str, Value]) -> str:
    return plain_query(f"{ROOT}{entity(entity_set, keys, Version.V4)}", _ALL)


def rows(fields: Any) -> list[dict[str, Any]] | None:
    """Give a collection's entities, None where the answer is no collection."""
    found = fields.get("value") if isinstance(fields, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return None
    return found
