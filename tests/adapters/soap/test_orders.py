"""Orders of a SOAP service: read, closed by an operation, read back; by hand where it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Finding, Finished, Level, NoReply, Rejected, Reply, Request, Stuck, Transient
from adapters.base.orders import LineThere, OrderAt, OrderThere, closes_orders, keeper_of
from canonical.registry import parse_document, to_json
from gateway.config import Configuration, check, load
from simulators.faults import Action, Fault, FaultScript
from simulators.soap_mms import LegacyClient, Settings, SoapMms
from simulators.soap_mms.client import purchase_order
from tests.adapters.soap.client_rig import FIXTURES, ORDERS, SERVICE, Called, document
from tests.gateway.support import Course, FakeClock

WSDL = FIXTURES / "wsdl"
AT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


@pytest.fixture
async def called() -> AsyncIterator[Callable[..., Called]]:
    made: list[Called] = []

    def make(mms: SoapMms | str, **settings: Any) -> Called:
        made.append(Called(mms, **{"orders": ORDERS, **settings}))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def closing(number: str = "PO-1001", stays: str = "4", line: str = "1", unit: str = "BX") -> bytes:
    """Give the change by which a move closes an order of one line of 12."""
    made = {
        "document_type": "order_change",
        "number": "mv-1",
        "order": {"number": "the buyer's", "erp_number": number},
        "lines": [
            {
                "sequence": 1,
                "line_id": line,
                "action": "quantity_decrease",
                "quantity": {"value": stays, "unit": unit},
                "previous_quantity": {"value": "12", "unit": unit},
            }
        ],
    }
    return to_json(parse_document(made))


async def ordered(mms: SoapMms, number: str = "PO-1001", received: str = "4", **order: Any) -> None:
    """Let the system have an order of 12 boxes of which some came; the gateway has no part in it."""
    client = LegacyClient(mms.url + SERVICE)
    await client.call("SubmitPurchaseOrder", "m-1", purchase_order(number, quantity="12", **order))
    if received != "0":
        answer = await client.call("PostGoodsReceipt", "m-2", receipt(number, received))
        assert answer.status == 200, answer.body


def receipt(number: str, quantity: str, slip: str = "S-1") -> str:
    return (
        f"<p:PostGoodsReceipt><p:PONumber>{number}</p:PONumber><p:PackingSlip>{slip}</p:PackingSlip>"
        "<p:ReceivedOn>2026-11-22T08:00:00Z</p:ReceivedOn><p:Line><p:LineNumber>1</p:LineNumber>"
        f'<p:Quantity uom="BX">{quantity}</p:Quantity></p:Line></p:PostGoodsReceipt>'
    )


async def close_by_hand(mms: SoapMms, number: str = "PO-1001") -> None:
    """Let somebody close it on the system's own screen, whatever rule refuses the operation."""
    mms._business.entries.append({"operation": "ClosePurchaseOrder", "number": number, "kept": {"1": "4"}})


async def to_its_end(course: Course) -> Finished | Stuck | None:
    """Take a course on until nothing more is to be sent, or a step is refused."""
    for _ in range(20):
        following = course.next()
        if isinstance(following, Finished | Stuck):
            return following
        if isinstance(await course.step(), Rejected):
            return None
    raise AssertionError("it never ends")


def closes(mms: SoapMms) -> list[dict[str, Any]]:
    return [each.content for each in mms.committed if each.operation == "ClosePurchaseOrder"]


def steps(course: Course) -> list[str]:
    return [each.step for each in course.done]


@pytest.mark.parametrize("port", ["Soap11", "Soap12"])
async def test_a_moved_order_is_closed_with_what_stays_and_is_done_once_it_is_seen_closed(
    called, port: str
) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms)
        course = called(mms, port=port).course_of_close(closing())

        assert await to_its_end(course) == Finished("PO-1001")

        assert steps(course) == ["read_order", "close_order", "read_back"]
        assert mms.invalid == []
        assert closes(mms) == [{"kept": {"1": "4"}, "reason": "mv-1"}]


async def test_an_order_that_somebody_has_closed_already_is_not_closed_again(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms)
        await to_its_end(called(mms).course_of_close(closing()))
        again = called(mms).course_of_close(closing())

        assert await to_its_end(again) == Finished("PO-1001")

        assert steps(again) == ["read_order"]
        assert len(closes(mms)) == 1


async def test_an_order_document_closes_its_order_as_a_whole(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms, received="0")
        course = called(mms).course_of_close(to_json(parse_document(document())))

        assert isinstance(await to_its_end(course), Finished)

        assert closes(mms) == [{"kept": {"1": "0"}, "reason": "close PO-1001"}]


