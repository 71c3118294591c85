"""Orders that move away from SAP are closed there by its connector and read back, whatever happens.

Gateway, mover, connector, HTTP sink and CSRF session are the real ones, against a simulated tenant on a
socket; only time is the hospital's own. SAP itself sends the orders to the supplier here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from adapters.base import NoReply, Reply, Request
from adapters.base.orders import LineThere, OrderAt, OrderThere, closes_orders
from gateway.config import Configuration, load_text
from gateway.erp.sap_s4hana.orders_there import order_in
from gateway.journal.moves import MoveState
from gateway.journal.types import DeliveryState, DeliveryView, Side, Transmitter
from gateway.operations import Hooks, Operations
from gateway.order_reading import OrderReading
from simulators.cloud_erp.sap_s4hana import SapS4Hana
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Killing
from tests.gateway.erp.erp_hospital import Deaf, ErpHospital
from tests.gateway.erp.erps import Sap
from tests.gateway.erp.paper import SUPPLIER
from tests.gateway.order_hospital import key_of

BATCH = r"/\$batch$"
GOOD = ("", Action.COMMIT_THEN_RESET)
ROUTES = """\
version: 1
gateway:
  {environment: test, organisation: HB, journal: "sqlite:var/journal.db", listen: {http: "127.0.0.1:0"}}
endpoints:
  mms: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
routes:
  - id: po
    from: {http: true, document: purchase_order}
    targets: {legacy: mms, cloud: erp}
    stage: cloud
    transmitter: {cloud: none}
"""


class SapHospital(ErpHospital):
    """A hospital whose cloud side is SAP."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(Sap(), *faults, supplier_output="per_order")
        self.rule = replace(self.rule, cloud_transmitter=Transmitter.ERP)

    @property
    def sap(self) -> SapS4Hana:
        assert isinstance(self.tenant, SapS4Hana)
        return self.tenant

    def items(self) -> list[Mapping[str, Any]]:
        """Give the items of the one order that SAP has."""
        (number,) = self.sap.documents.keys("purchase_order")
        items: list[Mapping[str, Any]] = self.sap.document("purchase_order", number)["_PurchaseOrderItem"]
        return items

    def closed(self) -> list[tuple[bool, bool, str]]:
        """Give for each item whether it is delivered, and invoiced, to the end, and its deletion code."""
        return [
            (
                item.get("IsCompletelyDelivered", False),
                item.get("IsFinallyInvoiced", False),
                item["PurchasingDocumentDeletionCode"],
            )
            for item in self.items()
        ]

    def closings(self) -> int:
        """Count the changesets that reached SAP."""
        return sum(bool(re.search(BATCH, each.path)) and each.fault in GOOD for each in self.sap.requests)

    async def close(self) -> DeliveryView:
        """Give the delivery that closes the order."""
        (view,) = [each for each in await self.journal.deliveries() if each.role == "close"]
        return view

    async def is_moved_once(self) -> bool:
        """Tell whether order 7 is legacy's, closed in SAP by one changeset, its remainder created."""
        entry = await self.entry("7")
        (there,) = self.legacy.of(key_of("7"))
        return (
            [each.state for each in await self.journal.moves()] == [MoveState.DONE]
            and (entry.side, entry.moving_to) == (Side.LEGACY, None)
            and [delivered for delivered, _, _ in self.closed()] == [True, True]
            and self.closings() == 1
            and {name: line.quantity for name, line in there.lines.items()} == {"0010": 6, "0020": 20}
            and there.transmitter == "none"
        )


Make = Callable[..., Awaitable[SapHospital]]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    """Give what makes a hospital with order 7 in SAP (10 and 20 of two lines), 4 of its first received."""
    async with AsyncExitStack() as stack:

        async def made(*faults: Fault) -> SapHospital:
            hospital = SapHospital(*faults)
            await stack.enter_async_context(hospital)
            await hospital.place("7")
            await hospital.receive("7", "R-1", "0010", 4)
            return hospital

        yield made


def invoice(quantity: int) -> dict[str, Any]:
    line = {
        "sequence": 1,
        "order_line_id": "0010",
        "quantity": {"value": str(quantity), "unit": "EA"},
        "price": {"amount": "1.25"},
        "amount": str(quantity * Decimal("1.25")),
    }
    return {
        "document_type": "invoice",
        "number": "I-1",
        "invoiced": {"date": "2026-01-02"},
        "currency": "USD",
        "orders": [{"number": "7"}],
        "seller": SUPPLIER,
        "totals": {"gross": str(quantity * Decimal("1.25"))},
        "lines": [line],
    }


