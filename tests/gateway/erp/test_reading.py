"""What each ERP gives when an event names an order: read whole, and known again where it came from us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.base import DecodeContext, Effect, Finished, Origin, Reply, Request, StepResult, Stuck, Wait
from adapters.erp_events.format import ErpEventsFormat
from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document, to_json
from gateway.echoes import carries_our_reference
from gateway.erp.readers import READERS, Read
from gateway.erp.reading import HAND_OVER, LAGS_S, ReadingTarget
from gateway.journal.memory import MemoryJournal
from tests.gateway.erp.bench import Bench, ElasticClock
from tests.gateway.erp.erps import ERPS, ErpUnderTest
from tests.gateway.erp.paper import order
from tests.gateway.support import FakeClock, delivery


def event(number: str, erp: str = "dynamics365", company: str = "usmf") -> Any:
    """Give the delivery of one event."""
    facts = {
        "erp": erp,
        "document": "purchase_order",
        "event_id": "E-1",
        "number": number,
        "company": company,
    }
    fields = {
        "document_type": "status_event",
        "subject": {"document_type": "erp_purchase_order", "number": number},
        "order": {"erp_number": number},
        "status": "created",
        "extensions": {"erp_event": facts},
    }
    origin = Origin("http", FakeClock().now(), facts={"hand_over.purchase_order": "po.out"})
    return replace(delivery(canonical=to_json(parse_document(fields))), origin=origin)


@pytest.mark.parametrize("erp", ERPS, ids=lambda each: each.kind)
async def test_an_order_that_we_brought_is_read_whole_and_known_as_ours(erp: ErpUnderTest) -> None:
    clock = ElasticClock()
    async with Bench(erp, MemoryJournal(clock=clock), clock) as bench:
        made = await bench.deliver(order())
        number = made.target_reference or ""
        target = ReadingTarget("erp", READERS[erp.kind](bench.settings), bench.target)
        the_event, done = event(number, erp.kind), list[StepResult]()
        while True:
            request = target.next_request(the_event, done, clock.now())
            assert isinstance(request, Request), request
            if request.step == HAND_OVER:
                break
            reply = await bench.sink.send(request)
            outcome = target.interpret(request, reply)
            done.append(StepResult(request, reply, outcome, clock.now(), clock.now()))

    decoder = ErpEventsFormat().decoder(DecodeContext("read", "test"))
    assert list(decoder.feed(request.body)) == []
    ((found,), _) = decoder.finish()
    read = found.document
    assert isinstance(read, PurchaseOrder), found.findings
    assert (read.number, read.erp_number) == (number, number)
    assert [line.quantity.value for line in read.lines if line.quantity is not None] == [10, 20]
    assert [line.item_id("buyer") for line in read.lines] == ["TG1", "TG2"]
    assert carries_our_reference(read)
    assert (request.address, request.effect) == ("po.out", Effect.REPEATABLE)


class NoConnector:
    """A connector that must not be asked."""

    def next_request(self, *_: object) -> Stuck:
        raise AssertionError("an event is not the connector's")

    def interpret(self, *_: object) -> Any:
        raise AssertionError("an event's steps are not the connector's")


def target(*reads: Read) -> ReadingTarget:
    return ReadingTarget(
        "erp", reads or (Read("read_event", lambda number, company: f"x/{number}"),), NoConnector()
    )


def after(made: ReadingTarget, clock: FakeClock, *replies: Reply) -> tuple[Any, Sequence[StepResult]]:
    """Answer reads one after the other, as soon as each may be asked; give what follows, and the steps."""
    done: list[StepResult] = []
    for reply in replies:
        following = made.next_request(event("PO-1"), done, clock.now())
        if isinstance(following, Wait):
            clock.elapsed_s += (following.until - clock.now()).total_seconds()
            following = made.next_request(event("PO-1"), done, clock.now())
        assert isinstance(following, Request), following
        outcome = made.interpret(following, reply)
        done.append(StepResult(following, reply, outcome, clock.now(), clock.now()))
    return made.next_request(event("PO-1"), done, clock.now()), done


EMPTY = Reply(200, b'{"value": []}')
WHOLE = Reply(200, b'{"PurchaseOrder": "1"}')


def test_a_document_that_is_not_to_be_seen_yet_is_asked_for_again_with_patience() -> None:
    clock = FakeClock()
    following, _ = after(target(), clock, EMPTY)

    assert isinstance(following, Wait)
    assert following.until - clock.now() == timedelta(seconds=LAGS_S[0])
    following, _ = after(target(), FakeClock(), Reply(404), EMPTY, WHOLE)
    assert isinstance(following, Request)
    assert following.step == HAND_OVER


def test_one_that_never_shows_parks_and_says_what_to_look_at() -> None:
    following, _ = after(target(), FakeClock(), *[EMPTY] * (len(LAGS_S) + 1))

    assert isinstance(following, Stuck)
    assert following.findings[0].code == "ERP-EVENT-NOTHING"


@pytest.mark.parametrize(
    "body",
    [b'{"value": [{}], "@odata.nextLink": "x"}', b'{"items": [{"lines": {"items": [], "hasMore": true}}]}'],
)
def test_more_than_one_page_of_lines_is_never_taken_for_all(body: bytes) -> None:
    following, _ = after(target(), FakeClock(), Reply(200, body))

    assert isinstance(following, Stuck)
    assert following.findings[0].code == "ERP-EVENT-PAGES"


def test_a_number_that_two_companies_have_is_never_guessed() -> None:
    following, _ = after(target(), FakeClock(), Reply(200, b'{"value": [{"a": 1}, {"a": 2}]}'))

    assert isinstance(following, Stuck)
    assert following.findings[0].code == "ERP-EVENT-AMBIGUOUS"


def test_a_kill_between_reading_and_handing_over_hands_over_the_same_bytes_again() -> None:
    made, clock = target(), FakeClock()
    first, done = after(made, clock, WHOLE)
    killed = [*done, StepResult(first, None, None, clock.now())]
    again = made.next_request(event("PO-1"), killed, clock.now())

    assert isinstance(again, Request)
    assert again == first
    taken = StepResult(again, Reply(202, b"m-1"), made.interpret(again, Reply(202, b"m-1")), clock.now())
    assert made.next_request(event("PO-1"), [*killed, taken], clock.now()) == Finished("PO-1")
