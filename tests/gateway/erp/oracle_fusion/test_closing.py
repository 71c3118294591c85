"""Closing orders in Oracle: by which action, what its schedules say, and what is never taken for granted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import (
    Alias,
    AliasKind,
    Delivery,
    Finding,
    Finished,
    NoReply,
    Reply,
    Request,
    StepResult,
    Stuck,
    Wait,
)
from adapters.base.orders import LineThere, OrderAt, OrderThere, closes_orders, keeper_of
from canonical.document import OrderReference
from canonical.order_change import OrderChange, OrderChangeLine
from canonical.registry import to_json
from canonical.values import Quantity
from gateway.erp.oracle_fusion import OracleFusion
from gateway.erp.oracle_fusion.settings import OracleFusionSettings
from tests.gateway.erp.paper import order
from tests.gateway.support import FakeClock, delivery

NOW = FakeClock().now()
HEADER = {"OrderNumber": "US1", "links": [{"rel": "self", "href": "https://p/purchaseOrders/0002AB"}]}
LINES = (("0010", 4, 10), ("0020", 0, 20))  # as sent, what stays, what was ordered


def target(**settings: Any) -> OracleFusion:
    made = {"base": "https://pod.example", "codes": {"units": {"EA": "Each"}}, **settings}
    return OracleFusion("erp", OracleFusionSettings.model_validate(made))


def closing(*lines: tuple[str, int, int], erp_number: str | None = "US1", **changes: Any) -> Delivery:
    """Give a delivery that closes order 7, which Oracle calls US1."""
    changed = [
        OrderChangeLine(
            sequence=at,
            line_id=name,
            action="quantity_decrease" if stays else "delete",
            quantity=Quantity(value=Decimal(stays), unit="EA"),
            previous_quantity=Quantity(value=Decimal(ordered), unit="EA"),
        )
        for at, (name, stays, ordered) in enumerate(lines or LINES, start=1)
    ]
    document = OrderChange(
        number="v1", order=OrderReference(number="7", erp_number=erp_number), lines=tuple(changed)
    )
    names = [Alias(AliasKind.ERP, "US1")]
    for at, (name, _, _) in enumerate(lines or LINES, start=1):
        names += [
            Alias(AliasKind.ERP, "US1", str(at), str(at)),
            Alias(AliasKind.ERP, "US1", f"sent:{at}", name),
        ]
    return replace(
        delivery(role="close", canonical=to_json(document)), **{"aliases": tuple(names), **changes}
    )


def schedule(line: int, quantity: int, received: int | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "OrderNumber": "US1",
        "LineNumber": line,
        "ScheduleNumber": 1,
        "ScheduleStatusCode": "OPEN",
        "Quantity": quantity,
        "ReceivedQuantity": received,
        "InvoicedQuantity": received,
        "UOM": "Each",
        **changes,
    }


def shown(*rows: dict[str, Any], status: str = "OPEN", **fields: Any) -> Reply:
    items = [row if "ScheduleStatusCode" not in row else {**row} for row in rows]
    for row in items:
        if status != "OPEN":
            row["ScheduleStatusCode"] = status
    return reply({"items": items, "count": len(items), "hasMore": False, **fields})


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), (("Content-Type", "application/json"),))


class Talk:
    """A close, asked step by step; `answers` by step name, the last of several stays."""

    def __init__(self, erp: OracleFusion, told: Delivery, **answers: Reply | NoReply | list[Reply]) -> None:
        self.erp, self.told, self.answers = erp, told, answers
        self.done: list[StepResult] = []
        self.now = NOW

    def end(self) -> Finished | Stuck:
        for _ in range(20):
            following = self.erp.next_request(self.told, self.done, self.now)
            if isinstance(following, Wait):
                self.now = following.until
            elif isinstance(following, Request):
                self._answer(following)
            else:
                return following
        raise AssertionError([each.step for each in self.done])

    def _answer(self, request: Request) -> None:
        answer = self.answers[request.step.replace(".", "_")]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        outcome = self.erp.trace(self.told, request, answer, self.erp.interpret(request, answer))
        later = self.now + timedelta(seconds=1)
        self.done.append(StepResult(request, answer, outcome, self.now, later))
        self.now = later

    def sent(self, step: str) -> dict[str, Any]:
        (request,) = [each.request for each in self.done if each.step == step]
        fields: dict[str, Any] = json.loads(request.body)
        return fields


def talk(rows: list[dict[str, Any]], told: Delivery | None = None, **settings: Any) -> Talk:
    """Give a close of an order that is open with these schedules, and closed afterwards."""
    return Talk(
        target(**settings),
        told or closing(),
        quantities=shown(*rows),
        order=reply({"items": [HEADER]}),
        close_look_up=shown(*rows),
        close=reply({"result": "SUCCESS"}),
        read_back=shown(*rows, status="CLOSED"),
    )


def codes(end: Finished | Stuck) -> list[str]:
    return [each.code for each in end.findings] if isinstance(end, Stuck) else []


def test_an_order_is_closed_by_the_documented_action_and_never_cancelled() -> None:
    made = talk([schedule(1, 10, 4), schedule(2, 20)])

    assert made.end() == Finished("US1")
    assert [each.step for each in made.done] == ["quantities", "order", "close.look_up", "close", "read_back"]
    assert made.done[3].request.address.endswith("/purchaseOrders/0002AB/action/close")
    parameters = [{"closeAction": "close"}, {"closeReason": "Moved to another system"}]
    assert made.sent("close") == {"name": "close", "parameters": parameters}


@pytest.mark.parametrize(("invoiced", "action"), [(4, "finallyClose"), (3, "close"), (None, "close")])
def test_what_waits_for_its_invoice_is_not_finally_closed(invoiced: int | None, action: str) -> None:
    rows = [schedule(1, 10, 4, InvoicedQuantity=invoiced), schedule(2, 20)]
    made = talk(rows, close_action="finallyClose")
    made.end()

    assert made.sent("close")["parameters"][0] == {"closeAction": action}


def test_an_order_that_is_closed_already_is_only_read() -> None:
    made = talk([])
    made.answers["quantities"] = shown(schedule(1, 10, 4), schedule(2, 20), status="FINALLY CLOSED")

    assert made.end() == Finished("US1")
    assert [each.step for each in made.done] == ["quantities"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (shown(), "shows no schedule"),
        (shown({"LineNumber": 1}), "shows no"),
        (shown({k: v for k, v in schedule(1, 10).items() if k != "InvoicedQuantity"}), "no InvoicedQuantity"),
        (shown({k: v for k, v in schedule(1, 10).items() if k != "ScheduleStatusCode"}), "no ScheduleStatus"),
        (shown(schedule(1, 10), hasMore=True), "more than 500"),
        (reply({"title": "?"}), "no collection"),
    ],
)
def test_what_cannot_be_told_is_closed_by_a_person(answer: Reply, told: str) -> None:
    made = talk([])
    made.answers["quantities"] = answer
    end = made.end()

    assert codes(end) == ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"]
    assert isinstance(end, Stuck)
    assert told in end.findings[0].text
    assert [each.step for each in made.done] == ["quantities"]


def test_an_order_that_is_not_among_those_of_the_erp_is_closed_by_a_person() -> None:
    made = talk([schedule(1, 10, 4), schedule(2, 20)])
    made.answers["order"] = reply({"items": []})

    assert codes(made.end()) == ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"]


def test_goods_that_came_in_while_it_was_closed_are_told() -> None:
    made = talk([schedule(1, 10, 4), schedule(2, 20)])
    made.answers["read_back"] = shown(schedule(1, 10, 4), schedule(2, 20, 3), status="CLOSED")
    end = made.end()

    assert codes(end) == ["MOVE-COUNTED-OTHERWISE"]
    assert isinstance(end, Stuck)
    assert "line 2: 3 received or invoiced there, 0 counted; it is closed there" in end.findings[0].text


def test_where_less_is_received_there_than_was_counted_nothing_is_closed() -> None:
    made = talk([schedule(1, 10, 1), schedule(2, 20)])
    end = made.end()

    assert codes(end) == ["MOVE-COUNTED-OTHERWISE", "MOVE-CLOSE-BY-HAND"]
    assert isinstance(end, Stuck)
    assert "came to less than its move counted: line 1: 1 received or invoiced there, 4 counted" in (
        end.findings[0].text
    )
    assert "nothing was closed: post there what is missing, then retry this" in end.findings[0].text
    assert [each.step for each in made.done] == ["quantities"]


@pytest.mark.parametrize("rows", [(schedule(1, 10), schedule(2, 20)), (schedule(2, 20),)])
def test_an_order_closed_there_of_which_less_came_than_was_counted_is_a_persons(
    rows: tuple[dict[str, Any], ...],
) -> None:
    made = talk([])
    made.answers["quantities"] = shown(*rows, status="CLOSED")
    end = made.end()

    assert codes(end) == ["MOVE-COUNTED-OTHERWISE"]
    assert isinstance(end, Stuck)
    assert "line 1: 0 received or invoiced there, 4 counted; it is closed there" in end.findings[0].text
    assert "post there what is missing, then retry this, else resolve this with" in end.findings[0].text


def test_the_whole_order_is_closed_where_a_route_closes_what_the_other_side_takes() -> None:
    told = closing(canonical=to_json(order("7")), erp_number=None)

    assert talk([schedule(1, 10), schedule(2, 20)], told).end() == Finished("US1")


def test_an_order_older_than_the_gateway_is_closed_by_the_number_that_it_has() -> None:
    told = closing(("1", 4, 10), erp_number=None, aliases=())
    made = talk([schedule(1, 10, 4)], told)
    made.end()

    assert "OrderNumber%3D%277%27" in made.done[0].request.address


def test_an_order_is_read_by_its_schedules_in_our_own_words() -> None:
    erp = target()
    rows = (
        schedule(1, 6, 4, InvoicedQuantity=2),
        schedule(1, 4, ScheduleNumber=2),
        schedule(2, 20, 5, ScheduleStatusCode="CANCELED"),
        schedule(3, 1, UOM="Box"),
    )
    there = erp.order_read(shown(*rows))

    assert closes_orders(erp)
    assert keeper_of(erp) is not None
    assert isinstance(there, OrderThere)
    assert (there.number, there.state, there.lines_named) == ("US1", "open", "there")
    assert there.lines == (
        LineThere("1", 10, "EA", None, 4, 2),  # type: ignore[arg-type]
        LineThere("2", 5, "EA", None, 5, 5),  # type: ignore[arg-type]
        LineThere("3", 1, "Box", None, 0, 0),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("answer", [reply({}, 500), NoReply("none", "no connection"), Reply(200, b"<html>")])
def test_an_order_that_cannot_be_read_is_no_order_that_is_not_there(answer: Reply | NoReply) -> None:
    assert isinstance(target().order_read(answer), Finding)
    assert target().order_read(shown()) is None


def test_a_unit_that_two_of_ours_are_called_by_is_not_told() -> None:
    there = target(codes={"units": {"EA": "Each", "PC": "Each"}}).order_read(shown(schedule(1, 10)))

    assert isinstance(there, OrderThere)
    assert there.lines[0].unit == ""


def test_an_order_is_asked_for_by_the_number_that_it_has_there() -> None:
    request = target().read_order(OrderAt("order:1|HB|7", "US'1"))

    assert request is not None
    assert request.address.endswith("/purchaseOrderSchedules?q=OrderNumber%3D%27US%27%271%27&limit=500")
