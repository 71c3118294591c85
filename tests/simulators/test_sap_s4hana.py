"""The simulated SAP by itself: what it refuses, keeps, forgets, and how it says so.

Plain HTTP, without the gateway: the simulator is a witness and must be right by itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.sap_s4hana import SapS4Hana, Tenant
from simulators.cloud_erp.sap_s4hana.classic_service import SETS
from simulators.cloud_erp.sap_s4hana.schema import entities
from simulators.cloud_erp.sap_s4hana.wire import ODataError, matches
from simulators.faults import Action, Fault, FaultScript

ORDERS = "/sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001"
V2 = "/sap/opu/odata/sap"
CONFIRMATIONS = "/sap/bc/srt/scs_ext/sap/orderconfirmationrequest_in"
BATCH = "multipart/mixed;boundary=b"


class Client:
    """A client with cookies that fetches a CSRF token once."""

    def __init__(self, sap: SapS4Hana, session: aiohttp.ClientSession) -> None:
        self.sap, self.session = sap, session
        self.token = ""

    async def fetch(self, method: str = "HEAD", path: str = ORDERS + "/") -> None:
        async with self.session.request(
            method, self.sap.url + path, headers={"x-csrf-token": "fetch"}
        ) as response:
            self.token = response.headers.get("x-csrf-token", "")

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, aiohttp.ClientResponse]:
        data = body if isinstance(body, bytes | None) else json.dumps(body, default=str).encode()
        sent = {"x-csrf-token": self.token, "Content-Type": "application/json", **headers}
        async with self.session.request(method, self.sap.url + path, data=data, headers=sent) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "")
            return (
                response.status,
                json.loads(text, parse_float=Decimal) if is_json and text else text,
                response,
            )


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:

        async def started(
            tenant: Tenant | None = None, behaviour: Behaviour | None = None, **more: Any
        ) -> Client:
            sap = await stack.enter_async_context(SapS4Hana(behaviour, tenant=tenant, **more))
            # SAP's cookies are for a host; the simulator's is an address.
            session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
            client = Client(sap, await stack.enter_async_context(session))
            await client.fetch()
            return client

        yield started


def order(**changes: Any) -> dict[str, Any]:
    item = {
        "PurchaseOrderItem": "10",
        "Material": "TG12",
        "Plant": "1010",
        "OrderQuantity": 10,
        "PurchaseOrderQuantityUnit": "PC",
        "NetPriceAmount": 13,
        "NetPriceQuantity": 1,
        "OrderPriceUnit": "PC",
        "DocumentCurrency": "USD",
    }
    head = {
        "PurchaseOrderType": "NB",
        "CompanyCode": "1010",
        "PurchasingOrganization": "1010",
        "PurchasingGroup": "001",
        "Supplier": "10300001",
        "DocumentCurrency": "USD",
        "CorrespncInternalReference": "ABCDEFGHIJKL",
    }
    return {**head, "_PurchaseOrderItem": [item, item | {"PurchaseOrderItem": "20"}], **changes}


def with_item(**changes: Any) -> dict[str, Any]:
    (first, _) = order()["_PurchaseOrderItem"]
    return order(_PurchaseOrderItem=[first | changes])


# --- sessions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_token_is_given_to_a_safe_request_and_belongs_to_its_cookie(start, method: str) -> None:
    client = await start()
    await client.fetch(method)
    assert (await client.ask("POST", f"{ORDERS}/PurchaseOrder", order()))[0] == 201

    client.session.cookie_jar.clear()  # the token without its session
    status, _, response = await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    assert (status, response.headers["x-csrf-token"]) == (403, "Required")
    assert len(client.sap.documents.entries()) == 1


async def test_a_token_ends_with_its_session(start) -> None:
    client = await start(Tenant(csrf_life_s=0.0))

    assert (await client.ask("POST", f"{ORDERS}/PurchaseOrder", order()))[0] == 403


async def test_a_user_is_locked_after_so_many_wrong_passwords_even_for_the_right_one(start) -> None:
    access = AccessRules(users={"BRIDGE": "right"}, lock_after=3)
    client = await start(behaviour=Behaviour(access=access))
    path = f"{V2}/API_BUSINESS_PARTNER/A_Supplier('10300001')"

    async def status(password: str) -> int:
        header = "Basic " + base64.b64encode(f"BRIDGE:{password}".encode()).decode()
        found, _, response = await client.ask("GET", path, Authorization=header)
        assert found == 200 or "Basic" in response.headers["WWW-Authenticate"]
        return found

    assert [await status("right"), await status("x"), await status("right")] == [200, 401, 200]
    assert [await status("x") for _ in range(3)] == [401, 401, 401]
    assert await status("right") == 401


# --- orders -------------------------------------------------------------------------------------------


async def test_an_order_is_numbered_and_kept_and_found_by_its_reference(start) -> None:
    client = await start()
    status, body, response = await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    assert (status, body["PurchaseOrder"]) == (201, "4500000001")
    assert response.headers["ETag"] == body["@odata.etag"]

    query = "$filter=CorrespncInternalReference eq 'ABCDEFGHIJKL'&$expand=_PurchaseOrderItem"
    _, found, _ = await client.ask("GET", f"{ORDERS}/PurchaseOrder?{query}")
    (row,) = found["value"]
    assert [each["PurchaseOrderItem"] for each in row["_PurchaseOrderItem"]] == ["10", "20"]


REFUSED = [
    ({"Colour": "red"}, "Colour"),
    ({"PurchasingGroup": "0011"}, "PurchasingGroup"),
    ({"CompanyCode": 1010}, "CompanyCode"),
    ({"PurchaseOrderType": "UB"}, "PurchaseOrderType"),
    ({"Supplier": "10300002"}, "Supplier"),
    ({"Supplier": "999"}, "Supplier"),
    ({"PurchaseOrderDate": "/Date(0)/"}, "PurchaseOrderDate"),
    ({"_PurchaseOrderItem": []}, "_PurchaseOrderItem"),
]
REFUSED_ITEMS = [
    ({"OrderQuantity": "10"}, "OrderQuantity"),
    ({"OrderQuantity": Decimal("1.2345")}, "OrderQuantity"),
    ({"NetPriceAmount": Decimal("1.234")}, "NetPriceAmount"),
    ({"NetPriceAmount": 10**9}, "NetPriceAmount"),
    ({"PurchaseOrderQuantityUnit": None}, "PurchaseOrderQuantityUnit"),
    ({"DocumentCurrency": None}, "DocumentCurrency"),
    ({"Material": "BLOCKED"}, "Material"),
    ({"Plant": "9999"}, "Plant"),
]


def exact(value: Any) -> bytes:
    """Write JSON whose decimals are numbers."""
    return json.dumps(value, default=float).encode()


@pytest.mark.parametrize("changes, field", REFUSED, ids=[field for _, field in REFUSED])
async def test_a_head_field_that_is_unknown_mistyped_too_long_or_wrong_is_refused(
    start, changes, field
) -> None:
    client = await start()
    status, body, _ = await client.ask("POST", f"{ORDERS}/PurchaseOrder", order(**changes))

    assert status == 400
    assert body["error"]["target"] == field
    assert not client.sap.documents.entries()


@pytest.mark.parametrize("changes, field", REFUSED_ITEMS, ids=[str(each) for each, _ in REFUSED_ITEMS])
async def test_an_item_field_that_is_mistyped_too_fine_or_wrong_is_refused(start, changes, field) -> None:
    client = await start()
    status, body, _ = await client.ask("POST", f"{ORDERS}/PurchaseOrder", exact(with_item(**changes)))

    assert status == 400
    assert body["error"]["target"] == f"_PurchaseOrderItem(1)/{field}"
    assert not client.sap.documents.entries()


async def test_everything_wrong_is_said_at_once_and_nothing_is_kept(start) -> None:
    client = await start()
    wrong = order(PurchasingGroup="999", Supplier="10300002")
    wrong["_PurchaseOrderItem"][1]["Plant"] = "9999"
    status, body, _ = await client.ask("POST", f"{ORDERS}/PurchaseOrder", wrong)

    targets = [body["error"]["target"], *(each["target"] for each in body["error"]["details"])]
    assert status == 400
    assert targets == ["PurchasingGroup", "Supplier", "_PurchaseOrderItem(2)/Plant"]
    assert not client.sap.documents.entries()


async def test_numbers_keep_their_digits_and_a_sent_reference_is_no_key(start) -> None:
    client = await start()
    body = json.dumps(with_item()).replace('"NetPriceAmount": 13', '"NetPriceAmount": 123456789.10').encode()
    # SAP enforces no unique reference: sent twice, it is there twice.
    answers = [await client.ask("POST", f"{ORDERS}/PurchaseOrder", body) for _ in range(2)]
    made = answers[1][1]

    assert [each[0] for each in answers] == [201, 201]
    assert str(made["_PurchaseOrderItem"][0]["NetPriceAmount"]) == "123456789.10"
    assert len(client.sap.documents.entries("purchase_order", "created")) == 2


async def test_a_change_needs_the_etag_of_the_order_as_it_is(start) -> None:
    client = await start()
    _, made, _ = await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    item = f"{ORDERS}/PurchaseOrderItem(PurchaseOrder='4500000001',PurchaseOrderItem='00010')"
    change = {"OrderQuantity": 4}
    statuses = [
        (await client.ask("PATCH", item, change))[0],
        (await client.ask("PATCH", item, change, **{"If-Match": made["@odata.etag"]}))[0],
        (await client.ask("PATCH", item, change, **{"If-Match": made["@odata.etag"]}))[0],
        (await client.ask("PATCH", item, {"PurchaseOrderItem": "11"}, **{"If-Match": "*"}))[0],
    ]

    assert statuses == [428, 204, 412, 400]
    kept = client.sap.document("purchase_order", "4500000001")["_PurchaseOrderItem"][0]
    assert (kept["OrderQuantity"], kept["_PurchaseOrderScheduleLineTP"][0]["ScheduleLineOrderQuantity"]) == (
        4,
        4,
    )


def batch(*operations: str) -> bytes:
    inner = "".join(f"--c\r\nContent-Type: application/http\r\n\r\n{each}\r\n" for each in operations)
    return (f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}--c--\r\n--b--\r\n").encode()


def patch(item: str, etag: str, body: str) -> str:
    address = f"PurchaseOrderItem(PurchaseOrder='4500000001',PurchaseOrderItem='{item}')"
    return (
        f"PATCH {address} HTTP/1.1\r\nContent-Type: application/json\r\nIf-Match: {etag}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


async def test_a_changeset_is_done_whole_in_its_order_under_one_etag_or_not_at_all(start) -> None:
    client = await start()
    _, made, _ = await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    etag = made["@odata.etag"]
    good = patch("10", etag, '{"OrderQuantity":1}')
    bad = patch("20", etag, '{"OrderQuantity":"x"}')

    status, text, _ = await client.ask(
        "POST", f"{ORDERS}/$batch", batch(good, bad), **{"Content-Type": BATCH}
    )
    assert status == 200
    assert text.count("HTTP/1.1 ") == 1
    assert "HTTP/1.1 400" in text
    assert len(client.sap.documents.entries()) == 1

    other = patch("20", etag, '{"OrderQuantity":2}')
    _, text, _ = await client.ask("POST", f"{ORDERS}/$batch", batch(good, other), **{"Content-Type": BATCH})
    assert text.count("HTTP/1.1 204") == 2
    items = client.sap.document("purchase_order", "4500000001")["_PurchaseOrderItem"]
    assert [each["OrderQuantity"] for each in items] == [1, 2]
    assert len(client.sap.documents.entries()) == 2  # one change


async def test_a_query_sees_a_commit_late_and_its_own_address_at_once(start) -> None:
    now = [0.0]
    client = await start(behaviour=Behaviour(lag_s=5.0), clock=lambda: now[0])
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    query = f"{ORDERS}/PurchaseOrder?$filter=CorrespncInternalReference eq 'ABCDEFGHIJKL'"

    assert (await client.ask("GET", query))[1]["value"] == []
    assert (await client.ask("GET", f"{ORDERS}/PurchaseOrder('4500000001')"))[0] == 200
    now[0] = 6.0
    assert len((await client.ask("GET", query))[1]["value"]) == 1


async def test_pages_change_between_calls(start) -> None:
    client = await start(Tenant(page_size=2))
    for number in range(3):
        await client.ask("POST", f"{ORDERS}/PurchaseOrder", order(CorrespncInternalReference=f"R{number}"))
    _, first, _ = await client.ask("GET", f"{ORDERS}/PurchaseOrder")
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order(CorrespncInternalReference="R3"))
    _, second, _ = await client.ask("GET", f"{ORDERS}/{first['@odata.nextLink']}")

    assert [each["CorrespncInternalReference"] for each in second["value"]] == ["R2", "R3"]
    assert "@odata.nextLink" not in second


async def test_the_ledger_survives_and_numbers_go_on(start, tmp_path: Path) -> None:
    ledger = tmp_path / "sap.jsonl"
    client = await start(behaviour=Behaviour(ledger=ledger))
    _, made, _ = await client.ask(
        "POST", f"{ORDERS}/PurchaseOrder", exact(with_item(NetPriceAmount=Decimal("13.50")))
    )
    await client.sap.stop()
    client = await start(behaviour=Behaviour(ledger=ledger))

    kept = client.sap.document("purchase_order", made["PurchaseOrder"])
    assert kept["_PurchaseOrderItem"][0]["NetPriceAmount"] == Decimal("13.5")
    assert (await client.ask("POST", f"{ORDERS}/PurchaseOrder", order()))[1]["PurchaseOrder"] == "4500000002"


# --- V2 services --------------------------------------------------------------------------------------


def invoice(**changes: Any) -> dict[str, Any]:
    row = {
        "SupplierInvoiceItem": "000001",
        "PurchaseOrder": "4500000001",
        "PurchaseOrderItem": "10",
        "SupplierInvoiceItemAmount": "13.00",
        "QuantityInPurchaseOrderUnit": "1",
        "PurchaseOrderQuantityUnit": "PC",
    }
    head = {
        "CompanyCode": "1010",
        "DocumentDate": "/Date(1775779200000)/",
        "PostingDate": "/Date(1775779200000)/",
        "SupplierInvoiceIDByInvcgParty": "INV-1",
        "InvoicingParty": "10300001",
        "DocumentCurrency": "USD",
        "InvoiceGrossAmount": "13.00",
        "to_SuplrInvcItemPurOrdRef": [row],
    }
    return {**head, **changes}


INVOICES = f"{V2}/API_SUPPLIERINVOICE_PROCESS_SRV/A_SupplierInvoice"


async def test_v2_wants_decimals_as_text_and_dates_as_ticks_and_answers_so(start) -> None:
    client = await start()
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    assert (await client.ask("POST", INVOICES, invoice(InvoiceGrossAmount=13)))[0] == 400
    assert (await client.ask("POST", INVOICES, invoice(PostingDate="2026-04-10")))[0] == 400
    status, body, _ = await client.ask("POST", INVOICES, invoice())

    assert (status, body["d"]["InvoiceGrossAmount"], body["d"]["PostingDate"]) == (
        201,
        "13.00",
        "/Date(1775779200000)/",
    )


async def test_a_v2_refusal_has_error_details_and_a_transaction_id(start) -> None:
    client = await start(Tenant(open_from=date(2026, 6, 1)))
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    _, body, _ = await client.ask("POST", INVOICES, invoice(CompanyCode=None))
    error = body["error"]

    assert error["message"]["value"] == "An exception was raised"  # the outer one is generic
    codes = [each["code"] for each in error["innererror"]["errordetails"]]
    assert codes == ["00/055", "F5/201"]
    assert len(error["innererror"]["transactionid"]) == 32


@pytest.mark.parametrize(
    "rule, statuses", [("error", [201, 400]), ("warning", [201, 201]), ("accepted", [201, 201])]
)
async def test_a_look_alike_invoice_is_an_error_or_a_warning_or_nothing_as_set_up(
    start, rule, statuses
) -> None:
    client = await start(Tenant(duplicate_invoice=rule))
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    answers = [await client.ask("POST", INVOICES, invoice()) for _ in range(2)]

    assert [each[0] for each in answers] == statuses
    assert ("sap-message" in answers[1][2].headers) == (rule == "warning")


async def test_a_movement_posted_twice_is_there_twice_and_can_be_cancelled_once(start) -> None:
    client = await start()
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    row = {
        "PurchaseOrder": "4500000001",
        "PurchaseOrderItem": "00010",
        "GoodsMovementType": "101",
        "GoodsMovementRefDocType": "B",
        "QuantityInEntryUnit": "1",
        "EntryUnit": "PC",
    }
    body = {
        "GoodsMovementCode": "01",
        "PostingDate": "/Date(1775779200000)/",
        "DocumentDate": "/Date(1775779200000)/",
        "to_MaterialDocumentItem": [row],
    }
    service = f"{V2}/API_MATERIAL_DOCUMENT_SRV"
    for _ in range(2):
        assert (await client.ask("POST", f"{service}/A_MaterialDocumentHeader", body))[0] == 201
    assert len(client.sap.documents.entries("material_document")) == 2
    assert await still_open(client) == [8, 10]

    cancel = f"{service}/Cancel?MaterialDocumentYear='2026'&MaterialDocument='5000000001'"
    assert [(await client.ask("POST", cancel))[0] for _ in range(2)] == [200, 400]
    assert await still_open(client) == [9, 10]


async def still_open(client: Client) -> list[Any]:
    """Give what the schedule lines of the first order's items have open."""
    expand = "$expand=_PurchaseOrderItem($expand=_PurchaseOrderScheduleLineTP)"
    _, found, _ = await client.ask("GET", f"{ORDERS}/PurchaseOrder('4500000001')?{expand}")
    return [
        each["OpenPurchaseOrderQuantity"]
        for item in found["_PurchaseOrderItem"]
        for each in item["_PurchaseOrderScheduleLineTP"]
    ]


