"""The pod's resources: their paths, their children, the rules of their fields, and how a member is shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from simulators.cloud_erp.base.fields import FieldRules
from simulators.cloud_erp.oracle_fusion import replies

ROOT = "/fscmRestApi/resources/11.13.18.05"
RULES = FieldRules.load(Path(__file__).with_name("fields.json"))
ORDERS, REQUISITIONS, RECEIPTS, INVOICES = (
    "orders",
    "purchaseRequisitions",
    "receivingReceiptRequests",
    "invoices",
)
CHILDREN: Mapping[str, dict[str, Any]] = {
    "draftPurchaseOrders": {"lines": {"schedules": {"distributions": {}}}, "DFF": {}},
    "purchaseOrders": {"lines": {"schedules": {"distributions": {}}}, "DFF": {}},
    "purchaseOrderSchedules": {},
    REQUISITIONS: {"lines": {"distributions": {}}, "DFF": {}},
    RECEIPTS: {"lines": {"processingErrors": {}, "lotItemLots": {}}},
    INVOICES: {"invoiceLines": {}},
    "suppliers": {},
}


def shown(resource: str, fields: dict[str, Any], request: web.Request) -> dict[str, Any]:
    """Give a member as an answer to this request: what a GET leaves out unless asked, a write gives back."""
    expand = {each for each in request.query.get("expand", "").split(",") if each}
    href = f"{request.scheme}://{request.host}{ROOT}/{resource}/{quote(fields['_id'])}"
    only_data = request.query.get("onlyData") == "true"
    fields = (
        {**fields, "_posted": ["DFF"]}
        if request.method == "GET"
        else {**fields, "_posted": list(CHILDREN[resource])}
    )
    return replies.shown(
        fields, CHILDREN[resource], expand, replies.framework_version(request), href, only_data=only_data
    )


def described(entity: str, children: dict[str, Any]) -> dict[str, Any]:
    """Give what `describe` says of an entity and of its children."""
    rules = RULES.entities.get(entity, {})
    attributes = [
        {
            "name": name,
            "type": rule.type,
            "updatable": not rule.read_only,
            "mandatory": rule.required,
            "maxLength": rule.length,
        }
        for name, rule in rules.items()
        if rule.type != "list"
    ]
    below = {name: described(rules[name].of, inner) for name, inner in children.items() if name in rules}
    return {"attributes": attributes, "children": below}
