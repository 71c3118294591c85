"""Orders that the ERP itself tells of: who gets them, and what a configuration for them must say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.base import AliasKind, DecodeContext, Decoded
from canonical.document import OrderNumber
from canonical.keys import KeyRules
from gateway.config import Configuration, load_text
from gateway.following import Followed, follow_on, told_of_ours
from gateway.journal.types import MOVED, AwaitedOrder, Facts, LedgerEntry, Naming, Side, Transmitter
from gateway.naming import Keyed, NamedOrder
from gateway.program import Program, Tenant, UnknownOrder
from gateway.stage import OrderFacts, RouteRule, Stage, decide, follow

RULE = RouteRule(
    route="po.out",
    legacy_target="mms",
    supplier_target="acme",
    cloud_transmitter=Transmitter.GATEWAY,
    copies_to_legacy=True,
    from_cloud=True,
)
ORDER = OrderFacts("order:1|mercy|PO-1")
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def entry(side: Side, transmitter: Transmitter, route: str = "po.in") -> LedgerEntry:
    return LedgerEntry(ORDER.order_key, side, transmitter, route, "cloud", "stage cloud", NOW)


def test_an_order_of_the_erps_own_goes_to_its_supplier_and_as_a_copy_to_legacy_and_not_back() -> None:
    decision = decide(RULE, Stage.CLOUD, Decimal(0), ORDER, None)

    assert decision.opens
    assert [(each.target, each.role, each.form) for each in decision.intents] == [
        ("acme", "live", "canonical"),
        ("mms", "copy", "canonical"),
    ]


@pytest.mark.parametrize("transmitter", list(Transmitter))
def test_an_order_that_we_brought_there_goes_nowhere(transmitter: Transmitter) -> None:
    decision = decide(RULE, Stage.CLOUD, Decimal(0), ORDER, entry(Side.CLOUD, transmitter))

    assert (decision.side, decision.intents, decision.opens) == (Side.CLOUD, (), False)


def test_an_order_of_that_number_that_legacy_owns_is_another_order() -> None:
    decision = decide(RULE, Stage.CLOUD, Decimal(0), ORDER, entry(Side.LEGACY, Transmitter.LEGACY))

    assert decision.side is None
    assert [each.code for each in decision.findings] == ["ORDER-NUMBER-CLASH"]


@pytest.mark.parametrize(
    "transmitter, code",
    [(Transmitter.GATEWAY, ["ORDER-CHANGED-IN-ERP"]), (Transmitter.ERP, []), (Transmitter.NONE, [])],
)
def test_a_change_over_there_is_a_persons_to_tell_only_where_we_sent_the_order(
    transmitter: Transmitter, code: list[str]
) -> None:
    decision = follow(RULE, [entry(Side.CLOUD, transmitter)], originates=True)

    assert [each.code for each in decision.findings] == code
    assert decision.intents == ()


ROUTES = """\
version: 1
gateway: {{environment: test, organisation: mercy, journal: "memory:", listen: {{http: 127.0.0.1:8080}}}}
endpoints:
  s4: {{kind: sap_s4hana, environment: test, base: "https://s4.example"}}
  events:
    kind: erp_events
    environment: test
    erp: sap_s4hana
    path: /events/s4
    verify: {{secret: {{secret: env:S}}}}
    events: {{created: created, feed: created}}
    {feed}
  acme: {{kind: sftp_files, environment: test, folder: acme}}
routes:
  - id: po.out
    from: {{endpoint: events, format: erp_events, set: purchase_order}}
    targets: {targets}
    stage: {stage}
    transmitter: {{cloud: {transmitter}}}
  - id: events.s4
    follows: po.out
    from: {{endpoint: events, format: erp_events, set: event}}
    targets: {{cloud: s4}}
    unknown_order: {unknown}
"""
GOOD = {
    "targets": "{supplier: acme}",
    "stage": "cloud",
    "transmitter": "gateway",
    "unknown": "{to: cloud, after: 0s}",
    "feed": "",
}


def told(folder: Path, **words: str) -> list[str]:
    loaded = load_text(ROUTES.format(**(GOOD | words)), folder=folder)
    return [] if isinstance(loaded, Configuration) else [str(each) for each in loaded]


def test_a_good_configuration_for_orders_of_the_erps_own(tmp_path: Path) -> None:
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    "words, expected",
    [
        ({"stage": "canary"}, "expected stage cloud"),
        ({"targets": "{cloud: s4, supplier: acme}"}, "the ERP has these orders already"),
        ({"transmitter": "erp"}, "nobody gets these orders"),
        ({"unknown": "{to: legacy, after: 60s}"}, "expected unknown_order: {to: cloud, after: 0s}"),
        ({"feed": "feed: {endpoint: nobody}"}, "nobody"),
    ],
)
def test_what_would_lose_or_double_such_orders_is_refused(
    tmp_path: Path, words: dict[str, str], expected: str
) -> None:
    assert any(expected in each for each in told(tmp_path, **words)), told(tmp_path, **words)


# -- an order that has moved away from the ERP that tells of it -----------------------------------------

TENANT = Tenant(("s4",), tells=True)


def told_of(opens: bool, kind: AliasKind, follows: str | None = None) -> Followed | AwaitedOrder | None:
    """Decide about what s4 tells of 4500: legacy has the order now, and `kind` says whose name that is."""
    rule = RULE if follows is None else RouteRule(route="events", cloud_target="s4")
    program = Program(
        "r", "erp_events", DecodeContext("r", "test"), rule, KeyRules(organisation="mercy"), follows=follows,
        unknown=UnknownOrder(Side.CLOUD, 0), tenant=TENANT,
    )  # fmt: skip
    order = NamedOrder(None, (OrderNumber("erp", "4500"),))
    each = Keyed(Decoded(0, "event", None, (), b"", ()), orders=(order,), opens=opens, tenant=TENANT)
    ledger = {ORDER.order_key: replace(entry(Side.LEGACY, Transmitter.NONE), stage=MOVED)}
    facts = Facts(ledger, {}, {"4500": {ORDER.order_key: frozenset({Naming(kind, "s4")})}})
    if opens:
        return told_of_ours(program, each, facts, ledger)
    return follow_on(program, each, facts, ledger, None, NOW)


@pytest.mark.parametrize(
    "opens, follows, targets", [(True, None, []), (False, None, []), (False, "po.out", ["s4"])]
)
def test_an_erp_may_tell_of_an_order_that_left_it_and_nobody_gets_it(
    opens: bool, follows: str | None, targets: list[str]
) -> None:
    found = told_of(opens, AliasKind.LEFT, follows)

    assert isinstance(found, Followed)
    assert (found.decision.findings, [each.target for each in found.decision.intents]) == ((), targets)
    assert "has moved to legacy" in found.decision.reason


def test_an_erps_order_of_a_number_that_is_legacys_and_never_left_it_is_still_a_clash() -> None:
    found = told_of(True, AliasKind.ERP)

    assert isinstance(found, Followed)
    assert [each.code for each in found.decision.findings] == ["ORDER-NUMBER-CLASH"]
