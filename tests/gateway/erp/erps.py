"""The ERPs under test: one small class for each, which is all that the common suite needs to know of it.

To plug an ERP in: write a class with what `ErpUnderTest` asks for, and name it in `ERPS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from adapters.base import Effect, Reply, Request
from gateway.erp.connector.settings import ErpSettings
from gateway.erp.connector.target import Connector
from gateway.erp.oracle_fusion import OracleFusion as OracleTarget
from gateway.erp.oracle_fusion.settings import OracleFusionSettings
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.cloud_erp.oracle_fusion import OracleFusion as OraclePod
from simulators.faults import FaultScript
from simulators.serving import Tls


@dataclass(frozen=True)
class Held:
    """One order as an ERP's ledger has it, in words that all ERPs share. Lines are in the order's order."""

    number: str
    is_cancelled: bool
    quantities: tuple[Decimal, ...]
    prices: tuple[Decimal, ...]  # of one unit


class ErpUnderTest(Protocol):
    """What the common suite asks of an ERP."""

    kind: str
    create_path: str  # a pattern for fault scripts: where orders are created (POST)
    look_up_path: str  # where they are looked up (GET)
    refusal: str  # `business_error` that refuses the first line's item
    refused_field: str  # the canonical path that this is traced to
    token_path: str

    def simulator(
        self, behaviour: Behaviour, faults: FaultScript, tls: Tls | None, clock: Callable[[], float]
    ) -> SimulatedErp: ...

    def settings(self, **values: Any) -> ErpSettings:
        """Give settings with all that the suite's documents need; `values` are laid over them."""
        ...

    def target(self, settings: ErpSettings) -> Connector: ...

    def orders(self, erp: SimulatedErp) -> Sequence[Held]:
        """Give every order that the ledger has, one entry for each that was created and still is."""
        ...

    def line_numbers(self, erp: SimulatedErp) -> Sequence[str]:
        """Give the ERP's own ids of the one order's lines, in the order's order."""
        ...

    def answered(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        """Give what acknowledgments reached: (order number, line id), the line empty for a whole order."""
        ...

    def invoiced(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        """Give what the one invoice's lines are matched to: (order number, line id), in its order."""
        ...

    def nothing(self, request: Request) -> Reply | None:
        """Give the answer of a blind look-up, None for a request that looks up nothing."""
        ...


class Oracle:
    """Oracle Fusion."""

    kind = "oracle_fusion"
    create_path = r"/draftPurchaseOrders$"
    look_up_path = r"/(draftPurchaseOrders|purchaseOrders)\?"
    refusal = "item"
    refused_field = "lines[0].item_ids"
    token_path = "/oauth2/v1/token"

    def simulator(
        self, behaviour: Behaviour, faults: FaultScript, tls: Tls | None, clock: Callable[[], float]
    ) -> SimulatedErp:
        return OraclePod(behaviour, faults, tls, clock=clock)

    def settings(self, **values: Any) -> ErpSettings:
        defaults = {
            "procurement_bu": "H BU",
            "currency": "USD",
            "preparer_email": "buyer@mercy.example",
            "receipt_organization": "M1",
        }
        made = {"defaults": defaults, "codes": {"units": {"EA": "Each"}}, "supplier_output": "off", **values}
        return OracleFusionSettings.model_validate(made)

    def target(self, settings: ErpSettings) -> Connector:
        assert isinstance(settings, OracleFusionSettings)
        return OracleTarget("erp", settings)

    def orders(self, erp: SimulatedErp) -> Sequence[Held]:
        return [
            Held(
                each["OrderNumber"],
                each["StatusCode"] == "CANCELED",
                tuple(Decimal(line["Quantity"]) for line in each["lines"]),
                tuple(Decimal(line["Price"]) for line in each["lines"]),
            )
            for each in self._all(erp, "orders")
        ]

    def line_numbers(self, erp: SimulatedErp) -> Sequence[str]:
        (order,) = self._all(erp, "orders")
        return [str(line["LineNumber"]) for line in order["lines"]]

    def answered(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        return [
            (each["OrderNumber"], "")
            for each in self._all(erp, "orders")
            if each.get("AcknowledgmentResponse") == "ACCEPT"
        ]

    def invoiced(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        (invoice,) = self._all(erp, "invoices")
        lines = [each for each in invoice["invoiceLines"] if each["LineType"] == "Item"]
        return [(each["PurchaseOrderNumber"], str(each["PurchaseOrderLineNumber"])) for each in lines]

    def _all(self, erp: SimulatedErp, kind: str) -> list[dict[str, Any]]:
        return [erp.documents.get(kind, key) or {} for key in erp.documents.keys(kind)]

    def nothing(self, request: Request) -> Reply | None:
        is_look_up = request.effect is Effect.READ and "suppliers" not in request.address
        return Reply(200, json.dumps({"items": []}).encode()) if is_look_up else None


ERPS: Sequence[ErpUnderTest] = (Oracle(),)
