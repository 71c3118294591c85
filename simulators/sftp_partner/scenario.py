"""The SFTP partner's part of the demo: a clinic's server; orders come from it, and 997s go back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from simulators.edi_x12.documents import Order, orders
from simulators.scenario import Change, Checked, Ending, Ground, Sent, ends
from simulators.sftp_partner.server import PartnerServer

SENDER = "LAKESIDE"
ORDERS = ("440001", "440002")
FILE, EMPTY = "lakeside_0115.850", "nothing_0115.850"


def scenario(*, is_spoiled: bool) -> SftpPartnerScenario:
    """Give the scenario."""
    return SftpPartnerScenario()


class SftpPartnerScenario:
    """A real OpenSSH server with three folders' worth of habits: a done file, an empty file, a 997."""

    rank = 25

    def __init__(self) -> None:
        self._server: PartnerServer | None = None

    @property
    def server(self) -> PartnerServer:
        """Give the running server."""
        if self._server is None:
            raise RuntimeError("the SFTP server was not started")
        return self._server

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start the server, and make the two folders that the clinic offers. Errors: CannotPlayError."""
        self._server = PartnerServer(ground.folder / "var" / "lakeside")
        await asyncio.to_thread(self._server.start)
        for name in ("out", "acks"):
            self._server.make_folder(name)
        return (
            *self._server.changes("lakeside-out", "lakeside-acks"),
            Change(("endpoints", "lakeside-out", "poll"), "100ms"),
        )

    async def play(self, ground: Ground) -> None:
        """Drop a file and then its done file; and one that holds nothing."""
        ground.tell("SFTP: 2 orders of a clinic for the ERP, with a done file; and a file of zero bytes")
        body = orders(44_001, [Order(number, "11") for number in ORDERS], sender=SENDER)
        await asyncio.to_thread(self._drop, FILE, body)
        await asyncio.to_thread(self._drop, EMPTY, b"")
        ending = Ending((*ends("erp", count=2), *ends("lakeside-acks", "acknowledgment")), erp_orders=ORDERS)
        ground.sent.append(Sent("2 orders by SFTP", "SFTP", "po.lakeside", FILE, body, ending))

    async def awaits(self, ground: Ground) -> str:
        """Wait until both files were taken, and the acknowledgment has its done file."""
        left = [name for name in (FILE, EMPTY) if (self.server.files / "out" / name).exists()]
        if left:
            return f"files to be taken by SFTP: {', '.join(left)}"
        return "" if list((self.server.files / "acks").glob("*.done")) else "the 997 that goes back by SFTP"

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Look at the clinic's own folders."""
        files = self.server.files
        acks = [place.read_text() for place in (files / "acks").glob("*.997")]
        out = sorted(place.relative_to(files / "out").as_posix() for place in (files / "out").rglob("*.850*"))
        expected = [f".done/{FILE}", f".error/{EMPTY}", f".error/{EMPTY}.reason.txt"]
        return (
            Checked(
                "the clinic's file is archived on its server, the empty one refused with a reason beside it",
                out == expected,
                ", ".join(out),
            ),
            Checked(
                "the clinic got one 997 by SFTP that accepts both orders",
                len(acks) == 1 and "AK9*A*2*2*2" in acks[0],
                f"{len(acks)} acknowledgments",
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give how a person reaches it."""
        return (f"SFTP partner   {self.server.way()}",)

    async def stop(self) -> None:
        """Stop the server, and remove its folder where that lies outside of the demo's."""
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    def _drop(self, name: str, body: bytes) -> None:
        self.server.drop("out", name, body)
        self.server.drop("out", f"{name}.done", b"")
