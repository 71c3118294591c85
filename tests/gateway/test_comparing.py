"""The loop that puts our version of a document beside legacy's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.base import Effect, Finding, Position, Reply, Request, Stuck
from gateway.compare import CompareRules, Unordered
from gateway.comparing import Comparisons, factors_of
from gateway.destination import Destination
from gateway.journal.comparisons import Comparison, ComparisonState
from gateway.journal.types import CrosswalkRow
from gateway.program import CompareProgram, Program
from tests.gateway.rig import Rig, order, program

LINE = {
    "sequence": 1,
    "line_id": "1",
    "item_ids": [{"scheme": "vendor", "value": "V1"}],
    "quantity": {"value": "2", "unit": "CA"},
    "price": {"amount": "12.50"},
}
SELLER = {"identifiers": [{"scheme": "assigned_by_buyer", "value": "4711"}]}


def compared(evidence: str = "legacy.orders", **changes: Any) -> CompareProgram:
    rules = changes.pop("rules", CompareRules())
    made = CompareProgram(evidence, {}, timedelta(days=3), timedelta(days=90), rules)
    return replace(made, **changes)


def routes(**changes: Any) -> tuple[Program, ...]:
    po = program("po", compare=compared(**changes))
    return po, program("legacy.orders", follows="po", is_evidence=True)


def po(number: str = "PO-1", line: dict[str, Any] | None = None, **fields: Any) -> bytes:
    return order(number, seller=SELLER, lines=[LINE | (line or {})], **fields)


class Desk:
    """A rig with the loop beside it, moved by hand."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.loop = self.restarted()

    def restarted(self) -> Comparisons:
        """Give a loop that knows only what the journal does."""
        source = type("Source", (), {"__call__": lambda _, revision: self.rig.programs})()
        self.loop = Comparisons(self.rig.journal, source, lambda: self.rig.destinations, self.rig.clock)
        return self.loop

    async def take(self, body: bytes, route: str = "po", transport: str = "folder") -> str:
        accepted = await self.rig.take(body, route=route, transport=transport)
        await self.rig.settled(accepted)
        assert accepted is not None
        return accepted.message_id

    async def looked(self) -> list[Comparison]:
        while await self.loop.step():
            pass
        return await self.rig.journal.comparisons()

    async def only(self) -> Comparison:
        (found,) = await self.looked()
        return found


async def test_a_document_waits_for_legacys_version_and_is_compared_once_it_comes() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        message_id = await desk.take(po())
        waiting = await desk.only()
        await desk.take(po(), "legacy.orders")
        done = await desk.only()

    assert (waiting.state, waiting.message_id) == (ComparisonState.WAITING, message_id)
    assert (done.state, done.differences, done.shadow) == (ComparisonState.COMPARED, (), "rendered")
    assert done.evidence.startswith("legacy.orders m")
    assert ("supplier", "4711") in done.facets
    assert ("unit", "CA") in done.facets


async def test_legacys_version_may_come_first_and_goes_nowhere() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        await desk.take(po(), "legacy.orders")
        await desk.take(po(line={"quantity": {"value": "2", "unit": "CS"}}))
        done = await desk.only()

        assert [(each.legacy, each.cloud) for each in done.differences if each.surface == "document"] == [
            ("CA", "CS")
        ]
        assert [len(rig.targets[name].sent) for name in ("mms", "erp")] == [1, 0]
        assert await rig.journal.exceptions() == []
        assert await rig.journal.open_orders("legacy.orders") == {}


async def test_what_reaches_the_erps_request_differs_there_too() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        rig.destinations["erp"] = replace(rig.destinations["erp"], target=Plain("erp"))
        desk = Desk(rig)
        await desk.take(po(line={"price": {"amount": "12.51"}}))
        await desk.take(po(), "legacy.orders")
        done = await desk.only()

    assert [(each.surface, each.pattern) for each in done.differences] == [
        ("document", "lines[].price.amount"),
        ("request", "Lines[].Price"),
    ]


