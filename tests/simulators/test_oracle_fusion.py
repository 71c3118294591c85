"""The simulated Oracle pod by itself: what it insists on, and what changes with the framework version."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.commands.simulate import systems
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.oracle_fusion import OracleFusion, PodSettings
from simulators.cloud_erp.oracle_fusion.resources import ROOT, RULES

PROJECT = Path(__file__).resolve().parents[2]
ITEM = "application/vnd.oracle.adf.resourceitem+json"
ACTION = "application/vnd.oracle.adf.action+json"
LINE = {"LineNumber": 1, "Item": "TG1", "Quantity": 5, "UOM": "Each", "Price": 649}
DRAFT = {"ProcurementBU": "H BU", "Supplier": "Acme", "Description": "REF1 x", "lines": [LINE]}


class Client:
    """Asks one pod."""

    def __init__(self, pod: OracleFusion, session: aiohttp.ClientSession) -> None:
        self.pod = pod
        self._session = session

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: int | None = 4,
        content_type: str = ITEM,
        **headers: str,
    ) -> tuple[int, Any, Any]:
        sent = {
            "Content-Type": content_type,
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        if version is not None:
            sent["REST-Framework-Version"] = str(version)
        async with self._session.request(
            method,
            f"{self.pod.url}{ROOT}/{path}",
            data=json.dumps(body) if body is not None else None,
            headers=sent,
        ) as response:
            text = await response.text()
            is_json = "json" in response.content_type
            return response.status, json.loads(text) if is_json and text else text, response.headers

    async def drafted(self) -> tuple[str, dict[str, Any]]:
        """Create a draft; give its path and what was shown of it."""
        status, shown, _ = await self.ask("POST", "draftPurchaseOrders", DRAFT)
        assert status == 201
        return shown["links"][0]["href"].partition(ROOT + "/")[2], shown

    async def opened(self) -> tuple[str, dict[str, Any]]:
        path, shown = await self.drafted()
        action = {"name": "submit", "parameters": []}
        assert (await self.ask("POST", f"{path}/action/submit", action, content_type=ACTION))[0] == 200
        return path, shown


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with OracleFusion(settings=PodSettings(processing_s=0)) as pod, aiohttp.ClientSession() as session:
        assert isinstance(pod, OracleFusion)
        yield Client(pod, session)


async def test_without_a_version_errors_are_plain_text_and_with_4_details_with_a_text_as_status(
    client: Client,
) -> None:
    bad = {**DRAFT, "Colour": "red"}
    status, plain, _ = await client.ask("POST", "draftPurchaseOrders", bad, version=None)
    assert (status, plain) == (400, "JBO-27021: draftPurchaseOrders has no attribute Colour")

    status, details, _ = await client.ask("POST", "draftPurchaseOrders", bad)
    assert (status, details["status"], details["title"]) == (400, "400", "Bad Request")
    assert details["o:errorDetails"][0]["o:errorPath"] == "/Colour"


async def test_children_are_arrays_before_version_3_and_collections_from_it_on(client: Client) -> None:
    await client.drafted()
    for version, kind in ((1, list), (2, list), (3, dict), (4, dict)):
        _, page, _ = await client.ask("GET", "draftPurchaseOrders?expand=lines", version=version)
        assert type(page["items"][0]["lines"]) is kind


async def test_conditions_are_joined_by_and_from_version_2_on(client: Client) -> None:
    await client.drafted()
    old, new = "q=Supplier='Acme';ProcurementBU='H BU'", "q=Supplier='Acme' and ProcurementBU='H BU'"
    assert (await client.ask("GET", f"draftPurchaseOrders?{old}", version=1))[1]["count"] == 1
    assert (await client.ask("GET", f"draftPurchaseOrders?{old}", version=2))[0] == 400
    assert (await client.ask("GET", f"draftPurchaseOrders?{new}", version=2))[1]["count"] == 1
    assert (await client.ask("GET", "draftPurchaseOrders?q=Supplier LIKE 'Ac%25'"))[1]["count"] == 1


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"Supplier": 7}, "/Supplier"),
        ({"Description": "x" * 241}, "/Description"),
        ({"ProcurementBU": None}, "/ProcurementBU"),
        ({"lines": [{**LINE, "Price": "1.25"}]}, "/lines/0/Price"),
        ({"lines": [{**LINE, "Price": 1.12345678901}]}, "/lines/0/Price"),
    ],
)
async def test_wrong_types_long_texts_and_too_many_digits_are_refused(
    client: Client, change: dict[str, Any], path: str
) -> None:
    status, details, _ = await client.ask("POST", "draftPurchaseOrders", {**DRAFT, **change})

    assert status == 400
    assert [each["o:errorPath"] for each in details["o:errorDetails"]] == [path]
    assert not client.pod.documents.entries()


async def test_ids_are_opaque_and_an_action_insists_on_its_media_type(client: Client) -> None:
    path, shown = await client.drafted()
    assert shown["OrderNumber"] not in path
    assert str(shown["POHeaderId"]) not in path
    action = {"name": "submit", "parameters": []}
    assert (await client.ask("POST", f"{path}/action/submit", action))[0] == 415
    assert (await client.ask("POST", f"{path}/action/submit", action, content_type=ACTION))[0] == 200
    assert (await client.ask("POST", f"{path}/action/submit", action, content_type=ACTION))[0] == 404


async def test_pages_hold_25_by_default_and_say_whether_there_are_more(client: Client) -> None:
    for _ in range(26):
        await client.drafted()
    _, first, _ = await client.ask("GET", "draftPurchaseOrders?onlyData=true")
    assert (first["count"], first["hasMore"], first["limit"]) == (25, True, 25)
    assert "links" not in first["items"][0]
    _, second, _ = await client.ask("GET", "draftPurchaseOrders?offset=25")
    assert (second["count"], second["hasMore"]) == (1, False)


async def test_upsert_makes_a_change_order_of_an_open_order_and_is_ignored_elsewhere(client: Client) -> None:
    _, shown = await client.opened()
    change = {"OrderNumber": shown["OrderNumber"], "lines": [{"LineNumber": 1, "Quantity": 4}]}
    status, draft, _ = await client.ask("POST", "draftPurchaseOrders", change, Upsert_Mode="true")
    assert (status, draft["OrderNumber"]) == (201, shown["OrderNumber"])

    requisition = {"RequisitioningBU": "H BU", "PreparerEmail": "a@b.example", "lines": []}
    for _ in range(2):
        assert (await client.ask("POST", "purchaseRequisitions", requisition, Upsert_Mode="true"))[0] == 201
    assert len(client.pod.documents.entries("purchaseRequisitions", "created")) == 2


async def test_a_stale_if_match_is_refused_and_told_the_new_etag(client: Client) -> None:
    _, shown = await client.opened()
    path = f"purchaseOrderAcknowledgments/{shown['POHeaderId']}"
    accept = {"AcknowledgmentResponse": "ACCEPT"}
    status, _, headers = await client.ask("PATCH", path, accept, If_Match='"stale"')
    assert status == 412
    assert (await client.ask("PATCH", path, accept, If_Match=headers["ETag"]))[0] == 200


async def test_a_rejection_needs_a_note(client: Client) -> None:
    _, shown = await client.opened()
    path = f"purchaseOrderAcknowledgments/{shown['POHeaderId']}"
    assert (await client.ask("PATCH", path, {"AcknowledgmentResponse": "REJECT"}))[0] == 400


async def test_describe_tells_the_attributes_and_their_lengths(client: Client) -> None:
    _, described, _ = await client.ask("GET", "draftPurchaseOrders/describe")
    resource = described["Resources"]["draftPurchaseOrders"]
    supplier = next(each for each in resource["attributes"] if each["name"] == "Supplier")
    assert (supplier["maxLength"], supplier["mandatory"]) == (360, True)
    assert "schedules" in resource["children"]["lines"]["children"]


async def test_the_ledger_is_there_after_a_restart(tmp_path: Path) -> None:
    ledger = tmp_path / "pod.jsonl"
    numbers = []
    for _ in range(2):
        async with OracleFusion(Behaviour(ledger)) as pod, aiohttp.ClientSession() as session:
            assert isinstance(pod, OracleFusion)
            _, shown = await Client(pod, session).opened()
            numbers.append(shown["OrderNumber"])
            assert {each.number for each in pod.documents.entries("orders", "created")} == set(numbers)
    assert len(set(numbers)) == 2


def test_every_field_rule_says_whether_it_is_verified_or_assumed() -> None:
    rules = [rule for fields in RULES.entities.values() for rule in fields.values()]
    assert {rule.status for rule in rules} == {"verified", "assumed"}
    assert all(rule.source for rule in rules if rule.status == "verified")


def test_the_command_finds_the_erps_by_their_names_and_runs_one_with_a_fault_script(tmp_path: Path) -> None:
    assert {"oracle_fusion", "sap_s4hana", "dynamics365", "generic", "cloud_erp"} <= set(systems())
    faults = tmp_path / "faults.json"
    faults.write_text('[{"action": "throttle", "retry_after": "3"}]')
    command = [
        sys.executable,
        "-m",
        "gateway",
        "simulate",
        "oracle_fusion",
        "--port",
        "0",
        "--faults",
        str(faults),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert process.stdout is not None
    with process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
    assert line.startswith("oracle_fusion listens on http://localhost:")
    assert process.returncode == 0


# --- closing ------------------------------------------------------------------------------------------


async def close(client: Client, path: str, action: str = "close") -> tuple[int, Any]:
    body = {"name": "close", "parameters": [{"closeAction": action}, {"closeReason": "gone"}]}
    address = f"{path.replace('draftPurchaseOrders', 'purchaseOrders')}/action/close"
    status, shown, _ = await client.ask("POST", address, body, content_type=ACTION)
    return status, shown


async def schedules(client: Client, number: str) -> list[dict[str, Any]]:
    _, page, _ = await client.ask("GET", f"purchaseOrderSchedules?q=OrderNumber='{number}'&onlyData=true")
    items: list[dict[str, Any]] = page["items"]
    return items


async def receive(client: Client, number: str, quantity: int) -> dict[str, Any]:
    line = {
        "TransactionType": "RECEIVE",
        "SourceDocumentCode": "PO",
        "DocumentNumber": number,
        "DocumentLineNumber": 1,
        "Quantity": quantity,
    }
    row = {"ReceiptSourceCode": "VENDOR", "ShipmentNumber": f"S{quantity}", "lines": [line]}
    _, made, _ = await client.ask("POST", "receivingReceiptRequests", row)
    path = f"receivingReceiptRequests/{made['HeaderInterfaceId']}?expand=lines,lines.processingErrors"
    _, shown, _ = await client.ask("GET", path)
    fields: dict[str, Any] = shown
    return fields


async def test_schedules_show_what_came_and_a_close_leaves_the_quantity_as_it_was_ordered(
    client: Client,
) -> None:
    path, shown = await client.opened()
    await receive(client, shown["OrderNumber"], 2)

    assert await close(client, path) == (200, {"result": "SUCCESS"})
    (row,) = await schedules(client, shown["OrderNumber"])
    assert (row["ScheduleStatusCode"], row["Quantity"], row["ReceivedQuantity"]) == ("CLOSED", 5, 2)
    assert row["InvoicedQuantity"] is None
    refused = await receive(client, shown["OrderNumber"], 1)
    assert refused["lines"]["items"][0]["processingErrors"]["items"][0]["ErrorMessageName"] == "RCV_PO_CLOSED"


async def test_what_is_closed_is_not_closed_again_and_no_other_word_closes(client: Client) -> None:
    path, _ = await client.opened()
    assert (await close(client, path, "CLOSE"))[0] == 400
    assert (await close(client, path))[0] == 200
    status, refused = await close(client, path)

    assert (status, refused["o:errorDetails"][0]["o:errorCode"]) == (400, "PO-5010")


async def test_an_order_with_a_pending_change_is_not_closed(client: Client) -> None:
    path, shown = await client.opened()
    change = {"OrderNumber": shown["OrderNumber"], "lines": [{"LineNumber": 1, "Quantity": 4}]}
    await client.ask("POST", "draftPurchaseOrders", change, Upsert_Mode="true")
    status, refused = await close(client, path)

    assert (status, refused["o:errorDetails"][0]["o:errorCode"]) == (400, "PO-5012")


async def test_what_is_finally_closed_takes_no_invoice(client: Client) -> None:
    path, shown = await client.opened()
    await close(client, path, "finallyClose")
    line = {"LineNumber": 1, "LineAmount": 649, "PurchaseOrderNumber": shown["OrderNumber"]}
    invoice = {
        "InvoiceNumber": "I-1",
        "InvoiceCurrency": "USD",
        "InvoiceAmount": 649,
        "InvoiceDate": "2026-03-05",
        "BusinessUnit": "H BU",
        "Supplier": "Acme",
        "invoiceLines": [line],
    }
    status, _, _ = await client.ask("POST", "invoices", invoice)

    assert status == 400
