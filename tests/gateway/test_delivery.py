"""The delivery worker: what is tried again and when, what waits, what is looked up, what costs whom."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finding,
    Finished,
    InDoubt,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
    Stuck,
    Transient,
    TransientKind,
    Wait,
)
from gateway.delivery import DeliveryWorker
from gateway.destination import Destination
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.base import JournalBusyError, JournalError
from gateway.journal.hurry import is_unhurried
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState, DeliveryView, Settled
from gateway.outcome import RetryPolicy
from gateway.shadowing import PATIENCE
from gateway.target_changes import learn
from tests.gateway.journal.builders import Scene, delivery
from tests.gateway.support import SeededRng
from tests.gateway.timeline import Timeline

POLICY = RetryPolicy(attempts_max=4, backoff_lowest_s=10, backoff_highest_s=60, jitter="none", budget_s=3_600)
PLAIN = LimitSettings(breaker_failures=100, breaker_errors=100)
LOST = NoReply("maybe", "the connection was reset")
DOWN = NoReply("none", "connection refused")
Answer = Reply | NoReply | Exception


@dataclass
class Erp:
    """A target and its sink, scripted: each request gets the next answer, then 200 with a number."""

    answers: list[Answer] = field(default_factory=list)
    sent: list[tuple[float, str, str]] = field(default_factory=list)  # at, step, reference
    by_reference: dict[str, list[Answer]] = field(default_factory=dict)
    looks_up: bool = True
    clock: Timeline = field(default_factory=Timeline)
    before_answer: Callable[[], Awaitable[None]] | None = None
    takes: asyncio.Event | None = None  # answers only once this is set

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        last = done[-1] if done else None
        if last is not None and isinstance(last.outcome, Accepted) and last.outcome.reference:
            return Finished(last.outcome.reference)
        is_unclear = any(each.is_in_doubt for each in done)
        was_looked_up = last is not None and last.step == "look_up" and isinstance(last.outcome, Accepted)
        if is_unclear and self.looks_up and not was_looked_up:
            return Request("look_up", Effect.READ, "GET", delivery.reference)
        return Request("create", Effect.WRITE, "POST", delivery.reference, delivery.body)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        if isinstance(reply, NoReply):
            return (
                Transient(reply.reason, TransientKind.OUTAGE) if reply.written == "none" else InDoubt("lost")
            )
        asked = reply.header("Retry-After")
        wait_s = float(asked) if asked else None
        match reply.status:
            case 200:
                return Accepted(reply.body.decode())
            case 429:
                return Transient("429", TransientKind.THROTTLE, wait_s)
            case 500:
                return Transient("500", TransientKind.ERROR, wait_s)
            case 503:
                return Transient("503", TransientKind.OUTAGE, wait_s)
        return Rejected((Finding("ERP-422", Position("erp"), "refused"),))

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        self.sent.append((self.clock.elapsed_s, request.step, request.address))
        if self.before_answer is not None:
            await self.before_answer()
        if still_mine is not None and not await still_mine():
            return NoReply("none", "not ours any more", "stale_claim")
        if self.takes is not None:
            await self.takes.wait()
        script = self.by_reference.get(request.address, self.answers)
        answer = script.pop(0) if script else Reply(200, f"ERP-{len(self.sent)}".encode())
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        pass

    @property
    def times(self) -> list[float]:
        return [at for at, _, _ in self.sent]

    @property
    def steps(self) -> list[str]:
        return [step for _, step, _ in self.sent]


class Bench:
    """A worker on the memory journal, with one scripted target ``erp`` and whatever a test adds."""

    def __init__(self, erp: Erp, limits: LimitSettings = PLAIN, policy: RetryPolicy = POLICY) -> None:
        self.clock = erp.clock
        self.erp = erp
        self.journal = MemoryJournal(clock=self.clock)
        self.scene = Scene(self.journal)
        self.destinations: dict[str, Destination] = {}
        self.add("erp", erp, limits, policy)
        self.settled: list[Settled] = []
        self.worker = DeliveryWorker(
            self.journal,
            lambda: self.destinations,
            self.clock,
            SeededRng(),
            name="w1",
            settled=lambda claimed, settled: self.settled.append(settled),
        )

    def add(self, name: str, erp: Erp, limits: LimitSettings = PLAIN, policy: RetryPolicy = POLICY) -> None:
        erp.clock = self.clock
        health = TargetHealth(limits, self.clock.monotonic())
        self.destinations[name] = Destination(name, erp, erp, health, policy)

    async def order(self, name: str, lane: str = "", **changes: Any) -> str:
        """Plan one delivery of a message of its own; its reference is its name."""
        self.scene.now = self.clock.now()
        await self.scene.accept(name)
        made = replace(delivery(name, None, lane or name, reference=name, body=b"order"), **changes)
        await self.scene.plan(name, [], [made])
        self.worker.wake()
        return name

    async def state(self, name: str) -> DeliveryState:
        return await self.scene.state(name)

    async def view(self, name: str) -> DeliveryView:
        return await self.scene.view(name)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Bench]:
        task = asyncio.create_task(self.worker.run())
        try:
            await self.clock.idle()
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_an_error_is_tried_again_with_growing_pauses_until_it_succeeds() -> None:
    erp = Erp([Reply(500), Reply(500)])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(100)

        assert erp.times == [0, 10, 30]
        assert await bench.state("a") is DeliveryState.DONE
        assert (await bench.view("a")).target_reference == "ERP-3"
        assert (await bench.view("a")).attempts == 2


async def test_a_retry_after_is_a_lower_bound() -> None:
    erp = Erp([Reply(500, headers=(("Retry-After", "50"),))])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(100)

        assert 50 <= erp.times[1] <= 55


async def test_a_delivery_whose_attempts_are_used_up_is_parked() -> None:
    erp = Erp([Reply(500)] * 10)
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(10_000)

        assert len(erp.sent) == POLICY.attempts_max
        view = await bench.view("a")
        assert view.state is DeliveryState.PARKED
        assert [finding.code for finding in view.findings] == ["DELIVERY-EXHAUSTED"]


async def test_a_delivery_whose_time_is_used_up_is_parked() -> None:
    erp = Erp([Reply(500)] * 10)
    bench = Bench(erp, policy=replace(POLICY, attempts_max=100, budget_s=25))
    async with bench.running():
        await bench.order("a")
        await bench.clock.pass_(1_000)

        assert erp.times == [0, 10]  # the third would be at 30
        assert await bench.state("a") is DeliveryState.PARKED


async def test_an_outage_waits_without_spending_an_attempt() -> None:
    erp = Erp([DOWN] * 9)
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(1_000)

        view = await bench.view("a")
        assert view.state is DeliveryState.DONE
        assert view.attempts == 0
        assert len(erp.sent) == 10


async def test_a_throttled_target_is_left_alone_as_long_as_it_asks() -> None:
    erp = Erp([Reply(429, headers=(("Retry-After", "40"),))])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(5)
        await bench.order("b")
        await bench.clock.pass_(30)
        assert erp.times == [0]

        await bench.clock.pass_(30)
        assert await bench.state("a") is DeliveryState.DONE
        assert await bench.state("b") is DeliveryState.DONE
        assert (await bench.view("a")).attempts == 0


async def test_an_open_breaker_makes_deliveries_wait_and_one_of_them_tries() -> None:
    erp = Erp([DOWN] * 4)
    limits = LimitSettings(breaker_failures=3, breaker_wait_s=100, breaker_wait_max_s=1_000)
    async with Bench(erp, limits).running() as bench:
        for name in "abc":
            await bench.order(name)
        await bench.clock.pass_(1)
        assert len(erp.sent) == 3
        await bench.order("d")
        await bench.clock.pass_(90)
        assert len(erp.sent) == 3
        assert await bench.state("d") is DeliveryState.READY

        await bench.clock.pass_(20)
        assert len(erp.sent) == 4  # one tries, and meets the outage: the breaker opens for longer
        await bench.clock.pass_(150)
        assert len(erp.sent) == 4
        await bench.clock.pass_(1_000)
        assert [await bench.state(name) for name in "abcd"] == [DeliveryState.DONE] * 4


async def test_the_log_tells_once_that_a_target_is_left_alone_and_once_that_it_answers_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits = LimitSettings(breaker_failures=2, breaker_wait_s=10, breaker_wait_max_s=10)
    async with Bench(Erp([DOWN] * 5), limits).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(1_000)
        assert await bench.state("a") is DeliveryState.DONE

    told = [(each.levelname, each.getMessage()) for each in caplog.records if "target." in each.getMessage()]
    assert told == [
        ("WARNING", "target.left_alone target=erp reason=connection refused"),
        ("WARNING", "target.answers_again target=erp"),
    ]


async def test_the_log_tells_once_that_credentials_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    health = TargetHealth(LimitSettings(breaker_credential_failures=3), 0.0)
    refused = Transient("status 401:\nthe credentials were refused", TransientKind.CREDENTIAL)
    outcomes: list[Outcome] = [refused, refused, Accepted("7"), Accepted("8"), refused]
    for at, outcome in enumerate(outcomes):
        learn("s4", health, outcome, float(at))

    assert [each.getMessage() for each in caplog.records] == [
        "target.credentials_refused target=s4 reason=status 401: the credentials were refused",
        "target.answers_again target=s4",
        "target.credentials_refused target=s4 reason=status 401: the credentials were refused",
    ]


async def test_the_worker_sleeps_while_a_target_takes_nothing() -> None:
    erp = Erp([DOWN] * 3)
    limits = LimitSettings(breaker_failures=1, breaker_wait_s=1_000)
    async with Bench(erp, limits).running() as bench:
        await bench.order("a")
        wakes = await bench.clock.pass_(500)

        assert wakes < 150  # it looks every few seconds, not every few milliseconds


async def test_a_write_without_reply_is_looked_up_before_anything_else_and_adopted() -> None:
    erp = Erp([LOST, Reply(200, b"ERP-7")])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.idle()
        assert await bench.state("a") is DeliveryState.IN_DOUBT
        await bench.clock.pass_(60)

        assert erp.steps == ["create", "look_up"]
        view = await bench.view("a")
        assert view.state is DeliveryState.DONE
        assert view.target_reference == "ERP-7"


async def test_a_write_that_a_look_up_does_not_find_is_sent_again() -> None:
    erp = Erp([LOST, Reply(200, b"")])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(60)

        assert erp.steps == ["create", "look_up", "create"]
        assert await bench.state("a") is DeliveryState.DONE


async def test_a_look_up_that_meets_an_outage_leaves_the_delivery_in_doubt() -> None:
    erp = Erp([LOST, DOWN])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(5)
        assert erp.steps == ["create", "look_up"]
        assert await bench.state("a") is DeliveryState.IN_DOUBT

        await bench.clock.pass_(600)
        assert erp.steps == ["create", "look_up", "look_up"]


async def test_a_target_that_would_write_while_in_doubt_is_stopped() -> None:
    erp = Erp([LOST], looks_up=False)
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(600)

        assert erp.steps == ["create"]
        view = await bench.view("a")
        assert view.state is DeliveryState.PARKED
        assert [finding.code for finding in view.findings] == ["TARGET-UNSAFE"]


async def test_an_attempt_that_the_process_did_not_survive_is_looked_up() -> None:
    erp = Erp()
    bench = Bench(erp)
    await bench.order("a")
    claimed = await bench.scene.claim_only()
    await bench.scene.start(claimed.claim)
    await bench.journal.recover(bench.clock.now())
    async with bench.running():
        await bench.clock.pass_(60)

        assert erp.steps == ["look_up"]
        assert await bench.state("a") is DeliveryState.DONE


async def test_a_refused_delivery_is_parked_at_once() -> None:
    erp = Erp([Reply(422)])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(600)

        assert len(erp.sent) == 1
        assert await bench.state("a") is DeliveryState.PARKED


async def test_a_parked_head_blocks_its_own_order_only() -> None:
    erp = Erp(by_reference={"a": [Reply(422)]})
    async with Bench(erp).running() as bench:
        await bench.order("a", "PO-1")
        await bench.order("a2", "PO-1")
        await bench.order("b", "PO-2")
        await bench.clock.pass_(600)

        assert [reference for _, _, reference in erp.sent] == ["a", "b"]
        assert await bench.state("a2") is DeliveryState.READY
        assert await bench.state("b") is DeliveryState.DONE

        await bench.journal.resolve("a", "dismissed", "ann", "keyed in by hand", bench.clock.now())
        bench.worker.wake()
        await bench.clock.pass_(1)
        assert await bench.state("a2") is DeliveryState.DONE


@pytest.mark.parametrize("where", ["send", "interpret", "next_request"])
async def test_a_broken_target_or_sink_costs_only_its_delivery(where: str) -> None:
    erp, sound = Erp(), Erp()

    def broken(*args: Any, **named: Any) -> Any:
        raise ZeroDivisionError("a defect")

    setattr(erp, where, broken)
    bench = Bench(erp)
    bench.add("other", sound)
    async with bench.running():
        await bench.order("a")
        await bench.order("b", target="other")
        await bench.clock.pass_(10)

        view = await bench.view("a")
        assert view.state is DeliveryState.PARKED
        assert [finding.code for finding in view.findings] == ["DELIVERY-FAILED"]
        assert await bench.state("b") is DeliveryState.DONE


async def test_a_delivery_whose_sink_broke_in_mid_send_is_looked_up_when_it_is_retried() -> None:
    erp = Erp([ZeroDivisionError()])
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.pass_(10)
        assert await bench.state("a") is DeliveryState.PARKED

        await bench.journal.retry("a", "ann", "mended", bench.clock.now())
        bench.worker.wake()
        await bench.clock.pass_(10)
        assert erp.steps == ["create", "look_up"]
        assert await bench.state("a") is DeliveryState.DONE


async def test_a_claim_that_was_lost_writes_nothing_more() -> None:
    erp = Erp()
    async with Bench(erp).running() as bench:

        async def taken_over() -> None:
            erp.before_answer = None
            bench.clock.elapsed_s += 100  # the process stood still past its lease
            bench.scene.now, bench.scene.monotonic = bench.clock.now(), bench.clock.monotonic()
            (other,) = await bench.scene.claim(worker="w2")
            assert other.is_in_doubt

        erp.before_answer = taken_over
        await bench.order("a")
        await bench.clock.idle()

        view = await bench.view("a")
        assert view.state is DeliveryState.CLAIMED  # as the other worker left it
        assert [step.outcome for step in view.steps] == [None]
        assert bench.settled == []


async def test_deliveries_of_a_removed_target_wait_until_it_is_back() -> None:
    erp = Erp()
    async with Bench(erp).running() as bench:
        kept = bench.destinations.pop("erp")
        await bench.order("a")
        await bench.clock.pass_(60)
        assert await bench.state("a") is DeliveryState.READY

        bench.destinations["erp"] = kept
        await bench.clock.pass_(60)
        assert await bench.state("a") is DeliveryState.DONE


async def test_a_target_that_a_reload_removes_while_it_is_claimed_ends_nothing() -> None:
    erp = Erp()
    bench = Bench(erp)
    claim = bench.journal.claim

    async def reloaded_meanwhile(*args: Any) -> Any:
        found = await claim(*args)
        bench.destinations = {}
        return found

    bench.journal.claim = reloaded_meanwhile  # type: ignore[assignment, method-assign]
    await bench.order("a")
    async with bench.running():
        await bench.clock.pass_(10)

        assert await bench.state("a") is DeliveryState.DONE  # by the destination that had a slot for it


async def test_urgent_deliveries_have_places_that_others_cannot_take() -> None:
    erp = Erp(takes=asyncio.Event())
    limits = LimitSettings(concurrent=2, concurrent_urgent=1)
    async with Bench(erp, limits).running() as bench:
        for n in range(5):
            await bench.order(f"n{n}")
        await bench.clock.idle()
        assert len(erp.sent) == 2

        await bench.order("rush", is_urgent=True)
        await bench.clock.idle()
        assert erp.sent[-1][2] == "rush"
        assert erp.takes is not None
        erp.takes.set()
        await bench.clock.pass_(1)
        assert len(erp.sent) == 6


async def test_an_urgent_delivery_goes_before_a_waiting_batch() -> None:
    erp = Erp()
    limits = LimitSettings(rate_per_s=1.0, burst=1, urgent_share=0.0)
    async with Bench(erp, limits).running() as bench:
        for n in range(20):
            await bench.order(f"n{n:02}")
        await bench.clock.pass_(3)
        await bench.order("rush", is_urgent=True)
        await bench.clock.pass_(60)

        place = [reference for _, _, reference in erp.sent].index("rush")
        assert place <= 5
        assert len(erp.sent) == 21


async def test_draining_finishes_what_is_under_way_and_begins_nothing() -> None:
    erp = Erp(takes=asyncio.Event())
    limits = LimitSettings(concurrent=1, concurrent_urgent=0)
    async with Bench(erp, limits).running() as bench:
        await bench.order("a")
        await bench.order("b")
        await bench.clock.idle()
        bench.worker.stop_claiming()
        draining = asyncio.create_task(bench.worker.drain())
        await bench.clock.pass_(1)
        assert not draining.done()
        assert erp.takes is not None
        erp.takes.set()
        await bench.clock.pass_(1)

        assert draining.done()
        assert await bench.state("a") is DeliveryState.DONE
        assert await bench.state("b") is DeliveryState.READY


async def test_a_failed_journal_ends_the_worker_and_draining_does_not_hang() -> None:
    bench = Bench(Erp())

    async def fails(*args: Any) -> None:
        raise JournalError("the disk is full")

    bench.journal.settle = fails  # type: ignore[assignment, method-assign]
    for name in "abc":
        await bench.order(name)
    task = asyncio.create_task(bench.worker.run())
    await bench.clock.pass_(1)

    with pytest.raises(JournalError, match="disk is full"):
        await task
    async with asyncio.timeout(1):
        await bench.worker.drain()


async def test_nothing_of_a_delivery_runs_once_the_worker_was_cancelled() -> None:
    erp = Erp(takes=asyncio.Event())
    async with Bench(erp).running() as bench:
        await bench.order("a")
        await bench.clock.idle()
        assert await bench.state("a") is DeliveryState.ATTEMPTING

    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


@pytest.mark.parametrize("call", ["claim", "attempt_started", "settle", "next_due", "renew", "step_done"])
async def test_a_busy_journal_delays_a_delivery_and_parks_nothing(call: str) -> None:
    erp = Erp([LOST, Reply(200, b"")])  # create, look-up, create: every call is needed
    bench = Bench(erp)
    works = getattr(bench.journal, call)
    busy = 3

    async def at_times(*args: Any, **named: Any) -> Any:
        nonlocal busy
        busy -= 1
        if busy >= 0:
            raise JournalBusyError("try again")
        return await works(*args, **named)

    setattr(bench.journal, call, at_times)
    async with bench.running():
        await bench.order("a")
        await bench.clock.pass_(120)

        assert busy < 0
        assert erp.steps == ["create", "look_up", "create"]
        assert await bench.state("a") is DeliveryState.DONE


async def test_a_shadow_delivery_is_rendered_and_never_sent() -> None:
    erp = Erp()
    async with Bench(erp).running() as bench:
        await bench.order("a", role="shadow", lanes=())
        await bench.clock.pass_(5)

        assert erp.sent == []
        view = await bench.view("a")
        assert view.state is DeliveryState.DONE
        assert view.steps[0].request.body == b"order"


async def test_a_target_that_never_ends_is_stopped() -> None:
    erp = Erp(answers=[Reply(200, b"")] * 500)
    async with Bench(erp).running() as bench:
        await bench.order("a")
        for _ in range(50):
            await bench.clock.idle()

        view = await bench.view("a")
        assert [finding.code for finding in view.findings] == ["TARGET-ENDLESS"]
        assert len(erp.sent) == 100


async def test_retries_beyond_the_targets_budget_wait_without_spending_attempts() -> None:
    erp = Erp([Reply(500)] * 6)
    limits = LimitSettings(retry_tokens_max=5, retry_cost=5, retry_refund=0, retry_refill_per_s=0.01)
    async with Bench(erp, limits).running() as bench:
        await bench.order("a")
        await bench.order("b")
        await bench.clock.pass_(5)
        views = [await bench.view(name) for name in "ab"]

        assert sorted(view.attempts for view in views) == [0, 1]
        assert any("retry budget" in view.reason for view in views)
        waits = max(view.not_before or bench.clock.now() for view in views)
        assert waits > bench.clock.now() + timedelta(seconds=300)


class Hurry:
    """Whether each call to a journal let live work go first, in order."""

    def __init__(self, bench: Bench) -> None:
        self._heard: list[tuple[str, bool]] = []
        bench.journal.on_commit = self._note

    async def _note(self, name: str, phase: str) -> None:
        if phase == "before":
            self._heard.append((name, is_unhurried()))

    def of(self, name: str) -> list[bool]:
        return [each for called, each in self._heard if called == name]


async def test_a_shadow_lets_live_work_go_first_for_a_while_and_then_competes_with_it() -> None:
    bench = Bench(Erp())
    hurry = Hurry(bench)
    patience_s = PATIENCE.total_seconds()
    async with bench.running():
        await bench.order("live")
        await bench.clock.pass_(1)
        await bench.order("new", role="shadow")
        await bench.clock.pass_(1)
        await bench.order("old", role="shadow", not_before=bench.clock.now() + PATIENCE)
        await bench.clock.pass_(patience_s + 5)

    assert hurry.of("settle") == [False, True, False]


async def test_the_loop_of_a_tenant_claims_together_and_after_what_is_live() -> None:
    bench = Bench(Erp())
    bench.worker = DeliveryWorker(
        bench.journal, lambda: bench.destinations, bench.clock, SeededRng(), name="w1", gather_s=0.25
    )
    hurry = Hurry(bench)
    async with bench.running():
        await bench.clock.pass_(1)
        for name in ("one", "two", "three"):
            await bench.order(name, role="shadow")
        await bench.clock.pass_(0.1)
        states = {await bench.state(name) for name in ("one", "two", "three")}
        await bench.clock.pass_(1)

    assert states == {DeliveryState.READY}
    assert hurry.of("settle") == [True] * 3
    assert set(hurry.of("claim")) == {True}


async def test_what_falls_due_beside_a_delivery_under_way_goes_out_in_time() -> None:
    slow, quick = Erp(takes=asyncio.Event()), Erp()
    bench = Bench(slow)
    bench.add("other", quick)
    async with bench.running():
        await bench.order("held up")
        await bench.order("due", target="other", not_before=bench.clock.now() + timedelta(seconds=2))
        await bench.clock.pass_(4)

    assert slow.times == [0]
    assert quick.times == [pytest.approx(2, abs=0.02)]
