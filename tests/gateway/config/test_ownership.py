"""What an order route declares before its first canary, and what `check` says where it does not."""

from __future__ import annotations

import pytest

from adapters.base import Level
from gateway.config import Configuration, load_text, stage_findings_of
from gateway.stage import Stage
from tests.gateway.config.sample import CATALOGUE, GOOD

DECLARED = "    losing_side: nothing\n"
OWNERSHIP = "    ownership: {receiving: {at: owner}, matching: {at: owner}, on_order: none}\n"


def told(text: str) -> list[str]:
    found = load_text(text, catalogue=CATALOGUE)
    return [f"{each.at.path}: {each.text}" for each in found] if isinstance(found, list) else []


def with_ownership(ownership: str) -> str:
    return GOOD.replace(OWNERSHIP, f"    ownership: {ownership}\n")


def test_a_canary_without_a_word_about_the_losing_side_receiving_and_matching_is_refused() -> None:
    text = GOOD.replace(DECLARED, "").replace(OWNERSHIP, "")

    paths = [each.partition(":")[0] for each in told(text)]

    assert sorted(paths) == [
        "routes[0].losing_side",
        "routes[0].ownership.matching",
        "routes[0].ownership.on_order",
        "routes[0].ownership.receiving",
    ]


@pytest.mark.parametrize("stage", ["legacy", "shadow", "cloud"])
def test_before_and_after_a_canary_nothing_of_it_is_asked(stage: str) -> None:
    text = GOOD.replace(DECLARED, "").replace(OWNERSHIP, "").replace("stage: canary", f"stage: {stage}")

    assert told(text) == []


def test_a_route_is_not_moved_to_canary_either_before_it_is_declared() -> None:
    text = GOOD.replace(DECLARED, "").replace("stage: canary", "stage: shadow")
    loaded = load_text(text, catalogue=CATALOGUE)
    assert isinstance(loaded, Configuration)

    codes = [each.code for each in stage_findings_of(loaded, "po", Stage.CANARY, CATALOGUE)]

    assert "CONFIG-OWNERSHIP" in codes


def test_a_losing_side_that_closes_nothing_by_itself_is_noted_and_allowed() -> None:
    loaded = load_text(GOOD.replace(DECLARED, "    losing_side: close\n"), catalogue=CATALOGUE)
    assert isinstance(loaded, Configuration)

    (note,) = [
        each
        for each in stage_findings_of(loaded, "po", Stage.CANARY, CATALOGUE)
        if each.at.path == "routes[0].losing_side"
    ]

    assert note.level is Level.NOTE
    assert "'legacy' closes no orders by itself" in note.text
    assert "call.orders.close" in note.text


@pytest.mark.parametrize(
    ("ownership", "problem"),
    [
        ("{receiving: {at: legacy}, matching: {at: owner}, on_order: none}", "as back_sync: ROUTE"),
        (
            "{receiving: {at: legacy, back_sync: json}, matching: {at: owner}, on_order: none}",
            "does not follow 'po'",
        ),
        (
            "{receiving: {at: legacy, back_sync: nowhere}, matching: {at: owner}, on_order: none}",
            "there is no route 'nowhere'",
        ),
        ("{receiving: {at: owner}, matching: {at: owner}}", "x12 tells no stock"),
        ("{receiving: {at: owner}, matching: {at: owner}, on_order: json}", "does not follow 'po'"),
    ],
)
def test_a_back_sync_that_is_missing_or_brings_nothing_is_refused(ownership: str, problem: str) -> None:
    (only,) = told(with_ownership(ownership))

    assert problem in only


@pytest.mark.parametrize("stage", ["legacy", "shadow", "canary", "cloud"])
def test_a_route_that_ownership_names_must_exist_in_every_stage(stage: str) -> None:
    ownership = "{receiving: {at: legacy, back_sync: nowhere}, matching: {at: owner}, on_order: elsewhere}"

    found = told(with_ownership(ownership).replace("stage: canary", f"stage: {stage}"))

    assert [each.partition(";")[0] for each in found] == [
        "routes[0].ownership.receiving: there is no route 'nowhere'",
        "routes[0].ownership.on_order: there is no route 'elsewhere'",
    ]


def test_receipts_and_what_is_on_order_come_by_routes_that_follow_the_orders() -> None:
    ownership = "{receiving: {at: legacy, back_sync: ack}, matching: {at: cloud}, on_order: ack}"

    assert told(with_ownership(ownership)) == []


@pytest.mark.parametrize(
    ("canary", "is_asked"),
    [
        ("{select: {facility: '04'}, share: 10%}", False),
        ("{select: {facility: '04'}}", True),
        ("{select: {facility: '04'}, pin_legacy: {stock: stock, order_type: replenishment}}", False),
    ],
)
def test_a_share_that_may_take_stock_needs_to_tell_the_other_side_what_is_on_order(
    canary: str, is_asked: bool
) -> None:
    text = f"""{GOOD}  - id: portal
    from: {{http: true, document: requisition}}
    targets: {{legacy: legacy, cloud: erp}}
    stage: canary
    canary: {canary}
    losing_side: nothing
    ownership: {{receiving: {{at: owner}}, matching: {{at: owner}}}}
"""
    problems = [each for each in told(text) if "on_order" in each.partition(":")[0]]

    assert bool(problems) is is_asked


def test_a_revision_that_was_taken_before_this_was_asked_still_translates_its_messages() -> None:
    text = GOOD.replace(DECLARED, "").replace(OWNERSHIP, "")

    assert isinstance(load_text(text, "revision 7", catalogue=CATALOGUE), Configuration)


def test_a_production_canary_needs_an_owner_of_what_both_systems_know() -> None:
    text = GOOD.replace("environment: test", "environment: production").replace('"memory:"', "sqlite:j.db")

    (only,) = told(text[: text.index("  - id: ack")])

    assert "nobody is declared to own suppliers, budgets, approvals, order_status" in only


def test_an_owner_that_is_not_named_for_a_stage_is_that_of_the_stage_before() -> None:
    text = GOOD.replace(
        "  organisation: mercy\n",
        "  organisation: mercy\n  owners: {suppliers: {legacy: legacy, cloud: cloud}}\n",
    )
    loaded = load_text(text, catalogue=CATALOGUE)
    assert isinstance(loaded, Configuration)

    assert loaded.gateway.owners.declared() == {
        "suppliers": {
            "legacy": "legacy",
            "shadow": "legacy",
            "canary": "legacy",
            "cloud": "cloud",
            "retired": "cloud",
        }
    }
