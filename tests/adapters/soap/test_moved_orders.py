"""`orders move` away from a system behind SOAP, through whole gateways: closed there, read back, proven."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.config import Configuration, check, load
from gateway.control import call
from gateway.serving import serving
from simulators.faults import Action, Fault, FaultScript
from simulators.order_book.book import Book
from simulators.order_book.server import OrderBook
from simulators.soap_mms import Settings, SoapMms
from tests.adapters.soap.client_rig import FIXTURES, HEADER, ORDERS, SERVICE, document
from tests.lifecycles.test_convert_killed import Gateway

WSDL = FIXTURES / "wsdl"
PATIENCE_S = 60.0
LISTENS = re.compile(r"http://127\.0\.0\.1:\d+")
ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: HB
  journal: "sqlite:var/journal.db"
  workers: 0
  listen: {{http: "127.0.0.1:0"}}
mappings:
  order_out: mappings/purchase_order_out.yaml
  order_status: mappings/purchase_order_status.yaml
  order_read: mappings/order_read.yaml
  order_close: mappings/order_close.yaml
  receipt_out: mappings/receipt_out.yaml
endpoints:
  mms:
    kind: soap
    environment: test
    wsdl: wsdl/materials_management.wsdl
    call:
      address: {mms}
      plaintext: true
      timeout: 2s
      header: {header}
      faults: {{code: Code, text: Message, retryable: Retryable, lines: LineError, missing: [NOT_FOUND],
               duplicate: [DUPLICATE]}}
      operations:
        purchase_order:
          operation: SubmitPurchaseOrder
          mapping: order_out
          number: PONumber
          look_up: {{operation: GetPurchaseOrderStatus, mapping: order_status, number: PONumber}}
        goods_receipt: {{operation: PostGoodsReceipt, mapping: receipt_out, number: ReceiptNumber}}
      {orders}
  erp:
    kind: generic_rest
    environment: test
    base: "{erp}"
    plaintext: true
    orders: {{close_path: "orders/{{number}}/close"}}
routes:
  - id: po
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp}}
    stage: {stage}
    canary: {{select: {{facility: ["04"]}}}}
    losing_side: {losing_side}
    ownership: {{receiving: {{at: owner}}, matching: {{at: owner}}, on_order: none}}
    reply: {{mode: wait, within: 20s, pending: reference}}
  - id: receipts
    follows: po
    from: {{http: true, document: goods_receipt, identity: idempotency_key}}
    targets: {{legacy: mms, cloud: erp}}
    reply: {{mode: wait, within: 20s, pending: reference}}
"""
ONLY_READ = """orders:
        read: {operation: GetPurchaseOrderStatus, mapping: order_read}
        state: Status
        closed: [CLOSED]"""
RECEIPT_OUT = """\
mapping: receipt_out
document: goods_receipt
direction: write
fields:
  orders[0].number: PONumber
  number: PackingSlip
  received.at: ReceivedOn
groups:
  lines:
    from: Line
    fields: {order_line_id: LineNumber, quantity.value: Quantity.value, quantity.unit: Quantity.@uom}
"""