UNHEARD = [
    Action.HANG_BEFORE_COMMIT,
    Action.RESET_BEFORE_COMMIT,
    Action.COMMIT_THEN_HANG,
    Action.COMMIT_THEN_RESET,
    Action.GARBAGE,
    Action.HALF_REPLY,
    Action.SORRY_PAGE,
    Action.UNAVAILABLE,
]


@pytest.mark.parametrize("action", UNHEARD)
@pytest.mark.parametrize("operation", ["GetPurchaseOrderStatus", "ClosePurchaseOrder"])
async def test_whatever_befalls_a_step_the_order_is_closed_once_and_seen_closed(
    called, action: Action, operation: str
) -> None:
    script = FaultScript((Fault(action, key=operation, times=1),))
    async with SoapMms(Settings(wsdl=WSDL), script) as mms:
        await ordered(mms)
        course = called(mms, timeout="400ms").course_of_close(closing())

        assert await to_its_end(course) == Finished("PO-1001")

        assert len(closes(mms)) == 1
        assert [each.fault for each in mms.requests if each.fault] == [action.value]


@pytest.mark.parametrize("died_before", [1, 2, 3])
@pytest.mark.parametrize("arrived", [True, False])
async def test_a_gateway_that_dies_in_any_step_goes_on_with_the_right_one(
    called, died_before: int, arrived: bool
) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms)
        course = called(mms).course_of_close(closing())
        for _ in range(died_before - 1):
            await course.step()
        if arrived:
            request = course.next()
            assert isinstance(request, Request)
            await course.sink.send(request)
        course.crash()

        assert await to_its_end(course) == Finished("PO-1001")

        assert len(closes(mms)) == 1


async def test_a_refusal_says_why_and_asks_a_person_and_is_done_once_that_person_has_closed_it(
    called,
) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms, vendor="V-AUDIT")
        course = called(mms).course_of_close(closing())
        assert await to_its_end(course) is None

        refused = course.done[-1].outcome
        assert isinstance(refused, Rejected)
        assert [each.code for each in refused.findings] == ["MOVE-CLOSE-BY-HAND", "LEGACY-REFUSED"]
        assert "order PO-1001 is on the other side now" in refused.findings[0].text
        assert "AUDIT_HOLD" in refused.findings[0].text
        assert "--done-elsewhere REFERENCE --why TEXT" in refused.findings[0].text

        await to_its_end(course)  # retried too early: asked again, and refused again
        assert steps(course)[-2:] == ["read_order", "close_order"]
        await close_by_hand(mms)
        assert await to_its_end(course) == Finished("PO-1001")
        assert closes(mms) == []


async def test_more_than_the_gateway_knows_of_is_never_closed_away(called) -> None:
    clock = FakeClock()
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms, received="5")
        course = called(mms, clock=clock).course_of_close(closing(stays="4"))
        stuck = await to_its_end(course)

        assert isinstance(stuck, Stuck)
        assert stuck.findings[0].code == "MOVE-CLOSE-BY-HAND"
        assert "line 1: 5 came, 4 are known" in stuck.findings[0].text
        assert (steps(course), closes(mms)) == (["read_order"], [])

        clock.elapsed_s += 60
        await close_by_hand(mms)
        closed = await to_its_end(course)  # a retry looks again: closed, and of what was moved too much?
        assert isinstance(closed, Stuck)
        assert [each.code for each in closed.findings] == ["MOVE-COUNTED-OTHERWISE"]
        assert "line 1: 5 came, 4 are known" in closed.findings[0].text


@pytest.mark.parametrize("received", ["0", "3"])
async def test_an_order_of_which_less_came_than_the_gateway_knows_of_is_not_closed_until_it_has_come(
    called, received: str
) -> None:
    clock = FakeClock()
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms, received=received)
        course = called(mms, clock=clock).course_of_close(closing(stays="4"))
        stuck = await to_its_end(course)

        assert isinstance(stuck, Stuck)
        assert f"line 1: {received} came, 4 are known" in stuck.findings[0].text
        assert closes(mms) == []

        clock.elapsed_s += 60
        answer = await LegacyClient(mms.url + SERVICE).call(
            "PostGoodsReceipt", "m-3", receipt("PO-1001", str(4 - int(received)), "S-2")
        )
        assert answer.status == 200, answer.body
        assert await to_its_end(course) == Finished("PO-1001")


