"""Moves of orders from one side to the other: four eyes, one at a time, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from adapters.base import Alias, AliasKind
from gateway.journal.base import Journal, RefusedError, UnknownError
from gateway.journal.move_rules import IS_CHANGED
from gateway.journal.moves import Move, MoveBegin, MoveLine, MoveState
from gateway.journal.types import MOVED, DeliveryPlan, DeliveryState, LedgerEntry, Naming, Side, Transmitter
from tests.gateway.journal.builders import (
    ROUTE,
    T0,
    Scene,
    after,
    alias,
    arrival,
    awaited,
    delivery,
    document,
    entry,
)

LINES = (MoveLine("1", Decimal(10), Decimal(4), Decimal(4), "EA", Decimal("2.50")),)


def move(order_key: str = "O-1", to: Side = Side.CLOUD, move_id: str = "v1", batch: str = "b1") -> Move:
    was = Side.LEGACY if to is Side.CLOUD else Side.CLOUD
    return Move(move_id, order_key, ROUTE, was, to, "ann", T0, "wave 2", batch)


def begin(
    revision: int = 1,
    *,
    documents: int = 1,
    move_id: str = "v1",
    order_key: str = "O-1",
    lines: tuple[MoveLine, ...] = LINES,
) -> MoveBegin:
    message_id = f"m-{move_id}"
    made = (document(0, order_key), document(1, order_key, document_type="order_change", side=Side.LEGACY))
    create = delivery(f"{message_id}.create", 0, order_key, transmitter="none")
    return MoveBegin(move_id, revision, documents, arrival(message_id), b'{"left":6}', made, create, lines)


def close(move_id: str = "v1", order_key: str = "O-1") -> DeliveryPlan:
    return delivery(f"m-{move_id}.close", 1, order_key, target="mms", role="close")


async def on_legacy(scene: Scene) -> None:
    """Open an order that legacy has, delivered."""
    await scene.order("m1", opens=[entry("O-1", Side.LEGACY)], target="mms")
    await scene.deliver((await scene.claim_only(target="mms")).claim)


async def agreed(journal: Journal, *moves: Move) -> None:
    await journal.ask_moves(moves, "ann", "wave 2", T0)
    await journal.agree_moves([each.move_id for each in moves], "bob", "checked", after(1))


async def one(journal: Journal, move_id: str = "v1") -> Move:
    (found,) = [each for each in await journal.moves() if each.move_id == move_id]
    return found


async def entry_of(journal: Journal, order_key: str = "O-1") -> LedgerEntry:
    return (await journal.facts([order_key], [], [])).ledger[order_key]


async def test_a_move_is_agreed_to_by_a_second_person_only(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await journal.ask_moves([move()], "ann", "wave 2", T0)

    with pytest.raises(RefusedError, match="four eyes"):
        await journal.agree_moves(["v1"], "ann", "me too", T0)
    assert (await one(journal)).state is MoveState.ASKED
    assert await journal.begin_move(begin(), T0) == "it is asked"

    assert await journal.agree_moves(["v1"], "bob", "checked", after(5)) == 1
    made = await one(journal)
    assert (made.state, made.asked_by, made.agreed_by, made.agreed_at) == (
        MoveState.AGREED,
        "ann",
        "bob",
        after(5),
    )
    with pytest.raises(UnknownError):
        await journal.agree_moves(["v9"], "bob", "checked", T0)


@pytest.mark.parametrize("who", ["ann ", " Ann", "ANN", "", "  "])
async def test_the_same_person_typed_otherwise_and_nobody_at_all_are_no_second_person(
    scene: Scene, who: str
) -> None:
    await on_legacy(scene)
    await scene.journal.ask_moves([move()], "ann", "wave 2", T0)

    with pytest.raises(RefusedError, match="four eyes"):
        await scene.journal.agree_moves(["v1"], who, "me too", T0)
    assert (await one(scene.journal)).state is MoveState.ASKED


async def test_an_order_has_one_move_at_a_time(scene: Scene) -> None:
    await on_legacy(scene)
    await scene.journal.ask_moves([move()], "ann", "wave 2", T0)

    with pytest.raises(RefusedError, match="moved already"):
        await scene.journal.ask_moves([move(move_id="v2")], "eve", "again", T0)
    await scene.journal.drop_moves(["v1"], "ann", "not now", T0)
    assert await scene.journal.ask_moves([move(move_id="v2")], "eve", "again", T0) == 1


async def test_a_move_that_began_counts_as_moving_and_on_no_side(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())

    assert await journal.begin_move(begin(), after(2)) is None

    entry_now = await entry_of(journal)
    assert (entry_now.side, entry_now.moving_to, entry_now.revision) == (Side.LEGACY, Side.CLOUD, 2)
    assert await journal.open_orders(ROUTE) == {"moving": 1}
    made = await one(journal)
    assert (made.state, made.message_id, made.lines) == (MoveState.CREATING, "m-v1", LINES)
    assert await journal.moves_due() == []
    claimed = await scene.claim_only()
    assert (claimed.message_id, claimed.transmitter, claimed.document) == (
        "m-v1",
        "none",
        b'{"number":"O-1"}',
    )


async def test_names_that_an_endpoint_told_are_left_behind_with_the_order_that_it_had(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())
    await journal.begin_move(begin(), T0)
    there = (alias("E-7"), alias("E-7", line="1", line_number="10"))
    await scene.deliver((await scene.claim_only()).claim, aliases=there)
    await journal.close_moved("v1", close(), T0)
    await scene.deliver((await scene.claim_only(target="mms")).claim, aliases=(alias("L-7"),))

    assert await journal.finish_move("v1", [], after(9), left="mms")

    assert set(await journal.aliases("O-1")) == {
        ("erp", "E-7", "", ""),
        ("erp", "E-7", "1", "10"),
        ("left", "L-7", "", ""),
    }
    assert (await journal.facts([], [], ["L-7"])).resolved == {
        "L-7": {"O-1": frozenset({Naming(AliasKind.LEFT, "mms")})}
    }


async def test_the_ledger_says_the_new_side_only_once_the_old_order_is_closed(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())
    await journal.begin_move(begin(), T0)

    assert not await journal.finish_move("v1", [], T0)
    await scene.deliver((await scene.claim_only()).claim)
    assert [each.move_id for each in await journal.moves_due()] == ["v1"]
    assert await journal.close_moved("v1", close(), T0)
    assert not await journal.close_moved("v1", close(), T0)
    assert await journal.moves_due() == []
    assert (await entry_of(journal)).side is Side.LEGACY

    await scene.deliver((await scene.claim_only(target="mms")).claim)
    assert [each.state for each in await journal.moves_due()] == [MoveState.CLOSING]
    assert await journal.finish_move("v1", [Alias(AliasKind.SUPPLIER_VISIBLE, "E-7")], after(9))
    assert not await journal.finish_move("v1", [], after(9))

    now = await entry_of(journal)
    assert (now.side, now.transmitter, now.stage, now.moving_to) == (
        Side.CLOUD,
        Transmitter.NONE,
        MOVED,
        None,
    )
    assert (now.is_divided, now.revision) == (False, 3)
    assert await journal.open_orders(ROUTE) == {"cloud": 1}
    assert ("supplier_visible", "E-7", "", "") in await journal.aliases("O-1")
    assert (await one(journal)).state is MoveState.DONE
    actions = [each.action for each in await journal.audit() if each.action.startswith("orders.move")]
    assert actions == ["orders.move.ask", "orders.move.agree", "orders.move.begin", "orders.move.done"]
    assert await journal.verify_audit() is None


async def test_goods_that_are_not_invoiced_yet_leave_an_order_divided(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())
    await journal.begin_move(begin(lines=(replace(LINES[0], invoiced=Decimal(1)),)), T0)
    await scene.deliver((await scene.claim_only()).claim)
    await journal.close_moved("v1", close(), T0)
    await scene.deliver((await scene.claim_only(target="mms")).claim)
    await journal.finish_move("v1", [], T0)

    assert (await entry_of(journal)).is_divided


@pytest.mark.parametrize(
    ("state", "told"), [(DeliveryState.IN_DOUBT, "in doubt"), (DeliveryState.WAITING, "waiting")]
)
async def test_an_order_with_a_step_in_doubt_or_unfinished_does_not_move(
    scene: Scene, state: DeliveryState, told: str
) -> None:
    journal = scene.journal
    await scene.order("m1", opens=[entry("O-1", Side.LEGACY)], target="mms")
    await agreed(journal, move())
    await scene.settle((await scene.claim_only(target="mms")).claim, state, not_before=after(60))

    problem = await journal.begin_move(begin(), T0)

    assert problem is not None
    assert told in problem
    assert (await entry_of(journal)).moving_to is None
    assert (await one(journal)).state is MoveState.AGREED
    assert await journal.messages() == [await journal.message("m1")]


async def test_what_came_since_the_remainder_was_worked_out_keeps_a_move_from_beginning(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())

    assert await journal.begin_move(begin(revision=7), T0) == IS_CHANGED
    assert await journal.begin_move(begin(documents=2), T0) == IS_CHANGED
    assert await journal.begin_move(begin(), T0) is None


async def test_a_parked_document_keeps_its_order_where_it_is(scene: Scene) -> None:
    await on_legacy(scene)
    await agreed(scene.journal, move())
    await scene.accept("m2")
    await scene.plan("m2", [document(is_parked=True, side=None)])

    problem = await scene.journal.begin_move(begin(documents=2), T0)

    assert problem == "a document of it is parked or waits: resolve it first"


async def test_what_waits_for_a_moving_order_is_decided_once_it_has_arrived(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())
    await journal.begin_move(begin(), T0)
    await scene.accept("m2")
    waits = document(side=None, awaits=replace(awaited("PO-1", until=after(3600)), order_keys=("O-1",)))
    await scene.plan("m2", [waits])

    assert await journal.awaiting(after(10)) == []
    await scene.deliver((await scene.claim_only()).claim)
    await journal.close_moved("v1", close(), T0)
    await scene.deliver((await scene.claim_only(target="mms")).claim)
    assert await journal.awaiting(after(10)) == []
    await journal.finish_move("v1", [], T0)

    assert [each.message_id for each in await journal.awaiting(after(10))] == ["m2"]


async def test_a_move_whose_remainder_came_nowhere_leaves_the_order_where_it_was(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())
    await journal.begin_move(begin(), T0)

    assert not await journal.end_move("v1", "refused there", T0)  # it may still be created
    await scene.park((await scene.claim_only()).claim)
    await journal.resolve("m-v1.create", "dismissed", "ann", "the ERP does not know the supplier", T0)
    assert [each.move_id for each in await journal.moves_due()] == ["v1"]
    assert await journal.end_move("v1", "refused there", after(3))

    now = await entry_of(journal)
    assert (now.side, now.moving_to, now.transmitter) == (Side.LEGACY, None, Transmitter.LEGACY)
    made = await one(journal)
    assert (made.state, made.outcome, made.ended_at) == (MoveState.ENDED, "refused there", after(3))
    assert await journal.exceptions() == []  # who dismissed it knows
    assert await journal.ask_moves([move(move_id="v2")], "ann", "again", T0) == 1


async def never_begun(scene: Scene) -> None:
    """Have a move agreed to that cannot begin."""
    await on_legacy(scene)
    await agreed(scene.journal, move())
    assert await scene.journal.end_move("v1", "it cannot be written for mms", after(2))


async def test_a_move_that_was_agreed_to_and_never_began_is_an_exception_of_its_order(scene: Scene) -> None:
    await never_begun(scene)

    (item,) = await scene.journal.exceptions()
    assert (item.exception_id, item.kind, item.route, item.opened_at) == ("v1", "move", ROUTE, after(2))
    assert (item.message_id, item.order_keys) == ("", ("O-1",))
    (told,) = item.findings
    assert told.code == "MOVE-NOT-BEGUN"
    for words in ("ann and bob", "stays on legacy", "it cannot be written for mms"):
        assert words in told.text
    assert await scene.journal.exceptions(route="another") == []
    assert (await one(scene.journal)).parked_at == after(2)


async def test_a_move_that_never_began_is_begun_again_when_it_is_retried_audited(scene: Scene) -> None:
    await never_begun(scene)

    assert await scene.journal.retry("v1", "eve", "partner mended", after(3)) == "move"

    assert await scene.journal.exceptions() == []
    told = (await scene.journal.audit())[-1]
    assert (told.action, told.subject, told.who) == ("exceptions.retry", "v1", "eve")
    again = await one(scene.journal)
    assert (again.state, again.outcome, again.ended_at) == (MoveState.AGREED, "", None)
    assert (again.asked_by, again.agreed_by) == ("ann", "bob")
    assert await scene.journal.begin_move(begin(), after(4)) is None
    with pytest.raises(UnknownError):
        await scene.journal.retry("v1", "eve", "again", after(5))


async def test_a_move_that_never_began_is_dismissed_and_closed_in_no_other_way(scene: Scene) -> None:
    await never_begun(scene)

    for otherwise in ("done_elsewhere:4711", "placed_by_phone:Kim"):
        with pytest.raises(RefusedError, match="on legacy still"):
            await scene.journal.resolve("v1", otherwise, "eve", "by hand", after(3))
    assert len(await scene.journal.exceptions()) == 1
    await scene.journal.resolve("v1", "dismissed", "eve", "it may stay", after(3))

    assert await scene.journal.exceptions() == []
    assert (await one(scene.journal)).state is MoveState.ENDED
    told = (await scene.journal.audit())[-1]
    assert (told.action, told.detail["resolution"]) == ("exceptions.resolve", "dismissed")


async def test_whoever_asks_anew_for_an_order_that_never_began_to_move_has_looked(scene: Scene) -> None:
    await never_begun(scene)

    await scene.journal.ask_moves([move(move_id="v2")], "ann", "again", after(3))

    assert await scene.journal.exceptions() == []
    with pytest.raises(UnknownError):
        await scene.journal.retry("v1", "eve", "both of them", after(3))


async def test_a_move_that_nobody_waits_for_any_more_is_no_exception(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await agreed(journal, move())
    await journal.drop_moves(["v1"], "ann", "not now", T0)
    await agreed(journal, move(move_id="v2"))
    await journal.close_orders(["O-1"], "ann", "delivered", T0)
    await journal.end_move("v2", "the ledger has no open order of this key any more", T0)

    assert await journal.exceptions() == []


async def test_moves_are_listed_by_state_batch_and_order(scene: Scene) -> None:
    journal = scene.journal
    await on_legacy(scene)
    moves = [move(), move("O-2", move_id="v2"), move("O-3", move_id="v3", batch="b2")]
    moves[1] = replace(moves[1], lines=LINES, order=b'{"number":"2"}', documents=3)
    await journal.ask_moves(moves, "ann", "wave 2", T0)
    await journal.agree_moves(["v2"], "bob", "ok", T0)

    async def ids(**query: object) -> list[str]:
        return [each.move_id for each in await journal.moves(**query)]  # type: ignore[arg-type]

    assert await ids() == ["v1", "v2", "v3"]
    assert await ids(batch="b1") == ["v1", "v2"]
    assert await ids(states=[MoveState.AGREED]) == ["v2"]
    assert await ids(order_key="O-3", states=[MoveState.ASKED, MoveState.DONE]) == ["v3"]
    assert await ids(limit=1) == ["v1"]
    second = await one(journal, "v2")
    assert (second.lines, second.order, second.documents) == (LINES, b'{"number":"2"}', 3)
    assert (second.why, second.agreed_by) == ("wave 2", "bob")


async def test_a_recall_takes_back_what_nobody_attempted_and_nothing_else(scene: Scene) -> None:
    journal = scene.journal
    for number in (1, 2, 3):
        key, message_id = f"O-{number}", f"m{number}"
        await scene.accept(message_id)
        await scene.plan(
            message_id,
            [document(0, key, document_key=f"K-{number}", content_hash="h")],
            [delivery(f"{message_id}-d", 0, key)],
            opens=(entry(key, message_id=message_id),),
        )
    claimed = [each for each in await scene.claim(slots=2) if each.message_id in ("m1", "m2")]
    await scene.start(claimed[0].claim)  # m1 is attempted, m2 is in a worker's hand, m3 in nobody's

    recalled = await journal.recall(ROUTE, "cloud", "ann", "rolled back", after(5))

    assert (recalled.orders, recalled.messages) == (("O-3",), ("m3",))
    assert set((await journal.facts(["O-1", "O-2", "O-3"], [], [])).ledger) == {"O-1", "O-2"}
    assert await scene.state("m3-d") is DeliveryState.SUPERSEDED
    message = await journal.message("m3")
    assert (message.state.value, message.generation) == ("accepted", 2)
    (audited,) = [each for each in await journal.audit() if each.action == "routes.recall"]
    assert audited.detail == {"orders": "1", "messages": "1", "side": "cloud"}

    planned = await scene.plan(
        "m3",
        [document(0, "O-3", document_key="K-3", content_hash="h", side=Side.LEGACY)],
        [delivery("m3-e", 0, "O-3", target="mms")],
        opens=(entry("O-3", Side.LEGACY, message_id="m3"),),
    )
    assert planned.__class__.__name__ == "Planned"
    assert (await entry_of(journal, "O-3")).side is Side.LEGACY
    assert [each.claim.delivery_id for each in await scene.claim(target="mms")] == ["m3-e"]


async def test_a_recall_leaves_an_order_that_shares_an_envelope_with_one_that_must_stay(scene: Scene) -> None:
    journal = scene.journal
    await scene.accept("m1")
    await scene.plan(
        "m1",
        [document(0, "O-1"), document(1, "O-2")],
        [
            delivery("m1-all", None, "O-1", "O-2", target="mms"),
            delivery("m1-supplier", 1, "O-2", target="supplier"),
        ],
        opens=(entry("O-1"), entry("O-2")),
    )
    await scene.start((await scene.claim_only(target="supplier")).claim)

    assert (await journal.recall(ROUTE, "cloud", "ann", "back", T0)).orders == ()
    assert await scene.state("m1-all") is DeliveryState.READY


async def test_a_recall_leaves_orders_that_were_imported_or_followed(scene: Scene) -> None:
    journal = scene.journal
    await journal.import_orders([entry("O-8", message_id=None)], {}, "ann", "seed", T0)
    await scene.order("m1", opens=[entry("O-1")])
    await scene.accept("m2")
    await scene.plan("m2", [document(0, "O-1")], [delivery("m2-d", 0, "O-1")])

    assert (await journal.recall(ROUTE, "cloud", "ann", "back", T0)).orders == ()


async def test_what_came_before_a_move_and_is_planned_after_it_stands_behind_it_and_is_not_overtaken(
    scene: Scene,
) -> None:
    journal = scene.journal
    await on_legacy(scene)
    await scene.accept("m2")  # not translated yet when the order moves
    await agreed(journal, move())
    await journal.begin_move(begin(), T0)
    await scene.deliver((await scene.claim_only()).claim)
    await journal.close_moved("v1", close(), T0)
    await scene.deliver((await scene.claim_only(target="mms")).claim)
    await journal.finish_move("v1", [], T0)

    await scene.plan("m2", [document()], [delivery("m2-d")])

    assert await scene.state("m2-d") is DeliveryState.READY
    assert (await entry_of(journal)).message_id == "m-v1"
