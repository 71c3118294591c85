"""The SOAP system's part of the demo: one client, one WSDL, three stages; a question; JSON to SOAP.

The client never learns of any of it: it posts to the same path with the same certificate throughout.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from simulators.faults import Action, Fault, FaultScript
from simulators.scenario import Change, Checked, Ending, Ground, Sent, address, ends
from simulators.soap_mms.client import LegacyClient, budget_question, purchase_order
from simulators.soap_mms.server import PATHS, Settings, SoapMms

PATH = PATHS[0]
TIMEOUT = "1500ms"  # what the gateway gives this system for one request
AT = datetime(2026, 11, 20, 14, 15, tzinfo=UTC)


def scenario(*, is_spoiled: bool) -> SoapMmsScenario:
    """Give the scenario."""
    return SoapMmsScenario()


class SoapMmsScenario:
    """A materials-management system, its own client in front of the gateway, itself behind it."""

    rank = 35

    def __init__(self) -> None:
        self._mms: SoapMms | None = None
        self._client = LegacyClient("")
        self._passed: list[Sent] = []
        self._asked: Sent | None = None

    @property
    def mms(self) -> SoapMms:
        """Give the running system."""
        if self._mms is None:
            raise RuntimeError("the SOAP system was not started")
        return self._mms

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start the system."""
        settings = Settings(
            ground.folder / "var" / "mms-soap.jsonl",
            ground.folder / "fixtures" / "soap" / "wsdl",
            detects_duplicates=False,  # so that an order sent twice would show
        )
        faults = FaultScript((Fault(Action.COMMIT_THEN_HANG, key="^S-88504$", times=1),))
        self._mms = SoapMms(settings, faults)
        await self._mms.start()
        call = ("endpoints", "mms-service", "call")
        return (
            Change((*call, "address"), address(self._mms.url) + PATH),
            Change((*call, "timeout"), TIMEOUT),
        )

    async def play(self, ground: Ground) -> None:
        """Call in each stage, ask a question, send an order in JSON that legacy takes in silence."""
        legacy = ends("mms-service", "pass_through")
        ground.tell("SOAP: an order in stage legacy; request and answer pass through untouched")
        self._passed.append(await self._order(ground, "S-77001", "DOCK-04", "in stage legacy", legacy))
        ground.tell("SOAP: a budget question in stage shadow; the cloud is asked, too")
        asked = Ending((*legacy, *ends("erp", "shadow")), status=200)
        self._asked = await self._post(
            ground, "budget.soap", "CheckBudget", "m-b1", budget_question("2362.00"), "budget question", asked
        )
        told = await ground.set_stage("po.soap", "canary", "dock 04 goes first")
        ground.tell(f"SOAP: {told}")
        await self._order(ground, "S-77002", "DOCK-04", "chosen by canary", ends("erp"), cloud=True)
        self._passed.append(await self._order(ground, "S-77003", "DOCK-09", "not chosen by canary", legacy))
        told = await ground.set_stage("po.soap", "cloud", "all docks follow")
        ground.tell(f"SOAP: {told}")
        await self._order(ground, "S-77004", "DOCK-09", "in stage cloud", ends("erp"), cloud=True)
        ground.tell("SOAP: JSON orders to the legacy service; one is committed in silence, and found")
        await self._stored(ground, "S-88001", "canonical order to SOAP")
        await self._stored(ground, "S-88504", "order that SOAP commits silently")

    async def awaits(self, ground: Ground) -> str:
        """It waits for nothing of its own."""
        return ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Compare the system's own ledger with what belongs to it, and bytes in both directions."""
        numbers = [each.number for each in self.mms.committed]
        expected = ["S-77001", "S-77003", "S-88001", "S-88504"]
        bodies = [each.body for each in self.mms.requests]
        return (
            Checked(
                "the SOAP system's ledger holds its 4 orders, each exactly once, and none of the cloud's",
                sorted(numbers) == expected,
                ", ".join(numbers),
            ),
            Checked(
                "passed-through SOAP requests arrived once, byte for byte",
                all(bodies.count(sent.body) == 1 for sent in self._passed),
                f"{len(bodies)} requests",
            ),
            Checked(
                "every request that the gateway wrote obeys the WSDL's schema",
                self.mms.invalid == [],
                "; ".join(self.mms.invalid),
            ),
            Checked(
                "the budget question got legacy's own answer",
                self._asked is not None and b"<p:Decision>PASS</p:Decision>" in self._asked.reply,
                repr(self._asked.reply[:80]) if self._asked is not None else "none",
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give its address."""
        return (f"SOAP system    {address(self.mms.url)}{PATH} (GET /_ledger)",)

    async def stop(self) -> None:
        """Stop the system."""
        if self._mms is not None:
            await self._mms.stop()

    async def _order(
        self,
        ground: Ground,
        number: str,
        dock: str,
        label: str,
        deliveries: tuple[str, ...],
        *,
        cloud: bool = False,
    ) -> Sent:
        content = purchase_order(number, location=dock)
        ending = Ending(deliveries, erp_orders=(number,) if cloud else (), status=200)
        return await self._post(
            ground, "po.soap", "SubmitPurchaseOrder", f"m-{number}", content, f"SOAP order {label}", ending
        )

    async def _post(
        self,
        ground: Ground,
        route: str,
        operation: str,
        message_id: str,
        content: str,
        label: str,
        ending: Ending,
    ) -> Sent:
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"urn:mercy-health:mms:{operation}"',
        }
        body = self._client.envelope(message_id, content, AT)
        return await ground.post(
            PATH, body, client="mms", headers=headers, route=route, label=label, ending=ending
        )

    async def _stored(self, ground: Ground, number: str, label: str) -> None:
        body = json.dumps(_canonical(number)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"demo-{number}"}
        await ground.post(
            "/v1/documents/purchase_order?route=po.stores",
            body,
            client="stores",
            headers=headers,
            route="po.stores",
            label=label,
            ending=Ending(ends("mms-service"), status=200),
        )


def _canonical(number: str) -> dict[str, object]:
    return {
        "document_type": "purchase_order",
        "number": number,
        "order_type": "stand_alone",
        "order_date": {"date": "2026-11-20"},
        "seller": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "V-1042"}]},
        "ship_to": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "DOCK-09"}]},
        "lines": [
            {
                "sequence": 1,
                "line_id": "1",
                "item_ids": [{"scheme": "vendor", "value": "8881-2210"}],
                "quantity": {"value": "4", "unit": "BX"},
                "price": {"amount": "18.50", "currency": "USD"},
            }
        ],
        "totals": {"amount": {"amount": "74.00", "currency": "USD"}},
    }
