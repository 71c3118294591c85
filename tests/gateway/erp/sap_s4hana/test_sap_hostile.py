"""Replies that no SAP would give, and doubles that only a later look can find."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import NoReply, Reply, Request, Sink, StepResult, Stuck
from adapters.base.targets import Alias, AliasKind, Finished, Wait
from canonical.document import CanonicalDocument
from canonical.registry import to_json
from gateway.erp.sap_s4hana import SapS4Hana
from gateway.erp.sap_s4hana.settings import SapSettings
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Bench, ElasticClock
from tests.gateway.erp.erps import Sap
from tests.gateway.erp.paper import answer, cancellation, change, order
from tests.gateway.erp.sap_s4hana.test_sap_follow_ons import AS_ORDERED, invoice, receipt, requisition
from tests.gateway.support import delivery
from tests.scale import scaled

AT = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = (
    Alias(AliasKind.ERP, "45"),
    Alias(AliasKind.ERP, "45", line="1", line_number="10"),
    Alias(AliasKind.ERP, "45", line="2", line_number="20"),
    Alias(AliasKind.ERP, "45", line="sent:1", line_number="0010"),
    Alias(AliasKind.ERP, "45", line="sent:2", line_number="0020"),
)
DOCUMENTS: list[CanonicalDocument] = [
    order(),
    change(),
    cancellation(),
    answer("PO-1", AS_ORDERED, {"line_id": "0020", "status": "price_changed", "price": {"amount": "3"}}),
    invoice(),
    receipt(),
    requisition(),
]

WORDS = st.sampled_from(
    [
        "PurchaseOrder", "_PurchaseOrderItem", "PurchaseOrderItem", "OrderQuantity", "NetPriceAmount",
        "NetPriceQuantity", "_PurchaseOrderScheduleLineTP", "ScheduleLine", "ScheduleLineDeliveryDate", "d",
        "results", "value", "CorrespncInternalReference", "Supplier", "to_SupplierPurchasingOrg", "error",
        "PurReqnExternalReference", "SupplierInvoiceIDByInvcgParty", "InvoicingParty", "ReferenceDocument",
        "to_MaterialDocumentItem", "QuantityInEntryUnit", "SAP__Messages", "code", "message", "innererror",
        "errordetails", "PurchasingDocumentDeletionCode", "SupplierConfirmationControlKey", "@odata.etag",
    ]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["", "45", "10", "00020", "ABCDEFGHIJKL", "ABCDEFGHIJKLMNOPQRSTUVWX23", "INV-77", "L", "x"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=20,
)
HEADERS = st.sampled_from([(), (("Content-Type", "multipart/mixed; boundary=b"),), (("sap-message", "{"),)])
REPLIES = st.one_of(
    st.builds(
        Reply,
        st.sampled_from([200, 201, 202, 204, 400, 404, 412]),
        VALUES.map(lambda v: json.dumps(v).encode()),
        HEADERS,
    ),
    st.builds(Reply, st.sampled_from([200, 201, 500]), st.binary(max_size=40), HEADERS),
    st.just(NoReply("maybe", "no reply")),
)


def sap() -> SapS4Hana:
    made = Sap().settings(base="https://sap.example")
    assert isinstance(made, SapSettings)
    return SapS4Hana("sap", made)


@settings(max_examples=scaled(60, most=5_000), deadline=None)
@given(made=st.sampled_from(DOCUMENTS), replies=st.lists(REPLIES, min_size=1, max_size=8))
def test_whatever_sap_answers_the_series_goes_on_waits_or_says_why_not(
    made: CanonicalDocument, replies: list[Reply | NoReply]
) -> None:
    target, now = sap(), AT
    the_delivery = delivery(canonical=to_json(made), aliases=NAMES)
    done: list[StepResult] = []
    for reply in replies:
        following = target.next_request(the_delivery, done, now)
        if isinstance(following, Wait):
            now = following.until
            following = target.next_request(the_delivery, done, now)
        if not isinstance(following, Request):
            assert isinstance(following, Stuck | Finished | Wait)
            return
        outcome = target.trace(the_delivery, following, reply, target.interpret(following, reply))
        done.append(StepResult(following, reply, outcome, now, now + timedelta(seconds=1)))
        now += timedelta(seconds=1)


ITEMS: list[dict[str, Any]] = [
    {
        "PurchaseOrderItem": number,
        "OrderQuantity": quantity,
        "PurchaseOrderQuantityUnit": "EA",
        "NetPriceAmount": 1.25,
        "NetPriceQuantity": 1,
        "SupplierConfirmationControlKey": "0001",
        "_PurchaseOrderScheduleLineTP": [{"ScheduleLine": "1", "ScheduleLineDeliveryDate": "2026-04-01"}],
    }
    for number, quantity in (("10", 10), ("20", 20))
]
ORDER = {"@odata.etag": "W/1", "PurchaseOrder": "45", "DocumentCurrency": "USD", "_PurchaseOrderItem": ITEMS}
BATCH = b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 412 -\r\n\r\n\r\n--b--"
V2_ROW = {
    "PurReqnExternalReference": "ABCDEFGHIJKLMNOPQRSTUVWX23",
    "ReferenceDocument": "ABCDEFGHIJKLMNOP",
    "SupplierInvoiceIDByInvcgParty": "INV-77",
    "InvoicingParty": "10300001",
    "to_MaterialDocumentItem": {"results": [{"PurchaseOrder": "45", "QuantityInEntryUnit": "2"}]},
}
GOOD: dict[str, Any] = {
    "supplier": {"d": {"to_SupplierPurchasingOrg": {"results": [{"PurchasingOrganization": "1010"}]}}},
    "create.look_up": {"value": [{**ORDER, "CorrespncInternalReference": "ABCDEFGHIJKL"}]},
    "create": ORDER,
    "order": ORDER,
    "confirmed": ORDER,
}


@st.composite
def spoiled(draw: st.DrawFn, value: Any) -> Any:
    """Draw a good reply in which one place holds something else, or is gone."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: draw(spoiled(value[name]))}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(spoiled(value[at])), *value[at + 1 :]]
    return draw(VALUES)


