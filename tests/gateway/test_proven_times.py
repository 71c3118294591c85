"""Orders in doubt wait as long as they must, by a clock that jumps and through a restart; never spinning."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from adapters.base import Finished, NoReply, Reply, Request, Target
from canonical.registry import parse_document, to_json
from gateway.delivering import Means, deliver_once
from gateway.destination import Destination
from gateway.erp.connector.errors import ErpError
from gateway.erp.connector.series import Call, Hit, LookUp, Series, Write
from gateway.erp.connector.settings import ErpSettings
from gateway.erp.connector.target import Connector, MakeSeries
from gateway.erp.generic_rest import GenericRest
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState, DeliveryView, Want
from gateway.outcome import RetryPolicy
from gateway.proven_times import ProvenTimes
from tests.gateway.journal.builders import Scene, delivery, document
from tests.gateway.support import FakeClock, SeededRng, order

HOUR_S = 3_600.0
QUIET_S = 60.0
NOTHING = Reply(200, b'{"items": []}')
CREATED = Reply(201, b'{"number": "PO-9"}')
LOST = NoReply("maybe", "no reply in time")
POLICY = RetryPolicy(jitter="none")
LIMITS = LimitSettings(breaker_failures=100, breaker_errors=100)
CLAIMS_MAX = 20  # of all that one test does; more would be a delivery that spins


class JumpingClock(FakeClock):
    """A wall clock that can be set, beside seconds that never jump."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


class Small(Connector):
    """The shortest connector: look up, create."""

    needs: ClassVar[dict[str, tuple[str, ...]]] = {"create": ("number",)}
    makes: ClassVar[dict[str, MakeSeries]] = {"purchase_order": lambda self, delivery, now: _series()}

    def errors(self, request: Request, reply: Reply) -> Sequence[ErpError]:
        return []

    def number(self, request: Request, fields: Any) -> str:
        return str((fields or {}).get("number", ""))


def _series() -> Series:
    look_up = LookUp(Call("GET", "orders?reference=1"), _hits)
    made = yield Write("create", Call("POST", "orders", lambda: b"{}"), look_up, looks_first=True)
    return Finished(made.fields["number"])


def _hits(answer: Any) -> Sequence[Hit]:
    return [Hit(each["number"], each) for each in answer.fields["items"]]


def _generic(**settings: Any) -> Target:
    return GenericRest("erp", GenericRestSettings.model_validate(settings))


def _connector(**settings: Any) -> Target:
    return Small("erp", ErpSettings.model_validate(settings))


class KilledError(BaseException):
    """The process died here."""


class Place:
    """One order on its way to an ERP whose replies are prepared; then it finds nothing, and creates."""

    def __init__(self, make: Callable[..., Target], **settings: Any) -> None:
        values = {"base": "https://erp.example", "look_up_waits_s": (2, 5), "quiet_period_s": QUIET_S}
        self.clock = JumpingClock()
        self.journal = MemoryJournal(clock=self.clock)
        self.scene = Scene(self.journal)
        self.target = make(**{**values, **settings})
        self.creates: list[float] = []  # when, in seconds that never jump
        self.look_ups: list[float] = []
        self.answers: list[Reply | NoReply | BaseException] = [LOST]  # to creates
        self.claims = 0
        self.start()

    def start(self) -> None:
        """Be a process, another one than before."""
        self.times = ProvenTimes(self.clock)
        self.health = TargetHealth(LIMITS, self.clock.monotonic())

    async def restart(self, after_s: float = 0.0) -> None:
        self.clock.elapsed_s += after_s
        await self.journal.recover(self.clock.now())
        self.start()

    async def order(self) -> Place:
        """Plan the order, and create it with an unknown outcome."""
        self.scene.now = self.clock.now()
        await self.scene.accept("m1")
        body = to_json(parse_document(order()))
        await self.scene.plan("m1", [document(0, canonical=body, document_key="k")], [delivery("d1")])
        await self.pass_(0)
        assert len(self.creates) == 1
        return self

    async def pass_(self, duration_s: float) -> None:
        """Let time pass, and do what falls due."""
        ends = self.clock.elapsed_s + duration_s
        while True:
            now, monotonic = self.clock.now(), self.clock.monotonic()
            claimed = await self.journal.claim("w", [Want("erp", 1)], 60.0, now, monotonic)
            self.claims += len(claimed)
            assert self.claims <= CLAIMS_MAX
            for each in claimed:
                destination = Destination("erp", self.target, self, self.health, POLICY)
                means = Means(self.journal, self.clock, SeededRng(), 60.0, self.times)
                await deliver_once(each, destination, means)
            if not claimed and self.clock.elapsed_s >= ends:
                return
            if not claimed:
                self.clock.elapsed_s += 1.0

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if request.method == "GET":
            self.look_ups.append(self.clock.elapsed_s)
            return NOTHING
        self.creates.append(self.clock.elapsed_s)
        answer = self.answers.pop(0) if self.answers else CREATED
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def close(self) -> None:
        pass

    async def view(self) -> DeliveryView:
        return await self.scene.view("d1")

    def jump(self, by_s: float = HOUR_S) -> None:
        self.clock.ahead_s += by_s

    async def creates_again_at(self) -> float:
        """Wait for the second create; give when it was."""
        await self.pass_(3 * QUIET_S)
        assert len(self.creates) == 2
        return self.creates[1]


Placed = Callable[..., Awaitable[Place]]


@pytest.fixture(params=[_generic, _connector], ids=["generic_rest", "connector"])
def placed(request: pytest.FixtureRequest) -> Placed:
    async def make(**settings: Any) -> Place:
        return await Place(request.param, **settings).order()

    return make


