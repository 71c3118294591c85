"""Open orders with partial receipts are converted in bulk while the gateway is killed again and again.

Both systems are books that outlive the gateway, which runs as a process and dies by SIGKILL. Everyday 40
orders and two kills; a soak of 125 takes 5,000 and five.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.control import call
from simulators.order_book.book import Book, Line, Order
from simulators.order_book.server import OrderBook
from tests.gateway.order_hospital import Sent, key_of
from tests.scale import scaled, soak_scale

PROJECT = Path(__file__).resolve().parent.parent.parent
ORDERS = scaled(40, full=5_000)
KILLS = 5 if soak_scale() > 1 else 2
PATIENCE_S = 60.0 + ORDERS

ROUTES = """\
version: 1
gateway: {{environment: test, organisation: HB, journal: "sqlite:var/journal.db", workers: 0,
          listen: {{http: "127.0.0.1:0"}}}}
endpoints:
  mms: {{kind: generic_rest, environment: test, base: "{legacy}", plaintext: true,
        orders: {{close_path: "orders/{{number}}/close"}}}}
  erp: {{kind: generic_rest, environment: test, base: "{erp}", plaintext: true,
        orders: {{close_path: "orders/{{number}}/close"}}}}
routes:
  - id: po
    from: {{http: true, document: purchase_order}}
    targets: {{legacy: mms, cloud: erp}}
    stage: legacy
"""


def an_old_order(chance: Random, at: int, legacy: Book) -> list[dict[str, Any]]:
    """Put an open order with partial receipts into the legacy book; give it as its export says it."""
    number, lines = f"OLD-{at}", {}
    rows: list[dict[str, Any]] = []
    for line in range(1, chance.randint(1, 4) + 1):
        ordered = chance.randint(2, 50)
        received = chance.randint(0, ordered - 1)
        price = Decimal(chance.randint(100, 9_999)) / 100
        known = (Decimal(ordered), "EA", price, Decimal(received), Decimal(received))
        lines[str(line)] = Line(str(line), *known)
        rows.append(
            {
                "at": 2 + len(rows), "order_number": number, "line": str(line), "ordered": str(ordered),
                "received": str(received), "invoiced": str(received), "unit": "EA", "price": str(price),
                "item": "", "supplier": "", "facility": "",
            }
        )  # fmt: skip
    order = Order(number, key_of(number), f"old {at}", "legacy", lines)
    legacy.orders[number] = order
    legacy.keep(order)
    return rows


class Gateway:
    """A gateway process in a folder, and the commands that talk to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None
        self.environment = os.environ | {"PYTHONPATH": str(PROJECT)}

    async def start(self) -> None:
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "serve", "-c", "routes.yaml",
                cwd=self.folder, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        socket = self.folder / "var" / "journal.db.sock"
        async with asyncio.timeout(60):
            while not await _answers(socket):
                assert self.process.returncode is None, (self.folder / "gateway.log").read_text()
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 30)

    async def ask(self, verb: str, **arguments: Any) -> Any:
        """Ask as the commands do: over the control socket."""
        socket = self.folder / "var" / "journal.db.sock"
        return await asyncio.to_thread(call, socket, verb, arguments, PATIENCE_S)


async def _answers(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def converted_under_fire(folder: Path) -> AsyncIterator[tuple[Gateway, Book, Book, Sent, str]]:
    """Ask for all of it, agree, and kill the gateway while it works; give what there is in the end."""
    sent, chance = Sent(), Random(9)
    legacy, erp = Book("legacy", "L", sent), Book("erp", "E", sent)
    rows = [row for at in range(ORDERS) for row in an_old_order(chance, at, legacy)]
    async with OrderBook(legacy) as mms, OrderBook(erp) as cloud:
        (folder / "var").mkdir()
        (folder / "routes.yaml").write_text(ROUTES.format(legacy=mms.url, erp=cloud.url))
        gateway = Gateway(folder)
        await gateway.start()
        try:
            seed = {"side": "legacy", "transmitter": "legacy", "aliases": []}
            orders = [{"line": at + 2, "order_number": f"OLD-{at}", **seed} for at in range(ORDERS)]
            await gateway.ask("orders.import", route="po", rows=orders, who="ann", why="seed")
            asked = await gateway.ask(
                "orders.convert", route="po", to="cloud", rows=rows, who="ann", why="cut-over"
            )
            assert (asked["orders"], asked["problems"]) == (ORDERS, [])
            await gateway.ask("orders.agree", batch=asked["batch"], who="bob", why="checked")
            for kill in range(1, KILLS + 1):
                await _until(lambda share=kill / (KILLS + 1): len(erp.orders) >= ORDERS * share)
                await gateway.kill()
                await gateway.start()
            await _until(lambda: all(order.state == "closed" for order in legacy.orders.values()))
            yield gateway, legacy, erp, sent, asked["batch"]
        finally:
            await gateway.stop()


async def _until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.timeout(int(3 * PATIENCE_S) + 120)
async def test_a_conversion_killed_again_and_again_is_proven_on_both_sides_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    async with converted_under_fire(tmp_path) as (gateway, legacy, erp, sent, batch):
        async with asyncio.timeout(PATIENCE_S):
            while not (proof := await gateway.ask("orders.proof", batch=batch))["is_finished"]:
                await asyncio.sleep(0.2)
        reconciled = await gateway.ask("orders.reconcile", route="po")

    assert proof["holds"], proof
    assert (proof["states"], proof["difference_count"]) == ({"done": ORDERS}, 0)
    assert (proof["sides"]["legacy"]["orders"], proof["sides"]["cloud"]["orders"]) == (ORDERS, ORDERS)
    assert (reconciled["committed_twice"], reconciled["difference_count"]) == ([], 0)
    # The two systems' own books, which know nothing of the gateway.
    assert len(erp.orders) == ORDERS
    ordered = Decimal(0)
    for order in legacy.orders.values():
        (new,) = erp.of(order.order_key)
        assert (order.state, new.state, new.transmitter) == ("closed", "open", "none")
        assert all(line.quantity == line.received for line in order.lines.values())
        ordered += order.value + new.value
    assert f"{ordered:.2f}" == proof["value"]["ordered"]
    assert f"{erp_value(erp):.2f}" == proof["value"]["remainder"] == proof["sides"]["cloud"]["committed"]
    assert dict(sent.counted) == {}  # the supplier has had them all along


def erp_value(erp: Book) -> Decimal:
    """Add up what the ERP has committed to."""
    return sum((order.value for order in erp.orders.values()), Decimal(0))
