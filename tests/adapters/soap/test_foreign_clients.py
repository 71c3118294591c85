"""Two SOAP stacks that are not ours as legacy clients: zeep, and the npm package `soap`.

Each calls every operation of the served WSDL in both versions, through mTLS and through UsernameToken, and
gets typed answers and faults. What one of them cannot do stands in docs/how-to/serve-a-soap-service.md.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from zeep.wsse import UsernameToken

from tests.adapters.soap.site import SERVE, Site, site
from tests.gateway.support import Certificates

NODE = Path(__file__).with_name("node")
COMMON = "urn:mercy-health:mms:common:v2"
SERVICE = "{urn:mercy-health:mms:purchasing:v2:service}MaterialsManagementSoap"
PASSWORD = "correct horse"
USERS = "security: {users: [{name: mms, password: 'file:mms.password', partner: mms}]}"
OPERATIONS = [
    "SubmitRequisition",
    "SubmitPurchaseOrder",
    "GetPurchaseOrderStatus",
    "ClosePurchaseOrder",
    "CheckBudget",
    "ValidateSupplier",
    "PostGoodsReceipt",
    "SubmitInvoice",
]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def routes(change: Callable[[str], str] = str) -> Callable[[str], str]:
    """Serve all eight operations: orders and questions from the cloud, the rest by legacy."""

    def changed(text: str) -> str:
        others = "".join(
            f"""\
  - id: {name.lower()}
    from: {{endpoint: mms-facade, format: soap, partner: mms, set: {name}, identity: message_id}}
    targets: {{legacy: mms}}
    stage: legacy
    reply: {{mode: pass_through, within: 10s}}
