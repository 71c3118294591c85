"""The legacy database's part of the demo: an order is a row that commits; its receipt comes back as rows.

A SQLite file stands for it. Its triggers are those that `legacy-bridge db render` prints, kept as a fixture:
this package is a witness of its own and asks nothing of the gateway.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from simulators.legacy_db.schema import create_schema
from simulators.legacy_db.stock import PurchaseOrder, Row, order_statements, padded, reference_rows
from simulators.scenario import Change, Checked, Ending, Ground, Sent, ends

DATABASE = Path("var", "mms-db", "legacy.db")
TRIGGERS = Path("fixtures", "demo", "db", "mms_triggers.sqlite.sql")
ORDER, GIVEN_UP = "660001", "660002"  # no number that another system of the demo gives
LINES = (("4711", "10", "CS", "12.5"), ("4712", "3", "EA", "2"))


def scenario(*, is_spoiled: bool) -> LegacyDbScenario:
    """Give the scenario."""
    return LegacyDbScenario()


class LegacyDbScenario:
    """A clerk who enters orders, and the tables in which she finds what became of them."""

    rank = 45

    def __init__(self) -> None:
        self._path: Path | None = None

    async def start(self, ground: Ground) -> Sequence[Change]:
        """Make the database as it was before the gateway came, then apply the DBA's script."""
        self._path = ground.folder / DATABASE
        script = (ground.folder / TRIGGERS).read_text(encoding="utf-8")
        await asyncio.to_thread(self._made, script)
        return (Change(("endpoints", "mms-db", "poll_max"), "500ms"),)

    async def play(self, ground: Ground) -> None:
        """Enter an order and give another one up; answer it; receive a part of it."""
        ground.tell("legacy database: an order is entered and commits; another one is rolled back")
        await asyncio.to_thread(self._enter, GIVEN_UP, commits=False)
        await asyncio.to_thread(self._enter, ORDER, commits=True)
        name = f"po_hdr[{padded(ORDER, 10)}]"
        ending = Ending(ends("erp"), erp_orders=(ORDER,))
        sent = Sent("row in the legacy database", "table", "po.mms-db", name, b"", ending)
        ground.sent.append(sent)
        await ground.translated(sent)
        ground.tell("HTTP: the supplier's answer and a receipt; both go back into the legacy tables")
        await self._post(ground, "acknowledgment", "ack.mms-db", _answer(), "answer to that order")
        await self._post(ground, "goods_receipt", "rcpt.mms-db", _receipt(), "receipt for that order")

    async def awaits(self, ground: Ground) -> str:
        """Wait until the outbox is empty."""
        left = await self._rows("select count(*) from legacy_bridge_outbox")
        return "rows in the outbox of the legacy database" if left != [(0,)] else ""

    async def check(self, ground: Ground) -> Sequence[Checked]:
        """Look into the tables as the clerk does."""
        header = await self._rows("select trim(po_no), po_sts, ack_sts, ack_dt from po_hdr")
        lines = await self._rows("select line_no, qty_rcvd from po_line where qty_rcvd <> 0")
        receipts = await self._rows("select trim(rcpt_no), line_no, qty, src from receipt")
        outbox = await self._rows("select seq from sqlite_sequence where name = 'legacy_bridge_outbox'")
        return (
            Checked(
                "the legacy tables show the order as acknowledged and partly received, the receipt once",
                header == [(ORDER, "PR", "AC", "20261127")]
                and lines == [(1, 6)]
                and receipts == [("R-550001", 1, 6, "BRIDGE")],
                f"{header} {lines} {receipts}",
            ),
            Checked(
                "what the gateway wrote there was not fed back: the outbox had one row in all",
                outbox == [(1,)],
                f"{outbox}",
            ),
        )

    async def told(self) -> Sequence[str]:
        """Give the file's place."""
        return (f"legacy database   {self._path}  (sqlite3; tables po_hdr, po_line, receipt)",)

    async def stop(self) -> None:
        """Nothing runs."""

    # -- the database ------------------------------------------------------------------------------

    def _made(self, script: str) -> None:
        path = self._place()
        path.parent.mkdir(parents=True)
        with closing(sqlite3.connect(path)) as database:
            database.executescript(create_schema("sqlite"))
            database.executescript(script)
            for table, row in reference_rows():
                _insert(database, table, row)
            database.commit()

    def _enter(self, number: str, *, commits: bool) -> None:
        order = PurchaseOrder(number, "V-1042", LINES)
        with closing(sqlite3.connect(self._place(), timeout=5)) as database:
            for table, row in order_statements(order):
                _insert(database, table, row)
            if commits:
                database.commit()
            else:
                database.rollback()

    async def _rows(self, query: str) -> list[tuple[object, ...]]:
        def read() -> list[tuple[object, ...]]:
            with closing(sqlite3.connect(self._place(), timeout=5)) as database:
                return database.execute(query).fetchall()

        return await asyncio.to_thread(read)

    def _place(self) -> Path:
        if self._path is None:
            raise RuntimeError("the legacy database was not made")
        return self._path

    async def _post(
        self, ground: Ground, document: str, route: str, content: dict[str, object], label: str
    ) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"demo-{route}-{ORDER}"}
        await ground.post(
            f"/v1/documents/{document}?route={route}",
            json.dumps(content).encode(),
            client="receiving",
            headers=headers,
            route=route,
            label=label,
            ending=Ending(ends("mms-db"), status=202),
        )


def _insert(database: sqlite3.Connection, table: str, row: Row) -> None:
    columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    database.execute(f"insert into {table} ({columns}) values ({places})", row)  # noqa: S608


def _answer() -> dict[str, object]:
    return {
        "document_type": "acknowledgment",
        "order": {"number": ORDER},
        "response": "accepted",
        "acknowledged": {"date": "2026-11-27"},
    }


def _receipt() -> dict[str, object]:
    return {
        "document_type": "goods_receipt",
        "number": "R-550001",
        "received": {"date": "2026-11-30"},
        "orders": [{"number": ORDER}],
        "lines": [{"sequence": 1, "order_line_id": "1", "quantity": {"value": "6", "unit": "CA"}}],
    }