@settings(max_examples=scaled(60, most=5_000), deadline=None)
@given(made=st.sampled_from(DOCUMENTS), data=st.data())
def test_a_good_reply_with_one_place_spoiled_breaks_nothing(
    made: CanonicalDocument, data: st.DataObject
) -> None:
    target, now = sap(), AT
    the_delivery = delivery(canonical=to_json(made), aliases=NAMES)
    done: list[StepResult] = []
    spoils = data.draw(st.integers(0, 4))
    for at in range(8):
        following = target.next_request(the_delivery, done, now)
        if isinstance(following, Wait):
            now = following.until
            continue
        if not isinstance(following, Request):
            assert isinstance(following, Stuck | Finished)
            return
        step = following.step.partition(":")[0] + (".look_up" if following.step.endswith(".look_up") else "")
        good = GOOD.get(step.replace(".look_up.look_up", ".look_up"), {"d": {"results": [V2_ROW], **V2_ROW}})
        body = data.draw(spoiled(good)) if at == spoils else good
        reply = Reply(201, json.dumps(body).encode())
        if step in ("change", "prepare"):
            reply = Reply(200, BATCH, (("Content-Type", "multipart/mixed; boundary=b"),))
        outcome = target.trace(the_delivery, following, reply, target.interpret(following, reply))
        done.append(StepResult(following, reply, outcome, now, now + timedelta(seconds=1)))
        now += timedelta(seconds=1)


class BlindFor(Sink):
    """A sink whose first look-ups after a create see nothing: an index that lags too long."""

    def __init__(self, sink: Sink, look_ups: int) -> None:
        self._sink, self._left = sink, look_ups

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if request.step == "create.look_up" and self._left:
            self._left -= 1
            return Reply(200, b'{"value": []}')
        return await self._sink.send(request, still_mine=still_mine)

    async def close(self) -> None:
        await self._sink.close()


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET])
async def test_a_double_that_sap_did_not_refuse_is_found_by_a_last_look_and_is_a_persons_affair(
    action,
) -> None:
    clock = ElasticClock()
    journal = MemoryJournal(clock=clock)
    async with Bench(Sap(), journal, clock, look_up_waits_s=[1], quiet_period_s=5) as bench:
        bench.script.replace((Fault(action, method="POST", path=r"/PurchaseOrder$", times=1),))
        planned = await bench.plan(order())
        view = await bench.finish(planned, BlindFor(bench.sink, 3))

        assert (view.state, [each.code for each in view.findings]) == (DeliveryState.PARKED, ["ERP-DOUBLE"])
        assert "4500000001, 4500000002" in view.findings[0].text
    await journal.close()
