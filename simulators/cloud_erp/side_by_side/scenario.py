"""Three hospitals send the same 850s, one to Oracle Fusion, one to SAP S/4HANA, one to Dynamics 365.

At the end each ERP's own ledger is asked for its number of each order: they stand side by side. One more
order is entered in Oracle Fusion by hand, and comes from there (`own_order`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.cloud_erp.oracle_fusion import OracleFusion
from simulators.cloud_erp.sap_s4hana import SapS4Hana
from simulators.cloud_erp.side_by_side import own_order
from simulators.edi_x12.documents import END, RECEIVER, SENDER
from simulators.scenario import Change, Checked, Ending, Ground, address, ends
from simulators.serving import Tls

ORDERS = ("880001", "880002")
QUANTITIES = ("12", "4")  # of the two lines of each order


@dataclass(frozen=True, slots=True)
class Hospital:
    """One hospital: its route, its name in N104, its ERP's endpoint and how that ERP is called."""

    route: str
    name: str
    endpoint: str
    title: str
    control: int


HOSPITALS = (
    Hospital("po.north", "NORTH", "fusion", "Oracle Fusion", 971),
    Hospital("po.south", "SOUTH", "s4", "SAP S/4HANA", 972),
    Hospital("po.west", "WEST", "d365", "Dynamics 365", 973),
)


def scenario(*, is_spoiled: bool) -> SideBySide:
    """Give the scenario."""
    return SideBySide()


class SideBySide:
    """Three ERPs, and the same two orders for each."""

    rank = 45

    def __init__(self) -> None:
        self._erps: dict[str, SimulatedErp] = {}

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Start the ERPs, each with a ledger of its own."""
        certs, ledgers = ground.folder / "certs", ground.folder / "var"
        (ledgers / own_order.SUPPLIERS_FOLDER).mkdir(parents=True, exist_ok=True)
        tls = Tls(certs / "gateway.pem", certs / "gateway.key", certs / "ca.pem")
        self._erps = {
            "fusion": OracleFusion(_behaviour(ledgers, "fusion"), None, tls),
            "s4": SapS4Hana(_behaviour(ledgers, "s4"), None, tls),
            "d365": Dynamics365(_behaviour(ledgers, "d365"), None, tls),
        }
        for erp in self._erps.values():
            await erp.start()
        return [Change(("endpoints", name, "base"), address(erp.url)) for name, erp in self._erps.items()]

    async def play(self, ground: Ground) -> None:
        """Post the same two orders for each hospital."""
        ground.tell("HTTP: the same two orders for three hospitals, each with another cloud ERP")
        for hospital in HOSPITALS:
            await ground.post(
                f"/v1/inbound/{hospital.route}", interchange(hospital), client="mms",
                headers={"Content-Type": "application/edi-x12"}, route=hospital.route,
                label=f"2 orders for {hospital.title}",
                ending=Ending(ends(hospital.endpoint, count=len(ORDERS)), status=202),
            )  # fmt: skip
        own_order.entered(self._erps["fusion"])
        await own_order.told(ground)

    async def awaits(self, ground: Ground) -> str:
        """It waits for nothing of its own."""
        return ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Ask each ledger for its numbers, and put them side by side."""
        held = {each.endpoint: self._numbers(each.endpoint) for each in HOSPITALS}
        wanted = [len(ORDERS)] * len(HOSPITALS)
        return (
            Checked(
                "each of the three ERPs holds the same two orders, each exactly once, with both lines",
                [len(found) for found in held.values()] == wanted and set(held["d365"]) == set(ORDERS),
                str(held),
            ),
            *(self._beside(at, number, held) for at, number in enumerate(ORDERS)),
            own_order.checked(ground.folder),
        )

    def _beside(self, at: int, number: str, held: Mapping[str, Sequence[str]]) -> Checked:
        told = [
            f"{each.title} {held[each.endpoint][at] if at < len(held[each.endpoint]) else 'none'}"
            for each in HOSPITALS
        ]
        return Checked(f"order {number} is {', '.join(told)}", "none" not in " ".join(told), "one is missing")

    async def told(self) -> Sequence[str]:
        """Give the addresses."""
        return tuple(
            f"{each.title:<14} {address(self._erps[each.endpoint].url)} (mTLS; GET /_ledger)"
            for each in HOSPITALS
        )

    async def stop(self) -> None:
        """Stop the ERPs."""
        for erp in self._erps.values():
            await erp.stop()

    def _numbers(self, endpoint: str) -> list[str]:
        """Give an ERP's numbers of orders whose two lines are whole, in the order of their creation."""
        erp = self._erps[endpoint]
        if isinstance(erp, Dynamics365):
            return [
                entry.number
                for entry in erp.documents.entries("PurchaseOrderHeadersV2", "created")
                if len(erp.order_lines(entry.number)) == len(QUANTITIES)
            ]
        kind, lines = (
            ("orders", "lines") if endpoint == "fusion" else ("purchase_order", "_PurchaseOrderItem")
        )
        found = [erp.documents.get(kind, entry.key) or {} for entry in erp.documents.entries(kind, "created")]
        number = "OrderNumber" if endpoint == "fusion" else "PurchaseOrder"
        return [str(each.get(number)) for each in found if len(each.get(lines, ())) == len(QUANTITIES)]


def interchange(hospital: Hospital) -> bytes:
    """Give the interchange of one hospital. Source: X12 004010, 850 in GS/GE and ISA/IEA."""
    sets = [_order(hospital, number, at) for at, number in enumerate(ORDERS, start=1)]
    isa = (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{SENDER:<15}*ZZ*{RECEIVER:<15}*261127*0900*U*00401*"
        f"{hospital.control:09}*0*T*>"
    )
    segments = [
        isa,
        f"GS*PO*{SENDER}*{RECEIVER}*20261127*0900*{hospital.control}*X*004010",
        *sets,
        f"GE*{len(sets)}*{hospital.control}",
        f"IEA*1*{hospital.control:09}",
    ]
    return END.join([*segments, ""]).encode()


def _order(hospital: Hospital, number: str, control: int) -> str:
    segments = [
        f"ST*850*{control:04}",
        f"BEG*00*NE*{number}**20261127",
        "CUR*BY*USD",
        "DTM*002*20261204",
        f"N1*BY*MERCY {hospital.name}*92*{hospital.name}",
        "N1*SE*ACME MEDICAL SUPPLY*92*ACME",
        f"PO1*1*{QUANTITIES[0]}*BX*18.40**IN*100217*VC*ACM-100217",
        "PID*F****EXAM GLOVES NITRILE MEDIUM",
        f"PO1*2*{QUANTITIES[1]}*CA*61.25**IN*100533*VC*ACM-100533",
        "PID*F****IV START KIT",
        "CTT*2",
    ]
    return END.join([*segments, f"SE*{len(segments) + 1}*{control:04}"])


def _behaviour(folder: Path, name: str) -> Behaviour:
    return Behaviour(ledger=folder / f"{name}.jsonl")
