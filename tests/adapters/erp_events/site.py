"""A whole gateway that takes events of a simulated Dynamics 365; a supplier and legacy have folders."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from adapters.erp_events.config import Hmac
from adapters.erp_events.proof import signature_of
from gateway.journal.types import DeliveryState, DeliveryView
from gateway.serving import Served, serving
from simulators.cloud_erp.dynamics365 import Dynamics365, Tenant
from simulators.faults import FaultScript

KEY = "an event secret of 32 characters"
ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy-health
  journal: {journal}
  workers: 0
  listen: {{http: "127.0.0.1:0"}}
endpoints:
  d365:
    kind: dynamics365
    environment: test
    base: "{erp}"
    plaintext: true
    timeout_s: 2
    defaults: {{company: usmf, site: "1", warehouse: "11"}}
    numbering: {numbering}
  d365-events:
    kind: erp_events
    environment: test
    erp: dynamics365
    path: /events/d365
    verify: {verify}
    events:
      PurchaseOrderConfirmedBusinessEvent: approved
      PurchaseOrderCanceledBusinessEvent: cancelled
      feed: created
    ignore: [SomethingElseBusinessEvent]{feed}
  acme-in: {{kind: sftp_files, environment: test, folder: acme, name: "{{reference}}.edi"}}
  mms-in: {{kind: sftp_files, environment: test, folder: mms, name: "{{reference}}.{{role}}.json"}}
{more}partners:
  acme:
    environment: test
    control_numbers: {{lowest: 800000000, highest: 899999999}}
    edi_x12:
      isa: [{{qualifier: "01", id: "001122334"}}]
      us: {{qualifier: "ZZ", id: MERCYHUB}}
routes:
  - id: po.out
    from: {{endpoint: d365-events, format: erp_events, set: purchase_order}}
    targets: {targets}
    write: {write}
    stage: cloud
    transmitter: {{cloud: {transmitter}}}
    losing_side: {losing_side}
    unknown_order: {{to: park, after: 1s}}
  - id: events.d365
    follows: po.out
    from: {{endpoint: d365-events, format: erp_events, set: event, identity: event_id}}
    targets: {{cloud: d365}}
    unknown_order: {{to: cloud, after: 0s}}
  - id: po.in
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{cloud: d365}}
    stage: cloud
  - id: ack.in
    follows: po.out
    from: {{http: true, document: acknowledgment, identity: idempotency_key}}
    targets: {{cloud: d365}}
    unknown_order: {{to: cloud, after: 1s}}
"""
VERIFY = "{signature: {header: X-Signature, secret: file:event.key, prefix: 'sha256='}}"


@dataclass(slots=True)
class Site:
    """What runs."""

    served: Served
    erp: Dynamics365
    folder: Path

    @property
    def url(self) -> str:
        return self.served.addresses[0]

    async def event(
        self, number: str, event_id: str = "E-1", *, key: str = KEY, **fields: Any
    ) -> tuple[int, dict[str, Any]]:
        """Tell of an order as Dynamics' HTTPS endpoint does."""
        body = json.dumps(
            {
                "BusinessEventId": "PurchaseOrderConfirmedBusinessEvent",
                "EventId": event_id,
                "LegalEntity": "usmf",
                "PurchaseOrderNumber": number,
            }
            | fields
        ).encode()
        rule = Hmac.model_validate({"secret": "env:UNUSED", "prefix": "sha256="})
        return await self.post("/events/d365", body, {"X-Signature": signature_of(body, rule, key)})

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        sent = {"Content-Type": "application/json", **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=body, headers=sent) as reply,
        ):
            return reply.status, json.loads(await reply.read())

    async def deliveries(self, target: str) -> list[DeliveryView]:
        found = await self.served.gateway.journal.deliveries()
        return [each for each in found if each.target == target]

    async def settled(self, target: str, count: int, seconds: float = 15.0) -> list[DeliveryView]:
        """Wait until a target has so many deliveries that are done or parked."""
        ends = (DeliveryState.DONE, DeliveryState.PARKED)
        async with asyncio.timeout(seconds):
            while True:
                found = [each for each in await self.deliveries(target) if each.state in ends]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.02)

    def files(self, folder: str) -> list[bytes]:
        return [each.read_bytes() for each in sorted((self.folder / folder).glob("*")) if each.is_file()]

    async def enter_order(self, number: str, **fields: Any) -> None:
        """Let a buyer enter an order in the ERP itself."""
        await self._erp_post(
            "PurchaseOrderHeadersV2",
            {
                "dataAreaId": "usmf",
                "PurchaseOrderNumber": number,
                "OrderVendorAccountNumber": "ACME",
                "CurrencyCode": "USD",
                "AccountingDate": "2026-11-27T12:00:00Z",
                **fields,
            },
        )
        for at, (item, price) in enumerate((("1000", 12.5), ("1001", 3)), start=1):
            line = {
                "dataAreaId": "usmf",
                "PurchaseOrderNumber": number,
                "LineNumber": at,
                "ItemNumber": item,
                "ExternalItemNumber": f"A-{item}",
                "OrderedPurchaseQuantity": 10,
                "PurchaseUnitSymbol": "ea",
                "PurchasePrice": price,
            }
            await self._erp_post("PurchaseOrderLinesV2", line)

    async def _erp_post(self, entity: str, fields: dict[str, Any]) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.erp.url}/data/{entity}", json=fields) as reply,
        ):
            assert reply.status == 201, await reply.text()


@contextlib.asynccontextmanager
async def site(
    folder: Path,
    *,
    faults: FaultScript | None = None,
    tenant: Tenant | None = None,
    before: Callable[[Path], None] = lambda path: None,
    **words: str,
) -> AsyncIterator[Site]:
    """Start everything. ``words`` fill ROUTES; ``before`` is given its path before the gateway starts."""
    (folder / "event.key").write_text(KEY)
    for name in ("acme", "mms"):
        (folder / name).mkdir(exist_ok=True)
    erp = Dynamics365(faults=faults, tenant=tenant)
    async with erp:
        said = {
            "journal": '"memory:"',
            "verify": VERIFY,
            "numbering": "ours",
            "targets": "{supplier: acme-in}",
            "transmitter": "gateway",
            "feed": "",
            "more": "",
            "losing_side": "nothing",
            "write": "{acme-in: {format: edi_x12, partner: acme}}",
        } | words
        (folder / "routes.yaml").write_text(ROUTES.format(erp=erp.url, **said))
        await asyncio.to_thread(before, folder / "routes.yaml")
        async with serving(folder / "routes.yaml") as served:
            yield Site(served, erp, folder)
