"""What SAP demands of purchase orders and requisitions, and how it numbers their items. Pure.

A deep insert is all or nothing, and every complaint is given at once, with the target as SAP writes it.
Rules and message codes are plausible ones of our own; their shape is SAP's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from simulators.cloud_erp.sap_s4hana.schema import Problem
from simulators.cloud_erp.sap_s4hana.tenant import SupplierMaster, Tenant

ITEMS = "_PurchaseOrderItem"
SCHEDULES = "_PurchaseOrderScheduleLineTP"
ACCOUNTS = "_PurOrdAccountAssignment"
NOTES, ITEM_NOTES = "_PurchaseOrderNote", "_PurchaseOrderItemNote"
PRICING = "_PurOrdPricingElement"


def alpha(number: str) -> str:
    """Give a number as SAP stores it: ten digits, zeros in front; a name stays as it is."""
    return number.zfill(10) if number.isdigit() else number


def supplier(tenant: Tenant, number: Any) -> SupplierMaster | None:
    """Find a supplier, with or without zeros in front."""
    wanted = alpha(number) if isinstance(number, str) else ""
    return next((each for each in tenant.suppliers if each.key == wanted), None)


def order_problems(tenant: Tenant, values: Mapping[str, Any], today: date) -> list[Problem]:
    """Give everything that SAP refuses in a new order."""
    problems = [
        *_known(values, "CompanyCode", tenant.company_codes, "ME/083"),
        *_known(values, "PurchasingOrganization", tenant.purchasing_organisations, "ME/101"),
        *_known(values, "PurchasingGroup", tenant.purchasing_groups, "ME/102"),
        *_known(values, "DocumentCurrency", tenant.currencies, "ME/088"),
        *_order_type(tenant, values),
        *_supplier(tenant, values),
        *_texts(tenant, values.get(NOTES) or [], NOTES),
    ]
    items = values.get(ITEMS) or []
    if not items:
        problems.append(Problem("06/436", "Enter at least one item", ITEMS))
    for at, item in enumerate(items, start=1):
        problems += item_problems(tenant, item, f"{ITEMS}({at})/")
    numbers = [str(each.get("PurchaseOrderItem", "")).lstrip("0") for each in items]
    if len(set(numbers)) != len(numbers) and any(numbers):
        problems.append(Problem("06/214", "Item numbers must differ", ITEMS))
    return problems


def item_problems(tenant: Tenant, item: Mapping[str, Any], path: str) -> list[Problem]:
    """Give everything that SAP refuses in one item."""
    problems = list(_known(item, "Plant", tenant.plants, "ME/061", path))
    if not item.get("Material") and not item.get("PurchaseOrderItemText"):
        problems.append(Problem("ME/045", "Enter a material or a short text", f"{path}Material"))
    if item.get("Material") in tenant.blocked_materials:
        text = f"Material {item['Material']} is blocked for purchasing"
        problems.append(Problem("06/053", text, f"{path}Material"))
    if not _is_positive(item.get("OrderQuantity")):
        problems.append(Problem("ME/062", "Enter the order quantity", f"{path}OrderQuantity"))
    # Units and currency are mandatory beside each quantity and amount in the V4 service.
    problems += _known(item, "PurchaseOrderQuantityUnit", tenant.units, "06/100", path)
    if item.get("NetPriceAmount") is not None:
        problems += _known(item, "DocumentCurrency", tenant.currencies, "ME/088", path)
        problems += _known(item, "OrderPriceUnit", tenant.units, "06/100", path)
        if not _is_positive(item.get("NetPriceQuantity")):
            problems.append(Problem("06/216", "Enter the price unit", f"{path}NetPriceQuantity"))
    problems += _schedules(item, path)
    problems += _texts(tenant, item.get(ITEM_NOTES) or [], f"{path}{ITEM_NOTES}")
    for at, each in enumerate(item.get(PRICING) or [], start=1):
        where = f"{path}{PRICING}({at})/"
        problems += _known(each, "ConditionType", tenant.condition_types, "VK/007", where)
        if each.get("ConditionRateAmount") is not None:
            problems += _known(each, "ConditionCurrency", tenant.currencies, "ME/088", where)
    return problems


def numbered(tenant: Tenant, number: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give a new order as it is stored: items numbered by tens where they were not, schedules by ones."""
    items: list[dict[str, Any]] = []
    for at, item in enumerate(values.get(ITEMS) or [], start=1):
        items.append(numbered_item(tenant, number, item, at))
    head = {"PurchaseOrder": number, "PurchaseOrderDeletionCode": "", "PurchasingProcessingStatus": "02"}
    return {**values, **head, "Supplier": _shown_supplier(values.get("Supplier")), ITEMS: items}


