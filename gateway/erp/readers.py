"""What to ask each ERP's API for, when an event names a document. Pure.

Addresses are below the endpoint's `base`, as the connectors of the same kind have them.
Sources: Oracle's REST documentation (q, expand), SAP's API_PURCHASEORDER_2, Microsoft's OData page
(`cross-company=true`: without it only the account's own company is seen).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Read:
    """One question: what the step is called, and where it is asked for a number in a company."""

    step: str
    address: Callable[[str, str], str]
    headers: tuple[tuple[str, str], ...] = ()


def _filter(*pairs: tuple[str, str]) -> str:
    text = " and ".join(
        f"{name} eq '{value.replace(chr(39), chr(39) * 2)}'" for name, value in pairs if value
    )
    return quote(text, safe="'")


def _d365(entity: str, order_by: str = "") -> Callable[[str, str], str]:
    def address(number: str, company: str) -> str:
        found = _filter(("dataAreaId", company), ("PurchaseOrderNumber", number))
        return f"{entity}?$filter={found}{order_by}&cross-company=true"

    return address


_SAP_ORDERS = "sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001/PurchaseOrder"


def _sap(number: str, company: str) -> str:
    expand = "_PurchaseOrderItem($expand=_PurchaseOrderScheduleLineTP)"
    return f"{_SAP_ORDERS}('{quote(number, safe='')}')?$expand={expand}"


def _oracle(number: str, company: str) -> str:
    asked = quote(f"OrderNumber='{number.replace(chr(39), chr(39) * 2)}'", safe="'=")
    return f"purchaseOrders?q={asked}&expand=lines.schedules&onlyData=true"


READERS: Mapping[str, tuple[Read, ...]] = {
    "dynamics365": (
        Read("read_event_header", _d365("PurchaseOrderHeadersV2")),
        Read("read_event_lines", _d365("PurchaseOrderLinesV2", "&$orderby=LineNumber")),
    ),
    "sap_s4hana": (Read("read_event", _sap),),
    "oracle_fusion": (Read("read_event", _oracle, (("REST-Framework-Version", "4"),)),),
}