async def test_where_no_clock_jumps_all_is_as_the_clock_says(placed: Placed) -> None:
    place = await placed()

    assert await place.creates_again_at() == QUIET_S
    assert place.look_ups[:4] == [0.0, 2.0, 5.0, QUIET_S]


@pytest.mark.parametrize("after_s", [0, 3, 30])
async def test_a_clock_that_jumps_ahead_ends_no_quiet_period(placed: Placed, after_s: float) -> None:
    place = await placed()
    await place.pass_(after_s)
    place.jump()

    assert await place.creates_again_at() == QUIET_S
    assert place.look_ups[:4] == [0.0, 2.0, 5.0, QUIET_S]


async def test_nor_does_one_that_jumps_ahead_and_is_set_right_again(placed: Placed) -> None:
    place = await placed()
    place.jump()
    await place.pass_(10)
    place.jump(-HOUR_S)

    await place.pass_(QUIET_S - 11)
    assert len(place.creates) == 1
    await place.pass_(HOUR_S + QUIET_S)
    assert len(place.creates) == 2


async def test_a_clock_that_is_set_back_makes_it_wait(placed: Placed) -> None:
    place = await placed()
    await place.pass_(3)
    place.jump(-HOUR_S)

    await place.pass_(HOUR_S - 10)
    assert len(place.creates) == 1
    await place.pass_(QUIET_S)
    assert len(place.creates) == 2


@pytest.mark.parametrize("jumps_before", [True, False])
async def test_after_a_restart_the_quiet_period_counts_from_the_start(
    placed: Placed, jumps_before: bool
) -> None:
    place = await placed()
    await place.pass_(20)
    if jumps_before:
        place.jump()
    await place.restart(after_s=4.0)
    if not jumps_before:
        await place.pass_(1)
        place.jump()

    assert await place.creates_again_at() == 24.0 + QUIET_S


async def test_what_was_looked_up_in_an_hour_that_never_was_proves_nothing_after_a_restart(
    placed: Placed,
) -> None:
    place = await placed()
    place.jump()
    await place.pass_(10)
    await place.restart()

    assert await place.creates_again_at() == 10.0 + QUIET_S


async def test_nor_does_a_restart_after_a_long_night_shorten_it(placed: Placed) -> None:
    place = await placed()
    await place.restart(after_s=8 * HOUR_S)

    assert await place.creates_again_at() == 8 * HOUR_S + QUIET_S


async def test_a_create_that_its_process_did_not_survive_gets_its_whole_time_besides(placed: Placed) -> None:
    place = await placed(timeout_s=20)
    place.answers = [KilledError()]
    with pytest.raises(KilledError):
        await place.creates_again_at()
    await place.restart(after_s=100.0)
    place.jump()

    began = place.clock.elapsed_s
    await place.pass_(20 + 2 * QUIET_S - 1)
    assert len(place.creates) == 2
    await place.pass_(QUIET_S)
    assert place.creates[2] == began + 20 + 2 * QUIET_S


async def test_a_create_that_broke_off_in_a_process_that_lives_on_counts_from_then(placed: Placed) -> None:
    place = await placed(timeout_s=20)
    place.answers = [RuntimeError("broken")]
    broke_at = await place.creates_again_at()
    assert (await place.view()).state is DeliveryState.PARKED
    retried_s = place.clock.elapsed_s - broke_at
    place.jump()
    await place.journal.retry("d1", "op", "mended", place.clock.now())
    await place.pass_(3 * QUIET_S)

    assert retried_s > QUIET_S
    assert place.creates[2] == broke_at + max(20 + 2 * QUIET_S, retried_s)


async def test_a_person_who_retries_what_is_parked_need_not_ask_twice(placed: Placed) -> None:
    place = await placed(doubts_max=1)
    await place.pass_(2 * QUIET_S)
    assert (await place.view()).state is DeliveryState.PARKED
    await place.pass_(10)
    await place.journal.retry("d1", "op", "it is not there", place.clock.now())

    await place.pass_(1)
    assert len(place.creates) == 2


async def test_after_a_restart_what_a_person_retries_waits_its_whole_quiet_period_too(placed: Placed) -> None:
    place = await placed(doubts_max=1)
    await place.pass_(2 * QUIET_S)
    assert (await place.view()).state is DeliveryState.PARKED
    await place.restart()
    await place.pass_(10)
    await place.journal.retry("d1", "op", "it is not there", place.clock.now())

    await place.pass_(QUIET_S + 1)
    assert len(place.creates) == 1  # the look-ups of the other process prove nothing: it is parked once more
    assert (await place.view()).state is DeliveryState.PARKED
    await place.journal.retry("d1", "op", "it is not there", place.clock.now())
    await place.pass_(1)
    assert len(place.creates) == 2


async def test_the_record_keeps_what_the_clock_said(placed: Placed) -> None:
    place = await placed()
    begun = place.clock.at
    place.jump()
    await place.pass_(2)

    assert [each.started_at for each in (await place.view()).steps] == [
        begun, begun, begun + timedelta(seconds=HOUR_S + 2),
    ]  # fmt: skip


async def test_what_has_ended_is_forgotten(placed: Placed) -> None:
    place = await placed()
    await place.creates_again_at()
    await place.pass_(2 * QUIET_S)

    assert (await place.view()).state is DeliveryState.DONE
    assert json.loads(CREATED.body)["number"] == (await place.view()).target_reference
    assert place.times.count == 0
