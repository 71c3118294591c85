"""What every cloud ERP connector can be told, as it stands under `endpoints:` in routes.yaml. Types only.

A connector adds a model of its own defaults (company code, business unit ...), which hold for the endpoint,
and again under `per_route`, where only what differs for a route is written.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from canonical.values import ItemScheme, PartyScheme
from gateway.erp.connector.series import FollowUp
from gateway.erp.settings import HttpSettings
from gateway.security.settings import Settings


class AccountingDate(Settings):
    """Which day a posting counts for. A day in a closed period is the ERP's to refuse: it parks."""

    rule: Literal["document", "arrival"] = Field(
        default="document",
        description="the document's own date (an invoice's, a receipt's), or the day it arrived",
    )
    not_before: date | None = Field(
        default=None, description="first day of the oldest open period: earlier days become this one"
    )
    zone: str = Field(default="UTC", description="whose day `arrival` means, as America/Chicago")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no zone '{zone}'") from error
        return zone


class Codes(Settings):
    """What the ERP calls things. Crosswalks that change by date belong into code tables; these are fixed."""

    units: dict[str, str] = Field(default_factory=dict, description="our unit (EA) to the ERP's (Each)")
    units_must_be_mapped: bool = Field(default=False, description="park a unit that `units` does not name")
    accounts: dict[str, str] = Field(default_factory=dict, description="account as sent to the ERP's")
    suppliers: dict[str, str] = Field(default_factory=dict, description="supplier id as sent to the ERP's")
    locations: dict[str, str] = Field(default_factory=dict, description="ship-to id or facility to the ERP's")
    terms: dict[str, str] = Field(default_factory=dict, description="payment terms code to the ERP's")
    item_schemes: tuple[ItemScheme, ...] = Field(
        default=("buyer", "sku"), description="which item number is the ERP's own; the first that is there"
    )
    supplier_item_schemes: tuple[ItemScheme, ...] = Field(
        default=("vendor", "catalog", "manufacturer"), description="which is the supplier's"
    )
    supplier_schemes: tuple[PartyScheme, ...] = Field(
        default=("assigned_by_buyer", "internal", "gln", "duns", "other"),
        description="which id of a party is looked up in `suppliers` and `locations`: the first there is",
    )


class AnswerRules(Settings):
    """What a supplier's acknowledgment (855) may change by itself. By default nothing: the buyer decides."""

    price: Literal["buyer", "ignore", "apply"] = Field(
        default="buyer", description="another price: the buyer's item, passed over, or written to the order"
    )
    price_percent_max: float = Field(
        default=0, ge=0, le=100, description="with apply: up to so many percent dearer; above it the buyer's"
    )
    substitute: Literal["buyer", "ignore"] = Field(
        default="buyer", description="another item: the buyer's item, or passed over"
    )
    dates: Literal["buyer", "ignore", "apply"] = Field(
        default="apply", description="another day than asked for: the buyer's item, passed over, or written"
    )


class ErpSettings(HttpSettings):
    """The base of a connector's settings."""

    quiet_period_s: float = Field(
        default=60.0,
        ge=0,
        description="a create of unknown outcome is sent again only after it; doubles each time",
    )
    look_up_waits_s: tuple[float, ...] = Field(
        default=(2.0, 5.0, 15.0),
        description="look-ups after an unknown outcome, before the one that ends the quiet period",
    )
    doubts_max: int = Field(
        default=10, ge=1, description="creates of unknown outcome before a person must look"
    )
    codes: Codes = Codes()
    accounting_date: AccountingDate = AccountingDate()
    answers: AnswerRules = AnswerRules()
    supplier_output: Literal["undeclared", "off", "per_order"] = Field(
        default="undeclared",
        description="whether the ERP sends orders to suppliers by itself: off (set up so), or per_order "
        "(told with each order). Routes whose transmitter is not the ERP need one of these",
    )
    silent_outputs: ClassVar[tuple[str, ...]] = ("off", "per_order")
    """Words of `supplier_output` under which an order can be there and not be sent by the ERP."""

    @property
    def takes_documents(self) -> bool:
        """Tell that it gets documents, and no bytes as they came."""
        return True

    @property
    def suppresses_transmission(self) -> bool:
        """Tell whether an order can be created that the supplier has already: moves need that."""
        return self.supplier_output != "undeclared"

    @property
    def follow_up(self) -> FollowUp:
        """Give the times of look-ups."""
        return FollowUp(self.look_up_waits_s, self.quiet_period_s, self.doubts_max)


Defaults = TypeVar("Defaults", bound=Settings)


def for_route(defaults: Defaults, per_route: dict[str, Defaults], route: str) -> Defaults:
    """Give what holds for a route: the endpoint's defaults, and over them what the route says itself."""
    own = per_route.get(route)
    if own is None:
        return defaults
    return defaults.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
