"""The folder example of docs/moving-orders.md in a running gateway: an order leaves the ERP and is a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.control import call
from gateway.journal.moves import MoveState
from gateway.journal.types import DeliveryState
from gateway.serving import serving
from simulators.order_book.book import Book
from simulators.order_book.server import OrderBook
from tests.docs.test_worked_examples import example
from tests.gateway.test_coexistence_through import send
from tests.gateway.test_x12_through import interchange

HTTP = 'listen: {http: "127.0.0.1:0"}'
JOURNAL = f'journal: "sqlite:journal.db", workers: 0, {HTTP}'


async def test_the_remainder_of_a_moved_order_is_an_850_whose_name_says_so(tmp_path: Path) -> None:
    for name in ("mms-in", "hub"):
        (tmp_path / name).mkdir()
    async with OrderBook(Book("erp", "E")) as erp:
        base = f'base: "{erp.url}", plaintext: true, orders: {{close_path: "orders/{{number}}/close"}}'
        text = example("moving-orders.md", "routes.yaml").replace('base: "https://erp.example.com"', base)
        (tmp_path / "routes.yaml").write_text(text.replace(HTTP, JOURNAL))
        async with serving(tmp_path / "routes.yaml") as served, asyncio.timeout(40):
            socket, journal = tmp_path / "journal.db.sock", served.gateway.journal
            await send(served, "po.acme", interchange(["04"]))
            while [each.state for each in await journal.deliveries(limit=9)] != [DeliveryState.DONE]:
                await asyncio.sleep(0.05)
            ask = {"orders": ["4700"], "to": "legacy", "who": "ann", "why": "wave"}
            asked = await asyncio.to_thread(call, socket, "orders.move", ask, 10.0)
            agree = {"batch": asked["batch"], "who": "bob", "why": "checked"}
            await asyncio.to_thread(call, socket, "orders.agree", agree, 10.0)
            while (move := (await journal.moves())[0]).state not in (MoveState.DONE, MoveState.ENDED):
                await asyncio.sleep(0.05)

    assert (move.state, move.outcome) == (MoveState.DONE, "")
    (file,) = (tmp_path / "mms-in").iterdir()
    assert file.name == f"{move.move_id}.live.850"
    assert b"BEG*" in file.read_bytes()
    assert list((tmp_path / "hub").iterdir()) == []  # the supplier has it already
    assert [each.state for each in erp.book.orders.values()] == ["closed"]
