"""Orders leave Dynamics by `orders move` and `orders convert`, through a gateway that is killed meanwhile.

The gateway is a process that dies by SIGKILL. Dynamics and the legacy book outlive it.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from canonical.registry import to_json
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.order_book.book import Book
from simulators.order_book.server import OrderBook
from tests.gateway.erp.paper import SUPPLIER, order
from tests.lifecycles.test_convert_killed import Gateway

ORDERS = 6
PATIENCE_S = 60.0

ROUTES = """\
version: 1
gateway: {{environment: test, organisation: HB, journal: "sqlite:var/journal.db", workers: 0,
          listen: {{http: "127.0.0.1:{port}"}}}}
endpoints:
  mms: {{kind: generic_rest, environment: test, base: "{legacy}", plaintext: true,
        orders: {{close_path: "orders/{{number}}/close"}}}}
  d365: {{kind: dynamics365, environment: test, base: "{erp}", plaintext: true, cancel: delete,
         defaults: {{company: usmf, site: "1", warehouse: "11"}}, supplier_output: "off",
         codes: {{units: {{EA: ea}}}}, receipts: {{strategy: custom_service}}}}
routes:
  - id: po
    from: {{http: true, document: purchase_order}}
    targets: {{legacy: mms, cloud: d365}}
    transmitter: {{cloud: none}}
    stage: cloud
  - id: receipts
    follows: po
    from: {{http: true, document: goods_receipt}}
    targets: {{legacy: mms, cloud: d365}}
    unknown_order: {{to: cloud, after: 0s}}
