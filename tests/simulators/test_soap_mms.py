"""The simulated materials-management system as a witness: zeep can call it, its ledger tells the truth."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree
from zeep import Client
from zeep.exceptions import Fault as ZeepFault
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

from simulators.faults import Action, Fault, FaultScript
from simulators.soap_mms import LegacyClient, Settings, SoapMms, Token
from simulators.soap_mms.client import budget_question, purchase_order
from simulators.soap_mms.envelope import COMMON, SOAP11, SOAP12

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "soap"
WSDL = FIXTURES / "wsdl"
SERVICE = "/services/MaterialsManagement"


def code_of(body: bytes) -> str:
    return etree.fromstring(body).findtext(f".//{{{COMMON}}}ServiceFault/{{{COMMON}}}Code") or ""


@pytest.mark.parametrize("version", ["soap11", "soap12"])
async def test_every_fixture_request_is_valid_and_gets_an_answer(version: str) -> None:
    order_first = ["SubmitPurchaseOrder", *sorted(each.name.split(".")[0] for each in _requests(version))]
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        client = LegacyClient(mms.url + SERVICE, version=SOAP11 if version == "soap11" else SOAP12)
        for name in dict.fromkeys(order_first):
            answer = await client.send(name, (FIXTURES / f"requests/{name}.{version}.xml").read_bytes())
            assert answer.status == 200, (name, answer.body)
            assert f"{name}Response".encode() in answer.body

        assert mms.invalid == []
        assert [each.operation for each in mms.committed] == [
            "SubmitPurchaseOrder",
            "ClosePurchaseOrder",
            "PostGoodsReceipt",
            "SubmitInvoice",
            "SubmitRequisition",
        ]
        assert mms.committed[0].message_id == "MSG-2026-0002"


def _requests(version: str) -> list[Path]:
    return [each for each in (FIXTURES / "requests").glob(f"*.{version}.xml") if each.name[0].isupper()]


async def test_bad_requests_are_refused_and_not_committed() -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        client = LegacyClient(mms.url + SERVICE)
        bad = sorted((FIXTURES / "bad").glob("*.xml"))
        assert len(bad) >= 12
        for each in bad:
            answer = await client.send("SubmitPurchaseOrder", each.read_bytes())
            assert answer.is_fault, each.name

        assert len(mms.invalid) == len(bad)
        assert mms.committed == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (purchase_order("1", item="X-9"), "INVALID_ITEM"),
        (purchase_order("1", vendor="V-HOLD"), "VENDOR_HOLD"),
        (purchase_order("1", vendor="V-BUSY"), "SYSTEM_BUSY"),
        (purchase_order("1", quantity="20000"), "BUDGET"),
        (budget_question("1", period="2025-12"), "PERIOD_CLOSED"),
    ],
)
async def test_test_cards_give_their_typed_faults(content: str, code: str) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        answer = await LegacyClient(mms.url + SERVICE).call("SubmitPurchaseOrder", "m-1", content)

        assert code_of(answer.body) == code
        assert mms.committed == []


async def test_a_known_number_is_a_duplicate_unless_the_system_is_told_not_to_look() -> None:
    for detects, expected in ((True, ["", "DUPLICATE"]), (False, ["", ""])):
        async with SoapMms(Settings(detects_duplicates=detects)) as mms:
            client = LegacyClient(mms.url + SERVICE)
            answers = [await client.call("SubmitPurchaseOrder", "m", purchase_order("7")) for _ in range(2)]

            assert [code_of(each.body) for each in answers] == expected
            assert len(mms.committed) == expected.count("")


async def test_zeep_calls_it_in_both_versions_and_gets_typed_answers_and_faults() -> None:
    async with SoapMms(Settings(wsdl=WSDL, user="mms", password="pw")) as mms:
        found = await asyncio.to_thread(_zeep_calls, mms.url)

    assert found == {"Soap11": ("PASS", "INVALID_ITEM"), "Soap12": ("PASS", "INVALID_ITEM")}


def _zeep_calls(url: str) -> dict[str, tuple[str, str]]:
    found = {}
    for port in ("Soap11", "Soap12"):
        client = Client(
            str(WSDL / "materials_management.wsdl"),
            port_name=port,
            transport=Transport(),
            wsse=UsernameToken("mms", "pw", use_digest=True),
        )
        binding = f"{{urn:mercy-health:mms:purchasing:v2:service}}MaterialsManagement{port}"
        service = client.create_service(binding, url + SERVICE)
        answer = service.CheckBudget(
            Accounting={"CostCenter": "7310", "Account": "614000"},
            Amount={"_value_1": "100", "currency": "USD"},
            FiscalPeriod="2026-11",
        )
        try:
            service.SubmitPurchaseOrder(
                PurchaseOrder={
                    "type": "RUSH",
                    "PONumber": f"Z-{port}",
                    "OrderDate": "2026-11-20",
                    "VendorId": "V-1042",
                    "ShipTo": {"LocationCode": "DOCK"},
                    "Line": [
                        {
                            "LineNumber": 1,
                            "Item": {"VendorCatalog": "X-1"},
                            "Quantity": {"_value_1": "1", "uom": "EA"},
                            "UnitPrice": {"_value_1": "1"},
                        }
                    ],
                    "Total": {"_value_1": "1"},
                }
            )
            code = "none"
        except ZeepFault as error:
            code = error.detail.findtext(f".//{{{COMMON}}}Code")
        found[port] = (answer.Decision, code)
        client.transport.session.close()
    return found


async def test_the_older_budget_service_answers_rpc_encoded_requests() -> None:
    async with SoapMms() as mms:
        client = LegacyClient(mms.url + "/services/Budget")
        for name in ("checkBudget.rpc.soap11.xml", "checkBudget.multiref.soap11.xml"):
            answer = await client.send("checkBudget", (FIXTURES / "requests" / name).read_bytes())

            assert b"checkBudgetResponse" in answer.body
            assert b">PASS<" in answer.body


async def test_a_wrong_password_and_a_nonce_used_twice_are_refused() -> None:
    async with SoapMms(Settings(user="mms", password="pw")) as mms:
        good = LegacyClient(mms.url + SERVICE, token=Token("mms", "pw"))
        body = good.envelope("m-1", budget_question("1"), datetime.now(UTC))
        first, again = await good.send("CheckBudget", body), await good.send("CheckBudget", body)
        wrong = await LegacyClient(mms.url + SERVICE, token=Token("mms", "other")).call(
            "CheckBudget", "m-2", budget_question("1")
        )
        none = await LegacyClient(mms.url + SERVICE).call("CheckBudget", "m-3", budget_question("1"))

    assert not first.is_fault
    assert all(b"wsse:FailedAuthentication" in each.body for each in (again, wrong, none))


async def test_what_was_committed_survives_kill_9_and_shows_in_a_look_up(tmp_path: Path) -> None:
    ledger = tmp_path / "mms.jsonl"
    command = [sys.executable, "-m", "simulators.soap_mms", "--ledger", str(ledger), "--wsdl", str(WSDL)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().rpartition(" ")[2].strip()
    answer = await LegacyClient(url + SERVICE).call("SubmitPurchaseOrder", "m-1", purchase_order("42"))
    process.send_signal(signal.SIGKILL)
    await process.wait()

    assert not answer.is_fault
    assert json.loads(ledger.read_text())["number"] == "42"
    async with SoapMms(Settings(ledger)) as mms:
        question = "<p:GetPurchaseOrderStatus><p:PONumber>42</p:PONumber></p:GetPurchaseOrderStatus>"
        found = await LegacyClient(mms.url + SERVICE).call("GetPurchaseOrderStatus", "m-2", question)
    assert b">RECEIVED<" in found.body


async def test_a_fault_script_can_let_it_commit_and_say_nothing(tmp_path: Path) -> None:
    script = FaultScript((Fault(Action.COMMIT_THEN_RESET, key="^504$"), Fault(Action.GARBAGE, key="^600$")))
    async with SoapMms(faults=script) as mms:
        client = LegacyClient(mms.url + SERVICE)
        with pytest.raises(Exception, match=r"disconnected|reset"):
            await client.call("SubmitPurchaseOrder", "m-1", purchase_order("504"))
        garbage = await client.call("SubmitPurchaseOrder", "m-2", purchase_order("600"))

        assert garbage.body.startswith(b"\x00\xff")
        assert [each.number for each in mms.committed] == ["504", "600"]
        assert [each.fault for each in mms.requests] == ["commit_then_reset", "garbage"]


def test_the_command_calls_once_prints_the_answer_and_says_what_is_wrong(tmp_path: Path) -> None:
    module = [sys.executable, "-m", "simulators.soap_mms"]
    missing = subprocess.run(
        [*module, "--call", "http://127.0.0.1:9"], capture_output=True, text=True, check=False
    )
    body = tmp_path / "request.xml"
    body.write_bytes((FIXTURES / "requests/CheckBudget.soap11.xml").read_bytes())
    nobody = subprocess.run(
        [*module, "--call", "http://127.0.0.1:9", "--body", str(body)],
        capture_output=True,
        text=True,
        check=False,
    )
    no_password = subprocess.run(
        [*module, "--user", "mms"],
        capture_output=True,
        text=True,
        check=False,
        env={key: text for key, text in os.environ.items() if key != "MMS"},
    )

    assert (missing.returncode, nobody.returncode, no_password.returncode) == (2, 2, 2)
    assert "--body FILE" in missing.stderr
    assert "no answer from http://127.0.0.1:9" in nobody.stderr
    assert "--password-env" in no_password.stderr
