"""Documents that follow orders: all of the orders that one names decide, and what waited is decided alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from canonical.registry import parse_document, to_json
from gateway.journal.types import Acceptance, Side
from gateway.program import AcknowledgePolicy, Program, UnknownOrder
from tests.gateway.rig import Rig, order, program
from tests.gateway.test_x12_through import interchange, x12_program


def invoice(number: str, *orders: str) -> bytes:
    named = [{"number": each} for each in orders]
    return to_json(parse_document({"document_type": "invoice", "number": number, "orders": named})) + b"\n"


def payable(**changes: Any) -> Program:
    return replace(program("ap", follows="po", unknown=UnknownOrder(Side.LEGACY, after_s=0.2)), **changes)


def ship_notice(number: str, control: int = 7) -> bytes:
    """Give an interchange with one 856, for which there is no guide."""
    ids = "*00*          *00*          *ZZ*MERCYMMS       *ZZ*BRIDGE         "
    isa = f"ISA{ids}*260115*0830*U*00401*{control:09}*0*T*>"
    own = [
        "ST*856*0001",
        "BSN*00*S1*20260115*0830",
        "HL*1**S",
        "HL*2*1*O",
        f"PRF*{number}",
        "CTT*2",
        "SE*7*0001",
    ]
    group = f"GS*SH*MERCYMMS*BRIDGE*20260115*0830*{control}*X*004010"
    return ("~\n".join([isa, group, *own, f"GE*1*{control}", f"IEA*1*{control:09}"]) + "~\n").encode()


def ship_notices() -> Program:
    made = x12_program(acknowledge=AcknowledgePolicy("none"))
    return replace(
        made,
        route="asn",
        follows="po",
        unknown=UnknownOrder(Side.LEGACY, 30),
        rule=replace(made.rule, route="asn"),
    )


async def planned(rig: Rig, message: Acceptance | None) -> None:
    async with asyncio.timeout(5):
        while not await rig.documents(message):
            await asyncio.sleep(0.005)


async def test_an_invoice_about_a_cloud_order_and_an_unknown_one_of_legacy_goes_nowhere_whole() -> None:
    async with Rig(program(), payable(), stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("1")))
        message = await rig.take(invoice("I-1", "1", "OLD-9"), route="ap")
        await rig.settled(message)

        assert await rig.codes(message) == ["INVOICE-BOTH-SIDES"]
        assert len(rig.targets["erp"].sent) == 1  # the order


async def test_an_invoice_waits_for_all_of_its_orders() -> None:
    patient = payable(unknown=UnknownOrder(Side.LEGACY, after_s=30))
    async with Rig(program(), patient, stage="canary").running() as rig:
        await rig.settled(await rig.take(order("1", facility="04")))
        message = await rig.take(invoice("I-1", "1", "2", "3"), route="ap")
        await planned(rig, message)
        await rig.settled(await rig.take(order("2", facility="04")))
        async with asyncio.timeout(5):
            while (await rig.documents(message))[0].plan.awaits.order_keys != ("order:1|HB|3",):  # type: ignore[union-attr]
                await asyncio.sleep(0.01)
        await rig.settled(await rig.take(order("3", facility="01")), message)

        assert await rig.codes(message) == ["INVOICE-BOTH-SIDES"]


async def test_an_invoice_of_orders_on_one_side_goes_there_once_all_are_known() -> None:
    patient = payable(unknown=UnknownOrder(Side.LEGACY, after_s=30))
    async with Rig(program(), patient, stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("1")))
        message = await rig.take(invoice("I-1", "1", "2"), route="ap")
        await planned(rig, message)
        assert len(rig.targets["erp"].sent) == 1
        await rig.settled(await rig.take(order("2")), message)

        assert await rig.codes(message) == []
        assert len(rig.targets["erp"].sent) == 3


async def test_where_unknown_orders_are_parked_one_of_them_parks_the_invoice() -> None:
    strict = payable(unknown=UnknownOrder(None, after_s=0))
    async with Rig(program(), strict, stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("1")))
        message = await rig.take(invoice("I-1", "1", "OLD-9"), route="ap")
        await rig.settled(message)

        assert await rig.codes(message) == ["FOLLOW-UNKNOWN-ORDER"]


async def test_a_set_without_a_guide_that_waited_for_a_cloud_order_waits_for_a_person() -> None:
    po = x12_program(acknowledge=AcknowledgePolicy("none"))
    async with Rig(po, ship_notices(), stage="cloud").running() as rig:
        notice = await rig.take(ship_notice("4700"), route="asn")
        await planned(rig, notice)
        await rig.settled(await rig.take(interchange(["04"])), notice)

        assert "FOLLOW-NO-GUIDE" in await rig.codes(notice)
        assert await rig.deliveries(notice) == []
        assert len(rig.targets["erp"].sent) == 1  # the order


async def test_the_same_interchange_of_sets_without_a_guide_goes_on_once() -> None:
    po = x12_program(acknowledge=AcknowledgePolicy("none"))
    async with Rig(po, ship_notices(), stage="canary").running() as rig:
        await rig.settled(await rig.take(interchange(["01"])))
        notices = [await rig.take(ship_notice("4700"), route="asn", key=key) for key in ("a", "b")]
        await rig.settled(*notices)
        later = await rig.take(ship_notice("4700", control=8), route="asn", key="c")
        await rig.settled(later)

        assert [len(await rig.deliveries(each)) for each in (*notices, later)] == [1, 0, 1]
        assert (await rig.documents(notices[1]))[0].plan.findings[-1].code == "DOCUMENT-REPEATED"