async def test_what_a_canary_leaves_on_legacy_is_compared_as_a_document_and_has_no_shadow() -> None:
    rig = Rig(*routes(), stage="canary")
    async with rig.running():
        rig.destinations["erp"] = replace(rig.destinations["erp"], target=Plain("erp"))
        desk = Desk(rig)
        await desk.take(po(facility="01", line={"price": {"amount": "12.51"}}))
        await desk.take(po(facility="01"), "legacy.orders")
        done = await desk.only()

        assert [len(rig.targets[name].sent) for name in ("mms", "erp")] == [1, 0]
        assert {each.role for each in await rig.journal.deliveries()} == {"live"}
    assert (done.state, done.shadow) == (ComparisonState.COMPARED, "")
    assert [(each.surface, each.pattern) for each in done.differences] == [
        ("document", "lines[].price.amount")
    ]


async def test_without_legacys_version_in_time_there_is_no_legacy_evidence_and_a_late_one_still_counts() -> (
    None
):
    rig = Rig(*routes(within=timedelta(0)), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        await desk.take(po())
        alone = await desk.only()
        await desk.take(po(), "legacy.orders")
        late = await desk.only()

    assert alone.state is ComparisonState.ALONE
    assert "no legacy evidence" in alone.reason
    assert late.state is ComparisonState.COMPARED


async def test_an_order_of_another_release_is_no_version_of_this_one() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        await desk.take(po(release="1"))
        await desk.take(po(release="2"), "legacy.orders")
        found = await desk.only()

    assert found.state is ComparisonState.WAITING


async def test_a_record_read_twice_teaches_noise_and_is_compared_by_its_first_reading() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        await desk.take(po(department="D1"))
        await desk.take(po(department="D1"), "legacy.orders")
        await desk.looked()
        second = await desk.take(po(department="D2"), "legacy.orders")
        done = await desk.only()
        (reading,) = await rig.journal.readings("po")

    assert done.differences == ()
    assert (reading.message_id, reading.patterns) == (second, frozenset({"department"}))
    assert [len(rig.targets[name].sent) for name in ("mms", "erp")] == [1, 0]


async def test_after_a_restart_the_loop_goes_on_where_it_was() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        await desk.take(po("PO-1"))
        await desk.looked()
        loop = desk.restarted()
        await desk.take(po("PO-2"))
        await desk.take(po("PO-1"), "legacy.orders")
        await desk.take(po("PO-2"), "legacy.orders")
        found = await desk.looked()
        assert loop is desk.loop

    assert {each.state for each in found} == {ComparisonState.COMPARED}
    assert len(found) == 2


async def test_a_document_that_is_translated_anew_is_compared_anew() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        message_id = await desk.take(po(line={"quantity": {"value": "3", "unit": "CA"}}))
        await desk.take(po(), "legacy.orders")
        before = await desk.only()
        await rig.journal.replay(message_id, resend=False, who="ann", why="mapping", now=rig.clock.now())
        await rig.pipeline.translate(message_id)
        after = await desk.only()

    assert (before.generation, after.generation) == (1, 2)
    assert len(after.differences) == len(before.differences)


async def test_what_could_not_be_translated_and_went_on_to_legacy_is_a_mismatch() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        await desk.take(b'{"document_type": "purchase_order", "schema_version": "1.0"}\n')
        found = await desk.looked()

    assert [[each.kind for each in one.differences] for one in found] == [["untranslated"]]


async def test_legacys_answer_is_read_where_the_route_says_and_only_that_is_compared() -> None:
    reads = {
        "number": "OrderResponse.PONumber",
        "lines[].line_id": "Line[].@no",
        "lines[].quantity.value": "Line[].Qty",
    }
    rules = CompareRules(only=frozenset(reads), untold="ignored", unordered=(Unordered("lines", "line_id"),))
    rig = Rig(*routes(evidence="reply", reads=reads, rules=rules), stage="shadow")
    answer = (
        b'<e><OrderResponse><PONumber>PO-1</PONumber><Line no="1"><Qty>3</Qty></Line></OrderResponse></e>'
    )
    async with rig.running():
        rig.targets["mms"].replies = [Reply(200, answer)]
        desk = Desk(rig)
        await desk.take(po())
        found = await desk.only()

    assert found.evidence == "reply of mms"
    assert [(each.pattern, each.legacy, each.cloud) for each in found.differences] == [
        ("lines[].quantity.value", "3", "2")
    ]


@pytest.mark.parametrize("answer", [Reply(200, b"OK"), Reply(500, b"<e/>"), Reply(200, b"<!DOCTYPE e><e/>")])
async def test_an_answer_that_tells_nothing_is_no_legacy_evidence(answer: Reply) -> None:
    reads = {"number": "PONumber"}
    rig = Rig(*routes(evidence="reply", reads=reads, within=timedelta(0)), stage="shadow")
    async with rig.running():
        rig.targets["mms"].replies = [answer]
        desk = Desk(rig)
        await desk.take(po())
        found = await desk.only()

    assert found.state is ComparisonState.ALONE


async def test_an_order_that_the_shadow_refuses_is_a_mismatch_and_no_exception() -> None:
    rig = Rig(*routes(within=timedelta(0)), stage="shadow")
    async with rig.running():
        rig.destinations["erp"] = Destination(
            "erp", Refusing("erp"), rig.destinations["erp"].sink, rig.destinations["erp"].health
        )
        desk = Desk(rig)
        await desk.take(po())
        found = await desk.only()

        assert [(each.kind, each.cloud) for each in found.differences] == [("refused", "ERP-CROSSWALK")]
        assert await rig.journal.exceptions() == []


def test_a_factor_of_an_item_goes_before_one_of_every_item() -> None:
    rows = [
        CrosswalkRow("V1|CA", "", facts={"factor": "12"}),
        CrosswalkRow("CA", "", facts={"factor": "10"}),
        CrosswalkRow("BX", "", facts={"factor": "many"}),
        CrosswalkRow("PK", "", facts={"factor": "-1"}),
    ]
    factor = factors_of(rows)

    assert [factor(("V1",), "CA"), factor(("V2",), "CA"), factor(("V1",), "BX"), factor((), "PK")] == [
        12,
        10,
        None,
        None,
    ]


class Plain:
    """A target that writes a request of its own form."""

    def __init__(self, name: str) -> None:
        self.name = name

    def next_request(self, delivery: Any, done: Any, now: Any) -> Any:
        document = delivery.document
        lines = [
            {"LineNumber": line.sequence, "Price": str(line.price.amount) if line.price else None}
            for line in document.lines
        ]
        return Request("create", Effect.WRITE, "POST", "orders", json.dumps({"Lines": lines}).encode())

    def interpret(self, request: Any, reply: Any) -> Any:
        raise NotImplementedError


class Refusing(Plain):
    """A target that cannot write the document."""

    def next_request(self, delivery: Any, done: Any, now: Any) -> Any:
        return Stuck((Finding("ERP-CROSSWALK", Position("erp"), "no cloud number for supplier 4711"),))


async def test_a_comparison_that_breaks_costs_itself_alone() -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        rig.destinations["erp"] = replace(rig.destinations["erp"], target=Breaking("erp"))
        desk = Desk(rig)
        await desk.take(po("PO-1", line={"price": {"amount": "1"}}))
        await desk.take(po("PO-2"))
        await desk.take(po("PO-1"), "legacy.orders")
        await desk.take(po("PO-2"), "legacy.orders")
        found = {each.order_key: each for each in await desk.looked()}

    states = [each.state for _, each in sorted(found.items(), key=lambda item: str(item[0]))]
    assert states == [ComparisonState.ALONE, ComparisonState.COMPARED]
    assert any("could not be compared (ZeroDivisionError)" in each.reason for each in found.values())


class Breaking(Plain):
    """A target that breaks on what it does not expect."""

    def next_request(self, delivery: Any, done: Any, now: Any) -> Any:
        document = delivery.document
        if document.number == "PO-1" and document.lines[0].price.amount != 1:
            raise ZeroDivisionError
        return super().next_request(delivery, done, now)


@pytest.mark.parametrize(("transport", "compared_documents"), [("folder", 1), ("move", 0)])
async def test_what_a_move_made_is_never_compared_with_legacys_version_of_the_order(
    transport: str, compared_documents: int
) -> None:
    rig = Rig(*routes(), stage="shadow")
    async with rig.running():
        desk = Desk(rig)
        await desk.take(po(), "legacy.orders")
        await desk.take(po(line={"quantity": {"value": "1", "unit": "CA"}}), transport=transport)

        assert len(await desk.looked()) == compared_documents
