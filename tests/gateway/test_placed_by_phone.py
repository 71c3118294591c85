"""An outage, a call to the supplier, and the order in the ERP afterwards: ordered once, created once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.base import Delivery, NoReply, Outcome, Reply, Request, Transient, TransientKind
from gateway.journal.types import DeliveryState, Transmitter
from gateway.operations import Hooks, OperationError, Operations
from gateway.outcome import RetryPolicy
from tests.gateway.operations.bench import configuration
from tests.gateway.rig import RULE, Recorder, Rig, order, program

BACKOFF_S = 0.2


class Line(Recorder):
    """A target behind a line that is down or up."""

    is_down = True
    transmitters: list[str | None]

    def next_request(self, delivery: Delivery, *rest: Any) -> Any:
        self.transmitters = [*getattr(self, "transmitters", ()), delivery.transmitter]
        return super().next_request(delivery, *rest)

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if self.is_down:
            return NoReply("none", "no connection")
        return await super().send(request, still_mine=still_mine)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        if isinstance(reply, NoReply):
            return Transient(reply.reason, TransientKind.OUTAGE)
        return super().interpret(request, reply)


def rig_with_lines_down() -> tuple[Rig, Line, Line, Operations]:
    rule = replace(RULE, supplier_target="supplier", cloud_transmitter=Transmitter.GATEWAY)
    rig = Rig(program(rule=rule), stage="cloud")
    erp, supplier = Line("erp"), Line("supplier")
    policy = RetryPolicy(backoff_lowest_s=BACKOFF_S, backoff_highest_s=BACKOFF_S, jitter="none")
    for line in (erp, supplier):
        rig.targets[line.name] = line
        known = rig.destinations[line.name]
        rig.destinations[line.name] = replace(known, target=line, sink=line, retry=policy)
    known_configuration = configuration()
    hooks = Hooks(work_changed=rig._planned)
    return rig, erp, supplier, Operations(rig.journal, lambda: known_configuration, rig.clock, hooks)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not await holds():
            await asyncio.sleep(0.01)


async def place_by_phone(operations: Operations, delivery_id: str) -> None:
    """Close a delivery; one that is just being tried again is looked at again, as the refusal says."""

    async def is_closed() -> bool:
        try:
            arguments = {"exception": delivery_id, "resolution": "placed_by_phone", "reference": "Kim 10:40"}
            await operations.perform("exceptions.resolve", {**arguments, "who": "ann", "why": "ERP down"})
        except OperationError as error:
            if error.code != "refused":
                raise
            return False
        return True

    await until(is_closed)


async def test_an_order_placed_by_phone_in_an_outage_is_created_once_later_and_ordered_by_nobody() -> None:
    rig, erp, supplier, operations = rig_with_lines_down()
    async with rig.running():
        message = await rig.take(order("7"))
        assert message is not None

        async def both_wait() -> bool:
            return [view.state for view in await rig.deliveries(message)] == [DeliveryState.WAITING] * 2

        await until(both_wait)
        (call,) = await operations.perform("exceptions.call_sheet", {"everything": True})
        assert (call["order_number"], len(call["exception_ids"])) == ("7", 2)

        await place_by_phone(operations, call["exception_ids"][0])
        assert await operations.perform("exceptions.call_sheet", {"everything": True}) == []
        (entry,) = await rig.journal.orders()
        assert (entry.transmitter, "Kim 10:40" in entry.reason) == (Transmitter.NONE, True)

        await asyncio.sleep(3 * BACKOFF_S)
        assert erp.sent == supplier.sent == []

        erp.is_down = supplier.is_down = False
        await rig.settled(message)

        assert erp.numbers == ["7"]
        assert erp.transmitters[-1] == "none"
        assert supplier.sent == []
        again = {"message": message.message_id, "who": "ann", "why": "ERP is back"}
        await operations.perform("messages.replay", again)
        await rig.settled(message)
        assert (erp.numbers, supplier.sent) == (["7"], [])


async def test_without_a_call_the_same_outage_ends_in_one_order_at_each() -> None:
    rig, erp, supplier, _ = rig_with_lines_down()
    async with rig.running():
        message = await rig.take(order("7"))
        await until(lambda: asyncio.sleep(0, bool(getattr(supplier, "transmitters", ()))))
        erp.is_down = supplier.is_down = False
        await rig.settled(message)

        assert (erp.numbers, len(supplier.sent)) == (["7"], 1)
        assert set(erp.transmitters) == {"gateway"}
