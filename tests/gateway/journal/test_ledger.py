"""The ledger and its aliases: which side owns an order, who transmits it, and by which names it is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from adapters.base import AliasKind
from gateway.journal.base import Journal
from gateway.journal.types import (
    AwaitedOrder,
    Expected,
    LedgerEntry,
    Moved,
    Naming,
    Planned,
    Side,
    Transmitter,
)
from tests.gateway.journal.builders import ROUTE, T0, Scene, alias, delivery, document, entry


async def ledger_of(journal: Journal, *order_keys: str) -> dict[str, LedgerEntry]:
    return dict((await journal.facts(order_keys, [], [])).ledger)


async def test_an_originating_document_opens_an_entry_as_it_was_decided(scene: Scene) -> None:
    opened = entry(stage="canary", reason="facility F-2 is selected", transmitter=Transmitter.ERP)

    await scene.order("m1", opens=[opened])

    assert await ledger_of(scene.journal, "O-1", "O-2") == {"O-1": opened}
    assert await scene.journal.orders() == [opened]


async def test_an_entry_with_the_same_side_is_kept_as_it_is(scene: Scene) -> None:
    await scene.order("m1", opens=[entry()])
    await scene.accept("m2")

    again = await scene.plan("m2", [document()], opens=(entry(reason="another rule", message_id="m2"),))

    assert again == Planned()
    assert await ledger_of(scene.journal, "O-1") == {"O-1": entry()}


async def test_exactly_one_of_two_plans_that_saw_no_entry_opens_it(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.accept("m2")

    results = [
        await scene.plan(
            message_id,
            [document()],
            [delivery(f"{message_id}-d")],
            opens=(entry(side=side, message_id=message_id),),
            expected=Expected(1, {}, {"O-1": None}),
        )
        for message_id, side in (("m1", Side.CLOUD), ("m2", Side.LEGACY))
    ]

    assert results == [Planned(), Moved("ledger")]
    assert (await ledger_of(scene.journal, "O-1"))["O-1"].side is Side.CLOUD
    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["m1-d"]


async def test_closing_an_order_marks_it_once_and_is_a_new_revision(scene: Scene) -> None:
    await scene.order("m1", opens=[entry()])
    scene.later(60)

    await scene.journal.close_orders(["O-1"], "ann", "done", scene.now)
    closed_at = scene.now
    scene.later(60)
    await scene.journal.close_orders(["O-1"], "ann", "done", scene.now)

    (closed,) = await scene.journal.orders()
    assert closed.closed_at == closed_at
    assert closed.revision > entry().revision


async def test_closing_an_order_that_nobody_opened_opens_none(scene: Scene) -> None:
    await scene.journal.close_orders(["O-9"], "ann", "done", T0)

    assert await scene.journal.orders() == []


async def test_entries_are_listed_newest_first_by_side_and_route(scene: Scene) -> None:
    opens = [entry("O-1"), entry("O-2", Side.LEGACY), entry("O-3", route="requisitions_in")]
    await scene.order("m1", opens=opens)

    everything = await scene.journal.orders()
    assert [kept.order_key for kept in everything] == ["O-3", "O-2", "O-1"]
    assert [kept.order_key for kept in await scene.journal.orders(side="legacy")] == ["O-2"]
    assert [kept.order_key for kept in await scene.journal.orders(route=ROUTE)] == ["O-2", "O-1"]
    assert len(await scene.journal.orders(limit=1)) == 1


async def test_open_entries_are_gone_through_by_key_a_page_at_a_time_whatever_changes_meanwhile(
    scene: Scene,
) -> None:
    keys = ["O-3", "O-1", "O-5", "O-2", "O-4"]
    await scene.order("m1", opens=[entry(key, route=ROUTE if key != "O-4" else "other") for key in keys])
    await scene.journal.close_orders(["O-2"], "ann", "done", T0)

    (first,) = await scene.journal.open_entries(limit=1)
    await scene.journal.close_orders(["O-1"], "ann", "done", T0)
    await scene.order("m2", "O-0", opens=[entry("O-0")])
    rest = await scene.journal.open_entries(after=first.order_key, limit=9)
    own = await scene.journal.open_entries(route=ROUTE)

    assert first.order_key == "O-1"
    assert [each.order_key for each in rest] == ["O-3", "O-4", "O-5"]
    assert [each.order_key for each in own] == ["O-0", "O-3", "O-5"]
    assert await scene.journal.open_entries(after="O-5") == []


async def test_open_orders_of_a_route_are_counted_by_side(scene: Scene) -> None:
    opens = [entry("O-1"), entry("O-2"), entry("O-3", Side.LEGACY), entry("O-4", route="requisitions_in")]
    await scene.order("m1", opens=opens)
    await scene.journal.close_orders(["O-2"], "ann", "done", T0)

    counted = await scene.journal.open_orders(ROUTE)

    assert (counted.get("cloud", 0), counted.get("legacy", 0)) == (1, 1)
    await scene.journal.close_orders(["O-3"], "ann", "done", T0)
    assert (await scene.journal.open_orders(ROUTE)).get("legacy", 0) == 0


# -- import ----------------------------------------------------------------------------------


async def test_importing_seeds_the_ledger_and_leaves_what_is_there(scene: Scene) -> None:
    await scene.order("m1", opens=[entry("O-1")])
    imported = [
        entry("O-1", Side.LEGACY, stage="imported", message_id=None),
        entry("O-2", Side.LEGACY, stage="imported", message_id=None),
    ]

    count = await scene.journal.import_orders(imported, {"O-2": ["PO-2", "0000PO-2"]}, "ann", "go-live", T0)

    assert count == 1
    kept = await ledger_of(scene.journal, "O-1", "O-2")
    assert (kept["O-1"].side, kept["O-2"].side, kept["O-2"].stage) == (Side.CLOUD, Side.LEGACY, "imported")
    resolved = (await scene.journal.facts([], [], ["PO-2", "0000PO-2"])).resolved
    further = {"O-2": frozenset({Naming(AliasKind.IMPORTED)})}
    assert resolved == {"PO-2": further, "0000PO-2": further}


async def test_importing_again_is_nothing_new_and_both_are_audited(scene: Scene) -> None:
    imported = [entry("O-2", Side.LEGACY, stage="imported", message_id=None)]

    counts = [await scene.journal.import_orders(imported, {}, "ann", "go-live", T0) for _ in range(2)]

    assert counts == [1, 0]
    told = [(made.who, made.why) for made in await scene.journal.audit()]
    assert told == [("ann", "go-live")] * 2


# -- aliases ---------------------------------------------------------------------------------


async def test_a_plan_writes_the_names_that_a_document_gives_an_order(scene: Scene) -> None:
    await scene.accept("m1")
    names = (alias("PO-7", AliasKind.BUYER), alias("V-99", AliasKind.SUPPLIER_VISIBLE))

    await scene.plan("m1", [document()], opens=(entry(),), aliases={"O-1": names})

    assert set(await scene.journal.aliases("O-1")) == {
        ("buyer", "PO-7", "", ""),
        ("supplier_visible", "V-99", "", ""),
    }
    visible = {"O-1": frozenset({Naming(AliasKind.SUPPLIER_VISIBLE)})}
    assert (await scene.journal.facts([], [], ["V-99"])).resolved == {"V-99": visible}


async def test_a_name_that_is_known_is_not_written_twice(scene: Scene) -> None:
    await scene.accept("m1")
    named = alias("4500001", line="1", line_number="10")

    await scene.plan("m1", [document()], [delivery("d1")], aliases={"O-1": (named, named)})
    await scene.deliver((await scene.claim_only()).claim, aliases=(named,))

    assert await scene.journal.aliases("O-1") == (("erp", "4500001", "1", "10"),)


async def test_a_number_may_name_several_orders(scene: Scene) -> None:
    await scene.accept("m1")

    await scene.plan(
        "m1",
        [document(0, "O-1", "O-2")],
        aliases={"O-1": (alias("BLANKET"),), "O-2": (alias("BLANKET"),)},
    )

    resolved = (await scene.journal.facts([], [], ["BLANKET"])).resolved
    assert set(resolved["BLANKET"]) == {"O-1", "O-2"}


async def test_a_number_that_two_endpoints_told_is_known_by_each_of_them(scene: Scene) -> None:
    await scene.accept("m1")
    names = {
        key: (replace(alias("4500001"), target=told),) for key, told in (("O-1", "west"), ("O-2", "east"))
    }
    await scene.plan("m1", [document(0, "O-1", "O-2")], aliases=names)

    resolved = (await scene.journal.facts([], [], ["4500001"])).resolved["4500001"]
    assert resolved == {
        "O-1": frozenset({Naming(AliasKind.ERP, "west")}),
        "O-2": frozenset({Naming(AliasKind.ERP, "east")}),
    }
    assert await scene.journal.aliases("O-1", "east") == ()
    assert await scene.journal.aliases("O-1", "west") == (("erp", "4500001", "", ""),)


async def test_what_waits_for_a_name_of_one_endpoint_is_not_woken_by_anothers(scene: Scene) -> None:
    until = T0 + timedelta(hours=1)
    await scene.accept("m1")
    waits = replace(document(0), awaits=AwaitedOrder(("4500001",), until, (), ("west",)))
    await scene.plan("m1", [waits])
    for message, key, told in (("m2", "O-1", "east"), ("m3", "O-2", "west")):
        assert await scene.journal.awaiting(T0) == []
        await scene.accept(message)
        names = {key: (replace(alias("4500001"), target=told),)}
        await scene.plan(message, [document(0, key)], opens=(entry(key),), aliases=names)

    (woken,) = await scene.journal.awaiting(T0)
    assert (woken.message_id, woken.plan.awaits) == ("m1", waits.awaits)


async def test_an_order_without_names_has_none(journal: Journal) -> None:
    assert await journal.aliases("O-1") == ()
