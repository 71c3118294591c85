"""The memory journal's own: hooks around every commit, determinism, the switch for negative controls."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

import pytest

from gateway.journal.base import Journal, StaleClaimError
from gateway.journal.comparisons import Approval, NoiseReading, PlannedStage
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import ArrivalKind, DeliveryState, Expected, LedgerEntry, Planned
from tests.gateway.journal.builders import (
    ROUTE,
    T0,
    Scene,
    arrival,
    delivery,
    document,
    entry,
    finding,
    origin,
    result,
)
from tests.gateway.journal.conftest import SetClock
from tests.gateway.journal.test_moves import begin, close, move

Phase = Literal["before", "after"]
Phases = list[tuple[str, Phase]]


class CrashError(Exception):
    """The simulated process dies here."""


def crashing(method: str, phase: Phase) -> Callable[[str, Phase], Awaitable[None]]:
    async def crash(name: str, at: Phase) -> None:
        if (name, at) == (method, phase):
            raise CrashError

    return crash


@pytest.fixture
def memory(clock: SetClock) -> MemoryJournal:
    return MemoryJournal(clock=clock)


async def test_a_crash_before_a_commit_leaves_nothing_and_one_after_it_leaves_everything(
    memory: MemoryJournal,
) -> None:
    scene = Scene(memory)
    for phase, messages in (("before", 0), ("after", 1)):
        memory.on_commit = crashing("accept", phase)  # type: ignore[arg-type]
        with pytest.raises(CrashError):
            await scene.accept("m1")
        assert len(await memory.messages()) == messages


async def test_every_changing_method_passes_its_hooks_and_no_reading_one_does(memory: MemoryJournal) -> None:
    seen: Phases = []

    async def note(name: str, phase: Phase) -> None:
        seen.append((name, phase))

    memory.on_commit = note
    await everything_once(memory)

    names = {name for name, _ in seen}
    assert all(seen.count((name, "before")) == seen.count((name, "after")) for name in names)
    reading = (  # noqa: SIM905 - a list of words reads better
        "is_healthy close count_refused ids_bearing ids_beginning knows_arrival message body messages "
        "next_to_translate routes_to_translate "
        "facts awaiting unsent_calls moves moves_due "
        "still_mine next_due deliveries documents orders open_orders aliases configuration stages "
        "open_entries exceptions overdue audit verify_audit crosswalk crosswalk_version cursor "
        "documents_after one_document comparisons waiting_comparisons difference_groups count_comparisons "
        "readings approvals planned_stages attempt_counts exception_counts rolled_back"
    ).split()
    public = {name for name, _ in inspect.getmembers(Journal, inspect.isfunction) if not name.startswith("_")}
    assert names == public - set(reading)


async def move_once(journal: Journal) -> None:
    """Call every method of a move: one that comes to nothing."""
    await journal.ask_moves([move("O-9")], "ann", "wave", T0)
    await journal.begin_move(begin(), T0)
    await journal.close_moved("v1", close(), T0)
    await journal.finish_move("v1", [], T0)
    await journal.end_move("v1", "nothing", T0)


async def everything_once(journal: Journal) -> None:
    """Call every method of the contract that changes something."""
    scene = Scene(journal)
    await journal.bind_environment("test")
    await journal.recover(T0)
    await journal.load_configuration("routes: {}", "sha", "ops", T0)
    await journal.declare_stages({ROUTE: ("cloud", "100")}, T0)
    await journal.set_stage(ROUTE, "cloud", "legacy", "0", "ann", "back", T0)
    await journal.refuse(ROUTE, origin(), finding(), T0)
    await journal.accept_together([(arrival("t1"), b"one"), (arrival("t2"), b"two")])
    await journal.begin_together(["t1"], 1)
    await journal.plan_together([], T0)
    await scene.order("m1", opens=[entry()])
    claim = await journal.renew((await scene.claim_only()).claim, 60, scene.monotonic)
    await scene.start(claim)
    await journal.step_done(claim, result(), T0)
    await scene.settle(claim, DeliveryState.PARKED)
    await journal.retry("m1-d", "ann", "again", T0)
    claimed = await journal.claim_one("m1-d", "w1", 60, T0, scene.monotonic)
    assert claimed is not None
    await scene.settle(claimed.claim, DeliveryState.PARKED)
    await journal.resolve("m1-d", "dismissed", "ann", "enough", T0)
    await journal.replay("m1", resend=False, who="ann", why="again", now=T0)
    await journal.mark_unacknowledged(T0)
    await journal.plan_awaited("m1", document(), [], Expected(1), T0)
    await journal.import_orders([], {}, "ann", "none", T0)
    await journal.ask_moves([], "ann", "none", T0)
    await journal.agree_moves([], "bob", "none", T0)
    await journal.drop_moves([], "bob", "none", T0)
    await journal.recall(ROUTE, "cloud", "ann", "none", T0)
    await move_once(journal)
    await journal.close_orders(["O-1"], "ann", "done", T0)
    await journal.next_control_number("GATEWAY", "group", 1, 9)
    await journal.alarm_sent([], T0)
    await journal.acknowledge_alarm("m1", "ann", "known", T0)
    await journal.append_audit("ann", "x", "y", {}, "z", T0)
    await journal.load_crosswalk("items", [], "ann", "none", T0)
    await journal.note_comparisons([])
    await journal.note_reading(NoiseReading(ROUTE, "m1", 0, frozenset()))
    await journal.approve(Approval(ROUTE, "cloud", "buyers", "ann", "fine", T0))
    await journal.plan_stage(PlannedStage(ROUTE, "cloud", None, T0, "ann", "Monday", "legacy"), T0)
    await journal.hold_stage(ROUTE, "frozen", T0)
    await journal.unplan_stage(ROUTE, "ann", "no", T0)
    await journal.prune(T0, T0, T0, T0, 1)
    await journal.remember_once("s", "k", "h", T0)
    lease = await journal.lease("s", "k", "one", 1)
    assert lease is not None
    await journal.release(lease)
    await journal.set_cursor("s", "1", None)


async def test_a_change_that_fails_passes_no_second_hook_and_leaves_nothing(memory: MemoryJournal) -> None:
    scene = Scene(memory)
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.settle(claim, DeliveryState.READY)
    before = await memory.deliveries()
    seen: Phases = []

    async def note(name: str, phase: Phase) -> None:
        seen.append((name, phase))

    memory.on_commit = note
    with pytest.raises(StaleClaimError):
        await scene.settle(claim, DeliveryState.DONE)

    assert seen == [("settle", "before")]
    assert await memory.deliveries() == before


async def test_what_others_did_during_a_delayed_commit_is_seen_by_it(memory: MemoryJournal) -> None:
    """Two plans that saw no entry are both on their way to the disk: one of them must be refused."""
    scene = Scene(memory)
    for message_id in ("m1", "m2"):
        await scene.accept(message_id)
        await memory.begin_translation(message_id, 1)

    async def yield_first(name: str, phase: Phase) -> None:
        await asyncio.sleep(0)

    memory.on_commit = yield_first

    async def race(message_id: str, opened: LedgerEntry) -> object:
        return await scene.plan(
            message_id, [document()], opens=(opened,), expected=Expected(1, {}, {"O-1": None})
        )

    results = await asyncio.gather(race("m1", entry()), race("m2", entry(message_id="m2")))

    assert sum(isinstance(each, Planned) for each in results) == 1
    assert len(await memory.orders()) == 1


async def test_the_same_calls_give_the_same_journal(clock: SetClock) -> None:
    seen = []
    for _ in range(2):
        journal = MemoryJournal(clock=clock)
        await everything_once(journal)
        seen.append((await journal.deliveries(), await journal.messages(), await journal.audit()))

    assert seen[0] == seen[1]


# -- negative controls -----------------------------------------------------------------------


async def test_without_dedupe_an_arrival_is_accepted_twice(clock: SetClock) -> None:
    scene = Scene(MemoryJournal(clock=clock, unsafe_no_dedupe=True))

    kinds = [(await scene.accept(name, b"ISA", arrival_key="K")).kind for name in ("m1", "m2")]

    assert kinds == [ArrivalKind.NEW, ArrivalKind.NEW]
    assert len(await scene.journal.messages()) == 2


async def test_without_dedupe_a_document_is_planned_twice(clock: SetClock) -> None:
    scene = Scene(MemoryJournal(clock=clock, unsafe_no_dedupe=True))
    told = document(document_key="K", content_hash="h")
    unseen = Expected(1, {}, {}, {"K": None})
    for name in ("m1", "m2"):
        await scene.accept(name)
        assert (await scene.journal.facts([], ["K"], [])).documents == {}
        await scene.plan(name, [told], [delivery(f"{name}-d")], expected=unseen)

    assert len(await scene.journal.deliveries()) == 2


async def test_an_audit_log_that_was_changed_behind_the_journal_s_back_is_found_out(
    memory: MemoryJournal,
) -> None:
    for n in range(3):
        await memory.append_audit("ann", "routes.set", f"r{n}", {}, "why", T0)
    log = memory._tables.audit
    assert await memory.verify_audit() is None

    log[1] = replace(log[1], who="bob")
    assert "entry 2" in str(await memory.verify_audit())

    log[1] = replace(log[1], who="ann")
    del log[2]
    assert "entry 3" in str(await memory.verify_audit())
