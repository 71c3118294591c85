"""Settings of an Oracle Fusion endpoint. Types only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from canonical.values import ChargeKind
from gateway.erp.connector.settings import ErpSettings
from gateway.security.settings import Settings


class OracleDefaults(Settings):
    """What documents do not say and Oracle must know; a route may say otherwise under `per_route`."""

    procurement_bu: str = Field(default="", description="ProcurementBU of orders")
    requisitioning_bu: str = Field(default="", description="RequisitioningBU; empty: as procurement_bu")
    sold_to_legal_entity: str = Field(default="", description="SoldToLegalEntity of orders")
    invoice_bu: str = Field(default="", description="BusinessUnit of invoices; empty: as procurement_bu")
    buyer_email: str = Field(default="", description="BuyerEmail of orders")
    preparer_email: str = Field(default="", description="PreparerEmail of requisitions")
    requester_email: str = Field(default="", description="RequesterEmail of requisition lines")
    document_style: str = Field(
        default="", description="DocumentStyle, as `Purchase Order`; empty: Oracle's own"
    )
    line_type: str = Field(default="Goods", description="LineType (LineTypeCode of requisitions)")
    category: str = Field(default="", description="Category of lines without an item of Oracle's")
    currency: str = Field(default="", description="where the document names none")
    supplier_site: str = Field(default="", description="SupplierSite")
    destination_type: str = Field(default="EXPENSE", description="DestinationTypeCode of requisition lines")
    ship_to_organization: str = Field(default="", description="ShipToOrganizationCode of schedules")
    ship_to_location: str = Field(default="", description="ShipToLocation where the document names none")
    receipt_organization: str = Field(default="", description="OrganizationCode of receipts")
    receipt_source: Literal["SUPPLIER", "VENDOR"] = Field(
        default="VENDOR",
        description="ReceiptSourceCode; the vendor's guide says SUPPLIER, working integrations send VENDOR",
    )
    employee_id: int | None = Field(default=None, description="EmployeeId of receipts")
    auto_transact: Literal["RECEIVE", "DELIVER"] = Field(
        default="DELIVER", description="AutoTransactCode of receipt lines"
    )

    @field_validator("employee_id", mode="before")
    @classmethod
    def _number_of_text(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdecimal() else value


class ChargeLine(Settings):
    """The line that a charge of an order becomes: one by amount."""

    line_type: str = Field(description="LineType of lines by amount, as `Fixed Price Services`")
    category: str = Field(description="Category of the line")


class OracleFusionSettings(ErpSettings):
    """An Oracle Fusion pod; `base` is its address without a path."""

    defaults: OracleDefaults = OracleDefaults()
    per_route: dict[str, OracleDefaults] = Field(
        default_factory=dict, description="the same by route id: only what differs there"
    )
    release: str = Field(
        default="11.13.18.05",
        pattern=r"^[0-9.]{3,20}$",
        description="of the REST resources, as in their address",
    )
    reference_field: str = Field(
        default="Description",
        pattern=r"^(Description|DFF\.[A-Za-z][A-Za-z0-9_]*)$",
        description="where our reference stands in orders and requisitions: Description, or DFF.<segment>, a "
        "descriptive flexfield of your own, which is better",
    )
    supplier_by: Literal["number", "name"] = Field(
        default="number",
        description="how `codes.suppliers` name a supplier: by SupplierNumber, which is looked up before "
        "each order, or by its name as it is",
    )
    output_field: str = Field(
        default="SupplierCommunicationMethod",
        description="with supplier_output per_order: the order's field that says how it goes to the supplier",
    )
    output_off: str = Field(
        default="NONE", description="what output_field says where Oracle must not send it"
    )
    receipt_waits_s: tuple[float, ...] = Field(
        default=(5.0, 15.0, 60.0, 300.0, 900.0, 3600.0),
        description="looks at a receipt until it is processed; after the last it is parked",
    )
    charge_lines: dict[ChargeKind, ChargeLine] = Field(
        default_factory=dict,
        description="the line that a charge of an order becomes, by its kind (freight, handling ...)",
    )
    agreements: dict[str, str] = Field(
        default_factory=dict, description="contract as sent to the source agreement of Oracle's own"
    )
    not_told: Literal["note", "park"] = Field(
        default="note",
        description="an order's charge, allowance or contract that has no place in Oracle: noted on the "
        "delivery, or the order parks",
    )
    cancel_reason: str = Field(default="Cancelled by the buyer", description="of a cancelled order")
    close_action: Literal["close", "finallyClose"] = Field(
        default="close",
        description="how an order that moved to another system is closed: close can be reopened and keeps "
        "what is reserved in the budget; finallyClose gives that back, and takes no invoice afterwards. One "
        "with goods that wait for their invoice is only closed",
    )
    close_reason: str = Field(
        default="Moved to another system", description="closeReason of an order that moved"
    )
