"""``readiness``, ``diffs`` and the gates of ``routes set``, as people meet them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config import Configuration, load_text
from tests.gateway.commands.conftest import Command
from tests.gateway.commands.running import Running, running
from tests.gateway.operations.bench import ROUTES
from tests.gateway.operations.coexistence import GATED, PRICE, UNIT, compare, gated


@pytest.fixture
def gateway(folder: Path) -> Iterator[Running]:
    with running(folder) as made:
        (folder / "routes.yaml").write_text(GATED)
        made.bench.configuration = gated()
        journal, now = made.bench.journal, made.bench.clock.now()
        made.do(journal.set_stage("po.one", "cloud", "shadow", "10", "ann", "a test", now))
        yield made


def narrow(text: str) -> bool:
    return max(map(len, text.splitlines()), default=0) <= 80


def test_the_card_shows_evidence_bound_coverage_and_gates_in_80_columns(
    bridge: Command, gateway: Running
) -> None:
    gateway.do(compare(gateway.bench, count=4))
    gateway.do(compare(gateway.bench, UNIT))

    ended = bridge("readiness", "po.one", columns=80)

    assert ended.code == 1
    assert narrow(ended.out), ended.out
    for told in (
        "po.one: stage shadow since 2026-01-02 03:04:05Z",
        "compared   5 documents with legacy.one, 1 mismatch; 0 clean in a row",
        "bound      the true mismatch rate is below 65.74% (95% confidence)",
        "seen       unit: CA 5",
        "gates before stage canary",
        "  SHUT  to_canary.clean: 0 documents in a row without a mismatch; expected 3",
    ):
        assert told in ended.out, ended.out


def test_a_route_without_legacys_version_says_so(bridge: Command, gateway: Running) -> None:
    assert "no legacy evidence yet (from legacy.one)" in bridge("readiness", "po.one").out
    assert "no legacy evidence: the route declares no compare.with" in bridge("readiness", "po.two").out


def test_routes_set_shows_the_card_and_names_the_gate_that_holds_it(
    bridge: Command, gateway: Running
) -> None:
    gateway.do(compare(gateway.bench, count=2))

    ended = bridge("routes", "set", "po.one", "canary", "--why", "clean", "--who", "ann")

    assert ended.code == 2
    assert "compared   2 documents with legacy.one, 0 mismatches; 2 clean in a row" in ended.out
    assert "gate to_canary.clean holds route 'po.one' back from stage canary" in " ".join(ended.err.split())
    assert "GATE-SHUT" in ended.err


def test_force_passes_and_says_what_it_passed(bridge: Command, gateway: Running) -> None:
    ended = bridge("routes", "set", "po.one", "canary", "--force", "--why", "agreed", "--who", "ann")

    assert ended.code == 0
    assert "passed by force: to_canary.clean" in ended.out
    assert "po.one: shadow -> canary 10%" in ended.out


def test_an_approval_opens_the_gate_that_asks_for_it(bridge: Command, gateway: Running) -> None:
    gateway.do(compare(gateway.bench, count=4))
    said = ("--as", "supply-chain", "--why", "seen", "--who", "bob")

    approved = bridge("routes", "approve", "po.one", "canary", *said)
    gateway.bench.clock.elapsed_s += 60
    moved = bridge("routes", "set", "po.one", "canary", "--why", "clean", "--who", "ann")

    assert approved.out.startswith("po.one: approved for stage canary by bob as supply-chain; it counts")
    assert "approved   for canary by bob (supply-chain): seen" in approved.out
    assert moved.code == 0, moved.err
    card = " ".join(bridge("readiness", "po.one").out.split())
    assert "for canary by bob (supply-chain): seen; counts no more" in card


def test_a_change_is_planned_shown_and_taken_back(bridge: Command, gateway: Running) -> None:
    who = ("--why", "cut-over", "--who", "ann")

    planned = bridge(
        "routes", "schedule", "po.one", "canary", "--share", "5%", "--at", "2026-01-15T06:00", *who
    )
    listed = bridge("routes", "schedule")
    own, other = bridge("routes", "schedule", "po.one"), bridge("routes", "schedule", "po.two")
    again = bridge("routes", "schedule", "po.one", "canary", "--at", "2026-01-16T06:00", *who)
    frozen = bridge("routes", "schedule", "po.one", "canary", "--at", "2026-02-03T06:00", *who)
    cancelled = bridge("routes", "schedule", "po.one", "--cancel", *who)

    assert "po.one: canary 5% at 2026-01-15 06:00:00Z, by ann: cut-over" in planned.out
    assert "not open yet: to_canary.clean" in planned.out
    assert "po.one: canary 5%" in listed.out
    assert (own.out, other.out, other.err) == (listed.out, "", "po.two: nothing is planned\n")
    assert "It replaces what was planned before: po.one: canary 5% at 2026-01-15" in " ".join(
        again.out.split()
    )
    assert (frozen.code, "year-end count" in frozen.err) == (2, True)
    assert cancelled.code == 0
    assert bridge("routes", "schedule").out == ""


def test_differences_are_listed_shown_and_accepted_into_routes_yaml_with_its_comments(
    bridge: Command, gateway: Running, folder: Path
) -> None:
    gateway.do(compare(gateway.bench, UNIT, count=37))
    gateway.do(compare(gateway.bench, PRICE))
    before = (folder / "routes.yaml").read_text()

    listed = bridge("diffs", "list", "--route", "po.one")
    group = listed.out.split()[0]
    shown = bridge("diffs", "show", group, "--limit", "1")
    tried = bridge("diffs", "accept", group, "--until", "2026-12-31", "--why", "same unit", "--dry-run")
    assert (folder / "routes.yaml").read_text() == before
    accepted = bridge("diffs", "accept", group, "--until", "2026-12-31", "--why", "same unit")

    assert listed.code == 1
    assert "37 documents differ in lines[].quantity.unit CA/CS" in listed.out
    assert "legacy  CA\ncloud   CS\n" in shown.out
    assert tried.code == accepted.code == 0, accepted.err
    entry = (
        '- {path: "lines[].quantity.unit", until: "2026-12-31", why: "same unit", legacy: "CA", cloud: "CS"}'
    )
    after = (folder / "routes.yaml").read_text()
    assert f"+        {entry}" in accepted.out
    assert after.replace(f"      ignore:\n        {entry}\n", "") == before
    assert "# what the trigger feed shows" in after
    assert bridge("check").code == 0


def test_accepting_twice_writes_one_ignore_and_says_how_it_is_loaded(
    bridge: Command, gateway: Running, folder: Path
) -> None:
    gateway.do(compare(gateway.bench, UNIT))
    group = bridge("diffs", "list").out.split()[0]
    words = ("diffs", "accept", group, "--why", "same unit", "--until")

    first = bridge(*words, "2026-12-31")
    once = (folder / "routes.yaml").read_text()
    second = bridge(*words, "2026-12-31")
    assert (folder / "routes.yaml").read_text() == once
    longer = bridge(*words, "2027-01-31")

    assert (first.code, second.code, longer.code) == (0, 0, 0)
    assert "kill -HUP" in first.err
    assert "ignores this already; nothing was written" in second.err
    assert (folder / "routes.yaml").read_text().count('path: "lines[].quantity.unit"') == 2


def test_prices_are_shown_only_with_a_reason(bridge: Command, gateway: Running) -> None:
    gateway.do(compare(gateway.bench, PRICE))
    group = bridge("diffs", "list").out.split()[0]

    hidden = bridge("diffs", "show", group)
    refused = bridge("diffs", "show", group, "--values")
    shown = bridge("diffs", "show", group, "--values", "--why", "dispute")

    assert "12.50" not in hidden.text
    assert "apart   +0.8%" in hidden.out
    assert refused.code == 2
    assert "legacy  12.50" in shown.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("canray",), "there is no stage 'canray'; did you mean 'canary'?"),
        (("canary", "--share", "110%"), "'110%' is no share; expected 0% to 100%"),
    ],
)
def test_a_stage_or_a_share_that_is_none_is_told_before_a_card_and_without_a_gateway(
    bridge: Command, words: tuple[str, ...], told: str
) -> None:
    ended = bridge("routes", "set", "po.one", *words, "--why", "clean")

    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_a_reason_that_is_empty_is_refused_in_plain_words(bridge: Command, gateway: Running) -> None:
    ended = bridge("routes", "set", "po.one", "canary", "--why", "")

    assert "routes.set: why: expected a text of at least 1 character" in " ".join(ended.err.split())


def test_a_list_of_routes_never_breaks_a_declared_share(bridge: Command, gateway: Running) -> None:
    declared = load_text(ROUTES.replace("stage: cloud", "stage: canary", 1))
    assert isinstance(declared, Configuration)
    gateway.bench.configuration = declared

    listed = bridge("routes", "list", columns=50).out.splitlines()
    row = next(line for line in listed if line.startswith("po.one"))

    assert " canary 100% " in row