async def test_a_requisition_that_is_only_validated_is_not_stored(start) -> None:
    client = await start()
    item = {"Plant": "1010", "BaseUnit": "PC", "PurchasingGroup": "001", "RequestedQuantity": "1"}
    body = {"PurchaseRequisitionType": "NB", "PurReqnDoOnlyValidation": True, "to_PurchaseReqnItem": [item]}
    path = f"{V2}/API_PURCHASEREQ_PROCESS_SRV/A_PurchaseRequisitionHeader"
    status, made, _ = await client.ask("POST", path, body)
    assert (status, made["d"]["PurchaseRequisition"]) == (201, "")
    assert not client.sap.documents.entries()

    wrong = body | {"to_PurchaseReqnItem": [item | {"Plant": "9999"}]}
    assert (await client.ask("POST", path, wrong))[0] == 400


@pytest.mark.parametrize("number", ["10300001", "0010300001"])
async def test_a_supplier_is_found_with_and_without_zeros_and_its_gln_is_in_three_parts(
    start, number
) -> None:
    client = await start()
    path = f"{V2}/API_BUSINESS_PARTNER/A_Supplier('{number}')?$expand=to_SupplierPurchasingOrg"
    _, body, _ = await client.ask("GET", path)
    found = body["d"]

    assert found["Supplier"] == "10300001"
    assert [found[f"InternationalLocationNumber{each}"] for each in (1, 2, 3)] == ["0012345", "00001", "0"]
    assert found["to_SupplierPurchasingOrg"]["results"][0]["PurchasingOrganization"] == "1010"


