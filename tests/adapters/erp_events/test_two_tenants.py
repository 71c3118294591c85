"""Two tenants of one ERP that number their orders alike, behind one gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.journal.types import DeliveryState, DocumentView
from gateway.serving import Served, serving
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.faults import FaultScript
from tests.adapters.erp_events.test_own_orders import ORDER, SECRET, delivered, post
from tests.gateway.erp.erps import ERPS, ErpUnderTest
from tests.gateway.support import RealClock

ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy-health
  journal: "memory:"
  workers: 0
  listen: {{http: "127.0.0.1:0"}}
endpoints:
  west: {west}
  east: {east}
  west-events: {{kind: erp_events, environment: test, erp: {kind}, path: /events/west, {told}}}
  east-events: {{kind: erp_events, environment: test, erp: {kind}, path: /events/east, {told}}}
  acme: {{kind: sftp_files, environment: test, folder: acme, name: "{{reference}}.json"}}
routes:
  - id: po.west
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{cloud: west}}
    stage: cloud
    transmitter: {{cloud: none}}
  - {{id: po.out.west, from: {{endpoint: west-events, format: erp_events, set: purchase_order}}, {out}}}
  - {{id: po.out.east, from: {{endpoint: east-events, format: erp_events, set: purchase_order}}, {out}}}
  - id: events.west
    follows: po.out.west
    from: {{endpoint: west-events, format: erp_events, set: event, identity: event_id}}
    targets: {{cloud: west}}
    unknown_order: {{to: cloud, after: 0s}}
  - id: events.east
    follows: po.out.east
    from: {{endpoint: east-events, format: erp_events, set: event, identity: event_id}}
    targets: {{cloud: east}}
    unknown_order: {{to: cloud, after: 0s}}
"""
TOLD = (
    "verify: {secret: {header: Authorization, secret: file:event.key}}, events: {confirmed: approved}, "
    "fields: {id: id, type: type, number: number}"
)
OUT = (
    "targets: {supplier: acme}, stage: cloud, transmitter: {cloud: gateway}, "
    "unknown_order: {to: park, after: 1s}"
)
BUYERS = """\
version: 1
gateway:
  {{environment: test, organisation: buyers, journal: "memory:", workers: 0, listen: {{http: "127.0.0.1:0"}}}}
endpoints:
  erp: {settings}
routes:
  - id: po
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{cloud: erp}}
    stage: cloud
    transmitter: {{cloud: none}}
"""
REFERENCES = ("Description", "CorrespncInternalReference", "VendorOrderReference")


@dataclass
class Site:
    """One gateway and its two tenants."""

    erp: ErpUnderTest
    served: Served
    west: SimulatedErp
    east: SimulatedErp
    folder: Path
    events: int = 0

    async def place(self, number: str) -> str:
        """Place an order in the west; give the ERP's number of it."""
        return await placed(self.served, "po.west", number)

    async def tell(self, tenant: str, number: str) -> DocumentView:
        """Let a tenant tell of an order; give what was decided about the order that was read."""
        journal, route = self.served.gateway.journal, f"po.out.{tenant}"
        before = len(await journal.messages(route=route))
        self.events += 1
        event = {"id": f"E-{self.events}", "type": "confirmed", "number": number}
        await post(self.served, f"/events/{tenant}", event, {"Authorization": SECRET})
        async with asyncio.timeout(10):
            while True:
                messages = await journal.messages(route=route)
                read = messages[: len(messages) - before]
                found = [each for m in read for each in await journal.documents(message_id=m.message_id)]
                if found and found[0].plan.awaits is None:
                    return found[0]
                await asyncio.sleep(0.02)

    async def sent(self, count: int) -> list[Any]:
        """Wait until the supplier has so many files; give all that it has."""
        async with asyncio.timeout(10):
            while True:
                files = sorted((self.folder / "acme").glob("*.json"))
                if len(files) >= count:
                    return [json.loads(each.read_bytes()) for each in files]
                await asyncio.sleep(0.02)