def by_hand(hospital: SapHospital, quantity: int) -> None:
    """Let goods of the first item come in past the gateway."""
    (number,) = hospital.sap.documents.keys("purchase_order")
    row = {"PurchaseOrder": number, "PurchaseOrderItem": "10", "GoodsMovementType": "101"}
    fields = {"to_MaterialDocumentItem": [row | {"QuantityInEntryUnit": str(quantity)}]}
    hospital.sap.documents.create("material_document", "by hand", fields, number="by hand")


# --- a move, and a conversion -------------------------------------------------------------------------


async def test_a_moved_order_is_closed_in_one_changeset_under_its_etag_and_read_back(make: Make) -> None:
    hospital = await make()
    assert closes_orders(hospital.destinations["erp"].target)
    await hospital.move_away("7")

    assert await hospital.is_moved_once(), await hospital.codes()
    # Four of line 10 are received and not invoiced yet: their invoice must still come in. None is deleted.
    assert hospital.closed() == [(True, False, ""), (True, True, "")]
    view = await hospital.close()
    assert [each.step for each in view.steps] == ["invoiced", "order:1", "close:1", "read_back"]
    assert view.steps[2].request.body.count(b"If-Match: W/") == 2
    assert view.state is DeliveryState.DONE


async def test_an_item_whose_receipts_are_all_invoiced_is_finally_invoiced_too(make: Make) -> None:
    hospital = await make()
    await hospital.take(invoice(4), "invoices")
    await hospital.settle()
    await hospital.is_well()
    await hospital.move_away("7")

    assert await hospital.is_moved_once(), await hospital.codes()
    assert hospital.closed() == [(True, True, ""), (True, True, "")]


async def test_a_conversion_is_proven_by_sap_itself_line_by_line(make: Make) -> None:
    hospital = await make()
    known = load_text(ROUTES)
    assert isinstance(known, Configuration), known
    reading = OrderReading(lambda: hospital.destinations, hospital.clock)
    operations = Operations(hospital.journal, lambda: known, hospital.clock, Hooks(reading=reading))
    asked = await operations.perform(
        "orders.convert", {"route": "po", "to": "legacy", "who": "ann", "why": "back"}
    )
    await operations.perform("orders.agree", {"batch": asked["batch"], "who": "bob", "why": "checked"})
    await hospital.settle()
    proof = await operations.perform("orders.proof", {"batch": asked["batch"]})
    by_hand(hospital, 1)
    later = await operations.perform("orders.proof", {"batch": asked["batch"]})

    assert (proof["holds"], proof["differences"], proof["states"]) == (True, [], {"done": 1})
    assert later["holds"] is False, "SAP is asked, and shows one more than was fixed there"


async def test_an_order_that_was_closed_by_hand_already_is_only_read(make: Make) -> None:
    hospital = await make()
    await hospital.move("7", to=Side.LEGACY)
    (number,) = hospital.sap.documents.keys("purchase_order")
    values = hospital.sap.document("purchase_order", number)
    items = [{**each, "IsCompletelyDelivered": True} for each in values["_PurchaseOrderItem"]]
    hospital.sap.store.change("purchase_order", number, values | {"_PurchaseOrderItem": items})
    await hospital.settle()

    assert (await hospital.entry("7")).side is Side.LEGACY
    assert hospital.closings() == 0


# --- kills and lost answers ---------------------------------------------------------------------------


@pytest.mark.parametrize("is_sent", [True, False], ids=["after", "before"])
async def test_a_gateway_that_dies_at_any_request_of_a_close_goes_on_and_closes_once(
    make: Make, is_sent: bool
) -> None:
    at = 0
    while True:
        hospital = await make()
        await hospital.move("7", to=Side.LEGACY)
        hospital.wrap(Killing, at, is_sent=is_sent)
        was_killed = await hospital.killed()
        await hospital.settle()

        assert await hospital.is_moved_once(), (at, await hospital.codes(), await hospital.close())
        if not was_killed:
            break
        at += 1
    assert at >= 4, "it dies at the two reads, at the close and at the read-back"


async def test_a_close_whose_answer_is_lost_is_looked_up_and_done_once(make: Make) -> None:
    hospital = await make(Fault(Action.COMMIT_THEN_RESET, method="POST", path=BATCH, times=1))
    await hospital.move_away("7")

    assert await hospital.is_moved_once(), await hospital.codes()


class Frozen(Deaf):
    """A sink whose reads show for ever what they showed first."""

    def __init__(self, sink: Any) -> None:
        super().__init__(sink, lambda request: False, Reply(500))
        self._shown: dict[str, Reply | NoReply] = {}

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if request.method != "GET":
            return await super().send(request, still_mine=still_mine)
        if request.address not in self._shown:
            self._shown[request.address] = await super().send(request, still_mine=still_mine)
        return self._shown[request.address]


