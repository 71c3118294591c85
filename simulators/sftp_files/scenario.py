"""The folders' part of the demo: what a legacy system drops, and what it finds in its own folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulators.edi_x12.documents import Order, order_set, orders
from simulators.scenario import Change, Checked, Ending, Ground, Sent, ends

UNREADABLE = b"ISA*00*broken \x00\xfe by an old mapper\r\nBEG*00*NE*410777**20260115\r\n"
CLOUD_ORDER = "410021"  # of facility 04, and by its hash in the first tenth
SPLIT = tuple(
    Order(number, facility)
    for number, facility in (
        ("410001", "05"), ("410002", "05"), ("410003", "05"), (CLOUD_ORDER, "04"), ("410004", "05"),
        ("410005", "05"), ("410006", "04"), ("410007", "05"), ("410008", "05"), ("410009", "05"),
    )
)  # fmt: skip
ONE_BAD = (Order("410011"), Order("410012", quantity="TWELVE"), Order("410013"))
RUSH = orders(30_002, [Order("430007", "02", "RO")])
ACKNOWLEDGED = ends("mms-acks", "acknowledgment")
TO_CLOUD = (*ends("erp"), *ends("mms-in", "copy"), *ACKNOWLEDGED)  # legacy keeps a copy


def scenario(*, is_spoiled: bool) -> FoldersScenario:
    """Give the scenario."""
    return FoldersScenario()


class FoldersScenario:
    """X12 files of all sorts in three folders."""

    rank = 20

    def __init__(self) -> None:
        self._legacy_in = Path()
        self._acks = Path()
        self._hub = Path()

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Make the folders, and have them looked at often."""
        self._legacy_in, self._acks = ground.folder / "var/mms/in", ground.folder / "var/mms/acks"
        self._hub = ground.folder / "var/hub/in"
        for folder in ("mms/out", "mms/metro", "mms/rush", "mms/in", "mms/acks", "hub/in"):
            (ground.folder / "var" / folder).mkdir(parents=True, exist_ok=True)
        endpoints = ("mms-out", "mms-metro", "mms-rush")
        return (
            *(Change(("endpoints", name, "poll"), "100ms") for name in endpoints),
            *(Change(("endpoints", name, "ready", "stable"), "200ms") for name in endpoints[1:]),
        )

    async def play(self, ground: Ground) -> None:
        """Drop the files; what repeats something is dropped when the first is known."""
        await self._unreadable(ground)
        ground.tell("folder: 10 orders in one interchange; the canary takes one to the ERP")
        ending = Ending((*TO_CLOUD, *ends("mms-in")), erp_orders=(CLOUD_ORDER,))
        ten = orders(10_001, SPLIT)
        split = await self._metro(ground, "ten_orders.850", ten, "10 orders, 1 for the cloud", ending)
        await self._one_bad(ground)
        await self._fixtures(ground)
        await self._rush(ground)
        await ground.translated(split)
        ground.tell("folder: the same file once more, then an order in a new interchange")
        await self._metro(ground, "ten_orders_copy.850", ten, "the same file again", Ending(is_known=True))
        again = orders(10_003, SPLIT[:1])
        ending = Ending(ACKNOWLEDGED)
        await self._metro(ground, "order_again.850", again, "an order sent again", ending)
        await ground.translated(*ground.sent)  # all of it is decided by the stages as they are now

    async def awaits(self, ground: Ground) -> str:
        """Wait until every file was taken, that which repeats another too."""
        left = [
            path.name for path in (ground.folder / "var" / "mms").glob("*/*.850") if path.parent.name != "in"
        ]
        return f"files to be taken: {', '.join(left)}" if left else ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Read what legacy finds in its folder."""
        files = {path.name: path.read_bytes() for path in self._legacy_in.iterdir() if path.is_file()}
        unreadable = list(files.values()).count(UNREADABLE)
        (split,) = [body for name, body in files.items() if name.startswith("ten_orders.live")] or [b""]
        kept = [each.number for n, each in enumerate(SPLIT, start=1) if order_set(each, n).encode() in split]
        others = [each.number for each in SPLIT if each.number != CLOUD_ORDER]
        at_hub = [path.read_bytes() for path in self._hub.iterdir() if path.is_file()]
        acks = "".join(path.read_text() for path in sorted(self._acks.glob("*.997")))
        return (
            Checked(
                "the file that nobody can read reached legacy byte for byte, once",
                unreadable == 1,
                f"{unreadable} times",
            ),
            Checked(
                "of the ten orders nine reached legacy, bytes unchanged, in an envelope that says nine",
                kept == others and b"GE*9*" in split,
                f"{len(kept)} unchanged sets",
            ),
            Checked(
                "the 997 refuses the one bad order of three and accepts the other two",
                "AK9*P*3*3*2" in acks and acks.count("AK5*R") == 1,
                f"{acks.count('AK5*A')} accepted, {acks.count('AK5*R')} refused",
            ),
            Checked(
                "the hub got the RUSH order once, byte for byte",
                at_hub.count(RUSH) == 1,
                f"{at_hub.count(RUSH)} times, {len(at_hub)} files",
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give the folders."""
        return ("folders        drop into var/mms/out, metro, rush; look into in, acks, var/hub/in",)

    async def stop(self) -> None:
        """Nothing of it runs."""

    async def _unreadable(self, ground: Ground) -> None:
        ground.tell("folder: an X12 file that nobody can read, on a route in stage legacy")
        await ground.file(
            "mms/out", "unreadable.850", UNREADABLE, route="po.harbor", label="a file that nobody can read",
            ending=Ending(ends("mms-in"), parked=("X12-UNREADABLE",)),
        )  # fmt: skip
        await ground.file(
            "mms/out", "harbor.850", orders(10_010, [Order("400001", "09")]), route="po.harbor",
            label="order, not moved yet", ending=Ending(ends("mms-in")),
        )  # fmt: skip

    async def _one_bad(self, ground: Ground) -> None:
        ground.tell("folder: 3 orders, the quantity of one is no number")
        ending = Ending((*ends("mms-in"), *ACKNOWLEDGED), parked=("X12-CHAR",))
        await self._metro(ground, "one_bad.850", orders(10_002, ONE_BAD), "3 orders, one is bad", ending)

    async def _fixtures(self, ground: Ground) -> None:
        ground.tell("folder: the two orders of the route tests in routes.yaml")
        folder = ground.folder / "fixtures" / "demo"
        endings = {
            "metro_facility_04.850": Ending(TO_CLOUD, erp_orders=("410042",)),
            "metro_facility_05.850": Ending((*ends("mms-in"), *ACKNOWLEDGED)),
        }
        for name, ending in endings.items():
            facility = name[-6:-4]
            await self._metro(
                ground, name, (folder / name).read_bytes(), f"order of facility {facility}", ending
            )

    async def _rush(self, ground: Ground) -> None:
        ground.tell("folder: a RUSH order; the hub gets it from us, the ERP keeps it")
        ending = Ending((*ends("erp"), *ends("hub"), *ACKNOWLEDGED), erp_orders=("430007",))
        await ground.file(
            "mms/rush", "rush.850", RUSH, route="po.emergency", label="RUSH order", ending=ending,
        )  # fmt: skip

    async def _metro(self, ground: Ground, name: str, body: bytes, label: str, ending: Ending) -> Sent:
        return await ground.file("mms/metro", name, body, route="po.metro", label=label, ending=ending)
