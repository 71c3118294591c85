"""What an ERP's API gives, read into canonical documents: all three, no digit lost."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from adapters.base import DecodeContext, Decoded, Summary
from adapters.erp_events.config import ErpEventsEndpoint
from adapters.erp_events.format import ErpEventsFormat, enveloped
from canonical.purchase_order import PurchaseOrder
from canonical.values import Quantity

PRICE = "1234567.123456789012345"

DYNAMICS = (
    {
        "value": [
            {
                "dataAreaId": "usmf",
                "PurchaseOrderNumber": "PO-1",
                "OrderVendorAccountNumber": "V-1",
                "CurrencyCode": "USD",
                "AccountingDate": "2026-11-27T12:00:00Z",
                "RequestedDeliveryDate": "1900-01-01T12:00:00Z",
                "VendorOrderReference": "",
            }
        ]
    },
    {
        "value": [
            {
                "LineNumber": 1,
                "ItemNumber": "1000",
                "ExternalItemNumber": "A-1",
                "OrderedPurchaseQuantity": 10,
                "PurchaseUnitSymbol": "ea",
                "PurchasePrice": "PRICE",
                "PurchasePriceQuantity": 100,
            }
        ]
    },
)
SAP = (
    {
        "PurchaseOrder": "4500000001",
        "CompanyCode": "1010",
        "Supplier": "10300001",
        "DocumentCurrency": "USD",
        "PurchaseOrderDate": "2026-11-27",
        "_PurchaseOrderItem": [
            {
                "PurchaseOrderItem": "10",
                "Material": "TG12",
                "OrderQuantity": 10,
                "PurchaseOrderQuantityUnit": "PC",
                "NetPriceAmount": "PRICE",
                "NetPriceQuantity": 1,
                "OrderPriceUnit": "PC",
                "Plant": "1010",
                "_PurchaseOrderScheduleLineTP": [
                    {
                        "ScheduleLine": "1",
                        "ScheduleLineDeliveryDate": "2026-12-01",
                        "ScheduleLineOrderQuantity": 10,
                        "PurchaseOrderQuantityUnit": "PC",
                    }
                ],
            }
        ],
    },
)
ORACLE = (
    {
        "items": [
            {
                "POHeaderId": 300,
                "OrderNumber": "US-1",
                "Supplier": "Acme Medical",
                "CurrencyCode": "USD",
                "CreationDate": "2026-11-27T08:30:00+00:00",
                "Description": "entered by hand",
                "lines": {
                    "items": [
                        {
                            "LineNumber": 1,
                            "Item": "AS1",
                            "SupplierItem": "A-1",
                            "Quantity": 10,
                            "UOM": "Each",
                            "Price": "PRICE",
                            "schedules": {
                                "items": [{"ScheduleNumber": 1, "Quantity": 10, "ShipToLocation": "Dock 4"}],
                                "hasMore": False,
                            },
                        }
                    ],
                    "hasMore": False,
                },
            }
        ],
        "hasMore": False,
    },
)


def decoded(erp: str, replies, status: str = "created") -> tuple[list[Decoded], Summary]:
    texts = [json.dumps(each).replace('"PRICE"', PRICE).encode() for each in replies]
    facts = {"erp": erp, "document": "purchase_order", "event_id": "E", "number": "N"}
    decoder = ErpEventsFormat().decoder(DecodeContext("read", "test"))
    body = enveloped(facts, status, texts)
    assert list(decoder.feed(body[:20])) == []
    assert list(decoder.feed(body[20:])) == []
    return decoder.finish()


@pytest.mark.parametrize(
    "erp, replies, number, item",
    [
        ("dynamics365", DYNAMICS, "PO-1", "1000"),
        ("sap_s4hana", SAP, "4500000001", "TG12"),
        ("oracle_fusion", ORACLE, "US-1", "AS1"),
    ],
)
def test_every_erps_order_is_read_with_its_lines_and_all_digits(
    erp: str, replies, number: str, item: str
) -> None:
    (found,), _ = decoded(erp, replies)
    order = found.document

    assert found.set_type == "purchase_order"
    assert isinstance(order, PurchaseOrder), found.findings
    assert (order.number, order.erp_number) == (number, number)
    (line,) = order.lines
    assert line.item_id("buyer") == item
    assert line.price is not None
    assert line.price.amount == Decimal(PRICE)
    assert line.quantity is not None
    assert line.quantity.value == 10
    assert order.purpose == "original"


def test_a_schedule_counts_in_the_unit_of_its_line_where_the_api_names_it_there_only() -> None:
    line = {"LineNumber": 1, "Quantity": 10, "UOM": "BX", "schedules": [{"ScheduleNumber": 1, "Quantity": 4}]}
    (found,), _ = decoded("oracle_fusion", ({"OrderNumber": "US-1", "lines": [line]},))

    assert isinstance(found.document, PurchaseOrder), found.findings
    (schedule,) = found.document.lines[0].schedules
    assert schedule.quantity is not None
    assert schedule.quantity == Quantity(value=Decimal(4), unit="BX")


def test_an_order_without_lines_is_never_sent_on() -> None:
    (found,), _ = decoded("sap_s4hana", ({"PurchaseOrder": "4500000001"},))

    assert found.document is None
    assert [each.code for each in found.findings] == ["ERP-EVENT-NO-LINES"]


def test_a_date_that_dynamics_calls_1900_is_none() -> None:
    (found,), _ = decoded("dynamics365", DYNAMICS)

    assert isinstance(found.document, PurchaseOrder)
    assert found.document.requested is None


def test_a_change_and_a_cancellation_say_so() -> None:
    purposes = [decoded("sap_s4hana", SAP, status)[0][0].document for status in ("changed", "cancelled")]

    assert [getattr(each, "purpose", None) for each in purposes] == ["change", "cancellation"]


def test_an_event_names_an_order_by_the_erps_number_only() -> None:
    settings = ErpEventsEndpoint.model_validate(
        {
            "erp": "sap_s4hana",
            "path": "/e",
            "verify": {"certificate": True},
            "events": {"t": "created"},
        }
    )
    decoder = ErpEventsFormat().decoder(DecodeContext("event", "test", endpoint_settings=settings))
    body = b'{"id": "a", "type": "t", "data": {"PurchaseOrder": "4711"}}'
    assert list(decoder.feed(body)) == []
    ((found,), _) = decoder.finish()

    assert found.document is not None
    assert [(each.issuer, each.number) for each in found.document.order_references] == [("erp", "4711")]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"erp_document":{"erp":"x"}}', b"\xff\xfe"])
def test_garbage_is_a_finding_and_no_crash(body: bytes) -> None:
    decoder = ErpEventsFormat().decoder(DecodeContext("event", "test"))
    assert list(decoder.feed(body)) == []
    sets, summary = decoder.finish()

    assert sets == []
    assert summary.findings[0].code == "ERP-EVENT-FORM"
