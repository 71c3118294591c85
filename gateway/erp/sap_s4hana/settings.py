"""Settings of an SAP S/4HANA endpoint. Types only."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from canonical.values import ChargeKind
from gateway.erp.connector.settings import ErpSettings
from gateway.erp.settings import CsrfSettings
from gateway.security.settings import Settings

ORDER_SERVICE = "sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001"
V2_SERVICES = "sap/opu/odata/sap"
CONFIRMATIONS = "sap/bc/srt/scs_ext/sap/orderconfirmationrequest_in"


class SapDefaults(Settings):
    """What documents do not say and SAP must know; a route may say otherwise under `per_route`."""

    company_code: str = Field(default="", max_length=4, description="CompanyCode")
    purchasing_organization: str = Field(default="", max_length=4, description="PurchasingOrganization")
    purchasing_group: str = Field(default="", max_length=3, description="PurchasingGroup")
    plant: str = Field(default="", max_length=4, description="Plant where the document names no ship-to")
    storage_location: str = Field(default="", max_length=4, description="StorageLocation")
    material_group: str = Field(
        default="", max_length=9, description="MaterialGroup of lines without a material of SAP's"
    )
    order_type: str = Field(
        default="NB",
        pattern=r"^(NB|ZNB.?)$",
        description="PurchaseOrderType: the V4 API takes NB and ZNB* only",
    )
    silent_order_type: str = Field(
        default="",
        pattern=r"^(ZNB.?)?$",
        description="PurchaseOrderType of orders that SAP may not send to the supplier (supplier_output: "
        "per_order): a copy of NB without output",
    )
    requisition_type: str = Field(default="NB", max_length=4, description="PurchaseRequisitionType")
    account_assignment_category: str = Field(
        default="K", max_length=1, description="AccountAssignmentCategory of lines with an account"
    )
    currency: str = Field(default="", max_length=3, description="where the document names none")
    tax_code: str = Field(default="", max_length=2, description="TaxCode of order and invoice lines")
    confirmation_control_key: str = Field(
        default="",
        max_length=4,
        description="SupplierConfirmationControlKey of order lines: without one SAP takes no confirmation",
    )
    language: str = Field(default="EN", max_length=2, description="Language")


class SapTexts(Settings):
    """Text ids (TextObjectType) that notes are written under; without one they are left out, and told."""

    order: str = Field(default="", max_length=4, description="of an order's notes, such as F01")
    line: str = Field(default="", max_length=4, description="of a line's notes, such as F01")


class SapSettings(ErpSettings):
    """An S/4HANA tenant; `base` is the API host's address without a path (not that of the user interface)."""

    defaults: SapDefaults = SapDefaults()
    per_route: dict[str, SapDefaults] = Field(
        default_factory=dict, description="the same by route id: only what differs there"
    )
    csrf: CsrfSettings | None = CsrfSettings(path=f"{ORDER_SERVICE}/", method="GET")
    order_service: str = Field(default=ORDER_SERVICE, description="path of API_PURCHASEORDER_2 (OData V4)")
    v2_services: str = Field(default=V2_SERVICES, description="path above the V2 services' names")
    confirmation_service: str = Field(
        default=CONFIRMATIONS, description="path of OrderConfirmationRequest_In (SOAP)"
    )
    check_supplier: bool = Field(
        default=True, description="look a supplier up before each order: blocked ones are the buyer's item"
    )
    validate_requisitions: bool = Field(
        default=True,
        description="have a requisition validated before it is created (PurReqnDoOnlyValidation)",
    )
    currency_decimals: dict[str, int] = Field(
        default_factory=dict, description="decimals of prices by currency where they are not 2 (JPY: 0)"
    )
    refused_order_types: frozenset[str] = Field(
        default=frozenset({"blanket", "reservation", "return", "repair", "bill_only", "consignment"}),
        description="our order types that this API cannot hold; an order of one is the buyer's item",
    )
    texts: SapTexts = SapTexts()
    conditions: dict[ChargeKind, Annotated[str, Field(min_length=1, max_length=4)]] = Field(
        default_factory=dict,
        description="ConditionType by kind of an order line's charge or allowance, such as freight: FRB1; "
        "others are left out, which is told",
    )
    movement_types: dict[str, str] = Field(
        default_factory=lambda: {"receipt": "101", "return": "122"},
        description="GoodsMovementType by kind of receipt; other kinds are the buyer's item",
    )
    confirmation_waits_s: tuple[float, ...] = Field(
        default=(2.0, 5.0, 15.0, 60.0, 300.0),
        description="looks at the order after a confirmation was taken (202), until it shows there; none: a "
        "202 is believed. What shows is the supplier's order number at the items",
    )

    @model_validator(mode="after")
    def _decimals_are_few(self) -> Self:
        if any(not 0 <= each <= 5 for each in self.currency_decimals.values()):
            raise ValueError("currency_decimals: expected 0 to 5")
        return self

    def decimals(self, currency: str) -> int:
        """Give how many decimals a price in a currency has."""
        known = {"JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3, "TND": 3}
        return self.currency_decimals.get(currency, known.get(currency, 2))
