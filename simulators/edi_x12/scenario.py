"""X12's part of the demo: documents that follow their order, and an order that goes out to a supplier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulators.edi_x12.documents import HUB, SUPPLIER, Order, answer, mailbox, orders
from simulators.scenario import Change, Checked, Ending, Ground, Sent, ends

ROUTE = "po.metro"
BEFORE, AFTER, UNKNOWN, DIRECT = "410101", "410102", "409999", "410201"
ACKNOWLEDGED = ends("mms-acks", "acknowledgment")
TO_LEGACY = Ending((*ends("mms-in"), *ACKNOWLEDGED), status=202)


def scenario(*, is_spoiled: bool) -> FollowingScenario:
    """Give the scenario."""
    return FollowingScenario()


class FollowingScenario:
    """Orders around a stage change and the answers to them; a supplier's mailbox, both ways."""

    rank = 50

    def __init__(self) -> None:
        self._moves: list[str] = []
        self._mailbox = Path()

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Let an answer wait only a moment for an order that nobody knows; have folders looked at often."""
        self._mailbox = ground.folder / "var/acme/in"
        for folder in ("mms/direct", "acme/out", "acme/in"):
            (ground.folder / "var" / folder).mkdir(parents=True, exist_ok=True)
        return (
            Change(("routes", "ack.metro", "unknown_order", "after"), "2s"),
            *(Change(("endpoints", name, "poll"), "100ms") for name in ("mms-direct", "acme-out")),
            *(Change(("endpoints", name, "ready", "stable"), "200ms") for name in ("mms-direct", "acme-out")),
        )

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
        translated = Ending((*ends("erp"), *ACKNOWLEDGED), status=202)
        follow_up = await self._answer(ground, AFTER, 10_105, "855 to the order after", translated)
        await ground.translated(follow_up)
        await self._move(ground, "canary", "the demo moves it back")
        await self._direct(ground)

    async def _direct(self, ground: Ground) -> None:
        """Let an order go out to the supplier, and its answer and invoice come back."""
        ground.tell("folder: an order that the gateway writes anew for its supplier, and the replies")
        out = Ending((*ends("erp"), *ends("acme-in"), *ACKNOWLEDGED), erp_orders=(DIRECT,))
        order = await ground.file(
            "mms/direct", f"order_{DIRECT}.850", orders(10_201, [Order(DIRECT)]),
            route="po.direct", label="order out to a supplier", ending=out,
        )  # fmt: skip
        await ground.translated(order)
        back = Ending((*ends("erp"), *ends("erp")))
        body = mailbox(20_201, DIRECT)
        await ground.file(
            "acme/out", "mailbox.edi", body, route="ack.acme", label="855 and 810 for that order", ending=back
        )

    async def awaits(self, ground: Ground) -> str:
        """It waits for nothing of its own."""
        return ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Read what the supplier got; what else its orders came to, the folders and the ERP say."""
        found = [each.read_bytes().decode() for each in sorted(self._mailbox.glob("*.edi"))]
        return (
            Checked("the route was moved and moved back", len(self._moves) == 2, str(self._moves)),
            Checked(
                "the supplier has the order once, in its own delimiters, under our control number",
                len(found) == 1 and _is_as_wanted(found[0]),
                "; ".join(found),
            ),
        )

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


def _is_as_wanted(text: str) -> bool:
    """Tell whether an interchange is what the supplier asked for; read by position, not by our reader."""
    head = f"ISA*00*{'':10}*00*{'':10}*ZZ*{HUB:15}*01*{SUPPLIER:15}*"
    wanted = (f"!BEG*00*NE*{DIRECT}**20260115!", "!PO1*1*12*BX*18.40**IN*100217*VP*ACM-100217!", "!CTT*2!")
    numbers = (text[90:99], text[102:103])
    return text.startswith(head) and numbers == ("800000000", "T") and all(each in text for each in wanted)
