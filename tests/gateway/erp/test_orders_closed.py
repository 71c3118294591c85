"""Orders that move away from a cloud ERP are closed there by its connector, and read back, whatever happens.

`CLOSERS` is all that these tests need to know of an ERP beside what `erps.py` says; to plug one in, add an
entry. Everything is real but time: gateway, mover, connector, HTTP sink, and a simulated ERP on a socket.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from adapters.base import Reply, Request
from adapters.base.orders import OrderAt, OrderThere
from canonical.registry import to_json
from gateway.config import Configuration, load_text
from gateway.journal.moves import MoveState
from gateway.journal.types import DeliveryState, DeliveryView, Side
from gateway.operations import Hooks, Operations
from gateway.order_reading import OrderReading
from simulators.cloud_erp.base.erp import SimulatedErp
from simulators.cloud_erp.sap_s4hana import SapS4Hana as SapTenant
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Killing
from tests.gateway.erp.erp_hospital import Deaf, ErpHospital, goods
from tests.gateway.erp.erps import ERPS, ErpUnderTest, Oracle, Sap
from tests.gateway.erp.paper import change
from tests.gateway.order_hospital import key_of

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


@dataclass(frozen=True)
class Closer:
    """How one ERP closes orders.

    `closing`: a pattern of the one request (POST or PATCH) that closes an order, or its last line.
    `refusal`: the simulator's word for refusing it. `pretended`: what an ERP answers that does nothing.
    `closed`: whether each order in the ERP's ledger is closed, in their order. `receive`: lets goods come in,
    past the gateway: so much of the first line of an order. `settings`: what receipts need.
    """

    erp: ErpUnderTest
    closing: str
    refusal: str
    pretended: Reply
    closed: Callable[[SimulatedErp], Sequence[bool]]
    receive: Callable[[SimulatedErp, str, int], None]
    settings: Mapping[str, Any] = field(default_factory=dict)


def _oracle_closed(tenant: SimulatedErp) -> list[bool]:
    held = [tenant.documents.get("orders", key) or {} for key in tenant.documents.keys("orders")]
    return [each["StatusCode"] in ("CLOSED", "FINALLY CLOSED") for each in held]


def _oracle_receives(tenant: SimulatedErp, number: str, quantity: int) -> None:
    line = {"DocumentNumber": number, "DocumentLineNumber": 1, "Quantity": quantity, "processingErrors": []}
    fields = {"_id": "by hand", "HeaderInterfaceId": 1, "lines": [line]}
    tenant.documents.create("receivingReceiptRequests", "by hand", fields, number="by hand")


def _sap_closed(tenant: SimulatedErp) -> list[bool]:
    assert isinstance(tenant, SapTenant)
    held = [tenant.document("purchase_order", key) for key in tenant.documents.keys("purchase_order")]
    return [all(item.get("IsCompletelyDelivered") for item in each["_PurchaseOrderItem"]) for each in held]


def _sap_receives(tenant: SimulatedErp, number: str, quantity: int) -> None:
    row = {"PurchaseOrder": number, "PurchaseOrderItem": "10", "GoodsMovementType": "101"}
    fields = {"to_MaterialDocumentItem": [row | {"QuantityInEntryUnit": str(quantity)}]}
    tenant.documents.create("material_document", "by hand", fields, number="by hand")


BATCH_DONE = (
    b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\n\r\n\r\n--c--\r\n--b--\r\n"
)


CLOSERS: Sequence[Closer] = (
    Closer(
        Oracle(),
        closing=r"/purchaseOrders/[^/]+/action/close$",
        refusal="close",
        pretended=Reply(200, b'{"result": "SUCCESS"}', (("Content-Type", "application/json"),)),
        closed=_oracle_closed,
        receive=_oracle_receives,
    ),
    Closer(
        Sap(),
        closing=r"/\$batch$",
        refusal="item_blocked",
        pretended=Reply(200, BATCH_DONE, (("Content-Type", "multipart/mixed; boundary=b"),)),
        closed=_sap_closed,
        receive=_sap_receives,
    ),
)

Make = Callable[..., Awaitable[ErpHospital]]


@pytest.fixture(params=CLOSERS, ids=lambda each: each.erp.kind)
def closer(request: pytest.FixtureRequest) -> Closer:
    found: Closer = request.param
    return found


@pytest_asyncio.fixture
async def make(closer: Closer) -> AsyncIterator[Make]:
    """Give what makes a hospital that has placed order 7 at the ERP, and received 4 of its first line."""
    async with AsyncExitStack() as stack:

        async def made(*faults: Fault, number: str = "7") -> ErpHospital:
            hospital = ErpHospital(closer.erp, *faults, **closer.settings)
            await stack.enter_async_context(hospital)
            await hospital.place(number)
            await hospital.receive(number, "R-1", "0010", 4)
            return hospital

        yield made


def closings(closer: Closer, hospital: ErpHospital) -> int:
    """Count the requests that closed an order."""
    return sum(
        each.method in ("POST", "PATCH") and each.fault in GOOD and bool(re.search(closer.closing, each.path))
        for each in hospital.tenant.requests
    )


async def the_close(hospital: ErpHospital) -> DeliveryView:
    (view,) = [each for each in await hospital.journal.deliveries() if each.role == "close"]
    return view


def moved(hospital: ErpHospital, number: str = "7") -> dict[str, Decimal]:
    """Give what legacy has of a moved order, by line."""
    (order,) = hospital.legacy.of(key_of(number))
    return {name: line.quantity for name, line in order.lines.items()}


async def is_moved_once(closer: Closer, hospital: ErpHospital) -> bool:
    """Tell whether order 7 is legacy's, closed in the ERP by one request, and was sent to nobody again."""
    entry = await hospital.entry("7")
    return (
        [each.state for each in await hospital.journal.moves()] == [MoveState.DONE]
        and (entry.side, entry.moving_to) == (Side.LEGACY, None)
        and closer.closed(hospital.tenant) == [True]
        and closings(closer, hospital) == 1
        and moved(hospital) == {"0010": Decimal(6), "0020": Decimal(20)}
        and list(hospital.sent.counted.values()) == [1]
    )


