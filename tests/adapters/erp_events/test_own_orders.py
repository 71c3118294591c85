"""Orders that the gateway itself brought to an ERP, and that the ERP's events tell of: whole gateways."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.journal.types import DeliveryState, DeliveryView, DocumentView
from gateway.serving import Served, serving
from simulators.cloud_erp.base.erp import Behaviour
from simulators.faults import Fault, FaultScript
from tests.gateway.erp.erps import ERPS, DynamicsByOurNumber, ErpUnderTest, Sap
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
  erp: {settings}
  events:
    kind: erp_events
    environment: test
    erp: {kind}
    path: /events
    verify: {{secret: {{header: Authorization, secret: file:event.key}}}}
    events: {{confirmed: approved}}
    fields: {{id: id, type: type, number: number}}
  acme: {{kind: sftp_files, environment: test, folder: acme}}
routes:
  - id: po.in
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{cloud: erp}}
    stage: cloud
    transmitter: {{cloud: none}}
  - id: po.out
    from: {{endpoint: events, format: erp_events, set: purchase_order}}
    targets: {{supplier: acme}}
    stage: cloud
    transmitter: {{cloud: gateway}}
    unknown_order: {{to: park, after: 8s}}
  - id: events
    follows: po.out
    from: {{endpoint: events, format: erp_events, set: event, identity: event_id}}
    targets: {{cloud: erp}}
    unknown_order: {{to: cloud, after: 0s}}
"""
SECRET = "topsecret"
ORDER = {
    "document_type": "purchase_order",
    "number": "HB-42",
    "currency": "USD",
    "seller": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "1013"}]},
    "lines": [
        {
            "sequence": 1,
            "line_id": "001",
            "item_ids": [{"scheme": "buyer", "value": "TG1"}],
            "description": "Gloves S",
            "quantity": {"value": "10", "unit": "EA"},
            "price": {"amount": "1.25"},
        }
    ],
}


def routes(erp: ErpUnderTest, base: str) -> str:
    said = erp.settings(base=base, plaintext=True).model_dump(mode="json", exclude_unset=True)
    settings = json.dumps({"kind": erp.kind, "environment": "test", **said})
    return ROUTES.format(settings=settings, kind=erp.kind)


async def post(served: Served, path: str, body: Any, headers: dict[str, str]) -> None:
    address = served.addresses[0] + path
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, json=body, headers=headers) as reply,
    ):
        assert reply.status < 300, await reply.text()


async def delivered(served: Served, count: int) -> list[DeliveryView]:
    ends = (DeliveryState.DONE, DeliveryState.PARKED)
    async with asyncio.timeout(10):
        while True:
            found = await served.gateway.journal.deliveries()
            if len([each for each in found if each.state in ends]) >= count:
                return list(found)
            await asyncio.sleep(0.02)


async def told(served: Served) -> DocumentView:
    """Wait until the order that the ERP told of is decided about."""
    async with asyncio.timeout(10):
        while True:
            for each in await served.gateway.journal.documents():
                is_order = each.plan.set_type == "purchase_order" and each.plan.decision != "stage cloud"
                if is_order and each.plan.awaits is None:
                    return each
            await asyncio.sleep(0.02)


async def seen(served: Served) -> DocumentView:
    """Wait until the order that the ERP told of is there, decided about or not."""
    async with asyncio.timeout(10):
        while True:
            for each in await served.gateway.journal.documents():
                if each.plan.set_type == "purchase_order" and each.plan.decision != "stage cloud":
                    return each
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("erp", [*ERPS, DynamicsByOurNumber()], ids=lambda each: type(each).__name__)
async def test_an_order_of_ours_that_an_erps_event_tells_of_is_known_again_and_goes_nowhere(
    erp: ErpUnderTest, tmp_path: Path
) -> None:
    (tmp_path / "event.key").write_text(SECRET)
    (tmp_path / "acme").mkdir()
    behaviour = Behaviour(token_path=erp.token_path)
    async with erp.simulator(behaviour, FaultScript(), None, RealClock().monotonic) as simulator:
        (tmp_path / "routes.yaml").write_text(routes(erp, simulator.url))
        async with serving(tmp_path / "routes.yaml") as served:
            path = "/v1/documents/purchase_order?route=po.in"
            await post(served, path, ORDER, {"Idempotency-Key": "k"})
            (sent,) = await delivered(served, 1)
            event = {"id": "E-1", "type": "confirmed", "number": sent.target_reference}
            await post(served, "/events", event, {"Authorization": SECRET})
            found = await told(served)
            deliveries = await delivered(served, 2)

    assert sent.state is DeliveryState.DONE, sent.findings
    assert (found.plan.is_parked, found.plan.findings) == (False, ())
    assert found.plan.decision == "the ERP tells of order order:1|mercy-health|HB-42, which is ours"
    assert [each.target for each in deliveries] == ["erp", "erp"]  # the order, and the look at it
    assert not list((tmp_path / "acme").iterdir())


async def test_an_event_that_is_quicker_than_the_reply_to_our_own_request_waits_and_then_goes_nowhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "event.key").write_text(SECRET)
    (tmp_path / "acme").mkdir()
    erp = Sap()
    slow = {"action": "commit_then_hang", "method": "POST", "path": erp.create_path, "seconds": 1}
    faults = FaultScript((Fault.from_json(slow),))
    async with erp.simulator(Behaviour(), faults, None, RealClock().monotonic) as simulator:
        (tmp_path / "routes.yaml").write_text(routes(erp, simulator.url))
        async with serving(tmp_path / "routes.yaml") as served:
            path = "/v1/documents/purchase_order?route=po.in"
            await post(served, path, ORDER, {"Idempotency-Key": "k"})
            async with asyncio.timeout(10):
                while not erp.orders(simulator):
                    await asyncio.sleep(0.02)
            event = {"id": "E-1", "type": "confirmed", "number": erp.orders(simulator)[0].number}
            await post(served, "/events", event, {"Authorization": SECRET})
            waits = await seen(served)
            found = await told(served)

    assert waits.plan.awaits is not None
    assert (found.plan.is_parked, found.plan.findings, found.plan.document_key) == (False, (), None)
    assert found.plan.decision.endswith("HB-42, which is ours")
    assert not list((tmp_path / "acme").iterdir())
