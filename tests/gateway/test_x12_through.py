"""X12 through the whole pipeline: split interchanges, acknowledgments, what cannot be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.base import DecodeContext
from adapters.edi_x12.config import X12Partner
from gateway.app import format_by_name
from gateway.program import AcknowledgePolicy, Program
from tests.gateway.rig import Rig, program


def x12_program(**changes: Any) -> Program:
    context = DecodeContext("rig", "test", partner="mms", partner_settings=X12Partner())
    acknowledge = AcknowledgePolicy("997", "auto", "acks")
    made = replace(program(), format_name="edi_x12", context=context, partner="mms", acknowledge=acknowledge)
    return replace(made, **changes)


def order_set(number: int, facility: str) -> list[str]:
    segments = [
        f"ST*850*{number:04}",
        f"BEG*00*NE*47{number:02}**20260115",
        f"N1*ST*FACILITY {facility}*92*{facility}",
        "PO1*1*12*EA*18.40**VC*A-1",
        "CTT*1",
    ]
    return [*segments, f"SE*{len(segments) + 1}*{number:04}"]


def interchange(facilities: list[str], control: int = 42, usage: str = "T") -> bytes:
    ids = "*00*          *00*          *ZZ*MERCYMMS       *ZZ*BRIDGE         "
    isa = f"ISA{ids}*260115*0830*U*00401*{control:09}*0*{usage}*>"
    sets = [segment for n, facility in enumerate(facilities) for segment in order_set(n, facility)]
    segments = [isa, f"GS*PO*MERCYMMS*BRIDGE*20260115*0830*{control}*X*004010", *sets]
    segments += [f"GE*{len(facilities)}*{control}", f"IEA*1*{control:09}"]
    return ("~\n".join(segments) + "~\n").encode()


def rig(stage: str, **changes: object) -> Rig:
    return Rig(x12_program(**changes), stage=stage, targets=("mms", "erp", "acks"))


async def test_in_stage_legacy_an_interchange_that_cannot_be_read_reaches_legacy_byte_for_byte() -> None:
    async with rig("legacy").running() as running:
        garbage = b"ISA*00*broken\x00\xfe"
        message = await running.take(garbage)
        await running.settled(message)

        assert running.targets["mms"].bodies == [garbage]
        assert await running.codes(message)
        assert running.targets["acks"].sent == []  # legacy acknowledges in stage legacy


async def test_a_ten_order_interchange_in_canary_splits_one_and_nine_with_correct_envelopes() -> None:
    async with rig("canary").running() as running:
        facilities = ["04" if n == 3 else "01" for n in range(10)]
        message = await running.take(interchange(facilities))
        await running.settled(message)

        assert running.targets["erp"].numbers == ["4703"]
        (legacy,) = running.targets["mms"].bodies
        original = interchange(facilities)
        for n in range(10):
            own = "~\n".join(order_set(n, facilities[n])).encode()
            assert (own in legacy) == (n != 3)
            assert own in original
        decoder = format_by_name("edi_x12").decoder(x12_program().context)
        sets = list(decoder.feed(legacy))
        rest, summary = decoder.finish()
        assert len(sets) + len(rest) == 9
        assert [finding for finding in summary.findings if finding.level != "note"] == []
        assert not [
            finding for each in (*sets, *rest) for finding in each.findings if finding.level != "note"
        ]


async def test_the_gateway_acknowledges_in_canary_and_says_which_set_was_refused() -> None:
    async with rig("canary").running() as running:
        body = interchange(["04", "01", "01"]).replace(b"BEG*00*NE*4701**20260115", b"BEG*00*NE***20260115")
        message = await running.take(body)
        await running.settled(message)

        (written,) = running.targets["acks"].bodies
        assert written.count(b"AK5*A") == 2
        assert written.count(b"AK5*R") == 1
        assert b"AK9*P*3*3*2" in written


async def test_a_production_interchange_in_a_test_gateway_parks() -> None:
    async with rig("cloud").running() as running:
        message = await running.take(interchange(["04"], usage="P"))
        await running.settled(message)

        assert "X12-ENV" in await running.codes(message)
        assert running.targets["erp"].sent == []


async def test_control_numbers_identify_an_interchange() -> None:
    async with rig("cloud").running() as running:
        first = await running.take(interchange(["04"]), identity="control_numbers")
        again = await running.take(interchange(["04"]), identity="control_numbers")
        other = await running.take(interchange(["04", "05"]), identity="control_numbers")

        assert first is not None
        assert again is not None
        assert again.message_id == first.message_id
        assert await running.codes(other) == ["ARRIVAL-CONFLICT"]


async def test_an_acknowledgment_goes_back_on_the_senders_own_call_and_again_when_it_asks_again() -> None:
    reply = AcknowledgePolicy("997", "gateway", "reply")
    async with rig("cloud", acknowledge=reply).running() as running:
        message = await running.take(interchange(["04"]), transport="http")
        assert message is not None
        answers = [await running.calls.acknowledgment(message.message_id, 5) for _ in range(2)]

        assert answers[0] == answers[1]
        assert answers[0] is not None
        assert b"AK9*A*1*1*1" in answers[0].body
