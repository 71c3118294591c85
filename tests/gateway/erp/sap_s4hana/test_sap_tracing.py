"""Where SAP's complaints come from, and what its error bodies mean."""

from __future__ import annotations

import json

import pytest

from adapters.base import Accepted, Delivery, InDoubt, Rejected, Reply, Request, Transient, TransientKind
from adapters.base.targets import Alias, AliasKind
from adapters.base.transport import Effect
from canonical.registry import parse_document, to_json
from gateway.erp.connector.errors import ErrorClass
from gateway.erp.sap_s4hana import SapS4Hana
from gateway.erp.sap_s4hana.errors import kind_of_code, sap_errors
from gateway.erp.sap_s4hana.order_changes import items_out
from gateway.erp.sap_s4hana.orders import order_names
from gateway.erp.sap_s4hana.settings import SapSettings
from gateway.erp.sap_s4hana.tracing import canonical_path
from gateway.rehearsal import rehearsed
from tests.gateway.erp.erps import Sap
from tests.gateway.erp.paper import change, order
from tests.gateway.support import delivery

NAMES = (
    Alias(AliasKind.ERP, "45"),
    Alias(AliasKind.ERP, "45", line="1", line_number="10"),
    Alias(AliasKind.ERP, "45", line="2", line_number="20"),
    Alias(AliasKind.ERP, "45", line="sent:1", line_number="0010"),
    Alias(AliasKind.ERP, "45", line="sent:2", line_number="0020"),
)


def of(fields) -> Delivery:
    made = parse_document(fields) if isinstance(fields, dict) else fields
    return delivery(canonical=to_json(made), aliases=NAMES)


RECEIPT = {
    "document_type": "goods_receipt",
    "number": "G",
    "lines": [{"sequence": 1, "lots": [{"lot": "A"}, {"lot": "B"}]}, {"sequence": 2}],
}
PATHS = [
    (order(), "_PurchaseOrderItem(2)/Plant", "lines[1].ship_to"),
    (
        order(),
        "/PurchaseOrder('')/_PurchaseOrderItem(PurchaseOrderItem='00020')/NetPriceAmount",
        "lines[1].price",
    ),
    (
        order(),
        "_PurchaseOrderItem(1)/_PurchaseOrderScheduleLineTP(1)/ScheduleLineDeliveryDate",
        "lines[0].requested",
    ),
    (order(), ".../PurchaseOrderItem='20')/Plant", "lines[1].ship_to"),
    (order(), "Supplier", "seller"),
    (order(), "_PurchaseOrderItem(9)/Plant", None),
    (order(), "PurchasingGroup", None),
    (
        change(),
        "PurchaseOrderItem(PurchaseOrder='45',PurchaseOrderItem='20')/OrderQuantity",
        "lines[0].quantity",
    ),
    (change(), "PurchaseOrderItem(PurchaseOrder='45',PurchaseOrderItem='10')/OrderQuantity", None),
    (RECEIPT, "to_MaterialDocumentItem(2)/Batch", "lines[0].lots"),
    (RECEIPT, "to_MaterialDocumentItem(3)/QuantityInEntryUnit", "lines[1].quantity"),
]


@pytest.mark.parametrize("document, field, path", PATHS)
def test_a_field_of_saps_is_traced_to_the_line_it_came_from_or_to_none(document, field: str, path) -> None:
    assert canonical_path(of(document), field) == path


@pytest.mark.parametrize(
    "code, kind",
    [
        ("F5/201", ErrorClass.CLOSED_PERIOD),
        ("F5 201", ErrorClass.CLOSED_PERIOD),
        ("ME/006", ErrorClass.LOCKED),
        ("F5/117", ErrorClass.DUPLICATE),
        ("06/017", ErrorClass.REFUSED),
        ("", ErrorClass.REFUSED),
    ],
)
def test_a_message_code_says_what_can_be_done(code: str, kind: ErrorClass) -> None:
    assert kind_of_code(code) is kind


def test_the_details_count_and_the_transaction_id_is_kept_for_the_support_desk() -> None:
    body = {
        "error": {
            "code": "/IWBEP/CM_MGC/006",
            "message": {"lang": "en", "value": "An exception was raised"},
            "innererror": {
                "transactionid": "ABC",
                "errordetails": [
                    {"code": "06/053", "message": "Material is blocked", "severity": "error"},
                    {"code": "06/100", "message": "Price differs", "propertyref": "", "severity": "warning"},
                ],
            },
        }
    }  # fmt: skip
    errors = sap_errors(json.dumps(body).encode())

    assert [(each.code, each.kind) for each in errors] == [
        ("06/053", ErrorClass.REFUSED),
        ("06/100", ErrorClass.NOTE),
    ]
    assert errors[0].text == "Material is blocked (SAP transaction ABC)"


