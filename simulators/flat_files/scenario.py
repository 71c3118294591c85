"""The clinics' part of the demo: an hourly file of fixed width, and the file that goes back to them.

What the files say is written here once more, by hand: the gateway's layouts are not asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.scenario import Change, Checked, Ending, Ground, Sent, ends
from simulators.sftp_partner.server import PartnerServer

KNOWN_VENDOR, UNKNOWN_VENDOR = "V00417", "V99999"
CLOUD_SUPPLIER = "SUP-30041"
ORDER, UNKNOWN = "770001", "770002"
ACKNOWLEDGMENT = f"ACK|{ORDER}|C|20261127\r\nLIN|001|P|6|4|CS|12/04/2026\r\nEND|1|1\r\n".encode()


@dataclass(frozen=True)
class Line:
    """One ordered item: quantity in hundredths, price in ten-thousandths, the sum in cents."""

    number: str
    item: str
    name: str
    quantity: int
    unit: str
    price: int
    cents: int
    payers: tuple[tuple[str, int], ...] = ()  # cost center, percent


LINES = (
    Line("001", "4711", "GAUZE SPONGE 4X4", 1_000, "CS", 125_000, 12_500, (("7010", 60), ("7020", 40))),
    Line("002", "4712", "SALINE 0.9% 1L", 300, "EA", 20_000, 600),
)


def clinics_file(orders: Sequence[tuple[str, str]]) -> bytes:
    """Give the hourly file: (order number, vendor) each, all with the same two lines."""
    records = [f"FMMSCLIN 2026331000017T{'':45}"]
    total = sum(line.cents for line in LINES)
    for number, vendor in orders:
        head = f"H{number:<10}261127261204RCL02{vendor}ACME MEDICAL        {len(LINES):03}"
        records.append(head + signed(total, 11))
        for line in LINES:
            records.append(
                f"D{line.number}{line.item:<10}{line.name:<24}{line.quantity:08}{line.unit}"
                f"{line.price:09}{signed(line.cents, 11)}"
            )
            records += [f"A{center:<8}{percent * 100:05}{'':54}" for center, percent in line.payers]
    count = len(records) + 1
    records.append(f"Z{len(orders):06}{count:08}{signed(total * len(orders), 13)}{'':40}")
    return b"".join(record.encode() + b"\r\n" for record in records)


def signed(cents: int, digits: int) -> str:
    """Write a positive amount with its sign over the last digit, as a COBOL program does."""
    text = f"{cents:0{digits}}"
    return text[:-1] + "{ABCDEFGHI"[int(text[-1])]


def acknowledgment() -> bytes:
    """Give the supplier's answer as a portal sends it: six cases now, four later."""
    return json.dumps(
        {
            "document_type": "acknowledgment", "schema_version": "1.0", "response": "accepted_with_changes",
            "order": {"number": ORDER}, "acknowledged": {"date": "2026-11-27"},
            "lines": [{
                "sequence": 1, "order_line_id": "001", "status": "partly_backordered",
                "accepted": {"value": "6", "unit": "CA"}, "backordered": {"value": "4", "unit": "CA"},
                "promised": {"date": "2026-12-04"},
            }],
        }
    ).encode()  # fmt: skip


def acknowledgment_of_the_rest() -> bytes:
    """Give the supplier's next answer: the four cases that were on backorder come."""
    return json.dumps(
        {
            "document_type": "acknowledgment", "schema_version": "1.0", "response": "accepted",
            "order": {"number": ORDER, "date": {"date": "2026-11-26"}},
            "acknowledged": {"date": "2026-12-01"},
            "lines": [{
                "sequence": 1, "order_line_id": "001", "status": "accepted",
                "quantity": {"value": "4", "unit": "CA"}, "accepted": {"value": "4", "unit": "CA"},
                "item_ids": [{"scheme": "vendor", "value": "4711"}],
                "price": {"amount": "12.50"}, "promised": {"date": "2026-12-04"},
            }],
        }
    ).encode()  # fmt: skip