async def test_suppliers_are_listed_filtered_and_paged_and_a_mistaken_page_is_a_400(start) -> None:
    client = await start()
    path = f"{V2}/API_BUSINESS_PARTNER/A_Supplier"

    status, body, _ = await client.ask("GET", path)
    listed = [each["Supplier"] for each in body["d"]["results"]]
    assert (status, listed) == (200, ["10300001", "10300002", "10300003", "MEDLINE"])
    assert "__deferred" in body["d"]["results"][0]["to_SupplierPurchasingOrg"]

    _, body, _ = await client.ask("GET", f"{path}?$filter=Supplier eq 'MEDLINE'")
    assert [each["SupplierName"] for each in body["d"]["results"]] == ["Named Supplier"]
    _, body, _ = await client.ask("GET", f"{path}?$top=1&$skip=1")
    assert [each["Supplier"] for each in body["d"]["results"]] == ["10300002"]
    assert (await client.ask("GET", f"{path}?$top=many"))[0] == 400
    assert (await client.ask("GET", f"{ORDERS}/PurchaseOrder?$top=many"))[0] == 400
    assert (await client.ask("GET", f"{V2}/API_MATERIAL_DOCUMENT_SRV/Cancel"))[0] == 405


def test_a_filter_compares_texts_to_the_letter() -> None:
    row = {
        "PurchaseOrderItem": "00010",
        "Supplier": "O'Neill and Sons or so",
        "Flag": True,
        "Q": Decimal("1.50"),
    }

    assert not matches("PurchaseOrderItem eq '10'", row)
    assert matches("PurchaseOrderItem eq '00010' and Supplier eq 'O''Neill and Sons or so'", row)
    assert matches("(Flag eq false or Q eq 1.5M)", row)
    with pytest.raises(ODataError):
        matches("startswith(Supplier,'O')", row)


