"""The cloud ERP's part of the demo: it starts the ERP over mTLS, posts canonical orders, counts its ledger.

An order's last three digits say how the ERP behaves towards it, as the test card numbers of a payment
service do: 503 is unavailable at first, 504 commits and then says nothing, 422 is refused.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from simulators.cloud_erp.server import CloudErp, Settings
from simulators.faults import Action, Fault, FaultScript
from simulators.scenario import Change, Checked, Ending, Ground, address, ends
from simulators.serving import Tls

FAULTS = (
    Fault(Action.UNAVAILABLE, method="POST", key="503$", nth=(1,)),
    Fault(Action.COMMIT_THEN_HANG, method="POST", key="504$"),
    Fault(Action.REJECT, method="POST", key="422$", fields=("lines[0].item_ids",)),
)
TIMEOUT_S = "1.5"  # what the gateway gives this ERP for one request


def scenario(*, is_spoiled: bool) -> CloudErpScenario:
    """Give the scenario; a spoiled ERP commits every document twice."""
    return CloudErpScenario(is_spoiled)


class CloudErpScenario:
    """An ERP that numbers orders itself, and a portal that waits for its numbers."""

    rank = 40

    def __init__(self, is_spoiled: bool) -> None:
        self._is_spoiled = is_spoiled
        self._erp: CloudErp | None = None

    @property
    def erp(self) -> CloudErp:
        """Give the running ERP."""
        if self._erp is None:
            raise RuntimeError("the ERP was not started")
        return self._erp

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start the ERP."""
        certs = ground.folder / "certs"
        tls = Tls(certs / "gateway.pem", certs / "gateway.key", certs / "ca.pem")
        settings = Settings(ground.folder / "var" / "erp.jsonl", commits_twice=self._is_spoiled)
        self._erp = CloudErp(settings, FaultScript(FAULTS), tls)
        await self._erp.start()
        return (
            Change(("endpoints", "erp", "base"), address(self._erp.url)),
            Change(("endpoints", "erp", "timeout_s"), TIMEOUT_S),
        )

    async def play(self, ground: Ground) -> None:
        """Post canonical orders: a good one, the same again, one in an outage, one committed in silence."""
        ground.tell("HTTP: an order as canonical JSON; the caller waits for ERP's number")
        example = (ground.folder / "fixtures" / "demo" / "portal_order.json").read_bytes()
        number = json.loads(example)["number"]
        done = Ending(ends("erp"), erp_orders=(number,), status=200)
        await self._post(ground, example, "demo-1", "order as canonical JSON", done)
        known = Ending(is_known=True, status=200)
        await self._post(ground, example, "demo-1", "the same request again", known)
        ground.tell("ERP: answers 503, then works again")
        await self._faulty(ground, example, "P-21503", "order while the ERP is down")
        ground.tell("ERP: commits an order and stays silent: look, never send again")
        await self._faulty(ground, example, "P-21504", "order that ERP commits silently")

    async def awaits(self, ground: Ground) -> str:
        """It waits for nothing of its own."""
        return ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Count the ledger against the orders that were fed, and look that the faults did happen."""
        expected = {number for sent in ground.sent for number in sent.ending.erp_orders}
        orders = [each for each in self.erp.committed if each.document_type == "purchase_order"]
        found = Counter(each.order_key.rpartition("|")[2] for each in orders)
        twice = {number: count for number, count in found.items() if count > 1}
        faults = {each.fault for each in self.erp.requests}
        return (
            Checked(
                f"the ERP's ledger holds {found.total()} documents for the {len(expected)} orders that "
                "belong to it, each exactly once",
                found == Counter(expected),
                _difference(expected, set(found), twice),
            ),
            *(
                Checked(
                    f"the ERP really misbehaved: {fault.action.value.replace('_', ' ')}",
                    fault.action.value in faults,
                    "no request met that fault",
                )
                for fault in FAULTS
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give its address and its ledger."""
        return (f"cloud ERP      {address(self.erp.url)} (mTLS; GET /_ledger: what it committed)",)

    async def stop(self) -> None:
        """Stop the ERP."""
        if self._erp is not None:
            await self._erp.stop()

    async def _faulty(self, ground: Ground, example: bytes, number: str, label: str) -> None:
        body = json.dumps(json.loads(example) | {"number": number}).encode()
        done = Ending(ends("erp"), erp_orders=(number,), status=200)
        await self._post(ground, body, f"demo-{number}", label, done)

    async def _post(self, ground: Ground, body: bytes, key: str, label: str, ending: Ending) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        path = "/v1/documents/purchase_order?route=po.portal"
        await ground.post(
            path, body, client="portal", headers=headers, route="po.portal", label=label, ending=ending
        )


def _difference(expected: set[str], found: set[str], twice: dict[str, int]) -> str:
    parts = [f"{number} {count} times" for number, count in sorted(twice.items())]
    parts += [f"{number} missing" for number in sorted(expected - found)]
    parts += [f"{number} is there and should not be" for number in sorted(found - expected)]
    return ", ".join(parts)