async def test_an_order_that_moves_to_legacy_is_closed_in_the_erp_and_read_back(
    make: Make, closer: Closer
) -> None:
    hospital = await make()
    await hospital.move_away("7")

    assert await is_moved_once(closer, hospital), await hospital.codes()
    view = await the_close(hospital)
    assert (view.state, view.steps[-1].request.method) == (DeliveryState.DONE, "GET")


async def test_the_move_is_proven_by_both_systems_themselves_line_by_line(make: Make, closer: Closer) -> None:
    hospital = await make()
    known = load_text(ROUTES)
    assert isinstance(known, Configuration), known
    reading = OrderReading(lambda: hospital.destinations, hospital.clock)
    operations = Operations(hospital.journal, lambda: known, hospital.clock, Hooks(reading=reading))
    asked = await operations.perform(
        "orders.convert", {"route": "po", "to": "legacy", "who": "ann", "why": "back"}
    )
    await operations.perform("orders.agree", {"batch": asked["batch"], "who": "bob", "why": "checked"})
    early = await operations.perform("orders.proof", {"batch": asked["batch"]})
    await hospital.settle()
    proof = await operations.perform("orders.proof", {"batch": asked["batch"]})

    assert (asked["orders"], asked["problems"], early["is_finished"]) == (1, [], False)
    assert (proof["holds"], proof["differences"]) == (True, [])
    assert (proof["states"], proof["sides"]["cloud"]["orders"]) == ({"done": 1}, 1)


@pytest.mark.parametrize("erp", ERPS, ids=lambda each: each.kind)
async def test_an_order_that_comes_back_is_another_order_there_and_what_follows_finds_it(
    erp: ErpUnderTest,
) -> None:
    async with ErpHospital(erp) as hospital:
        await hospital.place("7")
        await hospital.move_away("7")
        await hospital.move("7", to=Side.CLOUD, batch="back")
        await hospital.settle()
        assert (await hospital.entry("7")).side is Side.CLOUD, await hospital.codes()
        await hospital.take(json.loads(to_json(change("7", quantity="15"))), "changes")
        await hospital.settle()
        orders = erp.orders(hospital.tenant)

    assert await hospital.codes() == []
    assert [each.quantities[-1] for each in orders][-1] == 15
    assert {count for (_, what), count in hospital.sent.counted.items() if "purchase_order" in what} <= {1}


