from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import (
    Accepted,
    Effect,
    Finding,
    InDoubt,
    NoReply,
    Origin,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
    Transient,
    Verdict,
)
from gateway.call_sheet import Call, Situation, calls
from gateway.journal.types import (
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    LedgerEntry,
    Message,
    MessageState,
    Side,
    Transmitter,
)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = AT + timedelta(hours=2)
MESSAGE = Message(
    "m1", "po.one", MessageState.PLANNED, None, None, "00", 9, Origin("folder", AT, "june.850"), "c1", AT,
    is_urgent=False, config_revision=1, generation=1, resend=False, planned_through=1, sequence=1,
)  # fmt: skip
ORDER = {"document_type": "purchase_order", "number": "PO-1"}


def document(index: int = 0, fields: dict | None = None, **changes) -> DocumentView:
    body = ORDER | (fields or {})
    plan = DocumentPlan(
        index, "850", (), Verdict.ACCEPTED, (),
        document_type=body["document_type"], canonical=json.dumps(body).encode(),
        order_keys=(f"order-{index}",),
    )  # fmt: skip
    return DocumentView("m1", 1, replace(plan, **changes))


def delivery(index: int | None = 0, state: DeliveryState = DeliveryState.READY, **changes) -> DeliveryView:
    view = DeliveryView(
        f"m1.1.{index}.erp.live", "m1", 1, index, "erp", "live", state, "REF", (), is_urgent=False,
        attempts=0, reason="", not_before=None, deadline_at=LATER, target_reference="", findings=(), steps=(),
        planned_at=AT, ended_at=None, sequence=1,
    )  # fmt: skip
    return replace(view, **changes)


def sheet(
    documents: list[DocumentView],
    deliveries: list[DeliveryView],
    parked: tuple[str, ...] = (),
    message: Message = MESSAGE,
    phones: dict[str, str] | None = None,
) -> list[Call]:
    return calls(Situation(message, documents, deliveries, parked, LATER), phones or {})


def step(reply: Reply | NoReply | None, outcome: Outcome | None, effect: Effect = Effect.WRITE) -> StepResult:
    return StepResult(Request("s", effect, "POST", "/", b""), reply, outcome, AT, AT)


def with_ledger(
    documents: list[DocumentView], deliveries: list[DeliveryView], transmitter: Transmitter
) -> list[Call]:
    """Give the sheet of orders that one transmitter sends, the gateway to ``hub``."""
    entries = {
        key: LedgerEntry(key, Side.CLOUD, transmitter, "po.one", "cloud", "", AT)
        for each in documents
        for key in each.plan.order_keys
    }
    return calls(Situation(MESSAGE, documents, deliveries, (), LATER, entries, "hub"), {})


def only(fields: dict, phones: dict[str, str] | None = None) -> Call:
    (call,) = sheet([document(fields=fields)], [delivery()], phones=phones)
    return call


def test_the_supplier_may_stand_on_the_lines_alone() -> None:
    call = only({"lines": [{"sequence": 1, "supplier": {"name": "Acme", "contacts": [{"phones": ["555"]}]}}]})

    assert (call.supplier, call.phone) == ("Acme", "555")


def test_our_own_table_knows_the_phone_better_than_the_order() -> None:
    seller = {
        "name": "Acme", "identifiers": [{"scheme": "duns", "value": "77"}], "contacts": [{"phones": ["555"]}],
    }  # fmt: skip

    assert only({"seller": seller}, {"77": "999"}).phone == "999"
    assert only({"seller": seller}).phone == "555"


def test_the_address_is_told_unless_it_may_be_a_patients_home() -> None:
    home = {"name": "Jane Doe", "address": {"lines": ["1 Elm St"], "city": "Berea", "region": "KY"}}

    assert only({"ship_to": home}).ship_to == "Jane Doe, 1 Elm St, Berea, KY"
    assert "Jane" not in only({"ship_to": home | {"may_be_phi": True}}).ship_to
    assert "Elm" not in only({"ship_to": home | {"may_be_phi": True}}).ship_to


def test_a_line_shows_the_suppliers_number_before_any_other_and_ours_beside_it() -> None:
    ids = [
        {"scheme": "buyer", "value": "B"},
        {"scheme": "gtin", "value": "G"},
        {"scheme": "vendor", "value": "V"},
    ]
    call = only({"lines": [{"sequence": 1, "item_ids": ids, "quantity": {"value": "1000.50", "unit": "EA"}}]})

    (line,) = call.lines
    assert (line.item, line.our_item, line.quantity, line.unit) == ("V", "B", "1000.50", "EA")


def test_a_description_that_may_name_a_patient_is_not_shown() -> None:
    line = {"sequence": 1, "description": "for Jane Doe", "description_may_be_phi": True}
    numbered = line | {"item_ids": [{"scheme": "vendor", "value": "V"}]}

    assert [each.description for each in only({"lines": [line, numbered]}).lines] == ["[masked]", ""]


def test_a_delivered_order_and_one_that_a_person_closed_are_left_out() -> None:
    for state in (DeliveryState.DONE, DeliveryState.VOID, DeliveryState.SUPERSEDED):
        assert sheet([document()], [delivery(state=state)]) == []


def test_one_order_for_two_targets_is_one_call_that_names_both() -> None:
    hub = delivery(target="hub", state=DeliveryState.WAITING, reason="no connection", deadline_at=AT)

    (call,) = sheet([document()], [delivery(), hub])

    assert call.why == "erp: not sent yet; hub: waiting (no connection)"
    assert call.deadline_at == AT