# --- confirmations ------------------------------------------------------------------------------------


def message(message_id: str = "urn:uuid:1", quantity: str = "6", item: str = "10") -> bytes:
    header = (
        "<a:Action>http://sap.com/xi/EDI/OrderConfirmationRequest_In/OrderConfirmationRequest_InRequest</a:Action>"
        f"<a:To>/x</a:To><a:MessageID>{message_id}</a:MessageID>"
    )
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="http://sap.com/xi/EDI"'
        f' xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>{header}</s:Header><s:Body>'
        "<e:OrderConfRequest><OrderConfirmation><PurchaseOrderID>4500000001</PurchaseOrderID>"
        f"<SalesOrderID>SO-1</SalesOrderID><Item><PurchaseOrderItemID>{item}</PurchaseOrderItemID>"
        "<ScheduleLine><ConfirmedDeliveryDate>2026-04-01</ConfirmedDeliveryDate>"
        f'<ConfirmedOrderQuantityByMaterialAvailableCheck unitCode="PC">{quantity}'
        "</ConfirmedOrderQuantityByMaterialAvailableCheck></ScheduleLine></Item>"
        "</OrderConfirmation></e:OrderConfRequest></s:Body></s:Envelope>"
    ).encode()


async def confirmed(client: Client, body: bytes) -> int:
    status, _, _ = await client.ask("POST", CONFIRMATIONS, body, **{"Content-Type": "text/xml"})
    await asyncio.sleep(0.02)
    return status