def numbered_item(tenant: Tenant, number: str, item: Mapping[str, Any], at: int) -> dict[str, Any]:
    """Give one item as it is stored."""
    name = str(item.get("PurchaseOrderItem") or at * 10).lstrip("0") or str(at * 10)
    shown = name.zfill(5) if tenant.pads_items else name
    keys = {"PurchaseOrder": number, "PurchaseOrderItem": shown}
    schedules = item.get(SCHEDULES) or [
        {
            "ScheduleLineOrderQuantity": item.get("OrderQuantity"),
            "PurchaseOrderQuantityUnit": item.get("PurchaseOrderQuantityUnit"),
        }
    ]
    accounts = item.get(ACCOUNTS) or []
    return {
        "PurchasingDocumentDeletionCode": "",
        "SupplierConfirmationControlKey": tenant.confirmation_key,
        **item,
        **keys,
        SCHEDULES: [
            {**each, **keys, "ScheduleLine": str(each.get("ScheduleLine") or place)}
            for place, each in enumerate(schedules, start=1)
        ],
        ACCOUNTS: [
            {**each, **keys, "AccountAssignmentNumber": str(each.get("AccountAssignmentNumber") or place)}
            for place, each in enumerate(accounts, start=1)
        ],
    }


def order_warnings(values: Mapping[str, Any], today: date) -> list[Problem]:
    """Give what SAP only remarks on."""
    found: list[Problem] = []
    for at, item in enumerate(values.get(ITEMS) or [], start=1):
        for place, schedule in enumerate(item.get(SCHEDULES) or [], start=1):
            wanted = schedule.get("ScheduleLineDeliveryDate")
            if wanted is not None and wanted < today:
                path = f"{ITEMS}({at})/{SCHEDULES}({place})/ScheduleLineDeliveryDate"
                found.append(Problem("ME/039", "Delivery date is in the past", path))
    return found


def requisition_problems(tenant: Tenant, values: Mapping[str, Any]) -> list[Problem]:
    """Give everything that SAP refuses in a requisition."""
    items = values.get("to_PurchaseReqnItem") or []
    problems = [] if items else [Problem("06/436", "Enter at least one item", "to_PurchaseReqnItem")]
    for at, item in enumerate(items, start=1):
        path = f"to_PurchaseReqnItem({at})/"
        problems += _known(item, "Plant", tenant.plants, "ME/061", path)
        problems += _known(item, "BaseUnit", tenant.units, "06/100", path)
        problems += _known(item, "PurchasingGroup", tenant.purchasing_groups, "ME/102", path)
        if not _is_positive(item.get("RequestedQuantity")):
            problems.append(Problem("ME/062", "Enter the quantity requested", f"{path}RequestedQuantity"))
        if item.get("Material") in tenant.blocked_materials:
            text = f"Material {item['Material']} is blocked for purchasing"
            problems.append(Problem("06/053", text, f"{path}Material"))
        if item.get("FixedSupplier"):
            problems += _supplier(tenant, {"Supplier": item["FixedSupplier"]}, f"{path}FixedSupplier")
    return problems


def _texts(tenant: Tenant, texts: Sequence[Mapping[str, Any]], path: str) -> list[Problem]:
    """A long text is known by its id and its language; there is one of each."""
    problems: list[Problem] = []
    for at, each in enumerate(texts, start=1):
        problems += _known(each, "TextObjectType", tenant.text_ids, "TD/606", f"{path}({at})/")
    if len({(each.get("TextObjectType"), each.get("Language")) for each in texts}) != len(texts):
        problems.append(Problem("TD/601", "A text of this id and language exists already", path))
    return problems


def _order_type(tenant: Tenant, values: Mapping[str, Any]) -> list[Problem]:
    """The V4 service takes type NB and copies of it, ZNB... only."""
    kind = values.get("PurchaseOrderType") or ""
    if kind in tenant.order_types or kind.startswith("ZNB"):
        return []
    return [
        Problem("APPL_MM/101", f"Operation is not enabled for document type '{kind}'", "PurchaseOrderType")
    ]


def _supplier(tenant: Tenant, values: Mapping[str, Any], path: str = "Supplier") -> list[Problem]:
    found = supplier(tenant, values.get("Supplier"))
    if found is None:
        return [Problem("06/012", f"Supplier {values.get('Supplier') or ''} does not exist", path)]
    if found.purchasing_is_blocked:
        return [Problem("06/017", f"Supplier {values['Supplier']} is blocked for purchasing", path)]
    return []


def _schedules(item: Mapping[str, Any], path: str) -> list[Problem]:
    schedules = item.get(SCHEDULES) or []
    quantities = [each.get("ScheduleLineOrderQuantity") for each in schedules]
    problems: list[Problem] = []
    for at, each in enumerate(schedules, start=1):
        if not each.get("PurchaseOrderQuantityUnit"):
            where = f"{path}{SCHEDULES}({at})/PurchaseOrderQuantityUnit"
            problems.append(Problem("06/100", "Enter the unit of the schedule line", where))
    known = [each for each in quantities if isinstance(each, Decimal)]
    if known and len(known) == len(quantities) and sum(known) != item.get("OrderQuantity"):
        text = "The schedule lines' quantities differ from the item's"
        problems.append(Problem("06/071", text, f"{path}{SCHEDULES}"))
    return problems


def _known(
    values: Mapping[str, Any], name: str, allowed: frozenset[str], code: str, path: str = ""
) -> list[Problem]:
    value = values.get(name)
    if value in allowed:
        return []
    text = f"{name} '{value}' is not defined" if value else f"Enter {name}"
    return [Problem(code, text, f"{path}{name}")]


def _is_positive(value: Any) -> bool:
    return isinstance(value, Decimal) and value > 0


def _shown_supplier(number: Any) -> Any:
    """SAP takes a supplier with or without zeros in front and shows it without."""
    return number.lstrip("0") if isinstance(number, str) and number.isdigit() else number
