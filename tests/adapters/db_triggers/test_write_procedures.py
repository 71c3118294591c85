"""Write-back by stored procedures, and the invoice status by an upsert."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Accepted, Library, Rejected, SourceText
from adapters.db_triggers.sink import DbSink
from adapters.db_triggers.target import db_target
from tests.adapters.db_triggers.hospital import connected, outbox, prepared, run, settings_for
from tests.adapters.db_triggers.servers import Database
from tests.adapters.db_triggers.test_ddl import HEADER, LINE
from tests.adapters.db_triggers.test_write_back import rows
from tests.adapters.db_triggers.writing import LIBRARY, delivery, endpoint, receipt, write

PROCEDURE = {
    "postgresql": """
create procedure book_receipt(no char(10), line integer, amount numeric) language plpgsql as $$
begin
  if amount < 0 then raise exception 'a receipt of less than nothing'; end if;
  update po_line set qty_rcvd = qty_rcvd + amount where po_no = no and line_no = line;
end $$;
""",
    "mariadb": """
delimiter //
create procedure book_receipt(in no char(10), in line integer, in amount decimal(11,3))
begin
  if amount < 0 then signal sqlstate '45000' set message_text = 'a receipt of less than nothing'; end if;
  update po_line set qty_rcvd = qty_rcvd + amount where po_no = no and line_no = line;
end//
""",
}
CALLS: dict[str, Any] = {
    "documents": {
        "goods_receipt": {
            "mapping": "db_receipt",
            "changes": [
                {
                    "procedure": "book_receipt",
                    "each": "LINES",
                    "arguments": {"no": "PO_NO", "line": "LINE_NO", "amount": "QTY"},
                    "kinds": {"line": "integer", "amount": "decimal"},
                }
            ],
        }
    }
}
INVOICE_MAPPING = """
mapping: db_invoice
document: invoice
direction: write
fields:
  number: INV_NO
  seller.identifiers[scheme=assigned_by_buyer].value: VEND_NO
  totals.gross: AMT
"""
INVOICES: dict[str, Any] = {
    "documents": {
        "invoice": {
            "mapping": "db_invoice",
            "changes": [
                {
                    "table": "inv_hdr",
                    "on": "upsert",
                    "key": ["vend_no", "inv_no"],
                    "columns": {"vend_no": "VEND_NO", "inv_no": "INV_NO", "amt": "AMT"},
                    "fixed": {"inv_sts": "AP"},
                }
            ],
        }
    }
}


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)  # SQLite has no procedures
async def test_a_document_is_given_to_a_procedure_once_and_does_not_come_back(database: Database) -> None:
    settings = settings_for(database, write_back=CALLS)
    await prepared(database, settings)
    database.script(PROCEDURE[database.kind])
    async with connected(database) as user:
        await run(user, HEADER.format("P-1"), LINE.format("P-1", 1), "delete from legacy_bridge_outbox")
    setup = endpoint(settings)
    target = db_target(setup)
    assert target is not None
    sink = DbSink(setup)
    try:
        sent = delivery(receipt("RC-1", "P-1", _1="2.5"))
        outcomes = [await write((target, sink), sent) for _ in range(2)]
        refused = await write((target, sink), delivery(receipt("RC-2", "P-1", _1="-1"), "R2"))
    finally:
        await sink.close()

    assert outcomes == [Accepted("book_receipt 1"), Accepted("book_receipt 1 (written before)")]
    assert isinstance(refused, Rejected)
    assert "a receipt of less than nothing" in str(refused)
    assert await rows(database, "select qty_rcvd from po_line") == [(2.5,)]
    assert await outbox(database) == []


async def test_an_invoice_status_is_updated_where_the_invoice_is_and_entered_where_it_is_not(
    database: Database,
) -> None:
    settings = settings_for(database, write_back=INVOICES)
    await prepared(database, settings)
    async with connected(database) as user:
        await run(user, "insert into inv_hdr (vend_no, inv_no, amt) values ('V-1042', 'INV-1', 10.50)")
    setup = endpoint(settings, Library(mappings={**LIBRARY.mappings, "db_invoice": INVOICE}))
    target = db_target(setup)
    assert target is not None
    sink = DbSink(setup)
    try:
        for number in ("INV-1", "INV-2"):
            assert await write((target, sink), delivery(invoice(number), number)) == Accepted("inv_hdr 1")
    finally:
        await sink.close()

    found = await rows(database, "select inv_no, inv_sts, amt from inv_hdr order by inv_no")
    assert [(number, status, float(amount)) for number, status, amount in found] == [
        ("INV-1", "AP", 10.5), ("INV-2", "AP", 10.5),
    ]  # fmt: skip


INVOICE = SourceText("db_invoice.yaml", INVOICE_MAPPING)


def invoice(number: str) -> dict[str, Any]:
    return {
        "document_type": "invoice",
        "number": number,
        "invoiced": {"date": "2026-11-21"},
        "seller": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "V-1042"}]},
        "totals": {"gross": "10.50"},
        "lines": [],
    }
