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
from gateway.erp.dynamics365 import Dynamics365 as DynamicsTarget
from gateway.erp.dynamics365.settings import Dynamics365Settings
from gateway.erp.oracle_fusion import OracleFusion as OracleTarget
from gateway.erp.oracle_fusion.settings import OracleFusionSettings
from gateway.erp.sap_s4hana import SapS4Hana as SapTarget
from gateway.erp.sap_s4hana.settings import SapSettings
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.cloud_erp.dynamics365 import Dynamics365 as DynamicsTenant
from simulators.cloud_erp.dynamics365 import Tenant
from simulators.cloud_erp.oracle_fusion import OracleFusion as OraclePod
from simulators.cloud_erp.sap_s4hana import SapS4Hana as SapTenant
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
    refusal_path: str  # where it is told (POST): on most where orders are created
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
    refusal_path = create_path
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


class Dynamics:
    """Dynamics 365 Finance whose number sequence numbers the orders: it refuses no double by itself.

    `DynamicsByOurNumber` is the other way; there the ERP refuses doubles, so that no look-up is missed.
    """

    kind = "dynamics365"
    create_path = r"/data/PurchaseOrderHeadersV2$"
    look_up_path = r"/data/PurchaseOrderHeadersV2\?"
    refusal = "item"
    refusal_path = r"/data/PurchaseOrderLinesV2$"
    refused_field = "lines[0].item_ids"
    token_path = "/oauth2/v1/token"
    numbering = "sequence"

    def simulator(
        self, behaviour: Behaviour, faults: FaultScript, tls: Tls | None, clock: Callable[[], float]
    ) -> SimulatedErp:
        tenant = Tenant(numbers_itself=self.numbering == "sequence")
        return DynamicsTenant(behaviour, faults, tls, tenant=tenant, clock=clock)

    def settings(self, **values: Any) -> ErpSettings:
        made = {
            "defaults": {"company": "usmf", "site": "1", "warehouse": "11"},
            "numbering": self.numbering,
            "cancel": "stop_lines",
            "supplier_output": "off",
            **values,
        }
        if made["supplier_output"] == "per_order":  # no field of an order says it here
            made["supplier_output"] = "undeclared"
        return Dynamics365Settings.model_validate(made)

    def target(self, settings: ErpSettings) -> Connector:
        assert isinstance(settings, Dynamics365Settings)
        return DynamicsTarget("erp", settings)

    def orders(self, erp: SimulatedErp) -> Sequence[Held]:
        assert isinstance(erp, DynamicsTenant)
        return [
            self._held(erp, key.rpartition("|")[2]) for key in erp.documents.keys("PurchaseOrderHeadersV2")
        ]

    def line_numbers(self, erp: SimulatedErp) -> Sequence[str]:
        return [key.rpartition("|")[2] for key in erp.documents.keys("PurchaseOrderLinesV2")]

    def answered(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        keys = erp.documents.keys("PurchaseOrderResponseLines")
        return [(order, line) for _, order, line in (key.split("|") for key in keys)]

    def invoiced(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        held = (
            erp.documents.get("VendorInvoiceLines", key) for key in erp.documents.keys("VendorInvoiceLines")
        )
        return [(each["PurchaseOrder"], str(each["PurchLineNumber"])) for each in held if each is not None]

    def _held(self, erp: DynamicsTenant, number: str) -> Held:
        lines = erp.order_lines(number)
        return Held(
            number,
            bool(lines) and all(each["IsLineStopped"] == "Yes" for each in lines),
            tuple(Decimal(each["OrderedPurchaseQuantity"]) for each in lines),
            tuple(Decimal(each["PurchasePrice"]) / Decimal(each["PurchasePriceQuantity"]) for each in lines),
        )

    def nothing(self, request: Request) -> Reply | None:
        is_look_up = request.effect is Effect.READ and "PurchaseOrderHeadersV2" in request.address
        return Reply(200, json.dumps({"value": []}).encode()) if is_look_up else None


class DynamicsByOurNumber(Dynamics):
    """Dynamics 365 Finance whose orders keep our number."""

    create_path = r"/data/PurchaseOrderLinesV2$"
    numbering = "ours"


class Sap:
    """SAP S/4HANA."""

    kind = "sap_s4hana"
    create_path = r"/PurchaseOrder$"
    look_up_path = r"/PurchaseOrder\?"
    refusal = "item_blocked"
    refusal_path = create_path
    refused_field = "lines[0].item_ids"
    token_path = "/oauth2/v1/token"

    def simulator(
        self, behaviour: Behaviour, faults: FaultScript, tls: Tls | None, clock: Callable[[], float]
    ) -> SimulatedErp:
        return SapTenant(behaviour, faults, tls, clock=clock)

    def settings(self, **values: Any) -> ErpSettings:
        defaults = {
            "company_code": "1010",
            "purchasing_organization": "1010",
            "purchasing_group": "001",
            "plant": "1010",
            "confirmation_control_key": "0001",
        }
        codes = {"suppliers": {"1013": "10300001"}}
        made = {"defaults": defaults, "codes": codes, "supplier_output": "off", **values}
        return SapSettings.model_validate(made)

    def target(self, settings: ErpSettings) -> Connector:
        assert isinstance(settings, SapSettings)
        return SapTarget("erp", settings)

    def orders(self, erp: SimulatedErp) -> Sequence[Held]:
        assert isinstance(erp, SapTenant)
        held = [erp.document("purchase_order", key) for key in erp.documents.keys("purchase_order")]
        return [
            Held(
                each["PurchaseOrder"],
                all(item["PurchasingDocumentDeletionCode"] for item in each["_PurchaseOrderItem"]),
                tuple(item["OrderQuantity"] for item in each["_PurchaseOrderItem"]),
                tuple(
                    item["NetPriceAmount"] / item["NetPriceQuantity"] for item in each["_PurchaseOrderItem"]
                ),
            )
            for each in held
        ]

    def line_numbers(self, erp: SimulatedErp) -> Sequence[str]:
        return [item["PurchaseOrderItem"] for item in self._items(erp)]

    def answered(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        items = self._items(erp)
        return [
            (each["PurchaseOrder"], each["PurchaseOrderItem"]) for each in items if each.get("_confirmations")
        ]

    def invoiced(self, erp: SimulatedErp) -> list[tuple[str, str]]:
        assert isinstance(erp, SapTenant)
        (number,) = erp.documents.keys("supplier_invoice")
        lines = erp.document("supplier_invoice", number)["to_SuplrInvcItemPurOrdRef"]
        return [(each["PurchaseOrder"], each["PurchaseOrderItem"]) for each in lines]

    def _items(self, erp: SimulatedErp) -> list[dict[str, Any]]:
        assert isinstance(erp, SapTenant)
        (number,) = erp.documents.keys("purchase_order")
        order = erp.document("purchase_order", number)
        return [{"PurchaseOrder": number, **item} for item in order["_PurchaseOrderItem"]]

    def nothing(self, request: Request) -> Reply | None:
        return Reply(200, b'{"value": []}') if request.step == "create.look_up" else None


ERPS: Sequence[ErpUnderTest] = (Oracle(), Sap(), Dynamics())
