"""kill -9 at every step boundary of a message's way: nothing acknowledged is lost, doubled or reordered.

The way is DESIGN section 4: source, acceptance, settling, translation in chunks, claim, request, attempt,
send, outcome, ledger and aliases, acknowledgment, stage changes, replays, and the start itself. Each
boundary is crossed by traffic of every kind (HTTP and folder; split, passed through, answered on the call).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from simulators.faults import Action, Fault
from tests.faults.hospital import Hospital, Running, hospital
from tests.faults.traffic import CLOUD, LEGACY, json_order, x12_file, x12_orders
from tests.scale import scaled

FEW, SOME, MANY = (1, 2, 3), (1, 3, 6), (1, 7, 15)  # at which passing of a boundary the process dies

BOUNDARIES = {
    # from the source to its settling
    "source read": SOME,
    "before accept": SOME,
    "after accept": SOME,
    "before source settle": SOME,
    "after source settle": SOME,
    "after lease": FEW,  # of a file, before it is claimed and read
    "after release": FEW,  # of a file that was put away
    # translation, in chunks of two sets
    "before begin_translation": SOME,
    "after begin_translation": SOME,
    "after next_control_number": SOME,
    "before plan": MANY,
    "after plan": MANY,
    # the same, where many small messages are decoded beside the loop
    "before begin_together": SOME,
    "after begin_together": SOME,
    "before plan_together": SOME,
    "after plan_together": SOME,
    # delivery
    "before claim": MANY,
    "after claim": MANY,
    "before next_request": MANY,
    "before attempt_started": MANY,
    "after attempt_started": MANY,
    "before still_mine": MANY,
    "after still_mine": MANY,  # the last instant before bytes leave
    "after send look_up": SOME,
    "after send create": SOME,  # committed over there, not written down here
    "after send stage": SOME,
    "after send publish": SOME,
    "after send submit": FEW,
    "before interpret": MANY,
    "before step_done": SOME,
    "after step_done": SOME,
    "after renew": SOME,
    "before settle": MANY,
    "after settle": MANY,  # outcome, ledger and aliases in one
    # acknowledgments and calls that wait
    "before claim_one": FEW,
    "after claim_one": FEW,
    # people
    "before set_stage": FEW,
    "after set_stage": FEW,
    "before replay": FEW,
    "after replay": FEW,
}
STARTS = ("bind_environment", "recover", "load_configuration", "declare_stages")


@pytest.mark.parametrize("boundary", BOUNDARIES)
async def test_a_kill_at_a_step_boundary_loses_doubles_and_reorders_nothing(
    boundary: str, tmp_path: Path, nursery: Path
) -> None:
    numbers: tuple[int, ...] = BOUNDARIES[boundary]
    if numbers is MANY:  # a soak also dies at each passing between these
        numbers = tuple(range(1, max(numbers) + 1)) if scaled(1) > 1 else numbers

    async def killed(house: Hospital, nth: int) -> None:
        await killed_at(house, f"{boundary}:{nth}")

    await together(tmp_path, nursery, killed, numbers)


async def test_a_kill_while_it_recovers_and_starts_is_recovered_from_as_well(house: Hospital) -> None:
    first = await house.started(crash_at="after attempt_started:5")
    await traffic(house, first)
    for step in STARTS * 3:
        for side in ("before", "after"):
            assert await (await house.start(crash_at=f"{side} {step}:1")).ended() == -signal.SIGKILL
    await judged(house)


@pytest.mark.parametrize(
    "action", [Action.HANG_BEFORE_COMMIT, Action.COMMIT_THEN_HANG], ids=["not committed", "committed"]
)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_kill_between_writing_a_request_and_its_reply(
    method: str, action: Action, tmp_path: Path, nursery: Path
) -> None:
    if method == "GET" and action is Action.COMMIT_THEN_HANG:
        action = Action.DELAY  # a look-up has nothing to commit

    async def killed_while_unanswered(house: Hospital, nth: int) -> None:
        house.erp.faults.replace((Fault(action, method=method, nth=(nth,), seconds=60),))
        running = await house.started()
        sending = asyncio.create_task(traffic(house, running))
        while not any(seen.fault for seen in house.erp.requests):
            await asyncio.sleep(0.002)
        if action is Action.COMMIT_THEN_HANG:
            while not house.erp.committed:
                await asyncio.sleep(0.002)
        assert await running.kill() == -signal.SIGKILL
        await sending
        house.erp.faults.replace(())
        await judged(house)

    await together(tmp_path, nursery, killed_while_unanswered, FEW)


# -- one history ---------------------------------------------------------------------------


async def killed_at(house: Hospital, crash_at: str) -> None:
    """Let traffic run into the crash, start again, and judge."""
    running = await house.start(crash_at=crash_at)
    await running.up()  # or it died before
    await traffic(house, running)
    assert await running.ended() == -signal.SIGKILL, f"{crash_at} was never passed"
    await judged(house)


async def judged(house: Hospital) -> None:
    """Start again, resend what is unsure, come to rest, and find nothing wrong."""
    running = await house.started()
    await house.resend(running)
    assert house.unsure == [], house.log
    await house.rest()
    assert await house.violations() == []
    assert len(house.erp.committed) >= 9
    assert await running.stop() == 0, house.log


async def traffic(house: Hospital, running: Running) -> None:
    """Send everything there is, some of it at the same time; a dead gateway leaves the senders unsure."""
    for at in range(3):
        house.drop(x12_file("po.files", 40 + at, [(400 + 2 * at, CLOUD), (401 + 2 * at, LEGACY)]))
    await asyncio.gather(
        senders_of_revisions(house, running), senders_of_calls(house, running), people(house, running)
    )


async def senders_of_revisions(house: Hospital, running: Running) -> None:
    """Orders and what replaces them, one after the other: their order must hold."""
    orders = [(100, CLOUD), (101, LEGACY), (102, CLOUD), (103, LEGACY), (104, LEGACY)]
    await house.post(running, x12_orders("po.http", 1, orders))
    await house.post(running, json_order("po.json", "J1"))
    for at in range(1, 3):
        await house.post(running, json_order("po.json", "J1", at))
        await house.post(running, x12_orders("po.http", 1 + at, orders[: 4 - at], purpose="05"))


async def senders_of_calls(house: Hospital, running: Running) -> None:
    """Callers that wait: for the acknowledgment, for the legacy system's own answer."""
    for at in range(3):
        await house.post(running, x12_orders("po.reply", 20 + at, [(200 + at, CLOUD)]))
        await house.post(running, x12_orders("po.call", 30 + at, [(300 + at, LEGACY)]))


async def people(house: Hospital, running: Running) -> None:
    """Move a route to and fro, and replay what was delivered."""
    first = await house.post(running, json_order("po.json", "P1"))
    for at, stage in enumerate(("cloud", "canary", "cloud")):
        await house.command("routes.set", route="po.files", stage=stage, who="test", why=f"move {at}")
        if first.message_id is not None:
            await house.command("messages.replay", message=first.message_id, who="test", why=f"replay {at}")


async def together(
    folder: Path,
    nursery: Path,
    history: Callable[[Hospital, int], Coroutine[Any, Any, None]],
    numbers: Sequence[int],
) -> None:
    """Run a history once for each number, side by side, each in a hospital of its own."""

    async def alone(number: int) -> None:
        own = folder / str(number)
        own.mkdir()
        async with hospital(own, nursery) as house:
            await history(house, number)

    for problem in await asyncio.gather(*map(alone, numbers), return_exceptions=True):
        if problem is not None:
            raise problem