async def test_an_order_that_is_closed_already_with_less_than_was_counted_is_not_done(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms, received="3")
        await close_by_hand(mms)
        stuck = await to_its_end(called(mms).course_of_close(closing(stays="4")))

        assert isinstance(stuck, Stuck)
        assert [each.code for each in stuck.findings] == ["MOVE-COUNTED-OTHERWISE"]
        assert "post there what is missing and retry this" in stuck.findings[0].text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (closing(stays="4", unit="EA"), "line 1: 4 BX came, which cannot be compared with EA"),
        (closing(stays="4", line="2"), "line 1: 4 came, 0 are known"),
    ],
)
async def test_what_came_on_a_line_that_cannot_be_compared_is_shown_to_a_person(
    called, change: bytes, told: str
) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms)
        stuck = await to_its_end(called(mms).course_of_close(change))

        assert isinstance(stuck, Stuck)
        assert told in stuck.findings[0].text
        assert closes(mms) == []


async def test_without_the_lines_of_an_answer_nothing_is_compared_and_the_service_alone_judges(
    called,
) -> None:
    """The control of the two tests above: what keeps them from closing is the comparison."""
    orders = ORDERS.replace("lines: LineStatus, ", "").replace("received: Received.value,", "")
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms, received="5")
        course = called(mms, orders=orders).course_of_close(closing(stays="5"))
        assert isinstance(await to_its_end(course), Finished)
        await ordered(mms, "PO-2", received="5")
        course = called(mms, orders=orders).course_of_close(closing("PO-2", stays="4"))
        assert await to_its_end(course) is None

        refused = course.done[-1].outcome
        assert isinstance(refused, Rejected)
        assert [each.code for each in refused.findings] == [
            "MOVE-CLOSE-BY-HAND",
            "LEGACY-REFUSED",
            "LEGACY-LINE",
        ]


async def test_an_order_that_the_service_does_not_have_is_not_taken_for_a_closed_one(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        course = called(mms).course_of_close(closing("PO-9"))
        assert await to_its_end(course) is None

    refused = course.done[-1].outcome
    assert isinstance(refused, Rejected)
    assert refused.findings[0].code == "MOVE-CLOSE-BY-HAND"
    assert "it has no such order" in refused.findings[0].text


async def test_a_close_that_is_answered_and_not_seen_is_read_again_until_it_is(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms)
        course = called(mms).course_of_close(closing())
        await course.step()
        close = course.next()
        assert isinstance(close, Request)
        answer = (FIXTURES / "replies/ClosePurchaseOrder.soap11.xml").read_bytes()
        course.record(close, Reply(200, answer), AT)  # it says so, and does it later

        still = await course.step()
        assert isinstance(still, Transient)
        assert "still shows it open" in still.reason
        await close_by_hand(mms)
        assert await to_its_end(course) == Finished("PO-1001")
        assert steps(course) == ["read_order", "close_order", "read_back", "read_back"]


async def test_an_answer_that_refuses_in_a_field_is_a_refusal(called) -> None:
    refusing = ORDERS.replace("already: [ALREADY_CLOSED]", "refused: {Status: [PENDING]}")
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms)
        course = called(mms, orders=refusing).course_of_close(closing())
        await course.step()
        close = course.next()
        assert isinstance(close, Request)
        answer = (FIXTURES / "replies/ClosePurchaseOrder.soap11.xml").read_bytes()
        outcome = course.record(close, Reply(200, answer.replace(b"CLOSED", b"PENDING")), AT)

    assert isinstance(outcome, Rejected)
    assert [each.code for each in outcome.findings] == ["MOVE-CLOSE-BY-HAND", "LEGACY-REFUSED"]