async def test_a_confirmation_is_taken_first_and_replaces_all_lines_of_the_item(start) -> None:
    client = await start(Tenant(confirmation_key="0001"))
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    assert await confirmed(client, message()) == 202
    assert await confirmed(client, message("urn:uuid:2", quantity="4")) == 202

    (lines,) = [
        each["_confirmations"]
        for each in client.sap.document("purchase_order", "4500000001")["_PurchaseOrderItem"]
        if "_confirmations" in each
    ]
    assert [each["quantity"] for each in lines] == [4]


async def test_a_message_that_comes_again_under_its_id_is_taken_and_not_worked_on(start) -> None:
    client = await start(Tenant(confirmation_key="0001"))
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    for _ in range(2):
        assert await confirmed(client, message()) == 202

    assert len(client.sap.documents.entries("purchase_order")) == 2


@pytest.mark.parametrize(
    "tenant, body, why",
    [
        (Tenant(), message(), "no confirmation control key"),
        (Tenant(confirmation_key="0001"), message(item="99"), "does not exist"),
        (Tenant(confirmation_key="0001"), message(quantity="99"), "more is confirmed than ordered"),
    ],
)
async def test_a_message_that_cannot_be_worked_on_is_taken_with_202_and_lost(
    start, tenant, body, why
) -> None:
    client = await start(tenant)
    await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())

    assert await confirmed(client, body) == 202
    ((_, reason),) = client.sap.monitor.lost
    assert why in reason
    assert len(client.sap.documents.entries("purchase_order")) == 1


