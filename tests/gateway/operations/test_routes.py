from __future__ import annotations

import pytest

from adapters.base import Finding, Origin, Position
from gateway.operations import OperationError
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import Bench


async def move(bench: Bench, stage: str, **parts):
    return await bench.ask("routes.set", route="po.one", stage=stage, who="ann", why="a test", **parts)


async def test_a_move_tells_from_to_revision_and_what_stays_on_the_other_side(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2")))

    moved = await move(bench, "legacy")

    assert (moved["from"]["stage"], moved["to"]["stage"], moved["revision"]) == ("cloud", "legacy", 2)
    assert (moved["other_side"], moved["open_orders"]) == ("cloud", {"legacy": 0, "cloud": 2})
    assert bench.staged == ["po.one"]


async def test_a_move_holds_for_new_orders_at_once_and_is_in_the_audit_log(bench: Bench) -> None:
    await move(bench, "legacy")
    message = await bench.arrive(interchange(order_set("PO-3")))

    (document,) = (await bench.ask("messages.show", message=message))["documents"]
    (*_, entry) = await bench.ask("audit.list")
    assert document["side"] == "legacy"
    assert (entry["who"], entry["action"], entry["why"]) == ("ann", "routes.set", "a test")


@pytest.mark.parametrize(
    "stage, parts, code, told",
    [
        ("cloud", {}, "refused", "is in stage cloud already"),
        ("legacy", {"expected": "canary"}, "stale", "is in stage cloud, not canary"),
        ("moon", {}, "bad_request", "there is no stage 'moon'; expected legacy, shadow"),
        ("legacy", {"share_percent": "5"}, "bad_request", "a share belongs to stage canary"),
        ("canary", {"share_percent": "101%"}, "bad_request", "'101%' is no share"),
        ("canary", {"share_percent": "-1"}, "bad_request", "is no share"),
        ("canary", {"share_percent": "NaN"}, "bad_request", "is no share"),
    ],
)
async def test_a_move_that_would_be_wrong_is_refused_in_a_sentence_and_changes_nothing(
    bench: Bench, stage: str, parts: dict, code: str, told: str
) -> None:
    with pytest.raises(OperationError) as refused:
        await move(bench, stage, **parts)

    assert (refused.value.code, told in str(refused.value)) == (code, True), str(refused.value)
    assert (await bench.journal.stages())["po.one"].revision == 1


async def test_a_canary_takes_the_share_asked_for_and_the_same_share_again_is_refused(bench: Bench) -> None:
    moved = await move(bench, "canary", share_percent="25%")

    assert moved["to"] == {"stage": "canary", "share_percent": "25"}
    with pytest.raises(OperationError, match=r"share 25% already"):
        await move(bench, "canary", share_percent="25.0")
    assert (await move(bench, "canary", share_percent="50"))["revision"] == 3


async def test_a_canary_begins_with_the_declared_share_where_none_is_asked_for(bench: Bench) -> None:
    assert (await move(bench, "canary"))["to"]["share_percent"] == "100"


async def test_a_stage_that_the_configuration_cannot_serve_is_refused_with_findings(bench: Bench) -> None:
    with pytest.raises(OperationError, match="does not allow stage cloud") as refused:
        await bench.ask("routes.set", route="po.two", stage="cloud", who="ann", why="x")

    assert any("targets.cloud" in each["text"] for each in refused.value.findings)


@pytest.mark.parametrize(
    "route, told",
    [("po.none", "there is no route 'po.none'"), ("ack.one", "it follows 'po.one'; set that one")],
)
async def test_a_route_without_a_stage_cannot_be_moved(bench: Bench, route: str, told: str) -> None:
    with pytest.raises(OperationError, match=told):
        await bench.ask("routes.set", route=route, stage="cloud", who="ann", why="x")


async def test_the_list_shows_declared_and_live_stage_and_drift_shows_the_difference(bench: Bench) -> None:
    assert await bench.ask("routes.diff") == []
    await move(bench, "shadow")

    listed = {each["route"]: each for each in await bench.ask("routes.list")}
    (drift,) = await bench.ask("routes.diff")
    assert (listed["po.one"]["declared"], listed["po.one"]["live"]["stage"]) == ("cloud", "shadow")
    assert (listed["ack.one"]["follows"], listed["ack.one"]["live"]) == ("po.one", None)
    assert (drift["declared"], drift["live"], drift["changed_by"]) == ("cloud", "shadow", "ann")


async def test_one_route_is_shown_with_its_targets(bench: Bench) -> None:
    shown = await bench.ask("routes.show", route="po.one")

    assert shown["targets"] == {"legacy": "legacy", "cloud": "erp"}
    assert (shown["source"], shown["format"], shown["partner"]) == ("drop", "edi_x12", "mms")


@pytest.mark.parametrize(
    "verb, arguments, told",
    [
        ("routes.fly", {}, "there is no verb 'routes.fly'"),
        ("routes.show", {}, "route"),
        ("routes.show", {"route": 1}, "valid string"),
        ("routes.show", {"route": " "}, "pattern"),
        ("routes.show", {"route": "a", "self": 1}, "self"),
        ("routes.list", {"colour": "red"}, "colour"),
        ("routes.set", {"route": "po.one", "stage": "legacy", "who": "a", "why": ""}, "why"),
        ("orders.list", {"limit": 0}, "greater than or equal to 1"),
        ("messages.list", {"states": "planned"}, "valid list"),
        ("orders.import", {"route": "po.one", "rows": [{"line": 1}], "who": "a", "why": "b"}, "order_number"),
    ],
)
async def test_arguments_from_outside_are_checked(
    bench: Bench, verb: str, arguments: dict, told: str
) -> None:
    with pytest.raises(OperationError) as refused:
        await bench.operations.perform(verb, arguments)

    assert refused.value.code == "bad_request"
    assert told in str(refused.value)


async def test_a_retired_route_counts_who_still_sends_orders_to_it(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await move(bench, "retired")
    assert (await bench.ask("routes.show", route="po.one"))["stragglers"] == {}

    await bench.arrive(interchange(order_set("PO-2"), order_set("PO-3"), control="000000008"))
    cancellation = order_set("PO-1").replace("BEG*00", "BEG*01")  # about an order from before: no straggler
    await bench.arrive(interchange(cancellation, control="000000009"))
    refusal = Finding("ROUTE-RETIRED", Position("po.one"), "this route is retired")
    origin = Origin("http", bench.clock.now(), identity="portal")
    await bench.journal.refuse("po.one", origin, refusal, bench.clock.now())

    assert (await bench.ask("routes.show", route="po.one"))["stragglers"] == {"mms": 2, "portal": 1}