"""


@dataclass
class House:
    """A gateway in a folder, with Dynamics on its cloud side and a book on its legacy side."""

    gateway: Gateway
    erp: Dynamics365
    book: Book
    port: int

    async def post(self, document: dict[str, Any]) -> None:
        kind = document["document_type"]
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.port}/v1/documents/{kind}"
            async with session.post(url, json=document) as response:
                assert response.status in (200, 202), await response.text()

    async def place(self, number: str) -> None:
        """Have an order of two lines in Dynamics, four of the first received there."""
        await self.post(json.loads(to_json(order(number).model_copy(update={"provenance": None}))))
        await self.until(lambda: len(self.erp.order_lines(number)) == 2)
        await self.post(receipt(number, 4))
        await self.until(lambda: self.received(number) == [4, 0])
        await self.rest()

    def received(self, number: str) -> list[Any]:
        return [self.erp.rules.received(each) for each in self.erp.order_lines(number)]

    async def rest(self) -> None:
        """Wait until nothing is under way."""

        async def is_quiet() -> bool:
            found = await self.gateway.ask("messages.list", limit=1_000)
            return all(each["state"] in ("done", "planned", "parked") for each in found)

        await self.until(is_quiet)

    async def until(self, holds: Callable[[], bool | Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = holds()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.05)

    async def agreed(self, asked: dict[str, Any]) -> str:
        batch = asked["batch"]
        await self.gateway.ask("orders.agree", batch=batch, who="bob", why="checked")
        return str(batch)

    async def proof(self, batch: str) -> dict[str, Any]:
        """Give the proof of a batch once it is finished."""
        async with asyncio.timeout(PATIENCE_S):
            while not (proof := await self.gateway.ask("orders.proof", batch=batch))["is_finished"]:
                await asyncio.sleep(0.1)
        found: dict[str, Any] = proof
        return found


def receipt(number: str, quantity: int) -> dict[str, Any]:
    line = {
        "sequence": 1,
        "order_line_id": "0010",
        "item_ids": [{"scheme": "buyer", "value": "TG1"}],
        "quantity": {"value": str(quantity), "unit": "EA"},
    }
    return {
        "document_type": "goods_receipt",
        "number": f"R-{number}",
        "orders": [{"number": number}],
        "seller": SUPPLIER,
        "received": {"date": "2026-03-20"},
        "lines": [line],
    }


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    book = Book("legacy", "L")
    async with OrderBook(book) as mms, Dynamics365() as erp:
        (folder / "var").mkdir()
        (folder / "routes.yaml").write_text(ROUTES.format(port=port, legacy=mms.url, erp=erp.url))
        gateway = Gateway(folder)
        await gateway.start()
        try:
            yield House(gateway, erp, book, port)
        finally:
            await gateway.stop()


@pytest.mark.timeout(300)
async def test_converted_orders_are_closed_in_dynamics_though_the_gateway_dies_and_the_proof_holds(
    tmp_path: Path,
) -> None:
    numbers = [f"PO-{at}" for at in range(ORDERS)]
    async with house(tmp_path) as made:
        for number in numbers:
            await made.place(number)
        asked = await made.gateway.ask("orders.convert", route="po", to="legacy", who="ann", why="back")
        assert (asked["orders"], asked["problems"]) == (ORDERS, [])
        batch = await made.agreed(asked)
        await made.until(lambda: len(made.book.orders) >= ORDERS // 2)
        await made.gateway.kill()
        await made.gateway.start()
        proof = await made.proof(batch)
        reconciled = await made.gateway.ask("orders.reconcile", route="po")
        (line,) = made.erp.order_lines("PO-0")
        made.erp.documents.change(
            "PurchaseOrderLinesV2",
            "usmf|PO-0|1",
            line | {"OrderedPurchaseQuantity": 5, "PurchaseOrderLineStatus": "Backorder"},
        )
        reopened = await made.proof(batch)
        made.erp.documents.change("PurchaseOrderLinesV2", "usmf|PO-0|1", line)

    assert proof["holds"], proof
    assert (proof["states"], proof["difference_count"]) == ({"done": ORDERS}, 0)
    assert (reconciled["committed_twice"], reconciled["difference_count"]) == ([], 0)
    assert (reopened["holds"], reopened["difference_count"]) == (False, 3), reopened
    for number in numbers:
        (line,) = made.erp.order_lines(number)
        assert (line["OrderedPurchaseQuantity"], line["PurchaseOrderLineStatus"]) == (4, "Received")
        (there,) = [each for each in made.book.orders.values() if each.order_key.endswith(f"|{number}")]
        assert (there.state, there.transmitter) == ("open", "none")
        assert [each.quantity for each in there.lines.values()] == [Decimal(6), Decimal(20)]


@pytest.mark.timeout(300)
async def test_a_moved_order_that_dynamics_refuses_to_close_waits_for_a_person_who_closes_it(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as made:
        await made.place("PO-1")
        made.erp.tenant.approvals["PO-1"] = "InReview"
        asked = await made.gateway.ask("orders.move", orders=["PO-1"], to="legacy", who="ann", why="wave")
        batch = await made.agreed(asked)

        async def is_parked() -> bool:
            return bool(await made.gateway.ask("exceptions.list"))

        await made.until(is_parked)
        (item,) = await made.gateway.ask("exceptions.list")
        shown = await made.gateway.ask("exceptions.show", exception=item["exception_id"])
        proof = await made.gateway.ask("orders.proof", batch=batch)

        assert not proof["is_finished"]
        assert [each["code"] for each in shown["findings"]] == ["ERP-400", "MOVE-CLOSE-BY-HAND"]
        made.erp.tenant.approvals["PO-1"] = (
            "Approved"  # a person has it approved, and closes it in the client
        )
        closed_by_hand(made.erp, "PO-1")
        await made.gateway.ask(
            "exceptions.resolve",
            exception=item["exception_id"],
            resolution="done_elsewhere",
            reference="PO-1",
            who="ann",
            why="closed it",
        )
        proof = await made.proof(batch)

    assert proof["holds"], proof


def closed_by_hand(erp: Dynamics365, number: str) -> None:
    """Cancel what is left of an order, as the client's own "deliver remainder" does: quantities stay."""
    for line in erp.order_lines(number):
        key = f"usmf|{number}|{line['LineNumber']}"
        status = "Received" if erp.rules.received(line) else "Canceled"
        erp.documents.change("PurchaseOrderLinesV2", key, line | {"PurchaseOrderLineStatus": status})