async def test_an_order_is_read_as_it_stands_there_and_one_that_is_not_there_is_none(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        await ordered(mms)
        endpoint = called(mms)
        keeper = keeper_of(endpoint.destination.target)
        assert keeper is not None

        async def shown(number: str) -> OrderThere | Finding | None:
            request = keeper.read_order(OrderAt("key", number, "ref", asked_at=AT))
            assert isinstance(request, Request)
            return keeper.order_read(await endpoint.destination.sink.send(request))

        line = LineThere("1", Decimal(12), "BX", None, Decimal(4), Decimal(0))
        assert await shown("PO-1001") == OrderThere("PO-1001", "open", (line,))
        assert await shown("PO-9") is None
        assert mms.invalid == [], "its header says when it was asked, as the schema wants it"

        cut = (FIXTURES / "replies/GetPurchaseOrderStatus.soap11.xml").read_bytes()
        for answer, told in (
            (NoReply("none", "no connection"), "no connection"),
            (Reply(404, b""), "no service at this address"),
            (Reply(200, cut.replace(b"12<", b"many<")), "ConversionSyntax"),
            (Reply(200, cut.replace(b"PARTIALLY_RECEIVED", b"")), "there is no state at 'Status'"),
            (Reply(200, cut.replace(b"GetPurchase", b"LosePurchase")), "another operation"),
        ):
            found = keeper.order_read(answer)
            assert isinstance(found, Finding)
            assert found.code == "ORDER-NOT-READ"
            assert told in found.text


async def test_a_service_that_declares_no_close_is_read_and_closed_by_hand(called) -> None:
    orders = "{read: {operation: GetPurchaseOrderStatus, mapping: order_read}, state: Status, closed: [X]}"
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        reading, silent = called(mms, orders=orders), Called(mms)
        targets = [each.destination.target for each in (reading, silent)]

        assert [closes_orders(each) for each in targets] == [False, False]
        assert closes_orders(called(mms).destination.target)
        stuck = reading.course_of_close(closing()).next()
        assert isinstance(stuck, Stuck)
        assert stuck.findings[0].code == "MOVE-CLOSE-BY-HAND"
        await silent.close()
    keeper = keeper_of(targets[1])
    assert keeper is not None
    assert keeper.read_order(OrderAt("key", "7")) is None


ROUTES = """\
version: 1
gateway: {{environment: test, organisation: mercy, journal: "memory:", listen: {{http: 127.0.0.1:8080}}}}
mappings: {{out: out.yaml, status: status.yaml, read: read.yaml, close: close.yaml}}
endpoints:
  mms:
    kind: soap
    environment: test
    wsdl: wsdl/materials_management.wsdl
    call:
      address: https://mms.mercy.example/services
      operations:
        purchase_order: {{operation: SubmitPurchaseOrder, mapping: out{number}}}
      orders: {orders}
routes:
  - {{id: po, from: {{http: true, document: purchase_order}}, targets: {{legacy: mms}}, stage: legacy}}
"""
GOOD = """{read: {operation: GetPurchaseOrderStatus, mapping: read},
               close: {operation: ClosePurchaseOrder, mapping: close},
               state: Status, closed: [CLOSED], lines: LineStatus, quantity: Ordered.value}"""


@pytest.mark.parametrize(
    ("old", "new", "place", "told"),
    [
        ("GetPurchaseOrderStatus", "GetOrder", "read", "port Soap11 has no operation 'GetOrder'"),
        ("mapping: close", "mapping: closing", "close", "there is no mapping 'closing' under mappings:"),
        ("mapping: close", "mapping: status", "close", "does not write documents of type order_change"),
        ("state: Status", "state: State", "state", "the answer has no 'State' here; it has: LineStatus"),
        ("lines: LineStatus", "lines: Lines", "lines", "the answer has no 'Lines' here"),
        ("Ordered.value", "Ordered", "", ""),
        ("quantity: Ordered.value", "quantity: Qty", "quantity", "the answer has no 'Qty' here; it has: Inv"),
        ("closed: [CLOSED]", "closed: []", "closed", "at least 1"),
        ("state: Status, ", "", "state", "it has no default"),
    ],
)
def test_check_says_what_is_missing(tmp_path: Path, old: str, new: str, place: str, told: str) -> None:
    findings = checked(tmp_path, GOOD.replace(old, new))

    if not place:
        assert findings == []
        return
    assert any(place in each.at.path and told in each.text for each in findings), list(map(str, findings))


def test_check_asks_for_the_number_by_which_an_order_is_read(tmp_path: Path) -> None:
    findings = checked(tmp_path, GOOD, number="")

    assert [each.code for each in findings] == ["SOAP-CALL"]
    assert "say where its answer has it (number: PATH)" in findings[0].text


def test_check_refuses_a_question_that_needs_more_than_an_orders_number(tmp_path: Path) -> None:
    findings = checked(tmp_path, GOOD, read="number: PONumber")

    assert any("cannot be written of an order's number alone" in each.text for each in findings)


def checked(
    folder: Path, orders: str, *, number: str = ", number: PONumber", read: str = "order.number: PONumber"
) -> list[Finding]:
    (folder / "wsdl").symlink_to(WSDL)
    for name, fixture in (
        ("out", "purchase_order_out"),
        ("status", "purchase_order_status"),
        ("read", "order_read"),
        ("close", "order_close"),
    ):
        (folder / f"{name}.yaml").write_bytes((FIXTURES / f"mappings/{fixture}.yaml").read_bytes())
    text = (folder / "read.yaml").read_text()
    (folder / "read.yaml").write_text(text.replace("order.number: PONumber", read))
    (folder / "routes.yaml").write_text(ROUTES.format(orders=orders, number=number))
    made = load(folder / "routes.yaml")
    found = check(made, live=False, now=AT) if isinstance(made, Configuration) else made
    return [each for each in found if each.level is not Level.NOTE]
