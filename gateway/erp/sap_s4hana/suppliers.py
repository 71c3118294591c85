"""Looking a supplier up in SAP: it is there, and not blocked for what is to be done. Pure.

Blocks stand at the supplier and at its purchasing organisation. A supplier that is a number may be written
with or without zeros in front; SAP answers to both.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.supplier import Supplier
from gateway.erp.connector.series import Answer, Ask, Read, Series
from gateway.erp.sap_s4hana.services import v2_entity

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana


def supplier(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Look a supplier up: it is there and may be bought from. Suppliers are made in SAP, never by us."""
    document = delivery.document
    assert isinstance(document, Supplier)  # noqa: S101 - the kind says so
    word = connector.settings.codes.suppliers.get(document.number, document.number)
    answer = yield Read("supplier", connector.services.supplier(word))
    _check(connector, word, answer, "PurchasingIsBlocked", "")
    return Finished(word)


def check_supplier(
    connector: SapS4Hana, number: str, block: str, organization: str = ""
) -> Generator[Ask, Answer, None]:
    """Look a supplier up before it is used, where the endpoint says so. Errors: StuckError ERP-SUPPLIER-*."""
    if connector.settings.check_supplier:
        answer = yield Read("supplier", connector.services.supplier(number))
        _check(connector, number, answer, block, organization)


def _check(connector: SapS4Hana, number: str, answer: Answer, block: str, organization: str) -> None:
    if answer.status == 404:
        text = f"SAP has no supplier '{number}'; create it there or correct codes.suppliers, then retry"
        raise connector.place.stuck("ERP-SUPPLIER-UNKNOWN", text, "seller")
    found = v2_entity(answer.fields)
    blocks = [name for name in (block, "DeletionIndicator") if found.get(name) is True]
    own = _organization(found, organization)
    if own is not None and own.get("PurchasingIsBlockedForSupplier") is True:
        blocks.append(f"PurchasingIsBlockedForSupplier of {organization}")
    if organization and own is None and _organizations(found):
        text = f"supplier '{number}' is not set up for purchasing organisation {organization}"
        raise connector.place.stuck("ERP-SUPPLIER-UNKNOWN", f"{text}; extend it there, then retry", "seller")
    if blocks:
        text = f"supplier '{number}' is blocked in SAP ({', '.join(blocks)})"
        raise connector.place.stuck(
            "ERP-SUPPLIER-BLOCKED", f"{text}; have it released there, then retry", "seller"
        )


def _organizations(supplier: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = supplier.get("to_SupplierPurchasingOrg")
    rows = listed.get("results") if isinstance(listed, Mapping) else listed
    return [each for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []


def _organization(supplier: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    return next(
        (each for each in _organizations(supplier) if each.get("PurchasingOrganization") == name), None
    )