class Site:
    """The two systems, which outlive every gateway, and a folder to run one in."""

    def __init__(self, folder: Path, mms: SoapMms, erp: Book, erp_url: str, **words: str) -> None:
        self.folder, self.mms, self.erp = folder, mms, erp
        shutil.copytree(WSDL, folder / "wsdl")
        shutil.copytree(FIXTURES / "mappings", folder / "mappings")
        (folder / "mappings" / "receipt_out.yaml").write_text(RECEIPT_OUT)
        (folder / "var").mkdir()
        said = {"orders": f"orders: {ORDERS}", "stage": "legacy", "losing_side": "nothing"} | words
        address = mms.url.replace("localhost", "127.0.0.1") + SERVICE
        self.routes = folder / "routes.yaml"
        self.routes.write_text(ROUTES.format(mms=address, header=HEADER, erp=erp_url, **said))

    async def ask(self, verb: str, **arguments: Any) -> Any:
        socket = self.folder / "var" / "journal.db.sock"
        return await asyncio.to_thread(call, socket, verb, arguments, PATIENCE_S)

    async def move(self, number: str) -> str:
        asked = await self.ask("orders.move", orders=[number], to="cloud", who="ann", why="wave 1")
        await self.ask("orders.agree", batch=asked["batch"], who="bob", why="checked")
        return str(asked["batch"])

    async def proven(self, batch: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while not (proof := await self.ask("orders.proof", batch=batch))["is_finished"]:
                await asyncio.sleep(0.05)
        return dict(proof)

    async def parked(self) -> dict[str, Any]:
        """Give the one exception, once it is there."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await self.ask("exceptions.list")):
                await asyncio.sleep(0.05)
        (item,) = found
        return dict(item)

    def closes(self) -> list[tuple[str, dict[str, str]]]:
        committed = [each for each in self.mms.committed if each.operation == "ClosePurchaseOrder"]
        return [(each.number, each.content["kept"]) for each in committed]


@asynccontextmanager
async def site(folder: Path, *faults: Fault, **words: str) -> AsyncIterator[Site]:
    erp = Book("erp", "E")
    async with SoapMms(Settings(wsdl=WSDL), FaultScript(faults)) as mms, OrderBook(erp) as served:
        yield Site(folder, mms, erp, served.url, **words)


async def post(address: str, document: dict[str, Any], key: str) -> None:
    url = f"{address}/v1/documents/{document['document_type']}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=json.dumps(document), headers=headers) as response,
    ):
        assert response.status == 200, await response.text()


def received(number: str, quantity: str) -> dict[str, Any]:
    return {
        "document_type": "goods_receipt",
        "number": f"R-{number}",
        "received": {"date": "2026-11-22", "at": "2026-11-22T08:00:00Z"},
        "orders": [{"number": number}],
        "lines": [{"sequence": 1, "order_line_id": "1", "quantity": {"value": quantity, "unit": "BX"}}],
    }


async def an_order(address: str, number: str, quantity: str = "4", **order: Any) -> None:
    """Have an order of 12 boxes at legacy, of which some came."""
    await post(address, document(number, **order), f"k-{number}")
    await post(address, received(number, quantity), f"r-{number}")


async def test_a_moved_order_is_closed_behind_soap_and_the_proof_asks_both_systems(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        async with serving(run.routes) as served:
            await an_order(served.addresses[0], "PO-7")
            proof = await run.proven(await run.move("PO-7"))
            reconciled = await run.ask("orders.reconcile", route="po")

        assert run.mms.invalid == []
        assert run.closes() == [("PO-7", {"1": "4"})]
        assert (proof["holds"], proof["states"], proof["differences"]) == (True, {"done": 1}, []), proof
        assert reconciled["difference_count"] == 0, reconciled
        (new,) = run.erp.orders.values()
        assert (new.transmitter, str(new.lines["1"].quantity)) == ("none", "8")


async def test_what_a_system_behind_soap_shows_otherwise_is_a_difference_in_the_proof(tmp_path: Path) -> None:
    """The control of the proof above: it is the system's own answer that is compared."""
    async with site(tmp_path) as run, serving(run.routes) as served:
        await an_order(served.addresses[0], "PO-7")
        batch = await run.move("PO-7")
        assert (await run.proven(batch))["holds"]
        (entry,) = [each for each in run.mms._business.entries if each["operation"] == "ClosePurchaseOrder"]
        entry["kept"] = {"1": "12"}  # somebody opens the whole line again, on its own screen
        told = await run.ask("orders.proof", batch=batch)

    assert not told["holds"]
    assert "expected" in json.dumps(told["differences"])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("operation", ["GetPurchaseOrderStatus", "ClosePurchaseOrder"])
async def test_a_gateway_killed_in_the_close_goes_on_with_it_and_closes_once(
    tmp_path: Path, operation: str
) -> None:
    silence = Fault(Action.COMMIT_THEN_HANG, key=operation, times=1)
    async with site(tmp_path, silence) as run:
        gateway = Gateway(tmp_path)
        await gateway.start()
        try:
            address = await _address(tmp_path)
            await an_order(address, "PO-7")
            batch = await run.move("PO-7")
            await _until(lambda: any(each.fault for each in run.mms.requests))
            await gateway.kill()
            await gateway.start()
            proof = await run.proven(batch)
        finally:
            await gateway.stop()

        assert proof["holds"], proof
        assert run.closes() == [("PO-7", {"1": "4"})]
        assert len(run.erp.orders) == 1


async def test_a_refused_close_parks_with_its_reason_and_a_retry_sees_that_it_was_closed_by_hand(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as run, serving(run.routes) as served:
        await an_order(served.addresses[0], "PO-7", vendor="V-AUDIT")
        batch = await run.move("PO-7")
        item = await run.parked()
        codes = [each["code"] for each in item["findings"]]
        (moving,) = await run.ask("orders.moves", batch=batch)

        assert codes == ["MOVE-CLOSE-BY-HAND", "LEGACY-REFUSED"]
        assert "AUDIT_HOLD" in json.dumps(item["findings"])
        assert moving["state"] == "closing"

        kept = {"operation": "ClosePurchaseOrder", "number": "PO-7", "kept": {"1": "4"}}
        run.mms._business.entries.append(kept)
        await run.ask("exceptions.retry", exception=item["exception_id"], who="ann", why="closed there")
        assert (await run.proven(batch))["holds"]
        assert run.closes() == []


@pytest.mark.parametrize("orders", ["", ONLY_READ])
async def test_without_a_declared_close_a_person_closes_as_before(tmp_path: Path, orders: str) -> None:
    """The control: what closes the order is the operation that the endpoint declares."""
    async with site(tmp_path, orders=orders) as run, serving(run.routes) as served:
        await an_order(served.addresses[0], "PO-7")
        await run.move("PO-7")

        assert (await run.parked())["findings"][0]["code"] == "MOVE-CLOSE-BY-HAND"
        assert run.closes() == []


@pytest.mark.parametrize(("orders", "is_noted"), [(f"orders: {ORDERS}", False), ("", True)])
async def test_check_notes_where_the_losing_side_would_be_closed_by_hand(
    tmp_path: Path, orders: str, is_noted: bool
) -> None:
    async with site(tmp_path, orders=orders, stage="canary", losing_side="close") as run:
        made = load(run.routes)
    assert isinstance(made, Configuration), [str(each) for each in made]

    notes = [each.text for each in check(made, live=False, now=datetime.now(UTC))]

    assert any("'mms' closes no orders by itself" in each for each in notes) is is_noted


async def _address(folder: Path) -> str:
    """Give where a gateway process listens, once its log says so."""
    log = folder / "gateway.log"
    await _until(lambda: LISTENS.search(log.read_text()) is not None)
    return LISTENS.findall(log.read_text())[-1]


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)
