"""Who acknowledges what was received, and as which delivery."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base import Unit, UnitKind, Verdict
from gateway.acknowledging import REPLY, acknowledges, acknowledgment_delivery, verdicts_of
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import Message
from gateway.program import AcknowledgePolicy
from gateway.stage import Stage
from tests.gateway.journal.builders import Scene
from tests.gateway.rig import program
from tests.gateway.timeline import Timeline

POLICY = AcknowledgePolicy("997", "auto", "acks", within_s=600)
OLD = {Stage.LEGACY, Stage.SHADOW}


async def message() -> Message:
    scene = Scene(MemoryJournal(clock=Timeline()))
    accepted = await scene.accept()
    return await scene.journal.message(accepted.message_id)


@pytest.mark.parametrize("is_untouched", [True, False])
@pytest.mark.parametrize("stage", Stage)
def test_exactly_one_side_acknowledges(stage: Stage, is_untouched: bool) -> None:
    by = {who: acknowledges(program(acknowledge=AcknowledgePolicy("997", who, "acks")), stage,
                            is_untouched=is_untouched)
          for who in ("auto", "gateway", "legacy")}  # fmt: skip

    assert by == {"auto": stage not in OLD or not is_untouched, "gateway": True, "legacy": False}


@pytest.mark.parametrize("stage", Stage)
def test_nobody_acknowledges_where_the_partner_wants_none(stage: Stage) -> None:
    assert not acknowledges(
        program(acknowledge=AcknowledgePolicy("none", "gateway", "acks")), stage, is_untouched=False
    )


def test_the_sets_of_a_refused_unit_are_told_as_rejected() -> None:
    group = Unit(UnitKind.GROUP, "1")
    verdicts = {0: Verdict.ACCEPTED, 1: Verdict.ACCEPTED_WITH_ERRORS, 2: Verdict.ACCEPTED}
    units = {0: (Unit(UnitKind.SET, "0"), group), 1: (Unit(UnitKind.SET, "1"), group)}

    assert verdicts_of(verdicts, units, frozenset({group})) == {
        0: Verdict.REJECTED, 1: Verdict.REJECTED, 2: Verdict.ACCEPTED,
    }  # fmt: skip
    assert verdicts_of(verdicts, units, frozenset()) == verdicts


async def test_an_acknowledgment_is_a_delivery_that_waits_for_nobody_and_has_a_deadline() -> None:
    received = await message()
    made = acknowledgment_delivery(program(acknowledge=POLICY), received, 0, b"ISA...997")

    assert made.target == "acks"
    assert made.role == "acknowledgment"
    assert made.body == b"ISA...997"
    assert made.lanes == ()
    assert made.deadline_at == received.accepted_at + timedelta(minutes=10)


async def test_the_acknowledgments_of_two_interchanges_are_two_and_each_is_the_same_when_made_again() -> None:
    received = await message()
    route = program(acknowledge=POLICY)
    made = [acknowledgment_delivery(route, received, position, b"") for position in (0, 1, 0)]

    assert made[0] == made[2]
    assert made[0].delivery_id != made[1].delivery_id
    assert made[0].reference != made[1].reference


async def test_an_acknowledgment_without_an_endpoint_goes_back_on_the_call() -> None:
    route = program(acknowledge=AcknowledgePolicy("997", "gateway", None))

    assert acknowledgment_delivery(route, await message(), 0, b"").target == REPLY
