"""A whole gateway between the simulated legacy client and the simulated legacy server, all of it real."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.serving import serving
from simulators.faults import Action, Fault, FaultScript
from simulators.soap_mms import LegacyClient, Settings, SoapMms, Token
from simulators.soap_mms.client import purchase_order
from simulators.soap_mms.envelope import SOAP11, SOAP12
from tests.adapters.soap.client_rig import FIXTURES, SERVICE, document

WSDL = FIXTURES / "wsdl"
PASSWORD = "correct horse"
ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: {journal}
  workers: 0
  listen: {{http: 127.0.0.1:0}}
mappings:
  order_in: mappings/purchase_order.yaml
  order_out: mappings/purchase_order_out.yaml
  order_status: mappings/purchase_order_status.yaml
endpoints:
  facade:
    kind: soap
    environment: test
    wsdl: wsdl/materials_management.wsdl
    serve:
      path: /services/MaterialsManagement
      message_id: "soap:Header.RequestHeader.MessageId"
      security: {{users: [{{name: mms, password: env:MMS_PASSWORD}}], password: digest}}
  mms:
    kind: soap
    environment: test
    wsdl: wsdl/materials_management.wsdl
    call:
      address: {mms}
      plaintext: true
      timeout: 1s
      port: {port}
      security: {{token: {{user: mms, password: env:MMS_PASSWORD}}}}
      header:
        RequestHeader: {{MessageId: "{{reference}}", SenderId: BRIDGE, CreatedAt: "{{at}}"}}
      queries: [CheckBudget, GetPurchaseOrderStatus, ValidateSupplier]
      faults: {{code: Code, text: Message, retryable: Retryable, lines: LineError, missing: [NOT_FOUND],
               duplicate: [DUPLICATE]}}
      operations:
        purchase_order:
          operation: SubmitPurchaseOrder
          mapping: order_out
          number: PONumber
          look_up: {{operation: GetPurchaseOrderStatus, mapping: order_status, number: PONumber,
                    waits: [0s], quiet: 1s}}
partners:
  mms: {{environment: test}}
routes:
  - id: po.soap
    from: {{endpoint: facade, format: soap, set: SubmitPurchaseOrder, partner: mms, identity: message_id,
           settings: {{mapping: order_in}}}}
    targets: {{legacy: mms}}
    stage: legacy
    reply: {{mode: pass_through, within: 10s}}
  - id: po.json
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{legacy: mms}}
    stage: legacy
    reply: {{mode: wait, within: 10s, pending: reference}}
"""


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMS_PASSWORD", PASSWORD)


class Site:
    """A folder with a routes.yaml, its WSDL and its mappings."""

    def __init__(self, folder: Path, mms: SoapMms, port: str = "Soap11") -> None:
        self.path = folder / "routes.yaml"
        shutil.copytree(WSDL, folder / "wsdl")
        shutil.copytree(FIXTURES / "mappings", folder / "mappings")
        address = mms.url.replace("localhost", "127.0.0.1") + SERVICE
        self.path.write_text(ROUTES.format(journal="sqlite:journal.db", mms=address, port=port))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        async with serving(self.path) as served:
            [address] = served.addresses
            yield address


def legacy_client(address: str, version: str = SOAP11, word: str = PASSWORD) -> LegacyClient:
    return LegacyClient(address + SERVICE, version=version, token=Token("mms", word), timeout_s=20)


async def post_order(address: str, key: str, **order: Any) -> tuple[int, dict]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{address}/v1/documents/purchase_order",
            data=json.dumps(document(**order)),
            headers={"Content-Type": "application/json", "Idempotency-Key": key},
        ) as response,
    ):
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
async def test_a_legacy_call_passes_through_untouched_and_is_answered_by_legacy_itself(
    tmp_path: Path, version: str
) -> None:
    async with SoapMms(Settings(wsdl=WSDL, user="mms", password=PASSWORD)) as mms:
        async with Site(tmp_path, mms).running() as address:
            client = legacy_client(address, version)
            body = client.envelope("m-1", purchase_order("77001"), datetime.now(UTC))
            answer = await client.send("SubmitPurchaseOrder", body)

        assert answer.status == 200, answer.body
        assert b"SubmitPurchaseOrderResponse" in answer.body
        [seen] = mms.requests
        assert seen.body == body  # byte for byte, its own Security header included
        assert [each.number for each in mms.committed] == ["77001"]


async def test_a_replay_is_known_after_a_restart_and_a_repeat_gets_the_stored_answer(tmp_path: Path) -> None:
    async with SoapMms(Settings(wsdl=WSDL, user="mms", password=PASSWORD)) as mms:
        site = Site(tmp_path, mms)
        async with site.running() as address:
            client = legacy_client(address)
            body = client.envelope("m-1", purchase_order("77002"), datetime.now(UTC))
            first = await client.send("SubmitPurchaseOrder", body)
        async with site.running() as address:
            client = legacy_client(address)
            repeat = await client.send("SubmitPurchaseOrder", body)
            replayed = body.replace(b"m-1", b"m-2").replace(b"77002", b"77003")  # same token, another order
            replay = await client.send("SubmitPurchaseOrder", replayed)
            wrong = await legacy_client(address, word="wrong").call(
                "SubmitPurchaseOrder", "m-3", purchase_order("77004")
            )

        assert repeat == first
        assert replay.is_fault
        assert b"FailedAuthentication" in replay.body
        assert b"FailedAuthentication" in wrong.body
        assert [each.number for each in mms.committed] == ["77002"]
        assert len(mms.requests) == 1


@pytest.mark.parametrize("port", ["Soap11", "Soap12"])
async def test_a_canonical_order_is_written_to_the_legacy_service_of_its_route(
    tmp_path: Path, port: str
) -> None:
    async with SoapMms(Settings(wsdl=WSDL, user="mms", password=PASSWORD)) as mms:
        async with Site(tmp_path, mms, port).running() as address:
            status, told = await post_order(address, "k-1", number="88001")
            again = await post_order(address, "k-1", number="88001")
            refused = await post_order(address, "k-2", number="88002", item="X-9")

        assert mms.invalid == []
        assert [each.number for each in mms.committed] == ["88001"]
        assert mms.committed[0].sender == "BRIDGE"
    assert status == 200, told
    assert "88001" in json.dumps(told)
    assert again[1] == told
    assert "INVALID_ITEM" in json.dumps(refused[1])


async def test_an_order_that_legacy_commits_in_silence_is_found_and_never_sent_twice(tmp_path: Path) -> None:
    script = FaultScript((Fault(Action.COMMIT_THEN_HANG, key="SubmitPurchaseOrder", times=1),))
    mms_settings = Settings(wsdl=WSDL, user="mms", password=PASSWORD, detects_duplicates=False)
    async with SoapMms(mms_settings, script) as mms:
        async with Site(tmp_path, mms).running() as address:
            status, told = await post_order(address, "k-3", number="88003")

        assert [each.number for each in mms.committed] == ["88003"]
        operations = [each.operation for each in mms.requests]
    assert status == 200, told
    assert operations[0] == "SubmitPurchaseOrder"
    assert set(operations[1:]) == {"GetPurchaseOrderStatus"}
