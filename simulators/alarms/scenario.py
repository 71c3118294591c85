"""The alarm's part of the demo: a RUSH order that the ERP refuses, and whoever must hear of it in time."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.alarms.receivers import Mailbox, Pager
from simulators.edi_x12.documents import Order, orders
from simulators.scenario import Change, Checked, Ending, Ground, ends

REFUSED = "430422"  # the simulated ERP refuses what ends in 422


def scenario(*, is_spoiled: bool) -> AlarmScenario:
    """Give the scenario."""
    return AlarmScenario()


class AlarmScenario:
    """A pager service, a mail server, and the order that both are told about."""

    rank = 10  # its alarm takes longest

    def __init__(self) -> None:
        self._pager, self._mailbox = Pager(), Mailbox()

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start both, and shorten the deadline of urgent orders."""
        await self._pager.start()
        await self._mailbox.start()
        return (
            Change(("gateway", "alarms", "webhook", "url"), f"http://{self._pager.address}/alarms"),
            Change(("gateway", "alarms", "email", "smtp"), self._mailbox.address),
            Change(("routes", "po.emergency", "deadline", "rush"), "2s"),
        )

    async def play(self, ground: Ground) -> None:
        """Send a RUSH order that the ERP will refuse."""
        ground.tell("folder: a RUSH order that the ERP refuses; its deadline is 2 s here")
        ending = Ending(
            ("erp live parked", *ends("hub"), *ends("mms-acks", "acknowledgment")), parked=("ERP-422",)
        )
        await ground.file(
            "mms/rush", "rush_refused.850", orders(30_001, [Order(REFUSED, "02", "RO")]),
            route="po.emergency", label="RUSH order that the ERP refuses", ending=ending,
        )  # fmt: skip

    async def awaits(self, ground: Ground) -> str:
        """Wait until both have heard."""
        return "" if self._pager.alarms and self._mailbox.mails else "the alarm, by webhook and by mail"

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Look for the order in what they heard."""
        paged = [key for alarm in self._pager.alarms for each in alarm["overdue"] for key in each["orders"]]
        mailed = "".join(mail.text for mail in self._mailbox.mails)
        return (
            Checked(
                f"the alarm about order {REFUSED} came by webhook",
                any(key.endswith(REFUSED) for key in paged),
                f"{len(self._pager.alarms)} alarms came",
            ),
            Checked(
                "and by mail to who is on call",
                REFUSED in mailed,
                f"{len(self._mailbox.mails)} mails came",
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give the addresses."""
        return (
            f"pager          http://{self._pager.address}/alarms",
            f"mail server    smtp://{self._mailbox.address}",
        )

    async def stop(self) -> None:
        """Stop both."""
        await self._pager.stop()
        await self._mailbox.stop()
