"""What to ask each ERP's API for, when an event names a document. Pure.

Addresses are below the endpoint's `base`, as the connectors of the same kind have them.
Sources: Oracle's REST documentation (q, expand), SAP's API_PURCHASEORDER_2, Microsoft's OData page
(`cross-company=true`: without it only the account's own company is seen).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Read:
    """One question: what the step is called, and where it is asked for a number in a company."""

    step: str
    address: Callable[[str, str], str]
    headers: tuple[tuple[str, str], ...] = ()


Reads = Callable[[BaseModel], tuple["Read", ...]]


def _filter(*pairs: tuple[str, str]) -> str:
    text = " and ".join(f"{name} eq '{_doubled(value)}'" for name, value in pairs if value)
    return quote(text, safe="'")


def _doubled(value: str) -> str:
    return value.replace("'", "''")


def _dynamics(settings: BaseModel) -> tuple[Read, ...]:
    def asked(entity: str, order_by: str = "") -> Callable[[str, str], str]:
        def address(number: str, company: str) -> str:
            found = _filter(("dataAreaId", company), ("PurchaseOrderNumber", number))
            return f"data/{entity}?$filter={found}{order_by}&cross-company=true"

        return address

    return (
        Read("read_event_header", asked("PurchaseOrderHeadersV2")),
        Read("read_event_lines", asked("PurchaseOrderLinesV2", "&$orderby=LineNumber")),
    )


def _sap(settings: BaseModel) -> tuple[Read, ...]:
    service = getattr(
        settings, "order_service", "sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001"
    )

    def address(number: str, company: str) -> str:
        expand = "_PurchaseOrderItem($expand=_PurchaseOrderScheduleLineTP)"
        return f"{service}/PurchaseOrder('{quote(_doubled(number), safe='')}')?$expand={expand}"

    return (Read("read_event", address),)


def _oracle(settings: BaseModel) -> tuple[Read, ...]:
    release = getattr(settings, "release", "11.13.18.05")

    def address(number: str, company: str) -> str:
        asked = quote(f"OrderNumber='{_doubled(number)}'", safe="")
        orders = f"fscmRestApi/resources/{release}/purchaseOrders"
        return f"{orders}?q={asked}&expand=lines,lines.schedules&onlyData=true"

    return (Read("read_event", address, (("REST-Framework-Version", "4"),)),)


READERS: Mapping[str, Reads] = {"dynamics365": _dynamics, "sap_s4hana": _sap, "oracle_fusion": _oracle}
