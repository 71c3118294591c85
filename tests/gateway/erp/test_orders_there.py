"""Orders that a REST ERP has: a close counts only once it is read back, and reading tells what is there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import (
    Accepted,
    Finding,
    Finished,
    Level,
    NoReply,
    Reply,
    Request,
    StepResult,
    Stuck,
    Transient,
)
from adapters.base.orders import LineThere, OrderAt, OrderThere, closes_orders, keeper_of
from canonical.registry import parse_document, to_json
from gateway.erp.generic_rest import GenericRest
from gateway.erp.generic_rest_settings import GenericRestSettings, OrderSettings
from gateway.erp.raw_http import RawHttp
from gateway.erp.settings import RawHttpSettings
from tests.gateway.order_hospital import change, order
from tests.gateway.support import FakeClock, delivery

NOW = FakeClock().now()
LINE = {"line_id": "1", "quantity": 4, "unit": "EA", "received": "1.5"}
OPEN = {"number": "E 7", "state": "open", "lines": [LINE]}


def target(**orders: Any) -> GenericRest:
    settings = OrderSettings(**{"close_path": "orders/{number}/close", **orders})
    return GenericRest("erp", GenericRestSettings(base="http://e.example", plaintext=True, orders=settings))


def closing(**changes: Any) -> Any:
    document = change("7", "v1", 1, 4)
    document["order"] = {"number": "7", "erp_number": "E 7"}
    canonical = to_json(parse_document({"schema_version": "1.0", **document}))
    return replace(delivery(role="close", canonical=canonical), **changes)


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), (("Content-Type", "application/json"),))


def step(erp: GenericRest, request: Request, answer: Reply | NoReply) -> StepResult:
    return StepResult(request, answer, erp.interpret(request, answer), NOW, NOW + timedelta(seconds=1))


def test_a_close_is_done_once_the_erp_shows_the_order_closed() -> None:
    erp = target()
    done: list[StepResult] = []
    close = erp.next_request(closing(), done, NOW)
    assert isinstance(close, Request)
    assert (close.method, close.address) == ("POST", "orders/E%207/close")
    done.append(step(erp, close, reply({})))

    read = erp.next_request(closing(), done, NOW)
    assert isinstance(read, Request)
    assert (read.method, read.address) == ("GET", "orders/E%207")
    still = step(erp, read, reply(OPEN))
    assert isinstance(still.outcome, Transient)
    assert isinstance(erp.next_request(closing(), [*done, still], NOW), Request)

    done.append(step(erp, read, reply(closed(received="4", invoiced="2"))))
    assert erp.next_request(closing(), done, NOW) == Finished("E 7")


def closed(*more: dict[str, Any], **line: Any) -> dict[str, Any]:
    """Show the order closed, with one line and maybe more of them."""
    return OPEN | {"state": "closed", "lines": [{"line_id": "1", "quantity": 4, **line}, *more]}


def after_close(shown: dict[str, Any], *, retried: bool = False) -> Any:
    """Give what follows once a closed order was read back; of 4 the move counted them as received."""
    erp = target()
    close = erp.next_request(closing(), [], NOW)
    assert isinstance(close, Request)
    done = [step(erp, close, reply({}))]
    read = erp.next_request(closing(), done, NOW)
    assert isinstance(read, Request)
    done.append(step(erp, read, reply(shown)))
    return erp.next_request(closing(steps_before_retry=2 if retried else 0), done, NOW)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (closed(received="5", invoiced="4"), "came to more than its move counted: line 1: 5"),
        (closed(received="3", invoiced="3"), "came to less than its move counted: line 1: 3"),
        (closed(received="5"), "came to more than its move counted: line 1: 5"),
        (
            closed({"line_id": "2", "quantity": 1, "received": 1, "invoiced": 0}, received=4, invoiced=4),
            "line 2: 1 received or invoiced there, 0 counted",
        ),
    ],
)
def test_a_close_parks_where_the_erp_shows_more_or_less_than_the_move_counted(
    shown: dict[str, Any], told: str
) -> None:
    stuck = after_close(shown)

    assert isinstance(stuck, Stuck)
    assert [each.code for each in stuck.findings] == ["MOVE-COUNTED-OTHERWISE"]
    assert told in stuck.findings[0].text
    assert "it is closed there" in stuck.findings[0].text


def test_a_close_that_a_person_retries_is_read_back_anew_and_not_closed_again() -> None:
    again = after_close(closed(received="3", invoiced="3"), retried=True)

    assert isinstance(again, Request)
    assert (again.method, again.address) == ("GET", "orders/E%207")


@pytest.mark.parametrize("shown", [closed(), closed(received="3"), OPEN | {"state": "closed", "lines": []}])
def test_a_close_of_which_nothing_that_came_is_shown_says_that_it_could_not_be_compared(
    shown: dict[str, Any],
) -> None:
    finished = after_close(shown)

    assert isinstance(finished, Finished)
    (note,) = finished.notes
    assert (note.code, note.level) == ("MOVE-NOT-COMPARED", Level.NOTE)
    assert "orders.received" in note.text


def test_a_received_quantity_alone_is_compared_where_it_is_as_counted() -> None:
    assert after_close(closed(received="4")) == Finished("E 7")


def test_a_close_that_nobody_answered_is_sent_again_for_it_subtracts_nothing() -> None:
    erp = target()
    close = erp.next_request(closing(), [], NOW)
    assert isinstance(close, Request)
    lost = step(erp, close, NoReply("maybe", "no reply in time"))

    assert erp.next_request(closing(), [lost], NOW) == close


def test_an_order_document_that_is_to_be_closed_is_closed_as_a_whole() -> None:
    canonical = to_json(parse_document({"schema_version": "1.0", **order("7", 10, 5)}))

    close = target().next_request(closing(canonical=canonical), [], NOW)

    assert isinstance(close, Request)
    lines = json.loads(close.body)["document"]["lines"]
    assert [(each["line_id"], each["action"], each["quantity"]["value"]) for each in lines] == [
        ("1", "delete", "0"),
        ("2", "delete", "0"),
    ]
    assert close.address == "orders/7/close"


def test_a_target_that_declares_no_close_closes_nothing() -> None:
    silent = GenericRest("erp", GenericRestSettings(base="http://e.example", plaintext=True))
    raw = RawHttp("mms", RawHttpSettings(base="http://e.example", plaintext=True))

    assert (closes_orders(target()), closes_orders(silent), closes_orders(raw)) == (True, False, False)
    assert keeper_of(raw) is None
    assert isinstance(silent.next_request(closing(), [], NOW), Stuck)
    assert silent.read_order(OrderAt("O-1", "7")) is None


def test_an_order_is_read_with_its_lines_as_it_stands_there() -> None:
    erp = target(encumbers="binds")
    shown = erp.order_read(reply(OPEN | {"transmitter": "none", "binds": False}))

    assert isinstance(shown, OrderThere)
    assert (shown.number, shown.state, shown.transmits, shown.encumbers) == ("E 7", "open", False, False)
    assert shown.lines == (LineThere("1", Decimal(4), "EA", None, Decimal("1.5"), None),)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (reply({}, 500), "status 500"),
        (NoReply("none", "no connection"), "no connection"),
        (Reply(200, b"<html>"), "cannot be read"),
        (reply({"number": "7", "lines": []}), "no state"),
        (reply({"state": "open", "lines": [{"line_id": "1", "quantity": "many"}]}), "cannot be read"),
        (reply({"state": "open", "lines": [{"quantity": 1}]}), "has no 'line_id'"),
    ],
)
def test_what_cannot_be_read_is_no_order_that_is_not_there(answer: Reply | NoReply, told: str) -> None:
    shown = target().order_read(answer)

    assert isinstance(shown, Finding)
    assert told in shown.text
    assert target().order_read(reply({}, 404)) is None


def test_a_receipts_number_names_no_order() -> None:
    erp = target()
    canonical = to_json(
        parse_document({"document_type": "goods_receipt", "number": "R-1", "schema_version": "1.0"})
    )
    receipt = delivery(canonical=canonical)
    look = erp.next_request(receipt, [], NOW)
    assert isinstance(look, Request)
    done = [step(erp, look, reply({"items": []}))]
    create = erp.next_request(receipt, done, NOW)
    assert isinstance(create, Request)
    done.append(step(erp, create, reply({"number": "GR-1"}, 201)))

    assert isinstance(done[-1].outcome, Accepted)
    assert erp.next_request(receipt, done, NOW) == Finished("GR-1", ())
