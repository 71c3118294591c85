"""What an endpoint of kind dynamics365 says: the legal entity, where goods go, how receipts are posted."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from gateway.erp.connector.settings import ErpSettings, for_route
from gateway.security.settings import Settings


class Dynamics365Defaults(Settings):
    """What a document does not say by itself. Under `per_route` only what differs is written."""

    company: str = Field(
        default="", max_length=4, description="legal entity (`dataAreaId`), such as usmf; every key holds it"
    )
    site: str = Field(default="", max_length=10, description="`ReceivingSiteId`, where a line says none")
    warehouse: str = Field(default="", max_length=10, description="`ReceivingWarehouseId`, likewise")
    category: str = Field(
        default="",
        max_length=254,
        description="`ProcurementProductCategoryName` of lines without an item number of the ERP's own",
    )
    buyer_group: str = Field(default="", max_length=10, description="`BuyerGroupId`")
    pool: str = Field(default="", max_length=10, description="`PurchaseOrderPoolId`")
    ledger_dimension: str = Field(
        default="", max_length=500, description="`DefaultLedgerDimensionDisplayValue` of the order"
    )
    currency: str = Field(
        default="", max_length=3, description="of a requisition that names none; its lines must have one"
    )
    delivery_location: str = Field(
        default="", max_length=30, description="`DeliveryAddressLocationId`, where the ship-to gives none"
    )


class ReceiptSettings(Settings):
    """How goods are received: no entity posts a receipt, so every customer has an own way."""

    strategy: Literal["person", "arrival_journal", "custom_service"] = Field(
        default="person",
        description="person: parked, to be posted by hand. arrival_journal: a journal is written, which the "
        "ERP's own batch posts. custom_service: a service of yours posts at once",
    )
    service: str = Field(
        default="api/services/BridgeReceipts/Receipts/post",
        description="with custom_service: its path, below the host",
    )
    journal_name: str = Field(
        default="WHS", max_length=10, description="with arrival_journal: `JournalNameId`"
    )


class RequisitionSettings(Settings):
    """What a requisition does not say by itself."""

    numbering: Literal["sequence", "ours"] = Field(
        default="sequence",
        description="sequence: the ERP numbers requisitions. ours: our number is sent (its sequence allows "
        "manual numbers). Either way they are found by our reference in `RequisitionName`",
    )
    purpose: str = Field(default="Consumption", max_length=20, description="`RequisitionPurpose`")
    preparer: str = Field(default="", max_length=25, description="`PreparerPersonnelNumber`")
    requester: str = Field(default="", max_length=25, description="`RequisitionerPersonnelNumber` of lines")


class Dynamics365Settings(ErpSettings):
    """A Dynamics 365 Finance environment. `base` ends with the host: `https://NAME.operations.dynamics.com`."""

    defaults: Dynamics365Defaults = Dynamics365Defaults()
    per_route: dict[str, Dynamics365Defaults] = Field(
        default_factory=dict, description="by route: defaults that differ there"
    )
    numbering: Literal["ours", "sequence"] = Field(
        default="ours",
        description="ours: the order keeps its number in the ERP (its sequence allows manual numbers): "
        "the ERP then refuses doubles. sequence: the ERP numbers, and orders are found by their reference",
    )
    cancel: Literal["delete", "stop_lines"] = Field(
        default="delete",
        description="a cancelled order: deleted (the ERP refuses where goods came), or its lines stopped",
    )
    responses: Literal["entity", "order_lines"] = Field(
        default="entity",
        description="where an 855 is written: the vendor's response (vendor collaboration), or only the "
        "confirmed day of the order's own lines, the rest being the buyer's",
    )
    supplier_output: Literal["undeclared", "off"] = Field(
        default="undeclared",
        description="whether the ERP sends orders to suppliers by itself. off: it is set up there that "
        "confirming an order sends nothing; no field of an order says so. Routes whose transmitter is not "
        "the ERP need it",
    )
    silent_outputs: ClassVar[tuple[str, ...]] = ("off",)
    check_vendor: bool = Field(
        default=True, description="look the vendor up before an order: unknown or on hold parks with its name"
    )
    charge_accounts: dict[str, str] = Field(
        default_factory=dict,
        description="of an invoice's charges by kind (freight, handling ...): `MainAccountDisplayValue`. A "
        "charge without one parks",
    )
    receipts: ReceiptSettings = ReceiptSettings()
    requisitions: RequisitionSettings = RequisitionSettings()

    @model_validator(mode="after")
    def _company_is_named(self) -> Dynamics365Settings:
        routes = self.per_route.values()
        if not self.defaults.company and not (routes and all(each.company for each in routes)):
            raise ValueError("defaults.company is missing: without a legal entity nothing is found")
        return self

    @field_validator("supplier_output", mode="before")
    @classmethod
    def _no_order_says_so(cls, value: object) -> object:
        if value == "per_order":
            text = "no field of an order at Dynamics keeps the ERP from sending it; expected off"
            raise ValueError(f"{text}, once it is set up there that confirming an order sends nothing")
        return value

    def of_route(self, route: str) -> Dynamics365Defaults:
        """Give the defaults that hold for a route."""
        return for_route(self.defaults, self.per_route, route)
