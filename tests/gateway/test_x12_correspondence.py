"""EDI in the middle: acknowledgments of others find what they are about; control numbers that come again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.base import DecodeContext
from adapters.edi_x12.config import X12Partner
from gateway.program import AcknowledgePolicy, ControlNumbers, Program
from tests.gateway.rig import Rig, program
from tests.gateway.test_x12_through import interchange, order_set, x12_program

POLICY = AcknowledgePolicy("997", "auto", "acks", 600.0, is_expected=True)


def acks_program() -> Program:
    """The route on which legacy's acknowledgments come."""
    context = DecodeContext("rig", "test", partner="mms", partner_settings=X12Partner())
    return replace(
        program("legacy-acks"), format_name="edi_x12", context=context, partner="mms", follows="po"
    )


def rig(stage: str, policy: AcknowledgePolicy = POLICY, settings: X12Partner | None = None) -> Rig:
    context = DecodeContext("rig", "test", partner="mms", partner_settings=settings or X12Partner())
    numbers = ControlNumbers(700, 799)
    orders = x12_program(acknowledge=policy, context=context, control_numbers=numbers)
    return Rig(orders, acks_program(), stage=stage, targets=("mms", "erp", "acks"))


def legacy_997(group: int, verdict: str = "A", sets: str = "") -> bytes:
    """Legacy's 997 to a group of orders that came from MERCYMMS to BRIDGE."""
    accepted = "0" if verdict == "R" else "1"
    body = [f"ST*997*0001{sets}", f"AK1*PO*{group}", "AK2*850*0001", f"AK5*{verdict}"]
    body += [f"AK9*{verdict}*1*1*{accepted}", "SE*6*0001"]
    isa = (
        "ISA*00*          *00*          *ZZ*BRIDGE         *ZZ*MERCYMMS       *260115*0900*U*00401*000000005"
    )
    segments = [f"{isa}*0*T*>", "GS*FA*BRIDGE*MERCYMMS*20260115*0900*5*X*004010", *body, "GE*1*5"]
    return ("~".join([*segments, "IEA*1*000000005"]) + "~").encode()


def ta1(number: int, code: str, note: str) -> bytes:
    isa = (
        "ISA*00*          *00*          *ZZ*BRIDGE         *ZZ*MERCYMMS       *260115*0900*U*00401*000000006"
    )
    return f"{isa}*0*T*>~TA1*{number:09}*260115*0830*{code}*{note}~IEA*0*000000006~".encode()


async def test_legacys_997_to_an_envelope_of_ours_is_consumed() -> None:
    async with rig("canary").running() as running:
        sent = await running.take(interchange(["04", "01"]))
        await running.settled(sent)
        (wrapped,) = running.targets["mms"].bodies
        assert b"GS*PO*MERCYMMS*BRIDGE" in wrapped
        assert b"*700*X*" in wrapped
        told = len(running.targets["acks"].sent)

        answer = await running.take(legacy_997(700), route="legacy-acks")
        await running.settled(answer)

        assert await running.deliveries(answer) == []
        (document,) = await running.documents(answer)
        assert "acknowledges what mms got of message" in document.plan.decision
        assert len(running.targets["mms"].sent) == 1  # legacy does not get its own 997 back
        assert len(running.targets["acks"].sent) == told


async def test_a_refusal_of_what_we_sent_on_is_an_exception() -> None:
    async with rig("canary").running() as running:
        sent = await running.take(interchange(["04", "01"]))
        await running.settled(sent)
        answer = await running.take(legacy_997(700, "R"), route="legacy-acks")
        await running.settled(answer)

        assert await running.codes(answer) == ["ACK-REFUSED"]


async def test_in_stage_legacy_the_997_goes_back_to_who_sent_the_orders() -> None:
    async with rig("legacy").running() as running:
        sent = await running.take(interchange(["04"], control=42))
        await running.settled(sent)
        assert running.targets["acks"].sent == []  # legacy acknowledges in this stage
        body = legacy_997(42)
        answer = await running.take(body, route="legacy-acks")
        await running.settled(answer)

        assert running.targets["acks"].bodies == [body]
        assert len(running.targets["mms"].sent) == 1


async def test_a_second_answer_is_never_sent_to_who_was_told_already() -> None:
    async with rig("legacy", replace(POLICY, by="gateway")).running() as running:
        sent = await running.take(interchange(["04"], control=42))
        await running.settled(sent)
        assert len(running.targets["acks"].sent) == 1
        answer = await running.take(legacy_997(42), route="legacy-acks")
        await running.settled(answer)

        assert len(running.targets["acks"].sent) == 1


async def test_without_an_endpoint_for_it_an_acknowledgment_waits_for_a_person() -> None:
    async with rig("legacy", replace(POLICY, to=None)).running() as running:
        sent = await running.take(interchange(["04"], control=42))
        await running.settled(sent)
        answer = await running.take(legacy_997(42), route="legacy-acks")
        await running.settled(answer)

        assert await running.codes(answer) == ["ACK-NO-WAY-BACK"]


async def test_an_acknowledgment_of_what_we_never_saw_goes_on_with_a_note() -> None:
    async with rig("legacy").running() as running:
        answer = await running.take(legacy_997(4711), route="legacy-acks")
        await running.settled(answer)

        (document,) = await running.documents(answer)
        assert [finding.code for finding in document.plan.findings] == ["ACK-UNKNOWN"]
        assert running.targets["mms"].bodies == [legacy_997(4711)]