"""
            for name in OPERATIONS
            if name not in ("SubmitPurchaseOrder", "CheckBudget")
        )
        return change(text + others)

    return changed


WAYS = ["plain", "mtls", "token"]


def words(way: str, folder: Path, certificates: Certificates) -> dict[str, Any]:
    if way == "mtls":
        server, ca = (certificates.folder / name for name in ("server", "ca"))
        tls = f"{{certificate: 'file:{server}.pem', key: 'file:{server}.key', client_ca: 'file:{ca}.pem'}}"
        return {
            "listen": f'{{https: "127.0.0.1:0", tls: {tls}}}',
            "partner": ', certificates: ["cn:acme"]',
        }
    if way == "token":
        (folder / "mms.password").write_text(PASSWORD)
        return {"serve": f"{SERVE[:-1]}, {USERS}}}"}
    return {}


# --- zeep -------------------------------------------------------------------------------------------


def zeep_service(run: Site, way: str, version: str, certificates: Certificates) -> Any:
    session = requests.Session()
    session.trust_env = False  # or a CA bundle of the environment replaces ours
    if way == "mtls":
        session.verify = str(certificates.pem("ca"))
        session.cert = (str(certificates.pem("client")), str(certificates.key("client")))
    wsse = UsernameToken("mms", PASSWORD, use_digest=True) if way == "token" else None
    client = zeep.Client(f"{run.url}?wsdl", transport=zeep.Transport(session=session), wsse=wsse)
    suffix = {"1.1": "11", "1.2": "12"}[version]
    return client, client.bind("MaterialsManagement", f"Soap{suffix}")


def header(number: int) -> dict[str, Any]:
    return {
        "header": {
            "MessageId": f"M-{number}",
            "SenderId": "TEST",
            "CreatedAt": datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
            "TestIndicator": True,
        }
    }


def zeep_calls(client: Any, service: Any, number: str, first: int) -> dict[str, Any]:
    """Call every operation with what a program would give; the answers as zeep types them."""
    implant = client.get_type(f"{{{COMMON}}}ImplantItem")(
        Gtin="00887517123459", Lot="L1", Expiry=date(2030, 1, 1)
    )
    line = {
        "LineNumber": 1,
        "Item": {"VendorCatalog": "8881-2210", "Description": "Syringe"},
        "Quantity": {"_value_1": 12, "uom": "BX"},
        "UnitPrice": {"_value_1": "18.50", "currency": "USD"},
    }
    money = {"_value_1": "222.00", "currency": "USD"}
    accounting = {"CostCenter": "7310", "Account": "614000"}
    order = {
        "PONumber": number, "OrderDate": date(2026, 11, 20), "VendorId": "V-1042", "type": "STANDARD",
        "ShipTo": {"LocationCode": "DOCK-04", "Street": ["400 River Road", "Gate 4"]}, "Note": ["a & b"],
        "Line": [line, {**line, "LineNumber": 2, "Item": implant}], "Total": money,
    }  # fmt: skip
    asked: dict[str, dict[str, Any]] = {
        "SubmitPurchaseOrder": {"PurchaseOrder": order},
        "SubmitRequisition": {
            "RequisitionNumber": f"R-{number[-8:]}", "Requester": "ann", "Location": "OR3",
            "Line": [{"LineNumber": 1, "Item": line["Item"], "Quantity": line["Quantity"],
                      "NeedBy": zeep.xsd.Nil, "Accounting": [accounting]}],
        },
        "CheckBudget": {"Accounting": accounting, "Amount": money, "FiscalPeriod": "2026-11"},
        "ValidateSupplier": {"VendorId": "V-1042"},
        "SubmitInvoice": {
            "InvoiceNumber": f"I-{number}", "InvoiceDate": date(2026, 11, 21), "VendorId": "V-1042",
            "Line": [line], "Total": money,
            "Attachment": {"FileName": "i.pdf", "MediaType": "application/pdf", "Content": b"%PDF"},
        },
    }  # fmt: skip
    answers = {}
    for index, (name, arguments) in enumerate(asked.items(), start=first):
        answers[name] = service[name](**arguments, _soapheaders=header(index))
    faults = {}
    refused: dict[str, dict[str, Any]] = {
        "GetPurchaseOrderStatus": {"PONumber": "NOBODY"},
        "ClosePurchaseOrder": {"PONumber": "NOBODY"},
        "PostGoodsReceipt": {
            "PONumber": "NOBODY", "PackingSlip": "S-1", "ReceivedOn": datetime(2026, 11, 22, tzinfo=UTC),
            "Line": [{"LineNumber": 1, "Quantity": {"_value_1": 1, "uom": "BX"}}],
        },
    }  # fmt: skip
    for index, (name, arguments) in enumerate(refused.items(), start=first + 50):
        with pytest.raises(zeep.exceptions.Fault) as caught:
            service[name](**arguments, _soapheaders=header(index))
        faults[name] = client.wsdl.types.deserialize(caught.value.detail[0])
    return answers | faults


@pytest.mark.parametrize("way", WAYS)
async def test_zeep_calls_every_operation_in_both_versions(
    tmp_path: Path, certificates: Certificates, way: str
) -> None:
    def called(run: Site, version: str) -> dict[str, Any]:
        client, service = zeep_service(run, way, version, certificates)
        try:
            return zeep_calls(client, service, f"PO-{way}-{version[-1]}", 100 * int(version[-1]))
        finally:
            client.transport.session.close()

    extra = words(way, tmp_path, certificates)
    async with site(tmp_path, change=routes(), budget_stage="cloud", **extra) as run:
        answers = [await asyncio.to_thread(called, run, version) for version in ("1.1", "1.2")]
        orders = run.erp.committed

    for said in answers:
        assert set(said) == set(OPERATIONS)
        assert said["SubmitPurchaseOrder"]["Status"] == "APPROVED", "by the cloud"
        assert said["CheckBudget"]["Decision"] == "PASS"
        assert said["SubmitRequisition"]["Status"] == "PENDING", "by legacy"
        assert said["ValidateSupplier"]["Active"] is True
        assert said["SubmitInvoice"]["DocumentId"]
        assert said["GetPurchaseOrderStatus"]["Code"] == "NOT_FOUND", "a typed fault"
        assert said["PostGoodsReceipt"]["Retryable"] is False
    assert [each.document_type for each in orders] == ["purchase_order"] * 2


async def test_zeep_gets_our_own_refusals_as_typed_faults(tmp_path: Path, certificates: Certificates) -> None:
    def broken(client: Any, service: Any) -> tuple[str, Any]:
        try:
            return refused(client, service)
        finally:
            client.transport.session.close()

    def refused(client: Any, service: Any) -> tuple[str, Any]:
        line = {
            "LineNumber": 0,  # a positive integer is asked for
            "Item": {"VendorCatalog": "1"},
            "Quantity": {"_value_1": 1, "uom": "EA"},
            "UnitPrice": {"_value_1": "1", "currency": "USD"},
        }
        order = {
            "PONumber": "P", "OrderDate": date(2026, 11, 20), "VendorId": "V", "type": "STANDARD",
            "ShipTo": {"LocationCode": "D"}, "Line": [line], "Total": {"_value_1": "1", "currency": "USD"},
        }  # fmt: skip
        with pytest.raises(zeep.exceptions.Fault) as caught:
            service.SubmitPurchaseOrder(PurchaseOrder=order, _soapheaders=header(1))
        return caught.value.message, client.wsdl.types.deserialize(caught.value.detail[0])

    async with site(tmp_path, change=routes()) as run:
        said = []
        for version in ("1.1", "1.2"):
            client, service = await asyncio.to_thread(zeep_service, run, "plain", version, certificates)
            said.append(await asyncio.to_thread(broken, client, service))
    for message, detail in said:
        assert "LineNumber" in message
        assert "positiveInteger" in message
        assert (detail["Code"], detail["Message"]) == ("INVALID_REQUEST", "SOAP-INVALID")


@pytest.mark.parametrize("way", ["mtls", "token"])
async def test_a_client_that_does_not_show_who_it_is_is_refused(
    tmp_path: Path, certificates: Certificates, way: str
) -> None:
    def refused(run: Site) -> str:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(certificates.pem("ca")) if way == "mtls" else True
        try:
            client = zeep.Client(f"{run.url}?wsdl", transport=zeep.Transport(session=session))
            client.bind("MaterialsManagement", "Soap11").ValidateSupplier(
                VendorId="V-1042", _soapheaders=header(1)
            )
        except zeep.exceptions.Fault as fault:
            return str(fault.message)
        except (requests.exceptions.SSLError, requests.exceptions.ConnectionError, ssl.SSLError) as error:
            return type(error).__name__
        finally:
            session.close()
        return "taken"

    async with site(tmp_path, change=routes(), **words(way, tmp_path, certificates)) as run:
        told = await asyncio.to_thread(refused, run)
        assert not run.mms.requests
        await asyncio.sleep(0.3)  # the listener hears of the handshake's end after the client does
    assert told != "taken"


# --- the npm package soap ---------------------------------------------------------------------------


def node_calls(number: str, prefix: str) -> list[dict[str, Any]]:
    line = {
        "LineNumber": "1",
        "Item": {"VendorCatalog": "8881-2210", "Description": "Syringe"},
        "Quantity": {"attributes": {"uom": "BX"}, "$value": "12"},
        "UnitPrice": {"attributes": {"currency": "USD"}, "$value": "18.50"},
    }
    money = {"attributes": {"currency": "USD"}, "$value": "222.00"}
    accounting = {"CostCenter": "7310", "Account": "614000"}
    order = {
        "attributes": {"type": "STANDARD"}, "PONumber": number, "OrderDate": "2026-11-20",
        "VendorId": "V-1042", "ShipTo": {"LocationCode": "DOCK-04"}, "Line": [line], "Total": money,
    }  # fmt: skip
    asked: dict[str, dict[str, Any]] = {
        "SubmitPurchaseOrder": {"PurchaseOrder": order},
        "SubmitRequisition": {
            "RequisitionNumber": f"R-{number[-8:]}", "Requester": "ann", "Location": "OR3",
            "Line": [{"LineNumber": "1", "Item": line["Item"], "Quantity": line["Quantity"],
                      "NeedBy": "2026-11-21", "Accounting": [accounting]}],
        },
        "CheckBudget": {"Accounting": accounting, "Amount": money, "FiscalPeriod": "2026-11"},
        "ValidateSupplier": {"VendorId": "V-1042"},
        "SubmitInvoice": {
            "InvoiceNumber": f"I-{number}", "InvoiceDate": "2026-11-21", "VendorId": "V-1042", "Line": [line],
            "Total": money,
        },
        "GetPurchaseOrderStatus": {"PONumber": "NOBODY"},
        "ClosePurchaseOrder": {"PONumber": "NOBODY"},
        "PostGoodsReceipt": {
            "PONumber": "NOBODY", "PackingSlip": "S-1", "ReceivedOn": "2026-11-22T08:00:00Z",
            "Line": [{"LineNumber": "1", "Quantity": line["Quantity"]}],
        },
    }  # fmt: skip
    return [
        {
            "operation": name,
            "arguments": arguments,
            "header": {
                "c:RequestHeader": {
                    "c:MessageId": f"N-{prefix}-{index}",
                    "c:SenderId": "TEST",
                    "c:CreatedAt": "2026-11-20T08:00:00Z",
                    "c:TestIndicator": "true",
                }
            },
        }
        for index, (name, arguments) in enumerate(asked.items())
    ]


async def node(asked: dict[str, Any]) -> dict[str, Any]:
    """Run the second stack. It is installed by `make node` (tests/adapters/soap/node)."""
    program = shutil.which("node")
    if program is None:
        pytest.fail("Node.js 18 or newer is needed: sudo apt-get install -y nodejs npm")
    if not (NODE / "node_modules" / "soap").is_dir():
        pytest.fail("the npm package soap is not installed: make node")
    process = await asyncio.create_subprocess_exec(
        program, "client.js", cwd=NODE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(json.dumps(asked).encode()), 40)
    assert process.returncode == 0, err.decode()
    return json.loads(out)


@pytest.mark.parametrize("way", WAYS)
async def test_the_npm_package_soap_calls_every_operation_in_both_versions(
    tmp_path: Path, certificates: Certificates, way: str
) -> None:
    asked: dict[str, Any] = {"service": "MaterialsManagement", "headerNamespace": COMMON}
    if way == "mtls":
        asked["tls"] = {
            "key": str(certificates.key("client")),
            "cert": str(certificates.pem("client")),
            "ca": str(certificates.pem("ca")),
        }
    if way == "token":
        asked |= {"user": "mms", "password": PASSWORD}
    extra = words(way, tmp_path, certificates)
    ports = {"1.1": "Soap11", "1.2": "Soap12"}
    async with site(tmp_path, change=routes(), budget_stage="cloud", **extra) as run:
        said = [
            await node(
                asked
                | {"url": f"{run.url}?wsdl", "version": version, "port": port}
                | {"calls": node_calls(f"NPO-{way}-{port}", port)}
            )
            for version, port in ports.items()
        ]
        orders = run.erp.committed

    for version, each in zip(ports, said, strict=True):
        described = each["described"]["MaterialsManagement"]
        told = {name: set(found) for name, found in described.items()}
        assert told == {port: set(OPERATIONS) for port in ports.values()}
        _judge({result["operation"]: result for result in each["results"]}, version)
    assert [each.document_type for each in orders] == ["purchase_order"] * 2


def _judge(results: dict[str, dict[str, Any]], version: str) -> None:
    answers = {name: each.get("answer") or {} for name, each in results.items()}
    assert answers["SubmitPurchaseOrder"].get("Status") == "APPROVED", results["SubmitPurchaseOrder"]
    assert answers["CheckBudget"].get("Decision") == "PASS", results["CheckBudget"]
    assert answers["SubmitRequisition"].get("Status") == "PENDING", results["SubmitRequisition"]
    # It types the answers of its SOAP 1.1 port only; zeep shows the types of both.
    assert answers["ValidateSupplier"].get("Active") == (True if version == "1.1" else "true")
    assert answers["SubmitInvoice"].get("DocumentId"), results["SubmitInvoice"]
    for name in ("GetPurchaseOrderStatus", "PostGoodsReceipt"):
        detail = results[name]["fault"]["Detail" if version == "1.2" else "detail"]
        assert detail["ServiceFault"]["Code"] == "NOT_FOUND", results[name]
