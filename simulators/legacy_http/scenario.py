"""The legacy HTTP endpoint's part of the demo: X12 that passes through in stage shadow, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.edi_x12.documents import Order, orders
from simulators.legacy_http.server import LegacyHttp, Settings
from simulators.scenario import Change, Checked, Ending, Ground, address, ends

REPLY = b"MMS-OK 420001 QUEUED\r\n"


def scenario(*, is_spoiled: bool) -> LegacyHttpScenario:
    """Give the scenario."""
    return LegacyHttpScenario()


class LegacyHttpScenario:
    """A legacy system that takes X12 by HTTP, and a caller that waits for its answer."""

    rank = 30

    def __init__(self) -> None:
        self._legacy: LegacyHttp | None = None
        self._body = orders(20_001, [Order("420001", "03")])
        self._reply = b""

    @property
    def legacy(self) -> LegacyHttp:
        """Give the running endpoint."""
        if self._legacy is None:
            raise RuntimeError("the legacy endpoint was not started")
        return self._legacy

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start the endpoint."""
        folder = ground.folder / "var" / "legacy_http"
        folder.mkdir(parents=True)
        self._legacy = LegacyHttp(Settings(folder, body=REPLY))
        await self._legacy.start()
        return (Change(("endpoints", "mms-http", "base"), address(self._legacy.url)),)

    async def play(self, ground: Ground) -> None:
        """Post an order; the caller gets what legacy answers, the ERP's request is made and not sent."""
        ground.tell("HTTP: an X12 order in stage shadow; legacy itself answers the caller")
        headers = {"Content-Type": "application/edi-x12", "Idempotency-Key": "demo-central-1"}
        ending = Ending((*ends("mms-http", "pass_through"), *ends("erp", "shadow")), status=200)
        sent = await ground.post(
            "/v1/inbound/po.central", self._body, client="mms", headers=headers,
            route="po.central", label="X12 order, the caller waits", ending=ending,
        )  # fmt: skip
        self._reply = sent.reply

    async def awaits(self, ground: Ground) -> str:
        """It waits for nothing of its own."""
        return ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Compare bytes in both directions."""
        return (
            Checked(
                "legacy got the posted X12 once, byte for byte",
                self.legacy.bodies == [self._body],
                f"{len(self.legacy.bodies)} requests",
            ),
            Checked(
                "its caller got legacy's own answer, byte for byte",
                self._reply == REPLY,
                repr(self._reply[:60]),
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give its address."""
        return (f"legacy system  {address(self.legacy.url)} (keeps what it gets in var/legacy_http)",)

    async def stop(self) -> None:
        """Stop the endpoint."""
        if self._legacy is not None:
            await self._legacy.stop()