async def test_a_ta1_that_refuses_our_envelope_is_an_exception_and_no_other_is() -> None:
    async with rig("canary").running() as running:
        sent = await running.take(interchange(["04", "01"]))
        await running.settled(sent)
        good = await running.take(ta1(700, "A", "000"), route="legacy-acks")
        bad = await running.take(ta1(700, "R", "006"), route="legacy-acks")
        await running.settled(good, bad)

        assert await running.codes(good) == []
        assert await running.codes(bad) == ["ACK-REFUSED"]
        assert len(running.targets["mms"].sent) == 1


async def test_a_ta1_about_what_went_through_goes_back() -> None:
    async with rig("legacy").running() as running:
        sent = await running.take(interchange(["04"], control=42))
        await running.settled(sent)
        answer = await running.take(ta1(42, "A", "000"), route="legacy-acks")
        await running.settled(answer)

        assert running.targets["acks"].bodies == [ta1(42, "A", "000")]


@pytest.mark.parametrize("is_expected", [True, False])
async def test_an_envelope_of_ours_that_nobody_acknowledges_is_an_exception_where_one_is_expected(
    is_expected: bool,
) -> None:
    async with rig("canary", replace(POLICY, is_expected=is_expected)).running() as running:
        sent = await running.take(interchange(["04", "01"]))
        await running.settled(sent)
        late = running.clock.now() + timedelta(seconds=700)

        assert await running.journal.mark_unacknowledged(late) == int(is_expected)
        assert await running.codes(sent) == ["ACK-MISSING"] * int(is_expected)


def repeat(control: int = 42) -> bytes:
    """Another order under control numbers that were used before."""
    return interchange(["04"], control=control).replace(b"*4700*", b"*4799*")


async def test_a_control_number_that_comes_again_is_reported_and_goes_on() -> None:
    async with rig("cloud").running() as running:
        first, again = await running.take(interchange(["04"])), await running.take(repeat())
        await running.settled(first, again)

        (document,) = await running.documents(again)
        assert [finding.code for finding in document.plan.findings] == ["CONTROL-REPEATED"]
        assert running.targets["erp"].numbers == ["4700", "4799"]


async def test_a_partner_may_have_repeats_refused_and_is_told_so_by_ta1() -> None:
    async with rig("cloud", settings=X12Partner(duplicates="reject")).running() as running:
        first, again = await running.take(interchange(["04"])), await running.take(repeat())
        await running.settled(first, again)

        assert running.targets["erp"].numbers == ["4700"]
        assert await running.codes(again) == ["CONTROL-REPEATED"]
        bodies = running.targets["acks"].bodies
        assert b"AK9*A*1*1*1" in bodies[0]
        assert b"TA1*000000042*260115*0830*R*025" in bodies[1]


async def test_a_partner_may_have_repeats_acknowledged_again_and_sent_nowhere() -> None:
    async with rig("cloud", settings=X12Partner(duplicates="acknowledge_again")).running() as running:
        first, again = await running.take(interchange(["04"])), await running.take(repeat())
        await running.settled(first, again)

        assert running.targets["erp"].numbers == ["4700"]
        (document,) = await running.documents(again)
        assert document.plan.repeats is not None
        assert b"AK5*" in running.targets["acks"].bodies[1]


async def test_in_stage_legacy_a_repeat_goes_on_whatever_the_policy() -> None:
    async with rig("legacy", settings=X12Partner(duplicates="acknowledge_again")).running() as running:
        first, again = await running.take(interchange(["04"])), await running.take(repeat())
        await running.settled(first, again)

        assert running.targets["mms"].bodies == [interchange(["04"]), repeat()]


async def test_a_refused_interchange_does_not_use_up_its_number() -> None:
    bad = interchange(["04"]).replace(b"BEG*00*NE*4700*", b"BEG*00*NE**")
    async with rig("cloud", settings=X12Partner(duplicates="reject")).running() as running:
        first, again = await running.take(bad), await running.take(interchange(["04"]))
        await running.settled(first, again)

        assert running.targets["erp"].numbers == ["4700"]


async def test_sets_that_only_pass_through_are_acknowledged_by_who_gets_them() -> None:
    def notice(kind: str) -> bytes:
        made = "~\n".join(order_set(0, "01")).encode()
        other = made.replace(b"ST*850", b"ST*" + kind.encode())
        other = other.replace(b"BEG*00*NE*4700**20260115", b"BSN*00*S1*20260115*0830")
        return interchange(["01"]).replace(made, other)

    settings = X12Partner(pass_through=("856",))
    async with rig("cloud", settings=settings).running() as running:
        declared = await running.take(notice("856"))
        await running.settled(declared)
        assert running.targets["acks"].sent == []
        other = await running.take(notice("832"))
        await running.settled(other)

        assert len(running.targets["acks"].sent) == 1
        assert running.targets["mms"].bodies == [notice("856"), notice("832")]


async def test_a_partner_that_wants_a_999_gets_one() -> None:
    async with rig("cloud", replace(POLICY, kind="999")).running() as running:
        message = await running.take(interchange(["04"]))
        await running.settled(message)

        (written,) = running.targets["acks"].bodies
        assert b"ST*999*0001*005010X231A1" in written
        assert b"IK5*A" in written
