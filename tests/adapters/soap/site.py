"""A whole gateway with a SOAP facade in front, the simulated legacy system and cloud ERP behind."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.serving import Served, serving
from simulators.cloud_erp import CloudErp
from simulators.cloud_erp import Settings as ErpSettings
from simulators.faults import FaultScript
from simulators.soap_mms import LegacyClient, SoapMms
from simulators.soap_mms import Settings as MmsSettings
from tests.adapters.soap.facade_rig import FIXTURES, PATH, TYPES

ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy-health
  journal: {journal}
  workers: 0
  listen: {listen}
endpoints:
  mms-facade:
    kind: soap
    environment: test
    wsdl: soap/wsdl/materials_management.wsdl
    serve: {serve}
  mms:
    kind: raw_http
    environment: test
    base: "{mms}"
    plaintext: true
    path: services/MaterialsManagement
    queries: {mms_queries}
    timeout_s: 2
  erp:
    kind: generic_rest
    environment: test
    base: "{erp}"
    plaintext: true
    queries: {{budget_check: budget_checks}}
partners:
  mms: {{environment: test{partner}}}
mappings:
  purchase_order: soap/mappings/purchase_order.yaml
  check_budget: soap/mappings/check_budget.yaml
routes:
  - id: po
    from:
      endpoint: mms-facade
      format: soap
      partner: mms
      set: SubmitPurchaseOrder
      identity: message_id
      settings:
        mapping: purchase_order
        replies:
          accepted: {{PONumber: "{{request.PurchaseOrder.PONumber}}", Status: RECEIVED}}
          delivered: {{PONumber: "{{request.PurchaseOrder.PONumber}}", Status: APPROVED}}
          pending: {{PONumber: "{{request.PurchaseOrder.PONumber}}", Status: PENDING}}
          fault:
            name: ServiceFault
            fields: {{Code: INVALID_REQUEST, Message: "{{code}}", Retryable: "false"}}
    targets: {{legacy: mms, cloud: erp}}
    stage: {stage}
    canary: {{select: {{facility: [DOCK-04]}}}}
    losing_side: nothing
    ownership: {{receiving: {{at: owner}}, matching: {{at: owner}}, on_order: none}}
    reply: {reply}
  - id: budget
    from:
      endpoint: mms-facade
      format: soap
      partner: mms
      set: CheckBudget
      identity: message_id
      settings:
        mapping: check_budget
        replies:
          delivered:
            Available: {{value: "{{reply.available}}", "@currency": "{{reply.currency}}"}}
            Encumbered: {{value: "{{reply.encumbered}}", "@currency": "{{reply.currency}}"}}
            Decision: "{{reply.decision}}"
          fault:
            name: ServiceFault
            fields: {{Code: INVALID_REQUEST, Message: "{{code}}", Retryable: "false"}}
    targets: {{legacy: mms, cloud: erp}}
    stage: {budget_stage}
    reply: {{mode: query, within: 5s}}
"""
SERVE = f'{{path: {PATH}, message_id: "soap:Header.RequestHeader.MessageId"}}'


@dataclass(slots=True)
class Site:
    """What runs, and how a client reaches it."""

    served: Served
    mms: SoapMms
    erp: CloudErp
    folder: Path

    @property
    def url(self) -> str:
        return self.served.addresses[0] + PATH

    def client(self, **settings: Any) -> LegacyClient:
        return LegacyClient(self.url, **settings)

    async def post(self, body: bytes, version: str, **headers: str) -> tuple[int, bytes, str]:
        sent = {"Content-Type": TYPES[version], **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=io.BytesIO(body), headers=sent) as reply,
        ):
            return reply.status, await reply.read(), reply.headers["Content-Type"]


@contextlib.asynccontextmanager
async def site(
    folder: Path,
    *,
    faults: FaultScript | None = None,
    mms_faults: FaultScript | None = None,
    erp_settings: ErpSettings | None = None,
    change: Callable[[str], str] = str,
    **words: str,
) -> AsyncIterator[Site]:
    """Start everything. ``words`` fill ROUTES: stage, reply, listen, serve, partner, journal ..."""
    if not (folder / "soap").exists():
        shutil.copytree(FIXTURES, folder / "soap")
    settings = MmsSettings(wsdl=FIXTURES / "wsdl")
    async with SoapMms(settings, mms_faults) as mms, CloudErp(erp_settings, faults) as erp:
        said = {
            "listen": '{http: "127.0.0.1:0"}',
            "serve": SERVE,
            "partner": "",
            "stage": "cloud",
            "budget_stage": "legacy",
            "reply": "{mode: wait, within: 5s, pending: reference}",
            "mms_queries": "false",
            "journal": '"memory:"',
        } | words
        text = ROUTES.format(mms=mms.url, erp=erp.url, **said)
        # The endpoint of questions declares them; the one of orders does not.
        text = text.replace("  erp:\n", _questions(mms.url) + "  erp:\n", 1).replace(
            "targets: {legacy: mms, cloud: erp}\n    stage: "
            + said["budget_stage"]
            + "\n    reply: {mode: query",
            "targets: {legacy: mms-questions, cloud: erp}\n    stage: "
            + said["budget_stage"]
            + "\n    reply: {mode: query",
        )
        (folder / "routes.yaml").write_text(change(text))
        async with serving(folder / "routes.yaml") as served:
            yield Site(served, mms, erp, folder)


def _questions(url: str) -> str:
    return f"""\
  mms-questions:
    kind: raw_http
    environment: test
    base: "{url}"
    plaintext: true
    path: services/MaterialsManagement
    queries: true
    timeout_s: 2
"""