@pytest.mark.parametrize("is_sent", [True, False], ids=["after", "before"])
async def test_a_gateway_that_is_killed_at_any_request_of_a_close_goes_on_and_closes_once(
    make: Make, closer: Closer, is_sent: bool
) -> None:
    at, deaths = 0, 0
    while True:
        hospital = await make()
        await hospital.move("7", to=Side.LEGACY)
        hospital.wrap(Killing, at, is_sent=is_sent)
        was_killed = await hospital.killed()
        await hospital.settle()

        assert await is_moved_once(closer, hospital), (at, await hospital.codes(), await the_close(hospital))
        if not was_killed:
            break
        at, deaths = at + 1, deaths + 1
    assert deaths >= 3, "it dies at least before the close, at the close, and at the read-back"


async def test_a_close_whose_answer_is_lost_is_looked_up_and_not_sent_again(
    make: Make, closer: Closer
) -> None:
    lost = Fault(Action.COMMIT_THEN_RESET, method="POST|PATCH", path=closer.closing, times=1)
    hospital = await make(lost)
    await hospital.move_away("7")

    assert await is_moved_once(closer, hospital), await hospital.codes()


async def test_while_nobody_knows_whether_it_was_closed_the_order_is_on_no_side(
    make: Make, closer: Closer
) -> None:
    lost = Fault(Action.COMMIT_THEN_RESET, method="POST|PATCH", path=closer.closing, times=1)
    hospital = await make(lost)
    await hospital.move("7", to=Side.LEGACY)
    while (await hospital.step()) and closings(closer, hospital) == 0:
        pass

    entry, view = await hospital.entry("7"), await the_close(hospital)
    assert (entry.side, entry.moving_to) == (Side.CLOUD, Side.LEGACY)
    assert view.state is DeliveryState.IN_DOUBT
    await hospital.settle()
    assert await is_moved_once(closer, hospital)


async def test_without_the_look_up_a_lost_answer_would_need_a_person(make: Make, closer: Closer) -> None:
    """The negative control: what the ERP shows after the close is kept from the gateway."""
    lost = Fault(Action.COMMIT_THEN_RESET, method="POST|PATCH", path=closer.closing, times=1)
    hospital = await make(lost)
    hospital.wrap(Frozen)
    await hospital.move_away("7")

    assert not await is_moved_once(closer, hospital)


class Frozen(Deaf):
    """A sink that answers each read as it was answered first: look-ups and read-backs show the past."""

    def __init__(self, sink: Any) -> None:
        super().__init__(sink, lambda request: False, Reply(500))
        self._shown: dict[str, Any] = {}

    async def send(self, request: Request, *, still_mine: Any = None) -> Any:
        if request.method != "GET":
            return await super().send(request, still_mine=still_mine)
        if request.address not in self._shown:
            self._shown[request.address] = await super().send(request, still_mine=still_mine)
        return self._shown[request.address]


async def test_a_refusal_parks_with_the_erps_reason_and_asks_a_person_who_may_retry_or_say_so(
    make: Make, closer: Closer
) -> None:
    refusal = Fault(
        Action.BUSINESS_ERROR, method="POST|PATCH", path=closer.closing, times=2, error=closer.refusal
    )
    hospital = await make(refusal)
    await hospital.move_away("7")

    codes = await hospital.codes()
    (item,) = await hospital.journal.exceptions()
    assert codes[-1] == "MOVE-CLOSE-BY-HAND"
    assert codes[0].startswith("ERP-4"), codes
    assert "--why TEXT" in item.findings[-1].text
    assert (await hospital.entry("7")).moving_to is Side.LEGACY
    assert closer.closed(hospital.tenant) == [False]

    hospital.later(timedelta(minutes=10))
    await hospital.journal.retry(item.exception_id, "ann", "the hold is gone", hospital.clock.now())
    await hospital.settle()
    assert await hospital.codes() == codes, "refused a second time"

    hospital.later(timedelta(minutes=10))
    await hospital.journal.retry(item.exception_id, "ann", "now it is", hospital.clock.now())
    await hospital.settle()
    assert await is_moved_once(closer, hospital), await hospital.codes()


