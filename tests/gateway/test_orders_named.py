"""Which order a follow-on means: each number in its own numbering."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.base import AliasKind, Decoded
from canonical.document import Issuer, OrderNumber
from gateway.journal.types import Facts, LedgerEntry, Naming, Side, Transmitter
from gateway.naming import Keyed, NamedOrder, orders_named, told_names
from gateway.program import NO_TENANT, Tenant

AT = datetime(2026, 11, 22, tzinfo=UTC)


def entry(key: str, transmitter: Transmitter = Transmitter.GATEWAY) -> LedgerEntry:
    return LedgerEntry(key, Side.CLOUD, transmitter, "po", "cloud", "stage cloud", AT)


def facts(kind: AliasKind, transmitter: Transmitter) -> Facts:
    """Order K is called 1001 in one numbering."""
    return Facts({"K": entry("K", transmitter)}, {}, {"1001": {"K": frozenset({Naming(kind)})}})


def named(issuer: Issuer, kind: AliasKind, transmitter: Transmitter = Transmitter.GATEWAY) -> tuple[str, ...]:
    told = Keyed(
        Decoded(0, "855", None, (), b"", ()), orders=(NamedOrder(None, (OrderNumber(issuer, "1001"),)),)
    )
    return orders_named(told, facts(kind, transmitter))


@pytest.mark.parametrize(
    "issuer, kind",
    [
        ("buyer", AliasKind.BUYER),
        ("buyer", AliasKind.SUPPLIER_VISIBLE),
        ("seller", AliasKind.SELLER),
        ("erp", AliasKind.ERP),
    ],
)
def test_a_number_is_found_in_its_own_numbering(issuer: Issuer, kind: AliasKind) -> None:
    assert named(issuer, kind) == ("K",)


@pytest.mark.parametrize(
    "issuer, kind",
    [
        ("buyer", AliasKind.SELLER),
        ("buyer", AliasKind.ERP),
        ("seller", AliasKind.ERP),
        ("seller", AliasKind.BUYER),
        ("erp", AliasKind.BUYER),
    ],
)
def test_a_number_of_another_numbering_is_another_order(issuer: Issuer, kind: AliasKind) -> None:
    assert named(issuer, kind) == ()


def test_a_supplier_calls_by_the_erps_number_what_the_erp_sent_it() -> None:
    assert named("buyer", AliasKind.ERP, Transmitter.ERP) == ("K",)


# -- two tenants of one ERP ----------------------------------------------------------------------------

WEST = Tenant(("west", "west-receipts"), frozenset({"east"}))
TOLD_BY_WEST = Tenant(("west", "west-receipts"), frozenset({"east"}), tells=True)


def meant(tenant: Tenant, *told: tuple[str, str], key: str | None = None) -> tuple[str, ...]:
    """Give the orders that 1001 means to what comes of a tenant; `told`: (key, who told the ERP's number)."""
    namings: dict[str, frozenset[Naming]] = {}
    for name, target in told:
        namings[name] = namings.get(name, frozenset()) | {Naming(AliasKind.ERP, target)}
    ledger = {name: entry(name, Transmitter.ERP) for name in (*namings, *((key,) if key else ()))}
    order = NamedOrder(key, (OrderNumber("erp", "1001"),))
    said = Keyed(Decoded(0, "event", None, (), b"", ()), orders=(order,), tenant=tenant)
    return orders_named(said, Facts(ledger, {}, {"1001": namings}))


def test_what_a_tenant_tells_of_is_never_another_tenants_order() -> None:
    assert meant(TOLD_BY_WEST, ("E", "east")) == ()
    assert meant(TOLD_BY_WEST, ("E", "east"), ("W", "west")) == ("W",)
    assert meant(TOLD_BY_WEST, ("E", "east"), key="E") == ()
    assert meant(NO_TENANT, ("E", "east"), ("W", "west")) == ("E", "W")  # the negative control


def test_a_tenant_may_have_several_endpoints_and_a_name_that_nobody_told_counts_for_all() -> None:
    assert meant(TOLD_BY_WEST, ("W", "west-receipts")) == ("W",)
    assert meant(TOLD_BY_WEST, ("O", "")) == ("O",)


def test_what_others_send_is_about_the_tenant_of_their_route_where_that_has_such_an_order() -> None:
    assert meant(WEST, ("E", "east"), ("W", "west")) == ("W",)
    assert meant(WEST, ("E", "east")) == ("E",)


def test_a_number_that_the_suppliers_system_told_makes_no_order_another_tenants() -> None:
    assert meant(TOLD_BY_WEST, ("K", "supplier"), key="K") == ("K",)


# -- what a seller calls an order ----------------------------------------------------------------------


def of_acme(key: str | None, number: str) -> Keyed:
    """An order that acme names by a number of its own, and perhaps by the buyer's."""
    own = f"{number} of acme"
    named = NamedOrder(key, (OrderNumber("seller", number), OrderNumber("seller", own)), (own,))
    return Keyed(Decoded(0, "855", None, (), b"", ()), orders=(named,))


def test_what_two_suppliers_call_1001_are_two_orders() -> None:
    known = facts(AliasKind.SELLER, Transmitter.GATEWAY)
    by_acme = Facts(known.ledger, {}, {"1001 of acme": {"K": frozenset({Naming(AliasKind.SELLER)})}})
    by_others = Facts(known.ledger, {}, {"1001 of bolt": {"K": frozenset({Naming(AliasKind.SELLER)})}})

    assert orders_named(of_acme(None, "1001"), by_acme) == ("K",)
    assert orders_named(of_acme(None, "1001"), by_others) == ()


def test_a_sellers_number_is_not_asked_where_the_buyers_is_known() -> None:
    known = facts(AliasKind.SELLER, Transmitter.GATEWAY)
    other = LedgerEntry("L", Side.LEGACY, Transmitter.NONE, "po", "legacy", "stage legacy", AT)
    both = Facts(
        {**known.ledger, "L": other}, {}, {"1001 of acme": {"L": frozenset({Naming(AliasKind.SELLER)})}}
    )

    assert orders_named(of_acme("K", "1001"), both) == ("K",)


def test_a_sellers_number_that_may_mean_two_orders_names_neither() -> None:
    known = facts(AliasKind.SELLER, Transmitter.GATEWAY)
    other = LedgerEntry("L", Side.LEGACY, Transmitter.NONE, "po", "legacy", "stage legacy", AT)
    ledger = {**known.ledger, "L": other}
    resolved = {"1001": {key: frozenset({Naming(AliasKind.IMPORTED)}) for key in ("K", "L")}}

    assert told_names(of_acme(None, "1001"), Facts(ledger, {}, resolved), ledger) == {}