def sap() -> SapS4Hana:
    settings = Sap().settings(base="https://sap.example")
    assert isinstance(settings, SapSettings)
    return SapS4Hana("sap", settings)


def error(code: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": "text"}}).encode()


def batch(status: int, body: bytes = b"") -> Reply:
    part = b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
    whole = b"--b\r\nContent-Type: application/http\r\n\r\n" + part + b"\r\n--b--"
    return Reply(200, whole, (("Content-Type", "multipart/mixed; boundary=b"),))


CREATE = Request("create", Effect.WRITE, "POST", "PurchaseOrder")
CHANGE = Request("change:1", Effect.WRITE, "POST", "$batch")
CONFIRM = Request("confirm:1", Effect.REPEATABLE, "POST", "soap")
FAULT = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    b"<faultcode>s:Client</faultcode><faultstring>no such order</faultstring></s:Fault></s:Body></s:Envelope>"
)
OUTCOMES = [
    (CREATE, Reply(400, error("06/017")), Rejected),
    (CREATE, Reply(400, error("F5/201")), Rejected),
    (CREATE, Reply(409, error("ME/006")), Transient),
    (CREATE, Reply(400, error("F5/117")), InDoubt),
    (CREATE, Reply(201, b'{"PurchaseOrder":""}'), InDoubt),
    (CREATE, Reply(201, b"{"), InDoubt),
    (CREATE, Reply(500, error("06/017")), InDoubt),
    (CREATE, Reply(403, error("ME/303")), Transient),
    (CHANGE, batch(204), Accepted),
    (CHANGE, batch(412), Accepted),
    (CHANGE, batch(400, error("06/017")), Rejected),
    (CHANGE, batch(409, error("ME/006")), Transient),
    (CHANGE, batch(503), Transient),
    (CHANGE, Reply(200, b"--b", (("Content-Type", "multipart/mixed; boundary=b"),)), InDoubt),
    (CHANGE, Reply(200, b"<html>sorry", ()), InDoubt),
    (CHANGE, Reply(400, error("/IWFND/CM_MGW/501")), Rejected),
    (CONFIRM, Reply(202), Accepted),
    (CONFIRM, Reply(500, FAULT), Rejected),
    (CONFIRM, Reply(500, b"<html>"), Transient),
    (CONFIRM, Reply(200, b"<html><form><input type=password>"), Transient),
]


@pytest.mark.parametrize("request_, reply, outcome", OUTCOMES)
def test_what_a_reply_means(request_: Request, reply: Reply, outcome: type) -> None:
    assert isinstance(sap().interpret(request_, reply), outcome)


def test_a_refused_account_waits_and_spends_no_attempt() -> None:
    outcome = sap().interpret(CREATE, Reply(403, error("ME/303")))

    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.CREDENTIAL


def test_an_order_has_names_for_lines_and_schedules_and_for_a_reply_that_shows_no_items() -> None:
    shown = {
        "PurchaseOrder": "45",
        "_PurchaseOrderItem": [
            {"PurchaseOrderItem": "00010", "_PurchaseOrderScheduleLineTP": [{"ScheduleLine": "1"}]},
            {"PurchaseOrderItem": "00020"},
        ],
    }
    names = {(each.line, each.line_number) for each in order_names("45", shown, order())}
    assert {("1", "00010"), ("1/1", "1"), ("2", "00020"), ("sent:2", "0020")} <= names

    bare = {(each.line, each.line_number) for each in order_names("45", {}, order())}
    assert {("1", "10"), ("2", "20")} <= bare


def test_a_rehearsed_requisition_is_the_create_and_not_its_validation() -> None:
    line = {
        "sequence": 1,
        "item_ids": [{"scheme": "buyer", "value": "T"}],
        "quantity": {"value": "1", "unit": "EA"},
    }
    told = of({"document_type": "requisition", "number": "R-1", "currency": "USD", "lines": [line]})
    request = rehearsed(sap(), told, told.accepted_at)

    assert isinstance(request, Request)
    assert (request.step, b"OnlyValidation" in request.body) == ("create_requisition", False)


def test_an_items_own_etag_counts_before_its_orders() -> None:
    items = [{"PurchaseOrderItem": "10", "@odata.etag": "W/i"}, {"PurchaseOrderItem": "20"}]
    operations = items_out({"PurchaseOrder": "45", "_PurchaseOrderItem": items}, items, "W/o")

    assert [dict(each.headers)["If-Match"] for each in operations] == ["W/i", "W/o"]
