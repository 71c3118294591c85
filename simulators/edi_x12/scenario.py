"""X12's part of the demo: documents that follow their order, through a stage change and back again."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.edi_x12.documents import Order, answer, orders
from simulators.scenario import Change, Checked, Ending, Ground, Sent, ends

ROUTE = "po.metro"
BEFORE, AFTER, UNKNOWN = "410101", "410102", "409999"
ACKNOWLEDGED = ends("mms-acks", "acknowledgment")
TO_LEGACY = Ending((*ends("mms-in"), *ACKNOWLEDGED), status=202)


def scenario(*, is_spoiled: bool) -> FollowingScenario:
    """Give the scenario."""
    return FollowingScenario()


class FollowingScenario:
    """Two orders around a stage change, and the supplier's answers to them."""

    rank = 50

    def __init__(self) -> None:
        self._moves: list[str] = []

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Let an answer wait only a moment for an order that nobody knows."""
        return (Change(("routes", "ack.metro", "unknown_order", "after"), "2s"),)

    async def play(self, ground: Ground) -> None:
        """Order, move the route, order again, answer both, move back."""
        ground.tell("folder: an order; HTTP: an 855 to an order that nobody knows")
        to_legacy = Ending((*ends("mms-in"), *ACKNOWLEDGED))
        before = await self._order(ground, BEFORE, 10_101, "order before the change", to_legacy)
        await self._answer(ground, UNKNOWN, 10_103, "855 to an order nobody knows", TO_LEGACY)
        await ground.translated(before)
        await self._move(ground, "cloud", "the demo moves it")
        ground.tell("folder: an order after the change; HTTP: 855s to both orders")
        to_cloud = Ending((*ends("erp"), *ends("mms-in", "copy"), *ACKNOWLEDGED), erp_orders=(AFTER,))
        after = await self._order(ground, AFTER, 10_102, "order after the change", to_cloud)
        await ground.translated(after)
        await self._answer(ground, BEFORE, 10_104, "855 to the order before", TO_LEGACY)
        parked = Ending(ACKNOWLEDGED, parked=("FOLLOW-NO-GUIDE",), status=202)
        follow_up = await self._answer(ground, AFTER, 10_105, "855 to the order after", parked)
        await ground.translated(follow_up)
        await self._move(ground, "canary", "the demo moves it back")

    async def awaits(self, ground: Ground) -> str:
        """It waits for nothing of its own."""
        return ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """It has no system of its own: what its orders came to, the folders and the ERP say."""
        return (Checked("the route was moved and moved back", len(self._moves) == 2, str(self._moves)),)

    async def told(self) -> Sequence[str]:
        """It has no address."""
        return ()

    async def stop(self) -> None:
        """Nothing of it runs."""

    async def _move(self, ground: Ground, stage: str, why: str) -> None:
        self._moves.append(await ground.set_stage(ROUTE, stage, why))
        ground.tell(f"routes set: {self._moves[-1]}")

    async def _order(self, ground: Ground, number: str, control: int, label: str, ending: Ending) -> Sent:
        body = orders(control, [Order(number)])
        return await ground.file(
            "mms/metro", f"order_{number}.850", body, route=ROUTE, label=label, ending=ending
        )

    async def _answer(self, ground: Ground, number: str, control: int, label: str, ending: Ending) -> Sent:
        headers = {"Content-Type": "application/edi-x12"}
        return await ground.post(
            "/v1/inbound/ack.metro", answer(control, number), client="mms", headers=headers,
            route="ack.metro", label=label, ending=ending,
        )  # fmt: skip
