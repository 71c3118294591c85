"""Orders leave a cloud ERP: a gateway process is told to by its commands, and both systems prove it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.faults import Action, Fault, FaultScript
from simulators.order_book.book import Book
from simulators.order_book.server import OrderBook
from tests.adapters.erp_events.test_own_orders import ORDER
from tests.gateway.erp.erps import ERPS, ErpUnderTest, Oracle, Sap
from tests.lifecycles.test_convert_killed import Gateway

PATIENCE_S = 60.0
ROUTES = """\
version: 1
gateway: {{environment: test, organisation: HB, journal: "sqlite:var/journal.db", workers: 0,
          listen: {{http: "127.0.0.1:{port}"}}}}
endpoints:
  mms: {{kind: generic_rest, environment: test, base: "{legacy}", plaintext: true,
        orders: {{close_path: "orders/{{number}}/close"}}}}
  erp: {erp}
routes:
  - id: po
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp}}
    stage: cloud
    transmitter: {{cloud: none}}
    reply: {{mode: wait, within: 20s, pending: reference}}
"""


@dataclass
class Site:
    gateway: Gateway
    erp: SimulatedErp
    legacy: Book
    url: str

    async def place(self, *numbers: str) -> None:
        async with aiohttp.ClientSession() as session:
            for number in numbers:
                async with session.post(
                    f"{self.url}/v1/documents/purchase_order?route=po",
                    json={**ORDER, "number": number},
                    headers={"Idempotency-Key": number},
                ) as reply:
                    assert reply.status == 200, await reply.text()

    async def convert(self) -> str:
        """Ask for all open orders to leave, and agree; give the batch."""
        asked = await self.gateway.ask("orders.convert", route="po", to="legacy", who="ann", why="back")
        assert asked["problems"] == []
        await self.gateway.ask("orders.agree", batch=asked["batch"], who="bob", why="checked")
        batch: str = asked["batch"]
        return batch

    async def proof(self, batch: str) -> dict[str, Any]:
        """Wait until a batch is over; give its proof."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                proof: dict[str, Any] = await self.gateway.ask("orders.proof", batch=batch)
                if proof["is_finished"]:
                    return proof
                await asyncio.sleep(0.1)


@asynccontextmanager
async def site(erp: ErpUnderTest, folder: Path, *faults: Fault) -> AsyncIterator[Site]:
    behaviour, legacy = Behaviour(token_path=erp.token_path), Book("legacy", "L")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    simulator = erp.simulator(behaviour, FaultScript(tuple(faults)), None, time.monotonic)
    async with simulator, OrderBook(legacy) as mms:
        said = erp.settings(base=simulator.url, plaintext=True).model_dump(mode="json", exclude_unset=True)
        settings = json.dumps({"kind": erp.kind, "environment": "test", **said})
        (folder / "var").mkdir()
        (folder / "routes.yaml").write_text(ROUTES.format(port=port, legacy=mms.url, erp=settings))
        gateway = Gateway(folder)
        await gateway.start()
        try:
            yield Site(gateway, simulator, legacy, f"http://127.0.0.1:{port}")
        finally:
            await gateway.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("erp", ERPS, ids=lambda each: each.kind)
async def test_all_orders_leave_an_erp_by_command_and_both_systems_prove_it(
    erp: ErpUnderTest, tmp_path: Path
) -> None:
    async with site(erp, tmp_path) as made:
        await made.place("HB-1", "HB-2")
        proof = await made.proof(await made.convert())

    assert proof["holds"], proof
    assert proof["states"] == {"done": 2}
    assert [order.state for order in made.legacy.orders.values()] == ["open", "open"]
    assert {order.transmitter for order in made.legacy.orders.values()} == {"none"}


# What is read before the close, and then the read-back, which never gets its answer; and what closes.
READ_BACKS: list[tuple[ErpUnderTest, str, int, str]] = [
    (
        Oracle(),
        "purchaseOrderSchedules",
        3,
        r"/action/close$",
    ),  # the quantities, the look-up before the close
    (Sap(), r"/PurchaseOrder\('[0-9]+'\)", 2, r"/\$batch$"),  # the order
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("erp", "read", "nth", "closing"), READ_BACKS, ids=[each[0].kind for each in READ_BACKS]
)
async def test_a_gateway_killed_between_close_and_read_back_closes_once_and_proves_it(
    erp: ErpUnderTest, read: str, nth: int, closing: str, tmp_path: Path
) -> None:
    hangs = Fault(Action.HANG_BEFORE_COMMIT, method="GET", path=read, nth=(nth,))
    async with site(erp, tmp_path, hangs) as made:
        await made.place("HB-1")
        batch = await made.convert()
        async with asyncio.timeout(PATIENCE_S):
            while not any(each.fault for each in made.erp.requests):
                await asyncio.sleep(0.01)
        assert closings(made.erp, closing) == 1
        await made.gateway.kill()
        await made.gateway.start()
        proof = await made.proof(batch)

    assert proof["holds"], proof
    assert closings(made.erp, closing) == 1


def closings(erp: SimulatedErp, closing: str) -> int:
    return sum(bool(re.search(closing, each.path)) for each in erp.requests)
