"""Stages, configurations and control numbers: what a route's word is, since when, and by whom."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gateway.journal.base import Journal, StaleStageError, UnknownError
from tests.gateway.journal.builders import ROUTE, T0, after


async def test_a_declared_stage_holds_where_a_route_has_none(journal: Journal) -> None:
    await journal.declare_stages({ROUTE: ("shadow", "0"), "requisitions_in": ("canary", "12.5")}, T0)

    stages = await journal.stages()

    assert set(stages) == {ROUTE, "requisitions_in"}
    state = stages["requisitions_in"]
    assert (state.route, state.stage, state.share_percent) == ("requisitions_in", "canary", "12.5")
    assert state.changed_at == T0


async def test_declaring_never_overrides(journal: Journal) -> None:
    await journal.declare_stages({ROUTE: ("legacy", "0")}, T0)
    moved = await journal.set_stage(ROUTE, "legacy", "cloud", "100", "ann", "go-live", after(60))

    await journal.declare_stages({ROUTE: ("legacy", "0"), "new": ("legacy", "0")}, after(120))

    stages = await journal.stages()
    assert stages[ROUTE] == moved
    assert stages["new"].stage == "legacy"


async def test_moving_a_route_says_who_when_and_why_and_is_a_new_revision(journal: Journal) -> None:
    await journal.declare_stages({ROUTE: ("legacy", "0")}, T0)
    before = (await journal.stages())[ROUTE]

    moved = await journal.set_stage(ROUTE, "legacy", "canary", "10", "ann", "first ten percent", after(60))

    assert (moved.route, moved.stage, moved.share_percent) == (ROUTE, "canary", "10")
    assert (moved.changed_at, moved.changed_by, moved.why) == (after(60), "ann", "first ten percent")
    assert moved.revision > before.revision
    assert (await journal.stages())[ROUTE] == moved


async def test_moving_only_the_share_is_a_move_too(journal: Journal) -> None:
    await journal.declare_stages({ROUTE: ("canary", "10")}, T0)
    before = (await journal.stages())[ROUTE]

    moved = await journal.set_stage(ROUTE, "canary", "canary", "25", "ann", "more", after(60))

    assert (moved.share_percent, moved.revision > before.revision) == ("25", True)


async def test_a_move_is_in_the_audit_log(journal: Journal) -> None:
    await journal.declare_stages({ROUTE: ("legacy", "0")}, T0)

    await journal.set_stage(ROUTE, "legacy", "canary", "10", "ann", "first ten percent", after(60))

    (told,) = await journal.audit()
    assert (told.at, told.who, told.action, told.subject) == (after(60), "ann", "routes.set", ROUTE)
    assert told.why == "first ten percent"
    assert {"legacy", "canary", "10"} <= set(told.detail.values())


async def test_a_route_that_is_elsewhere_is_not_moved(journal: Journal) -> None:
    await journal.declare_stages({ROUTE: ("canary", "10")}, T0)
    before = await journal.stages()

    with pytest.raises(StaleStageError, match="canary"):
        await journal.set_stage(ROUTE, "legacy", "cloud", "100", "ann", "go", T0)

    assert await journal.stages() == before
    assert await journal.audit() == []


async def test_a_route_that_nobody_declared_is_not_moved(journal: Journal) -> None:
    with pytest.raises(UnknownError, match="orders_out"):
        await journal.set_stage("orders_out", "legacy", "cloud", "100", "ann", "go", T0)

    assert await journal.stages() == {}


# -- configurations --------------------------------------------------------------------------


async def test_every_configuration_is_a_revision_that_stays(journal: Journal) -> None:
    first = await journal.load_configuration("routes: {}\n", "sha-1", "ops", T0)
    second = await journal.load_configuration("routes: {a: 1}\n", "sha-2", "ops", T0)

    assert second > first > 0
    assert await journal.configuration(first) == "routes: {}\n"
    assert await journal.configuration(second) == "routes: {a: 1}\n"


async def test_the_same_text_again_is_no_new_revision(journal: Journal) -> None:
    first = await journal.load_configuration("routes: {}", "sha-1", "ops", T0)

    assert await journal.load_configuration("routes: {}", "sha-1", "ops", after(60)) == first


async def test_going_back_to_an_earlier_text_is_going_back_to_its_revision(journal: Journal) -> None:
    first = await journal.load_configuration("routes: {}", "sha-1", "ops", T0)
    await journal.load_configuration("routes: {a: 1}", "sha-2", "ops", T0)

    assert await journal.load_configuration("routes: {}", "sha-1", "ops", T0) == first


@pytest.mark.parametrize("revision", [-1, 0, 2])
async def test_an_unknown_revision_is_an_error(journal: Journal, revision: int) -> None:
    await journal.load_configuration("routes: {}", "sha-1", "ops", T0)

    with pytest.raises(UnknownError):
        await journal.configuration(revision)


# -- control numbers -------------------------------------------------------------------------


async def test_control_numbers_count_up_and_wrap(journal: Journal) -> None:
    numbers = [await journal.next_control_number("GATEWAY", "interchange", 7, 9) for _ in range(5)]

    assert numbers == [7, 8, 9, 7, 8]


async def test_each_emitter_and_kind_has_its_own_range(journal: Journal) -> None:
    drawn = [
        await journal.next_control_number(emitter, kind, lowest, 999)
        for emitter, kind, lowest in (
            ("GATEWAY", "interchange", 1),
            ("GATEWAY", "group", 100),
            ("MERCY", "interchange", 500),
            ("GATEWAY", "interchange", 1),
        )
    ]

    assert drawn == [1, 100, 500, 2]


async def test_a_range_that_was_moved_goes_on_inside_its_new_bounds(journal: Journal) -> None:
    for _ in range(3):
        await journal.next_control_number("GATEWAY", "interchange", 1, 999)

    assert await journal.next_control_number("GATEWAY", "interchange", 500, 999) == 500
    assert await journal.next_control_number("GATEWAY", "interchange", 1, 100) == 1


async def test_looks_at_the_stages_while_they_change_never_hide_the_change(journal: Journal) -> None:
    stages = ["legacy", "shadow", "canary", "cloud"]
    await journal.declare_stages({ROUTE: ("legacy", "0")}, T0)
    for before, after_it in itertools.pairwise(stages):
        await journal.stages()  # what it may remember
        looks = [asyncio.ensure_future(journal.stages()) for _ in range(3)]
        change = asyncio.ensure_future(journal.set_stage(ROUTE, before, after_it, "0", "ann", "on", T0))
        looks += [asyncio.ensure_future(journal.stages()) for _ in range(3)]
        await asyncio.gather(change, *looks)

        assert (await journal.stages())[ROUTE].stage == after_it