async def test_without_the_look_up_a_lost_answer_would_need_a_person(make: Make) -> None:
    """The negative control: what SAP shows after the close is kept from the gateway."""
    hospital = await make(Fault(Action.COMMIT_THEN_RESET, method="POST", path=BATCH, times=1))
    hospital.wrap(Frozen)
    await hospital.move_away("7")

    assert not await hospital.is_moved_once()
    assert (await hospital.entry("7")).moving_to is Side.LEGACY


# --- what a person must look at -----------------------------------------------------------------------


async def test_a_refusal_parks_with_saps_reason_and_what_to_do_and_a_retry_closes_it(make: Make) -> None:
    hospital = await make(
        Fault(Action.BUSINESS_ERROR, method="POST", path=BATCH, times=1, error="item_blocked")
    )
    await hospital.move_away("7")

    (item,) = await hospital.journal.exceptions()
    assert [each.code for each in item.findings] == ["ERP-400", "MOVE-CLOSE-BY-HAND"]
    assert "Material is blocked for purchasing" in item.findings[0].text
    assert "--done-elsewhere" in item.findings[1].text
    assert (await hospital.entry("7")).moving_to is Side.LEGACY
    assert hospital.closed() == [(False, False, "")] * 2

    hospital.later(timedelta(minutes=10))
    await hospital.journal.retry(item.exception_id, "ann", "released", hospital.clock.now())
    await hospital.settle()
    assert await hospital.is_moved_once(), await hospital.codes()


async def test_a_close_that_sap_takes_and_does_not_carry_out_is_not_believed(make: Make) -> None:
    hospital = await make()
    hospital.wrap(Deaf, lambda request: bool(re.search(BATCH, request.address)), PRETENDED)
    await hospital.move_away("7")

    assert await hospital.codes() == ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"]
    assert hospital.closed() == [(False, False, "")] * 2


PRETENDED = Reply(
    200,
    b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\n\r\n\r\n--c--\r\n--b--\r\n",
    (("Content-Type", "multipart/mixed; boundary=b"),),
)


async def test_nothing_is_closed_where_more_came_than_the_move_counted(make: Make) -> None:
    hospital = await make()
    await hospital.move("7", to=Side.LEGACY)
    by_hand(hospital, 2)
    await hospital.settle()

    assert await hospital.codes() == ["MOVE-COUNTED-OTHERWISE", "MOVE-CLOSE-BY-HAND"]
    (item,) = await hospital.journal.exceptions()
    assert "line 10: 6 received or invoiced there, 4 counted" in item.findings[0].text
    assert hospital.closed() == [(False, False, "")] * 2


async def test_an_order_is_not_closed_where_its_invoices_cannot_be_told(make: Make) -> None:
    hospital = await make()
    others = Reply(200, b'{"d": {"results": [{"PurchaseOrder": "4711", "PurchaseOrderItem": "10"}]}}')
    hospital.wrap(Deaf, lambda request: request.step == "invoiced", others)
    await hospital.move_away("7")

    assert await hospital.codes() == ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"]
    assert hospital.closings() == 0


# --- an order as it is read ---------------------------------------------------------------------------


async def test_an_order_is_read_as_it_stands_and_one_that_is_not_there_is_told_apart(make: Make) -> None:
    hospital = await make()
    reading = OrderReading(lambda: hospital.destinations, hospital.clock)
    (number,) = hospital.sap.documents.keys("purchase_order")

    there = await reading.read("erp", OrderAt(key_of("7"), number))
    gone = await reading.read("erp", OrderAt(key_of("8"), "1"))

    assert there == OrderThere(
        number,
        "open",
        (
            LineThere("10", Decimal(10), "EA", Decimal("1.25"), Decimal(4)),
            LineThere("20", Decimal(20), "EA", Decimal("2.25"), Decimal(0)),
        ),
        lines_named="there",
    )
    assert gone is None


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(500), "status 500"),
        (NoReply("none", "no connection"), "no connection"),
        (Reply(200, b"{"), "not JSON"),
        (Reply(200, b'{"PurchaseOrder": "45"}'), "no order with its items"),
        (
            Reply(200, b'{"PurchaseOrder":"45","_PurchaseOrderItem":[{"PurchaseOrderItem":"10"}]}'),
            "no OrderQuantity",
        ),
        (
            Reply(
                200,
                b'{"PurchaseOrder":"45","_PurchaseOrderItem":[{"PurchaseOrderItem":"10","OrderQuantity":1,'
                b'"_PurchaseOrderScheduleLineTP":[{"ScheduleLine":"1","ScheduleLineOrderQuantity":1}]}]}',
            ),
            "does not show ScheduleLineOrderQuantity and OpenPurchaseOrderQuantity",
        ),
    ],
)
def test_an_answer_that_does_not_show_what_came_is_never_taken_for_nothing(
    reply: Reply | NoReply, told: str
) -> None:
    found = order_in("erp", {}, reply)

    assert getattr(found, "code", "") == "ORDER-NOT-READ"
    assert told in str(found)