def scenario(*, is_spoiled: bool) -> FlatScenario:
    """Give the scenario."""
    return FlatScenario()


class FlatScenario:
    """A fixed-width file becomes ERP calls; an acknowledgment goes back as a flat file."""

    rank = 40

    def __init__(self) -> None:
        self._server: PartnerServer | None = None

    @property
    def server(self) -> PartnerServer:
        """Give the clinics' SFTP server."""
        if self._server is None:
            raise RuntimeError("the clinics' server was not started")
        return self._server

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start the clinics' server, and have its folder looked at often. Errors: CannotPlayError."""
        self._server = PartnerServer(ground.folder / "var" / "clinics")
        await asyncio.to_thread(self._server.start)
        for name in ("out", "in", "x12"):
            self._server.make_folder(name)
        return (
            *self._server.changes("clinics-out", "clinics-in", "clinics-x12"),
            Change(("endpoints", "clinics-out", "poll"), "100ms"),
            Change(("endpoints", "clinics-out", "ready", "stable"), "200ms"),
        )

    async def play(self, ground: Ground) -> None:
        """Load the code table, drop the file, answer the order."""
        ground.tell("code table: suppliers, loaded as legacy-bridge crosswalk load does")
        await ground.load_crosswalk("supplier", {KNOWN_VENDOR: CLOUD_SUPPLIER}, "the demo's one supplier")
        ground.tell("SFTP: two orders in fixed width, for the vendor of one there is no cloud number")
        body = clinics_file([(ORDER, KNOWN_VENDOR), (UNKNOWN, UNKNOWN_VENDOR)])
        ending = Ending(ends("erp"), parked=("MAP-CROSSWALK",), erp_orders=(ORDER,))
        sent = Sent("2 orders, fixed width", "SFTP", "po.clinics", "orders.txt", body, ending)
        await asyncio.to_thread(self.server.drop, "out", sent.name, body)
        ground.sent.append(sent)
        await ground.translated(sent)
        ground.tell("HTTP: the supplier's answer, which goes back to the clinics as a flat file")
        await ground.post(
            "/v1/documents/acknowledgment?route=ack.clinics", acknowledgment(), client="portal",
            headers={"Content-Type": "application/json", "Idempotency-Key": "demo-ack-770001"},
            route="ack.clinics", label="answer to the order", ending=Ending(ends("clinics-in"), status=202),
        )  # fmt: skip
        ground.tell("HTTP: its next answer, the rest; it goes back by SFTP as an X12 855")
        await ground.post(
            "/v1/documents/acknowledgment?route=ack.clinics-x12", acknowledgment_of_the_rest(),
            client="stores",
            headers={"Content-Type": "application/json", "Idempotency-Key": "demo-ack-770001-b"},
            route="ack.clinics-x12", label="the next answer", ending=Ending(ends("clinics-x12"), status=202),
        )  # fmt: skip

    async def awaits(self, ground: Ground) -> str:
        """Wait until the file was taken."""
        left = [path.name for path in (self.server.files / "out").glob("*.txt")]
        return f"files to be taken: {', '.join(left)}" if left else ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Read what the clinics find in their folder."""
        found = [path.read_bytes() for path in (self.server.files / "in").iterdir() if path.is_file()]
        x12 = [path.read_text() for path in (self.server.files / "x12").iterdir() if path.is_file()]
        return (
            Checked(
                "the next answer reached them as one 855 that names the order and accepts the four cases",
                len(x12) == 1 and all(each in x12[0] for each in ("ST*855*", ORDER, "ACK*IA*4*CA")),
                f"{len(x12)} files: {x12[:1]!r}",
            ),
            Checked(
                "the clinics got the answer as a file of their own layout, byte for byte",
                found == [ACKNOWLEDGMENT],
                f"{len(found)} files: {found[:1]!r}",
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give how a person reaches the server."""
        return (f"clinics        {self.server.way()}",)

    async def stop(self) -> None:
        """Stop the server."""
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)