def test_a_call_names_what_can_be_closed_parked_or_not() -> None:
    waiting = delivery(delivery_id="w", state=DeliveryState.WAITING)
    gone = delivery(delivery_id="g", state=DeliveryState.DONE)
    parked = delivery(delivery_id="p", state=DeliveryState.PARKED)

    (call,) = sheet([document()], [waiting, gone, parked], ("p",))

    assert call.exception_ids == ("w", "p")


def test_answers_invoices_and_repeats_are_not_placed_by_phone() -> None:
    invoice = document(document_type="invoice")
    repeat = document(1, repeats="m0", is_parked=True)

    assert sheet([invoice, repeat], [delivery()], ("m1/0", "m1/1")) == []


def test_a_set_that_could_not_be_read_tells_its_order_key_or_nothing_and_why() -> None:
    finding = Finding("X12-CHAR", Position("a"), "quantity 'x' is not a number")
    unread = document(document_type=None, canonical=None, findings=(finding,), is_parked=True)

    (call,) = sheet([unread], [], ("m1/0",))

    assert (call.order_number, call.why) == ("order-0", "parked: quantity 'x' is not a number")
    assert call.exception_ids == ("m1/0",)
    assert sheet([unread], [], ()) == []  # somebody has settled it


def test_bytes_that_carry_several_orders_count_for_each_of_them() -> None:
    both = [document(index, passes_to=(("erp", "live"),)) for index in (0, 1)]

    assert len(sheet(both, [delivery(None)])) == 2
    assert [each.order_number for each in sheet(both, [delivery(None, lanes=("order-1",))])] == ["PO-1"]


def test_a_message_half_translated_is_told_beside_the_orders_that_are_known() -> None:
    under_way = replace(MESSAGE, state=MessageState.TRANSLATING)

    found = sheet([document()], [delivery()], message=under_way)

    assert [each.why for each in found] == ["erp: not sent yet", "not translated yet: look into june.850"]


def test_a_document_of_another_version_still_names_its_order() -> None:
    (call,) = sheet([document(canonical=b'{"document_type": "purchase_order", "new": 1}')], [delivery()])

    assert (call.order_number, call.lines) == ("order-0", ())


class Looked(list[DeliveryView]):
    """A list that counts how often it was gone through."""

    looks = 0

    def __iter__(self) -> Iterator[DeliveryView]:
        self.looks += 1
        return super().__iter__()


def test_many_orders_of_one_file_are_found_without_a_look_at_every_delivery_for_each() -> None:
    deliveries = Looked(delivery(index) for index in range(500))

    found = sheet([document(index) for index in range(500)], deliveries)

    assert len(found) == 500
    assert deliveries.looks <= 3


LOST = NoReply("maybe", "no reply in time")
NOTHING_FOUND = step(Reply(404), Accepted(), Effect.READ)


@pytest.mark.parametrize(
    "steps",
    [
        (step(LOST, Transient("no reply in time"), Effect.REPEATABLE),),
        (step(LOST, InDoubt("no reply in time")), NOTHING_FOUND),
        (step(None, None), NOTHING_FOUND),
        (step(Reply(201), Accepted("4500001")),),
    ],
    ids=["a repeatable create unheard of", "found nothing yet", "a crash", "created, not finished"],
)
def test_an_order_that_the_erp_may_have_is_asked_about_first_whatever_its_state(
    steps: tuple[StepResult, ...],
) -> None:
    for state in (DeliveryState.WAITING, DeliveryState.PARKED, DeliveryState.READY):
        (call,) = sheet([document()], [delivery(state=state, steps=steps)])
        assert call.why.endswith("it may be there: ask before you order"), state


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (step(NoReply("none", "refused"), Transient("no connection")),),
        (step(Reply(422), Rejected(())),),
        (step(Reply(503), Transient("busy")),),
        (step(Reply(200), Accepted(), Effect.REPEATABLE),),
    ],
    ids=["never sent", "no connection", "refused", "busy", "staged only"],
)
def test_an_order_that_the_erp_surely_has_not_is_called_without_asking(
    steps: tuple[StepResult, ...],
) -> None:
    (call,) = sheet([document()], [delivery(state=DeliveryState.WAITING, steps=steps)])

    assert call.why == "erp: waiting"


def test_an_order_that_the_gateway_sent_to_the_supplier_is_not_placed_by_phone_as_well() -> None:
    sent = delivery(state=DeliveryState.DONE, target="hub")
    waiting = delivery(state=DeliveryState.READY, target="hub")
    erp = delivery(state=DeliveryState.PARKED)

    assert with_ledger([document()], [sent, erp], Transmitter.GATEWAY) == []
    assert len(with_ledger([document()], [waiting, erp], Transmitter.GATEWAY)) == 1
    assert len(with_ledger([document()], [sent, erp], Transmitter.ERP)) == 1


def test_an_order_placed_by_phone_is_not_placed_again_but_its_cancellation_is_told() -> None:
    erp = delivery(state=DeliveryState.PARKED)
    cancellation = document(fields={"purpose": "cancellation"})

    assert with_ledger([document()], [erp], Transmitter.NONE) == []
    assert len(with_ledger([cancellation], [erp], Transmitter.NONE)) == 1