async def placed(served: Served, route: str, number: str) -> str:
    path, key = f"/v1/documents/purchase_order?route={route}", {"Idempotency-Key": number}
    before = len(await served.gateway.journal.deliveries())
    await post(served, path, {**ORDER, "number": number}, key)
    view = max(await delivered(served, before + 1), key=lambda each: each.sequence)
    assert view.state is DeliveryState.DONE, view.findings
    return view.target_reference


async def entered(erp: ErpUnderTest, tenant: SimulatedErp, folder: Path, *numbers: str) -> list[str]:
    """Let a tenant's own buyers enter orders; give the ERP's numbers of them."""
    folder.mkdir()
    (folder / "routes.yaml").write_text(BUYERS.format(settings=endpoint(erp, tenant)))
    async with serving(folder / "routes.yaml") as served:
        found = [await placed(served, "po", each) for each in numbers]
    forgets_us(tenant)
    return found


def endpoint(erp: ErpUnderTest, tenant: SimulatedErp) -> str:
    said = erp.settings(base=tenant.url, plaintext=True).model_dump(mode="json", exclude_unset=True)
    return json.dumps({"kind": erp.kind, "environment": "test", **said})


def forgets_us(tenant: SimulatedErp) -> None:
    """Take our references off all orders of a tenant: they are as if its buyers had entered them."""
    for kind in {each.kind for each in tenant.documents.entries()}:
        for key in tenant.documents.keys(kind):
            fields = tenant.documents.get(kind, key) or {}
            if any(fields.get(name) for name in REFERENCES):
                tenant.documents.change(
                    kind, key, fields | {name: "" for name in REFERENCES if name in fields}
                )


@asynccontextmanager
async def two_tenants(erp: ErpUnderTest, folder: Path) -> AsyncIterator[Site]:
    (folder / "event.key").write_text(SECRET)
    (folder / "acme").mkdir()
    async with AsyncExitStack() as stack:
        west, east = [
            await stack.enter_async_context(
                erp.simulator(
                    Behaviour(token_path=erp.token_path), FaultScript(), None, RealClock().monotonic
                )
            )
            for _ in range(2)
        ]
        words = {"west": endpoint(erp, west), "east": endpoint(erp, east)}
        (folder / "routes.yaml").write_text(ROUTES.format(kind=erp.kind, told=TOLD, out=OUT, **words))
        served = await stack.enter_async_context(serving(folder / "routes.yaml"))
        yield Site(erp, served, west, east, folder)


@pytest.mark.parametrize("erp", ERPS, ids=lambda each: each.kind)
async def test_an_event_of_one_tenant_never_means_the_order_that_we_placed_on_another(
    erp: ErpUnderTest, tmp_path: Path
) -> None:
    async with two_tenants(erp, tmp_path) as site:
        number = await site.place("HB-42")
        assert await entered(erp, site.east, tmp_path / "buyers", "E-1") == [number], "they number alike"

        own = await site.tell("east", number)
        ours = await site.tell("west", number)
        (sent,) = await site.sent(1)

    assert own.plan.order_keys == (f"order:1|mercy-health|{number}",)
    assert own.plan.decision == "stage cloud"
    assert ours.plan.decision == "the ERP tells of order order:1|mercy-health|HB-42, which is ours"
    assert (sent["number"], sent["lines"][0]["quantity"]["value"]) == (number, "10")


@pytest.mark.parametrize("erp", ERPS, ids=lambda each: each.kind)
async def test_own_orders_of_two_tenants_under_one_number_are_never_taken_for_one(
    erp: ErpUnderTest, tmp_path: Path
) -> None:
    async with two_tenants(erp, tmp_path) as site:
        (west,) = await entered(erp, site.west, tmp_path / "west", "W-1")
        (east,) = await entered(erp, site.east, tmp_path / "east", "E-1")
        assert west == east, "they number alike"

        first = await site.tell("west", west)
        second = await site.tell("east", east)
        again = await site.tell("west", west)
        sent = await site.sent(1)

    assert (first.plan.decision, len(sent)) == ("stage cloud", 1)
    assert [each.code for each in second.plan.findings] == ["ORDER-NUMBER-CLASH"]
    assert [each.code for each in again.plan.findings] == ["DOCUMENT-REPEATED"]
