"""For every order that can be generated: SAP's schema takes the body, and no digit of it changes.

The schema is the simulator's, which shares no code with the connector. Orders that SAP has no room for are
parked with findings; that is judged too, so that "parked" cannot hide a broken rendering.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import Accepted, Reply, Request, StepResult, Stuck
from canonical.document import CanonicalDocument
from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document, to_json
from gateway.erp.sap_s4hana import SapS4Hana
from gateway.erp.sap_s4hana.prices import sap_price
from gateway.erp.sap_s4hana.settings import SapSettings
from simulators.cloud_erp.sap_s4hana import Tenant
from simulators.cloud_erp.sap_s4hana.orders import order_problems, requisition_problems
from simulators.cloud_erp.sap_s4hana.schema import entities, read
from tests.canonical.strategies import documents
from tests.gateway.erp.erps import Sap
from tests.gateway.support import delivery
from tests.scale import scaled

AT = datetime(2026, 3, 2, tzinfo=UTC)
FEW = settings(
    max_examples=scaled(50, most=3_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
NOTHING = {
    "supplier": b'{"d":{"Supplier":"10300001"}}',
    "create.look_up": b'{"value":[]}',
    "validate": b'{"d":{}}',
    "create_requisition.look_up": b'{"d":{"results":[]}}',
}


def target(**values: Any) -> SapS4Hana:
    made = Sap().settings(base="https://sap.example", **values)
    assert isinstance(made, SapSettings)
    return SapS4Hana("erp", made)


def created(document: CanonicalDocument, sap: SapS4Hana) -> Request | Stuck:
    """Go through the series until it creates, or is stuck."""
    made = delivery(canonical=to_json(document))
    done: list[StepResult] = []
    for _ in range(6):
        following = sap.next_request(made, done, AT)
        assert isinstance(following, Request | Stuck), following
        body = NOTHING.get(following.step) if isinstance(following, Request) else None
        if body is None or isinstance(following, Stuck):
            return following
        done.append(StepResult(following, Reply(200, body), Accepted(), AT, AT))
    raise AssertionError("no create")


@FEW
@given(order=documents("purchase_order"))
def test_any_order_at_all_gives_a_body_of_saps_schema_or_findings_that_say_why_not(
    order: PurchaseOrder,
) -> None:
    came = created(order.model_copy(update={"purpose": "original"}), target())

    if isinstance(came, Stuck):
        assert came.findings
        assert all(each.code.startswith("ERP-") and each.text for each in came.findings)
    else:
        _, problems = read(entities()["v4 PurchaseOrder"], json.loads(came.body, parse_float=Decimal))
        assert problems == []


@FEW
@given(requisition=documents("requisition"))
def test_any_requisition_at_all_gives_a_body_of_saps_schema_or_findings(requisition) -> None:
    came = created(requisition.model_copy(update={"purpose": "original"}), target())

    if isinstance(came, Stuck):
        assert came.findings
    else:
        _, problems = read(entities()["v2 A_PurchaseRequisitionHeader"], json.loads(came.body))
        assert problems == []


def digits(places: int, whole: int) -> st.SearchStrategy[str]:
    largest = 10**whole - 1
    return st.builds(
        lambda whole_part, part: f"{whole_part}.{part:0{places}d}",
        st.integers(0, largest),
        st.integers(0, 10**places - 1),
    )


@st.composite
def good_lines(draw: st.DrawFn, sequence: int) -> dict[str, Any]:
    """Draw a line that SAP has room for: three decimals of quantity, prices finer than cents among them."""
    parts = [
        Decimal(each) + Decimal("0.001") for each in draw(st.lists(digits(3, 5), min_size=1, max_size=3))
    ]
    line: dict[str, Any] = {
        "sequence": sequence,
        "line_id": f"{sequence:04d}",
        "item_ids": [{"scheme": "buyer", "value": draw(st.from_regex(r"[A-Z0-9]{1,40}", fullmatch=True))}],
        "description": draw(st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=60)),
        "quantity": {"value": str(sum(parts)), "unit": draw(st.sampled_from(["EA", "BX", "CS"]))},
    }
    if draw(st.booleans()):
        base = draw(st.sampled_from(["1", "10", "100", "12"]))
        price = draw(st.one_of(digits(2, 7), digits(4, 5), digits(3, 6)))
        line["price"] = {"amount": price, "base_quantity": base, "currency": "USD"}
    if len(parts) > 1:
        line["schedules"] = [
            {"quantity": {"value": str(each)}, "requested": {"date": f"2026-04-0{at}"}}
            for at, each in enumerate(parts, start=1)
        ]
    if draw(st.booleans()):
        line["distributions"] = [
            {"account": "0000400000", "cost_center": draw(st.from_regex(r"[0-9]{1,10}", fullmatch=True))}
        ]
    return line


@st.composite
def good_orders(draw: st.DrawFn) -> PurchaseOrder:
    count = draw(st.integers(1, 4))
    fields = {
        "document_type": "purchase_order",
        "number": draw(st.from_regex(r"[A-Z0-9-]{1,20}", fullmatch=True)),
        "currency": "USD",
        "order_date": {"date": "2026-03-02"},
        "requested": {"date": "2026-04-01"},
        "seller": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "1013"}]},
        "lines": [draw(good_lines(each)) for each in range(1, count + 1)],
    }
    made = parse_document(fields)
    assert isinstance(made, PurchaseOrder)
    return made


@FEW
@given(order=good_orders())
def test_every_order_that_sap_has_room_for_is_accepted_by_it_with_every_digit(order: PurchaseOrder) -> None:
    came = created(order, target())

    assert isinstance(came, Request), came
    values, problems = read(entities()["v4 PurchaseOrder"], json.loads(came.body, parse_float=Decimal))
    assert problems == []
    assert order_problems(Tenant(), values, date(2026, 3, 2)) == []
    for line, item in zip(order.lines, values["_PurchaseOrderItem"], strict=True):
        assert line.quantity is not None
        assert item["OrderQuantity"] == line.quantity.value
        schedules = item["_PurchaseOrderScheduleLineTP"]
        assert sum(each["ScheduleLineOrderQuantity"] for each in schedules) == line.quantity.value
        if line.price is not None:
            base = line.price.base_quantity or Decimal(1)
            assert item["NetPriceAmount"] * base == line.price.amount * item["NetPriceQuantity"]
        else:
            assert "NetPriceAmount" not in item


@FEW
@given(order=good_orders())
def test_the_digits_stand_in_the_body_as_json_numbers_written_out(order: PurchaseOrder) -> None:
    came = created(order, target())

    assert isinstance(came, Request)
    first = order.lines[0].quantity
    assert first is not None
    assert f'"OrderQuantity":{first.value:f}'.encode() in came.body


@given(
    amount=st.decimals(0, 10**8, places=6, allow_nan=False),
    base=st.sampled_from([Decimal(each) for each in ("1", "0.5", "12", "100", "1000", "0.001")]),
)
def test_a_price_is_written_exactly_or_not_at_all(amount: Decimal, base: Decimal) -> None:
    written = sap_price(amount, base, 2)

    if written is not None:
        assert written[0] * base == amount * written[1]
        assert written[0] == round(written[0], 2)
        assert written[1] == int(written[1])


def test_a_price_finer_than_the_currency_is_written_per_more_units() -> None:
    assert sap_price(Decimal("0.0375"), Decimal(1), 2) == (Decimal("3.7500"), Decimal(100))
    assert sap_price(Decimal("12.5"), Decimal(1), 0) == (Decimal("125"), Decimal(10))
    assert sap_price(Decimal("0.12345678"), Decimal(1), 2) is None


def test_a_requisition_that_sap_has_room_for_is_accepted_by_it() -> None:
    fields = {
        "document_type": "requisition",
        "number": "R-1",
        "currency": "USD",
        "lines": [
            {
                "sequence": 1,
                "item_ids": [{"scheme": "buyer", "value": "TG12"}],
                "quantity": {"value": "2.500", "unit": "EA"},
                "price": {"amount": "0.015"},
            }
        ],
    }
    came = created(parse_document(fields), target())

    assert isinstance(came, Request)
    assert b'"RequestedQuantity":"2.500"' in came.body
    assert b'"PurchaseRequisitionPrice":"0.150","PurReqnPriceQuantity":"10"' in came.body
    values, problems = read(entities()["v2 A_PurchaseRequisitionHeader"], json.loads(came.body))
    assert problems == []
    assert requisition_problems(Tenant(), values) == []
