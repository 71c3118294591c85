"""How SAP's orders are closed where they move away, beside what `test_orders_closed.py` asks of every ERP.

Gateway, mover, connector, HTTP sink and CSRF session are the real ones, against a simulated tenant on a
socket; only time is the hospital's own.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from adapters.base import NoReply, Reply
from adapters.base.orders import LineThere, OrderAt, OrderThere, closes_orders
from gateway.config import Configuration, load_text
from gateway.erp.sap_s4hana.orders_there import order_in
from gateway.journal.moves import MoveState
from gateway.journal.types import DeliveryState, DeliveryView, Side
from gateway.operations import Hooks, Operations
from gateway.order_reading import OrderReading
from simulators.cloud_erp.sap_s4hana import SapS4Hana
from tests.gateway.erp.erp_hospital import Deaf, ErpHospital
from tests.gateway.erp.erps import Sap
from tests.gateway.erp.paper import SUPPLIER
from tests.gateway.erp.test_orders_closed import GOOD, ROUTES
from tests.gateway.order_hospital import key_of

BATCH = r"/\$batch$"


class SapHospital(ErpHospital):
    """A hospital whose cloud side is SAP."""

    def __init__(self) -> None:
        super().__init__(Sap())

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


Make = Callable[[], Awaitable[SapHospital]]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    """Give what makes a hospital with order 7 in SAP (10 and 20 of two lines), 4 of its first received."""
    async with AsyncExitStack() as stack:

        async def made() -> SapHospital:
            hospital = SapHospital()
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


# --- what a person must look at -----------------------------------------------------------------------


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
