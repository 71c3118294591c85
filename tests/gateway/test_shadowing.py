"""A shadow leg ends at once, leaves nothing behind it, and says what it may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Delivery,
    Effect,
    Finding,
    Finished,
    InDoubt,
    NoReply,
    Origin,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
    Transient,
    TransientKind,
)
from gateway.destination import Destination
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.types import DeliveryState, DeliveryView
from gateway.outcome import RetryPolicy
from gateway.shadowing import ShadowLeg, Wire, result_of, shadowed
from tests.gateway.rig import Rig, order, program

TENANT = "erp-dev"
NOT_FOUND = Reply(404)


class Erp:
    """A target that looks up before it creates; its wire gives replies in turn, then hangs or answers."""

    def __init__(self, *replies: Reply | NoReply, hangs: bool = False) -> None:
        self.replies = list(replies)
        self.hangs = hangs
        self.sent: list[Request] = []

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished:
        if not done:
            return Request("look_up", Effect.READ, "GET", "orders?number=1")
        if done[-1].step == "look_up":
            return Request("create", Effect.WRITE, "POST", "orders", delivery.canonical or b"")
        return Finished("DEV-1", (Alias(AliasKind.ERP, "DEV-1"),))

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        match reply:
            case NoReply(written):
                return (
                    InDoubt(reply.reason)
                    if written == "maybe"
                    else Transient(reply.reason, TransientKind.OUTAGE)
                )
            case Reply(status=404) | Reply(status=201):
                return Accepted()
            case Reply(status=422):
                return Rejected((Finding("ERP-422", Position("erp"), "no such supplier"),))
            case _:
                return Transient("error")

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        self.sent.append(request)
        if self.hangs:
            await asyncio.sleep(min(request.timeout_s, 0.05))
            return NoReply("maybe", "no reply in time")
        return self.replies.pop(0) if self.replies else NoReply("none", "no connection")

    async def close(self) -> None:
        return


def rig_with(erp: Erp, leg: ShadowLeg) -> Rig:
    made = program()
    rig = Rig(replace(made, rule=replace(made.rule, shadow_target=TENANT)), stage="shadow")
    health = TargetHealth(LimitSettings(), 0.0)
    rig.destinations[TENANT] = Destination(TENANT, erp, erp, health, RetryPolicy(), leg)
    return rig


async def shadow_of(rig: Rig, body: bytes | None = None) -> DeliveryView:
    message = await rig.take(body or order("PO-1"))
    await rig.settled(message)
    (shadow,) = [each for each in await rig.deliveries(message) if each.role == "shadow"]
    assert await rig.journal.exceptions() == []
    assert rig.targets["erp"].sent == []
    return shadow


async def test_rendering_goes_on_to_the_request_that_would_write_and_sends_nothing() -> None:
    erp = Erp()
    async with rig_with(erp, ShadowLeg()).running() as rig:
        shadow = await shadow_of(rig)

    assert (erp.sent, shadow.state, result_of(shadow)) == ([], DeliveryState.DONE, "rendered")
    assert [step.request.step for step in shadow.steps] == ["create"]


async def test_validating_asks_what_reads_and_only_renders_what_would_write() -> None:
    erp = Erp(NOT_FOUND)
    async with rig_with(erp, ShadowLeg("validate")).running() as rig:
        shadow = await shadow_of(rig)

    assert [each.method for each in erp.sent] == ["GET"]
    assert [step.request.step for step in shadow.steps] == ["look_up", "create"]
    assert result_of(shadow) == "rendered"


async def test_a_sandbox_gets_everything_and_gives_the_order_no_name() -> None:
    erp = Erp(NOT_FOUND, Reply(201))
    async with rig_with(erp, ShadowLeg("sandbox")).running() as rig:
        shadow = await shadow_of(rig)
        (entry,) = await rig.journal.orders()
        assert "DEV-1" not in {number for _, number, *_ in await rig.journal.aliases(entry.order_key)}

    assert [each.method for each in erp.sent] == ["GET", "POST"]
    assert (result_of(shadow), shadow.target_reference) == ("answered", "")


@pytest.mark.parametrize(
    "erp, result",
    [
        (Erp(), "unanswered"),
        (Erp(hangs=True), "unanswered"),
        (Erp(Reply(500)), "unanswered"),
        (Erp(NOT_FOUND, NoReply("maybe", "reset")), "unanswered"),
        (Erp(NOT_FOUND, Reply(422)), "refused"),
    ],
)
async def test_a_tenant_that_is_away_slow_or_hostile_costs_one_try_and_nothing_else(
    erp: Erp, result: str
) -> None:
    async with rig_with(erp, ShadowLeg("sandbox")).running() as rig:
        shadow = await shadow_of(rig)

        assert (shadow.state, result_of(shadow), shadow.attempts) == (DeliveryState.DONE, result, 0)
        assert len(rig.targets["mms"].sent) == 1


async def test_a_tenant_that_does_not_answer_is_left_alone_for_a_while_and_nothing_piles_up() -> None:
    erp = Erp()
    leg = ShadowLeg("sandbox")
    async with rig_with(erp, leg).running() as rig:
        shadows = [await shadow_of(rig, order(f"PO-{number}")) for number in range(8)]

    assert len(erp.sent) == 3
    assert {each.state for each in shadows} == {DeliveryState.DONE}
    assert "has not answered for a while" in shadows[-1].reason


async def test_free_text_and_what_may_be_about_a_patient_goes_to_no_tenant_without_a_rule() -> None:
    body = order("PO-1", notes=[{"text": "for Jane Doe"}], clinical_case={"patient": "Jane Doe"})
    sent: dict[bool, bytes] = {}
    for is_allowed in (False, True):
        erp = Erp(NOT_FOUND, Reply(201))
        async with rig_with(erp, ShadowLeg("sandbox", sends_free_text=is_allowed)).running() as rig:
            await shadow_of(rig, body)
        sent[is_allowed] = erp.sent[-1].body

    assert b"Jane" not in sent[False]
    assert json.loads(sent[False])["number"] == "PO-1"
    assert b"Jane" in sent[True]


async def test_what_a_dead_process_began_is_not_begun_again() -> None:
    erp = Erp(NOT_FOUND, Reply(201))
    async with rig_with(erp, ShadowLeg("sandbox")).running() as rig:
        shadow = await shadow_of(rig)
        delivery = delivery_of(shadow)

        async def never(request: Request) -> StepResult:
            raise AssertionError("a shadow was asked twice")

        async def nothing(result: StepResult) -> None:
            raise AssertionError("a step was done twice")

        settled = await shadowed(
            delivery, shadow.steps, erp, ShadowLeg("sandbox"), Wire(rig.clock, never, nothing)
        )

    assert settled.state is DeliveryState.DONE
    assert "restarted" in settled.reason


def delivery_of(view: DeliveryView) -> Delivery:
    origin = Origin("folder", view.planned_at)
    return Delivery(
        view.delivery_id, view.message_id, view.target, "shadow", view.reference, None, b"", origin,
        None, None, "c", view.planned_at,
    )  # fmt: skip