@pytest.mark.parametrize("missing", [b"a:Action", b"a:To", b"a:MessageID"])
async def test_without_addressing_a_message_is_refused_at_the_door(start, missing: bytes) -> None:
    client = await start()
    status, text, _ = await client.ask(
        "POST", CONFIRMATIONS, message().replace(missing, b"a:Other"), **{"Content-Type": "text/xml"}
    )

    assert status == 500
    assert "faultcode>soap:Client" in text


# --- faults and metadata ------------------------------------------------------------------------------


async def test_business_errors_of_a_fault_script_have_the_shape_of_the_service(start) -> None:
    faults = FaultScript((Fault(Action.BUSINESS_ERROR, method="POST", error="locked"),))
    client = await start(faults=faults)
    _, v4, _ = await client.ask("POST", f"{ORDERS}/PurchaseOrder", order())
    status, v2, _ = await client.ask("POST", INVOICES, invoice())

    assert (v4["error"]["code"], v4["error"]["message"][:4]) == ("ME/006", "User")
    assert (status, v2["error"]["innererror"]["errordetails"][0]["code"]) == (409, "ME/006")


async def test_metadata_names_every_field_and_can_leave_some_out(start) -> None:
    client = await start()
    _, text, _ = await client.ask("GET", f"{ORDERS}/$metadata")
    assert 'Name="CorrespncInternalReference" Type="Edm.String" MaxLength="12"' in text
    assert 'Name="NetPriceAmount" Type="Edm.Decimal" Precision="11" Scale="variable"' in text

    client.sap.missing_fields = frozenset({"PurchaseOrder/CorrespncInternalReference"})
    _, text, _ = await client.ask("GET", f"{ORDERS}/$metadata")
    assert "CorrespncInternalReference" not in text
    for service in SETS:
        status, text, _ = await client.ask("GET", f"{V2}/{service}/$metadata")
        assert (status, text.count("<EntitySet ") >= 1) == (200, True)


def test_every_field_says_whether_it_was_verified_or_assumed() -> None:
    marks = {field.provenance for entity in entities().values() for field in entity.fields.values()}

    assert marks == {"verified", "assumed"}
    assert len(entities()) >= 12


async def test_a_service_that_is_not_there_and_a_method_that_is_not_allowed_are_told_apart(start) -> None:
    client = await start()

    assert (await client.ask("GET", f"{V2}/API_NO_SUCH_SRV/A"))[0] == 404
    assert (await client.ask("DELETE", f"{ORDERS}/PurchaseOrder('4500000009')", **{"If-Match": "*"}))[
        0
    ] == 404
    assert (await client.ask("PUT", f"{ORDERS}/PurchaseOrder('4500000009')", {}))[0] == 405
