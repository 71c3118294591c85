"""Shadow, comparison, card and gate through a whole gateway: its listener, its tenant, its control socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.control import call
from gateway.operations import OperationError
from gateway.serving import Served, serving
from simulators.cloud_erp import CloudErp
from tests.gateway.http_rig import post
from tests.gateway.test_x12_through import interchange

ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: "sqlite:journal.db"
  workers: 0
  owners:
    suppliers: {{legacy: legacy, cloud: cloud}}
    budgets: {{legacy: legacy, cloud: cloud}}
    approvals: {{legacy: legacy, cloud: cloud}}
    order_status: {{legacy: legacy, cloud: cloud}}
  listen: {{http: "127.0.0.1:0"}}
endpoints:
  mms: {{kind: sftp_files, environment: test, folder: mms}}
  erp: {{kind: generic_rest, environment: test, base: "{live}", plaintext: true}}
  dev: {{kind: generic_rest, environment: test, base: "{tenant}", plaintext: true}}
partners:
  legacy: {{environment: test, control_numbers: {{lowest: 700, highest: 799}}}}
routes:
  - id: po
    from: {{http: true, format: edi_x12, partner: legacy, set: "850"}}
    targets: {{legacy: mms, cloud: erp}}
    stage: shadow
    canary: {{select: {{facility: ["04"]}}, share: 100%}}
    losing_side: nothing
    ownership: {{receiving: {{at: owner}}, matching: {{at: owner}}, on_order: none}}
    acknowledge: {{type: none}}
    compare: {{with: rows}}
    shadow: {{mode: {mode}, to: dev, allow: [{{host: localhost, methods: [{methods}]}}]}}
    gates: {{to_canary: {{clean: 1}}}}
  - id: rows
    follows: po
    evidence: true
    from: {{http: true, format: edi_x12, set: "850"}}
    acknowledge: {{type: none}}
"""

Ask = Callable[..., Any]


async def card_of(folder: Path, is_enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Give the card once it says enough."""
    async with asyncio.timeout(30):
        while True:
            card = await asyncio.to_thread(
                call, folder / "journal.db.sock", "readiness", {"route": "po"}, 10.0
            )
            if is_enough(card):
                return dict(card)
            await asyncio.sleep(0.05)


async def send(served: Served, route: str, body: bytes) -> None:
    port = int(served.addresses[0].rpartition(":")[2])
    headers = {"Content-Type": "application/edi-x12"}
    answer = await post(port, f"/v1/inbound/{route}", body, headers=headers)
    assert answer.status == 202, answer.body


@pytest.mark.parametrize(
    "mode, methods, asked, committed",
    [
        ("sandbox", "GET, POST", {"GET", "POST"}, 1),
        ("validate", "GET", {"GET"}, 0),
        ("sandbox", "GET", {"GET"}, 0),
    ],
)
async def test_an_order_is_compared_beside_the_live_path_and_opens_the_gate(
    tmp_path: Path, mode: str, methods: str, asked: set[str], committed: int
) -> None:
    (tmp_path / "mms").mkdir()
    move = {"route": "po", "stage": "canary", "who": "ann", "why": "a test"}
    async with CloudErp() as tenant, CloudErp() as live:
        text = ROUTES.format(live=live.url, tenant=tenant.url, mode=mode, methods=methods)
        (tmp_path / "routes.yaml").write_text(text)
        async with serving(tmp_path / "routes.yaml") as served:
            socket = tmp_path / "journal.db.sock"
            await send(served, "po", interchange(["04"]))
            waiting = await card_of(tmp_path, lambda card: card["waiting"] + card["compared"] == 1)
            with pytest.raises(OperationError, match=r"gate to_canary\.clean .*no legacy evidence"):
                await asyncio.to_thread(call, socket, "routes.set", move, 10.0)
            await send(served, "rows", interchange(["04"], control=43))
            card = await card_of(tmp_path, lambda card: card["compared"] == 1)
            moved = await asyncio.to_thread(call, socket, "routes.set", move, 10.0)

        assert (waiting["waiting"], waiting["has_evidence"]) == (1, False)
        assert (card["mismatches"], card["clean_in_a_row"], card["may_move"]) == (0, 1, True)
        assert moved["to"]["stage"] == "canary"
        assert len(list((tmp_path / "mms").iterdir())) == 1
        assert {each.method for each in tenant.requests} == asked
        assert (len(tenant.committed), list(live.requests)) == (committed, [])