async def test_a_person_who_closed_it_by_hand_says_so_and_the_move_goes_on(
    make: Make, closer: Closer
) -> None:
    refusal = Fault(Action.BUSINESS_ERROR, method="POST|PATCH", path=closer.closing, error=closer.refusal)
    hospital = await make(refusal)
    await hospital.move_away("7")
    (item,) = await hospital.journal.exceptions()

    now = hospital.clock.now()
    await hospital.journal.resolve(item.exception_id, "done_elsewhere:closed", "ann", "closed it", now)
    await hospital.settle()

    assert (await hospital.entry("7")).side is Side.LEGACY
    assert closings(closer, hospital) == 0


async def test_a_close_that_the_erp_takes_and_does_not_carry_out_is_not_believed(
    make: Make, closer: Closer
) -> None:
    hospital = await make()
    hospital.wrap(Deaf, lambda request: bool(re.search(closer.closing, request.address)), closer.pretended)
    await hospital.move_away("7")

    assert await hospital.codes() == ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"]
    assert (await hospital.entry("7")).moving_to is Side.LEGACY
    assert closer.closed(hospital.tenant) == [False]


async def test_nothing_is_closed_where_more_came_in_there_than_the_move_counted(
    make: Make, closer: Closer
) -> None:
    hospital = await make()
    await hospital.move("7", to=Side.LEGACY)
    (number,) = [each.number for each in closer.erp.orders(hospital.tenant)]
    closer.receive(hospital.tenant, number, 2)
    await hospital.settle()

    assert await hospital.codes() == ["MOVE-COUNTED-OTHERWISE", "MOVE-CLOSE-BY-HAND"]
    (item,) = await hospital.journal.exceptions()
    assert "6 received or invoiced there, 4 counted" in item.findings[0].text
    assert closer.closed(hospital.tenant) == [False]


async def test_a_receipt_that_was_never_posted_there_keeps_its_order_from_having_moved(
    make: Make, closer: Closer
) -> None:
    hospital = await make()
    hospital.wrap(Deaf, lambda request: request.method == "POST", Reply(400, b"{}"))
    await hospital.take(goods("7", "R-2", "0020", 3), "receipts")
    await hospital.settle()
    (receipt,) = await hospital.journal.exceptions()
    now = hospital.clock.now()
    await hospital.journal.resolve(receipt.exception_id, "done_elsewhere:R-2", "ann", "posted", now)
    await hospital.restart()
    await hospital.move_away("7")

    assert await hospital.codes() == ["MOVE-COUNTED-OTHERWISE", "MOVE-CLOSE-BY-HAND"]
    (item,) = await hospital.journal.exceptions()
    assert "0 received or invoiced there, 3 counted; nothing was closed" in item.findings[0].text
    assert (await hospital.entry("7")).moving_to is Side.LEGACY
    assert closer.closed(hospital.tenant) == [False]


async def test_an_order_is_read_as_it_stands_and_one_that_is_not_there_is_told_apart(
    make: Make, closer: Closer
) -> None:
    hospital = await make()
    reading = OrderReading(lambda: hospital.destinations, hospital.clock)
    (number,) = [each.number for each in closer.erp.orders(hospital.tenant)]

    there = await reading.read("erp", OrderAt(key_of("7"), number))
    gone = await reading.read("erp", OrderAt(key_of("8"), "0"))

    assert isinstance(there, OrderThere)
    assert (there.number, there.state) == (number, "open")
    assert [each.quantity for each in there.lines] == [10, 20]
    assert [each.received for each in there.lines] == [4, 0]
    assert gone is None


async def test_an_order_of_which_all_was_received_is_not_moved_at_all(make: Make, closer: Closer) -> None:
    hospital = await make()
    await hospital.receive("7", "R-2", "0010", 6)
    await hospital.receive("7", "R-3", "0020", 20)
    await hospital.move_away("7")

    assert [each.state for each in await hospital.journal.moves()] == [MoveState.ENDED]
    assert closings(closer, hospital) == 0
