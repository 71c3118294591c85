"""An order's X12 papers through the whole pipeline to each ERP: 850 in, then 855 and 810 to its lines.

The supplier's papers carry the legacy number, or the ERP's own where the ERP sent the order; their lines
carry the ids that the 850 gave them, in another order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.destination import Destination
from gateway.erp.http import HttpSink
from gateway.erp.limits import TargetHealth
from gateway.journal.types import DeliveryState, Side
from gateway.program import AcknowledgePolicy, Program, UnknownOrder
from gateway.security.secrets import SecretStore
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.faults import FaultScript
from tests.gateway.erp.erps import ERPS, ErpUnderTest
from tests.gateway.rig import Rig
from tests.gateway.support import RealClock, SeededRng
from tests.gateway.test_x12_through import x12_program

LEGACY_NUMBER = "4700"


def papers(group: str, *segments: str, control: int) -> bytes:
    """Give an interchange with one set; `segments` begin with its type."""
    ids = "*00*          *00*          *ZZ*MERCYMMS       *ZZ*BRIDGE         "
    isa = f"ISA{ids}*260302*0830*U*00401*{control:09}*0*T*>"
    kind, *own = segments
    body = [f"ST*{kind}*0001", *own, f"SE*{len(own) + 2}*0001"]
    whole = [isa, f"GS*{group}*MERCYMMS*BRIDGE*20260302*0830*{control}*X*004010", *body]
    return ("~\n".join([*whole, f"GE*1*{control}", f"IEA*1*{control:09}"]) + "~\n").encode()


def an_850() -> bytes:
    return papers(
        "PO", "850", f"BEG*00*NE*{LEGACY_NUMBER}**20260302", "CUR*BY*USD", "N1*SE*ACME MEDICAL*92*1013",
        "PO1*0010*10*EA*1.25**IN*TG1*VC*V-1", "PID*F****GLOVES S", "DTM*002*20260401",
        "PO1*0020*20*EA*2.25**IN*TG2*VC*V-2", "PID*F****GLOVES M", "DTM*002*20260401", "CTT*2", control=1,
    )  # fmt: skip


def an_855(number: str) -> bytes:
    return papers(
        "PR", "855", f"BAK*00*AD*{number}*20260302", "N1*SE*ACME MEDICAL*92*1013",
        "PO1*0020*20*EA*2.25**VC*V-2", "ACK*IA*20*EA", "PO1*0010*10*EA*1.25**VC*V-1", "ACK*IA*10*EA", "CTT*2",
        control=2,
    )  # fmt: skip


def an_810(number: str) -> bytes:
    return papers(
        "IN", "810", f"BIG*20260305*I-1*20260302*{number}***DI", "CUR*SE*USD", "N1*SE*ACME MEDICAL*92*1013",
        "IT1*0020*20*EA*2.25**VC*V-2", "IT1*0010*10*EA*1.25**VC*V-1", "TDS*5750", "CTT*2", control=3,
    )  # fmt: skip


def follow_on(route: str) -> Program:
    made = x12_program(acknowledge=AcknowledgePolicy("none"))
    rule = replace(made.rule, route=route)
    return replace(made, route=route, follows="po", unknown=UnknownOrder(Side.LEGACY, 30), rule=rule)


@pytest.fixture(params=ERPS, ids=lambda each: each.kind)
def erp(request: pytest.FixtureRequest) -> ErpUnderTest:
    found: ErpUnderTest = request.param
    return found


@pytest_asyncio.fixture
async def through(erp: ErpUnderTest) -> AsyncIterator[tuple[Rig, SimulatedErp]]:
    clock = RealClock()
    behaviour = Behaviour(token_path=erp.token_path)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(
            erp.simulator(behaviour, FaultScript(), None, clock.monotonic)
        )
        settings = erp.settings(
            base=simulator.url, plaintext=True, timeout_s=20.0, supplier_output="undeclared"
        )
        sink = HttpSink("erp", settings, clock=clock, rng=SeededRng(), secret=SecretStore(Path()))
        stack.push_async_callback(sink.close)
        po = x12_program(acknowledge=AcknowledgePolicy("none"))
        rig = Rig(po, follow_on("ack"), follow_on("ap"), stage="cloud", targets=("mms", "erp"))
        health = TargetHealth(settings.limits, clock.monotonic())
        rig.destinations["erp"] = Destination("erp", erp.target(settings), sink, health)
        yield await stack.enter_async_context(rig.running()), simulator


@pytest.mark.parametrize("whose", ["legacy", "erp"])
async def test_an_855_and_an_810_reach_the_lines_that_the_850_meant(
    erp: ErpUnderTest, through: tuple[Rig, SimulatedErp], whose: str
) -> None:
    rig, simulator = through
    await rig.settled(await rig.take(an_850()))
    (held,) = erp.orders(simulator)
    number = LEGACY_NUMBER if whose == "legacy" else held.number

    for body, route in ((an_855(number), "ack"), (an_810(number), "ap")):
        message = await rig.take(body, route=route)
        await rig.settled(message)
        (view,) = await rig.deliveries(message)
        assert (view.target, view.state) == ("erp", DeliveryState.DONE), (route, view.findings, view.reason)

    first, second = erp.line_numbers(simulator)
    both = [(held.number, first), (held.number, second)]
    assert sorted(erp.answered(simulator)) in ([(held.number, "")], both)
    assert erp.invoiced(simulator) == [(held.number, second), (held.number, first)]
    assert not rig.targets["mms"].sent
