"""Who owns what while both systems live: invoices of no side, shared entities, copies, legacy's orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.invoice_owner import InvoiceOwner
from gateway.journal.types import DeliveryState, Side
from tests.gateway.order_hospital import RULE, Hospital, change, invoice, key_of, order

CUT_OVER = (InvoiceOwner("LE-1", date(2026, 3, 1)),)


async def hospital(**changes: Any) -> Hospital:
    made = Hospital(**changes)
    await made.open()
    return made


async def both_sides(rule: Any = RULE) -> Hospital:
    """Open a hospital with order 1 in the cloud and order 2 on legacy."""
    made = await hospital(stage="canary", rule=rule)
    await made.take(order("1"))
    await made.take(order("2", facility="01"))
    await made.settle()
    return made


def mixed(number: str, invoiced: str, entity: str = "LE-1", orders: tuple[str, ...] = ("1", "2")) -> dict:
    lines = [
        {
            "sequence": at,
            "order_line_id": "1",
            "order": {"number": each},
            "quantity": {"value": "1", "unit": "EA"},
        }
        for at, each in enumerate(orders, start=1)
    ]
    bill_to = {"identifiers": [{"scheme": "internal", "value": entity}]}
    fields = {"invoiced": {"date": invoiced}, "bill_to": bill_to, "lines": lines}
    return {
        "document_type": "invoice",
        "number": number,
        "orders": [{"number": each} for each in orders],
        **fields,
    }


async def sides(hospital: Hospital) -> list[Side | None]:
    views = await hospital.journal.documents(limit=1_000)
    return [view.plan.side for view in views if view.plan.document_type == "invoice"]


async def test_an_invoice_of_both_sides_goes_to_whoever_is_declared_for_its_legal_entity_and_date() -> None:
    made = await both_sides(replace(RULE, invoice_owners=CUT_OVER))

    await made.take(mixed("I-1", "2026-02-28"), "invoices")
    await made.take(mixed("I-2", "2026-03-01"), "invoices")
    await made.settle()

    assert await sides(made) == [Side.LEGACY, Side.CLOUD]
    booked = [[each[0] for each in book.documents].count("invoice") for book in (made.legacy, made.erp)]
    assert booked == [1, 1]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (mixed("I-1", "2026-03-05", entity="LE-9"), "INVOICE-BOTH-SIDES"),
        (mixed("I-1", "2026-03-05", orders=()), "INVOICE-NO-ORDER"),
    ],
)
async def test_an_invoice_that_nobody_is_declared_for_goes_whole_to_accounts_payable(
    document: dict, code: str
) -> None:
    owners = () if code == "INVOICE-NO-ORDER" else CUT_OVER
    made = await both_sides(replace(RULE, invoice_owners=owners))

    await made.take(document, "invoices")
    await made.settle()

    (item,) = await made.journal.exceptions()
    (finding,) = item.findings
    assert (finding.code, finding.facts) == (code, {"desk": "accounts_payable"})
    assert await sides(made) == [None]


async def test_an_invoice_of_no_order_goes_to_its_declared_owner() -> None:
    made = await both_sides(replace(RULE, invoice_owners=CUT_OVER))

    await made.take(mixed("I-1", "2026-03-05", orders=()), "invoices")
    await made.settle()

    assert await sides(made) == [Side.CLOUD]


async def test_a_receipt_or_invoice_whose_order_is_not_there_yet_waits_for_it_with_a_visible_deadline() -> (
    None
):
    made = await hospital(stage="cloud")
    message = await made.take(invoice("7", "I-1", 1, 2), "invoices")
    await made.step()

    (view,) = await made.journal.documents(message_id=message.message_id)
    assert view.plan.decision == "waits for its order until 2026-01-02 04:04:05Z"
    await made.take(order("7"))
    await made.settle()
    assert [str(each.invoiced) for each in made.erp.of(key_of("7"))[0].lines.values()] == ["2"]


def status(number: str, name: str) -> dict[str, Any]:
    subject = {"document_type": "purchase_order", "number": number}
    return {"document_type": "status_event", "status": "approved", "number": name, "subject": subject}


@pytest.mark.parametrize(
    ("owner", "from_side", "number", "passes"),
    [
        ("order", Side.CLOUD, "1", True),  # order 1 is the cloud's
        ("order", Side.CLOUD, "2", False),
        ("order", Side.LEGACY, "2", True),
        ("legacy", Side.CLOUD, "1", False),
        ("legacy", Side.LEGACY, "1", True),
        ("legacy", None, "1", True),
    ],
)
async def test_what_a_side_does_not_own_goes_nowhere_by_itself(
    owner: str, from_side: Side | None, number: str, passes: bool
) -> None:
    made = await both_sides()
    made.owners = {"order_status": dict.fromkeys(("legacy", "shadow", "canary", "cloud"), owner)}
    made.from_side = from_side
    made.start()

    await made.take(status(number, "S-1"), "acks")
    await made.settle()

    assert await made.codes() == ([] if passes else ["OWNER-OTHER-SIDE"])


async def test_a_copy_that_legacy_hands_on_goes_nowhere_again() -> None:
    rule = replace(RULE, copies_to_legacy=True)
    made = await hospital(stage="cloud", rule=rule)
    await made.take(order("7"))
    await made.settle()
    (copied,) = [each for each in await made.journal.deliveries() if each.role == "copy"]
    assert b'"origin":"copy"' in copied.steps[-1].request.body

    mark: dict[str, Any] = {"extensions": {"bridge_origin": {"by": "copy"}}}
    message = await made.take(order("7", 99, **mark))
    await made.settle()

    (view,) = await made.journal.documents(message_id=message.message_id)
    assert (view.plan.decision, [each.code for each in view.plan.findings]) == (
        "our own, come back",
        ["COPY-RETURNED"],
    )
    assert await made.journal.deliveries(message_id=message.message_id) == []


async def test_legacys_own_order_is_closed_once_the_cloud_has_it_and_not_before() -> None:
    rule = replace(RULE, closes_legacy=True)
    made = await hospital(stage="cloud", rule=rule)
    made.legacy.handle(
        "POST",
        "documents/purchase_order",
        b'{"order_key": "%s", "reference": "own", "transmitter": "none", "document": '
        b'{"lines": [{"line_id": "1", "quantity": {"value": "10"}}]}}' % key_of("7").encode(),
    )
    (own,) = made.legacy.of(key_of("7"))
    made.legacy.orders["7"] = own
    made.sinks["erp"].is_down = True
    message = await made.take(order("7"))
    for _ in range(3):
        await made.step()
    (close,) = [each for each in await made.journal.deliveries() if each.role == "close"]
    assert (close.state, close.reason) == (
        DeliveryState.WAITING,
        "closed once the cloud ERP has the order",
    )
    assert own.state == "open"

    made.sinks["erp"].is_down = False
    await made.settle()

    assert (own.state, [str(each.quantity) for each in own.lines.values()]) == ("closed", ["0"])
    assert {each.state for each in await made.journal.deliveries(message_id=message.message_id)} == {
        DeliveryState.DONE
    }
    await made.take(change("7", "C-1", 1, 12), "changes")
    await made.settle()
    assert await made.codes() == []
