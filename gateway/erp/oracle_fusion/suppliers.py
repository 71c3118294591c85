"""Looking a supplier up: orders name it as Oracle does, and only one that may be used. Pure."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.supplier import Supplier
from canonical.values import Party
from gateway.erp.connector.rendering import Rendering
from gateway.erp.connector.series import Answer, Ask, Read, Series
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.resources import members

if TYPE_CHECKING:
    from gateway.erp.oracle_fusion.connector import OracleFusion


def supplier_name(
    connector: OracleFusion, delivery: Delivery, party: Party | None
) -> Generator[Ask, Answer, str]:
    """Give the supplier's name in Oracle. Errors: StuckError ERP-SUPPLIER-*."""
    rendering = Rendering(connector.settings.codes, connector.place)
    word = rendering.supplier(party, "seller")
    rendering.finish()
    if connector.settings.supplier_by == "name":
        return word
    call = connector.resources.query("suppliers", {"SupplierNumber": word}, limit=2)
    answer = yield Read("supplier", call)
    return _usable(connector, word, members(answer) or [], delivery.accepted_at.date())


def supplier(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Look a supplier up: it is there and may be bought from. Suppliers are made in Oracle, never by us."""
    document = delivery.document
    assert isinstance(document, Supplier)  # noqa: S101 - the kind says so
    word = connector.settings.codes.suppliers.get(document.number, document.number)
    answer = yield Read("supplier", connector.resources.query("suppliers", {"SupplierNumber": word}, limit=2))
    _usable(connector, word, members(answer) or [], delivery.accepted_at.date())
    return Finished(word)


def _usable(connector: OracleFusion, word: str, found: list[dict[str, Any]], day: date) -> str:
    if not found:
        text = f"the ERP has no supplier '{word}'; create it there or correct codes.suppliers, then retry"
        raise connector.place.stuck("ERP-SUPPLIER-UNKNOWN", text, "seller")
    inactive = text_at(found[0], "InactiveDate")
    if inactive and inactive[:10] <= day.isoformat():
        text = f"supplier '{word}' is inactive in the ERP since {inactive[:10]}; it cannot be ordered from"
        raise connector.place.stuck("ERP-SUPPLIER-BLOCKED", text, "seller")
    name = text_at(found[0], "Supplier")
    if not name:
        raise connector.place.stuck(
            "ERP-SUPPLIER-UNKNOWN", f"supplier '{word}' has no name in the ERP", "seller"
        )
    return name
