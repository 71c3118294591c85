"""Events of an ERP in a whole gateway: proven, journaled, read, and sent on once, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sqlite3
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.journal.types import DeliveryState
from gateway.start_errors import ServeError
from simulators.cloud_erp.dynamics365 import Tenant
from simulators.faults import Fault, FaultScript
from tests.adapters.erp_events.site import site

OURS = json.dumps(
    {
        "document_type": "purchase_order",
        "number": "HB-42",
        "currency": "USD",
        "seller": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "ACME"}]},
        "lines": [
            {
                "sequence": 1,
                "line_id": "001",
                "item_ids": [{"scheme": "buyer", "value": "1000"}],
                "quantity": {"value": "5", "unit": "ea"},
                "price": {"amount": "2.50"},
            }
        ],
    }
).encode()


def script(*rules: dict[str, object]) -> FaultScript:
    return FaultScript(tuple(Fault.from_json(rule) for rule in rules))


async def parked_codes(run, count: int = 1) -> list[str]:
    async with asyncio.timeout(15):
        while True:
            documents = await run.served.gateway.journal.documents()
            found = [each.plan for each in documents if each.plan.is_parked]
            if len(found) >= count:
                return [finding.code for plan in found for finding in plan.findings]
            await asyncio.sleep(0.02)


async def quiet(run, seconds: float = 0.4) -> None:
    """Give whatever might still happen its time."""
    await asyncio.sleep(seconds)


async def test_an_order_entered_in_the_erp_goes_to_its_supplier_as_an_850(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        await run.enter_order("PO-900")
        status, answer = await run.event("PO-900")
        await run.settled("acme-in", 1)
        (edi,) = run.files("acme")
        event = await run.served.gateway.journal.message(answer["message_id"])
        (read,) = await run.deliveries("d365")

    assert status == 200
    assert b"BEG*00*SA*PO-900**20261127~" in edi
    assert b"PO1*1*10*EA*12.5**IN*1000*VN*A-1000~" in edi
    assert (event.route, event.origin.identity) == ("events.d365", "dynamics365")
    assert [each.step for each in read.steps] == ["read_event_header", "read_event_lines", "hand_over"]


async def test_one_order_is_sent_once_however_often_the_erp_tells_of_it(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        await run.enter_order("PO-900")
        first = await run.event("PO-900")
        again = await run.event("PO-900")
        await run.settled("acme-in", 1)
        await run.event("PO-900", "E-2")
        await run.settled("d365", 2)
        await quiet(run)
        files = run.files("acme")

    assert again == (200, {"message_id": first[1]["message_id"], "repeat": True})
    assert len(files) == 1


@pytest.mark.parametrize("numbering", ["ours", "sequence"])
async def test_an_order_that_we_brought_to_the_erp_is_known_again_and_goes_nowhere(
    tmp_path: Path, numbering: str
) -> None:
    tenant = Tenant(numbers_itself=numbering == "sequence")
    async with site(tmp_path, numbering=numbering, tenant=tenant) as run:
        await run.post("/v1/documents/purchase_order?route=po.in", OURS, {"Idempotency-Key": "k"})
        (made,) = await run.settled("d365", 1)
        await run.event(made.target_reference)
        await run.settled("d365", 2)
        await quiet(run)
        files = run.files("acme")
        told = [each.plan for each in await run.served.gateway.journal.documents() if each.plan.is_parked]

    assert made.target_reference == ("HB-42" if numbering == "ours" else "PO00000001")
    assert (files, told) == ([], [])


async def test_a_cancellation_over_there_of_an_order_that_we_sent_is_a_persons_to_tell(
    tmp_path: Path,
) -> None:
    target = (
        "targets: {cloud: d365, supplier: acme-in}\n    stage: cloud\n    transmitter: {cloud: gateway}\n"
    )

    def sent_by_us(routes: Path) -> None:
        text = routes.read_text()
        head, mark, rest = text.partition("  - id: po.in\n")
        rest = rest.replace("targets: {cloud: d365}\n    stage: cloud\n", target, 1)
        text = (head + mark + rest).replace(
            "kind: dynamics365\n", 'kind: dynamics365\n    supplier_output: "off"\n'
        )
        routes.write_text(text)

    async with site(tmp_path, before=sent_by_us) as run:
        await run.post("/v1/documents/purchase_order?route=po.in", OURS, {"Idempotency-Key": "k"})
        await run.settled("acme-in", 1)
        await run.settled("d365", 1)
        await run.event("HB-42", BusinessEventId="PurchaseOrderCanceledBusinessEvent")
        codes = await parked_codes(run)
        files = run.files("acme")

    assert codes == ["ORDER-CHANGED-IN-ERP"]
    assert len(files) == 1


async def test_an_order_with_our_reference_that_the_ledger_does_not_know_waits_for_a_person(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as run:
        await run.enter_order("PO-7", VendorOrderReference="ABCDEFGHIJKLMNOPQRSTUVWX23")
        await run.event("PO-7")
        codes = await parked_codes(run)
        files = run.files("acme")

    assert codes == ["ERP-ORDER-UNKNOWN"]
    assert files == []


async def test_without_the_look_at_our_reference_that_order_would_reach_its_supplier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.order_opening.carries_our_reference", lambda document: False)
    async with site(tmp_path) as run:
        await run.enter_order("PO-7", VendorOrderReference="ABCDEFGHIJKLMNOPQRSTUVWX23")
        await run.event("PO-7")
        await run.settled("acme-in", 1)


async def test_an_event_that_is_not_proven_is_refused_and_nothing_comes_of_it(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        await run.enter_order("PO-900")
        status, answer = await run.event("PO-900", key="another secret")
        messages = await run.served.gateway.journal.messages()
        await quiet(run)
        requests = [each for each in run.erp.requests if each.method == "GET"]

    assert (status, answer["error"]) == (401, "ERP-EVENT-UNPROVEN")
    assert all(each.state.value == "refused" for each in messages)
    assert requests == []


async def test_an_erp_that_is_down_is_read_when_it_is_back(tmp_path: Path) -> None:
    faults = script(
        {"action": "unavailable", "method": "GET", "path": "Headers", "nth": [1], "retry_after": "0"}
    )
    async with site(tmp_path, faults=faults) as run:
        await run.enter_order("PO-900")
        await run.event("PO-900")
        await run.settled("acme-in", 1)
        (read,) = await run.deliveries("d365")

    assert [each.step for each in read.steps].count("read_event_header") == 2


async def test_a_changed_order_under_the_same_number_is_an_exception_and_a_cancellation_follows(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as run:
        await run.enter_order("PO-900")
        await run.event("PO-900")
        await run.settled("acme-in", 1)
        lines = run.erp.order_lines("PO-900")
        run.erp.documents.change(
            "PurchaseOrderLinesV2", "usmf|PO-900|2", lines[1] | {"OrderedPurchaseQuantity": 99}
        )
        await run.event("PO-900", "E-2")
        codes = await parked_codes(run)
        await run.event("PO-900", "E-3", BusinessEventId="PurchaseOrderCanceledBusinessEvent")
        await run.settled("acme-in", 2)
        files = run.files("acme")

    assert codes == ["DOCUMENT-CHANGED"]
    assert sorted(each.split(b"BEG*")[1][:2] for each in files) == [b"00", b"01"]


async def test_the_suppliers_answer_to_an_order_of_the_erps_own_finds_its_lines(tmp_path: Path) -> None:
    answer = {
        "document_type": "acknowledgment",
        "order": {"number": "PO-900"},
        "response": "acknowledged_with_detail",
        "lines": [
            {
                "sequence": 1,
                "line_id": "2",
                "status": "accepted",
                "quantity": {"value": "10", "unit": "EA"},
                "accepted": {"value": "10", "unit": "EA"},
            }
        ],
    }
    async with site(tmp_path) as run:
        await run.enter_order("PO-900")
        await run.event("PO-900")
        await run.settled("acme-in", 1)
        path = "/v1/documents/acknowledgment?route=ack.in"
        await run.post(path, json.dumps(answer).encode(), {"Idempotency-Key": "a"})
        done = await run.settled("d365", 2)
        held = run.erp.documents.get("PurchaseOrderResponseLines", "usmf|PO-900|2")

    assert {each.state for each in done} == {DeliveryState.DONE}
    assert held is not None
    assert held["LineAcceptanceStatus"] == "Accepted"


async def test_legacy_gets_a_copy_where_the_erp_itself_transmits(tmp_path: Path) -> None:
    declared = "{legacy: mms-in}"
    copy_of = "copy_not_transmitted"
    async with site(tmp_path, targets=declared, transmitter="erp", losing_side=copy_of, write="{}") as run:
        await run.enter_order("PO-900")
        await run.event("PO-900")
        (copy,) = await run.settled("mms-in", 1)
        (document,) = run.files("mms")

    assert copy.role == "copy"
    assert json.loads(document)["number"] == "PO-900"
    assert json.loads(document)["lines"][0]["price"]["amount"] == "12.5"


FEED = """
    feed:
      endpoint: d365
      every: 100ms
      quiet: 1s
      field: HospitalModifiedDateTime
      since: "2026-01-01T00:00:00Z\""""


async def test_orders_that_no_event_tells_of_are_found_by_the_feed_once_each(tmp_path: Path) -> None:
    journal = f"sqlite:{tmp_path}/journal.db"
    async with site(tmp_path, feed=FEED, journal=journal) as run:
        await run.enter_order("PO-1")
        await run.settled("acme-in", 1)
        await run.enter_order("PO-2")
        await run.settled("acme-in", 2)
        orders = dict.fromkeys(("PO-1", "PO-2"))
        kept = [run.erp.order(number) for number in orders]
    async with site(tmp_path, feed=FEED, journal=journal) as run:
        for fields in kept:
            assert fields is not None
            key = f"usmf|{fields['PurchaseOrderNumber']}"
            run.erp.documents.create(
                "PurchaseOrderHeadersV2", key, fields, number=fields["PurchaseOrderNumber"]
            )
        await quiet(run, 0.6)
        files = run.files("acme")

    assert len(files) == 2, "the cursor and the arrival keys outlive the process"


async def test_a_feed_needs_a_field_that_tells_when_an_order_changed(tmp_path: Path) -> None:
    with pytest.raises(ServeError):
        async with site(tmp_path, feed="\n    feed: {endpoint: d365, every: 1s}"):
            pass


DATABASE = """\
  mms-db:
    kind: db_triggers
    environment: test
    dialect: sqlite
    file: legacy.db
    tables: {po_hdr: {key: po_no, children: {LINES: {table: po_line, by: po_no, order: line_no}}}}
    write_back:
      copies: write
      documents:
        purchase_order:
          mapping: po_rows
          changes:
            - table: po_hdr
              on: insert
              key: po_no
              columns: {po_no: PO_NO, vend_no: VENDOR}
              fixed: {src: ERP}
            - table: po_line
              on: insert
              each: LINES
              key: [po_no, line_no]
              columns: {po_no: PO_NO, line_no: LINE_NO, item_no: ITEM, qty_ord: QTY, price: PRICE}
mappings: {po_rows: po_rows.yaml}
"""
MAPPING = """\
mapping: po_rows
document: purchase_order
direction: write
fields:
  number: PO_NO
  seller.identifiers[scheme=assigned_by_buyer].value: VENDOR
groups:
  lines:
    from: LINES
    fields:
      line_id: LINE_NO
      item_ids[scheme=buyer].value: ITEM
      quantity.value: QTY
      price.amount: PRICE
"""
TABLES = """
create table po_hdr (po_no text primary key, vend_no text, src text);
create table po_line (po_no text, line_no integer, item_no text, qty_ord text, price text,
                      primary key (po_no, line_no));
"""


def made_database(routes: Path) -> None:
    """Make the legacy tables, and what the DBA's script adds."""
    folder = routes.parent
    (folder / "po_rows.yaml").write_text(MAPPING)
    printed = io.StringIO()
    with contextlib.closing(sqlite3.connect(folder / "legacy.db")) as database:
        database.executescript(TABLES)
        with contextlib.redirect_stdout(printed):
            assert main(["db", "render", "mms-db", "-c", str(routes)]) == 0
        database.executescript(printed.getvalue())


async def test_legacy_gets_the_orders_of_the_erp_as_rows_of_its_own_tables(tmp_path: Path) -> None:
    async with site(
        tmp_path, targets="{legacy: mms-db}", transmitter="erp", losing_side="copy_not_transmitted",
        write="{}", more=DATABASE, before=made_database,
    ) as run:  # fmt: skip
        await run.enter_order("PO-900")
        await run.event("PO-900")
        (copy,) = await run.settled("mms-db", 1)
    with contextlib.closing(sqlite3.connect(tmp_path / "legacy.db")) as database:
        headers = database.execute("select po_no, vend_no, src from po_hdr").fetchall()
        lines = database.execute("select line_no, item_no, qty_ord, price from po_line").fetchall()

    assert (copy.role, copy.state) == ("copy", DeliveryState.DONE), copy.findings
    assert headers == [("PO-900", "ACME", "ERP")]
    assert lines == [(1, "1000", "10", "12.5"), (2, "1001", "10", "3")]


LAYOUT = """\
layout: orders
format: delimited
encoding: ascii
newline: crlf
delimited: {delimiter: "|", quote: "", formulas: refuse}
document: H
records:
  H:
    match: {RECORD: H}
    fields: [RECORD, {name: PO_NO, required: yes}, VENDOR]
  D:
    match: {RECORD: D}
    parent: H
    fields: [RECORD, LINE_NO, ITEM, {name: QTY, type: "number(9,2)"}, {name: PRICE, type: "number(9,4)"}]
"""
FLAT_MAPPING = """\
mapping: orders
document: purchase_order
direction: write
fields:
  number: PO_NO
  seller.identifiers[scheme=assigned_by_buyer].value: VENDOR
groups:
  lines:
    from: D
    fields:
      line_id: LINE_NO
      item_ids[scheme=buyer].value: ITEM
      quantity.value: {from: QTY, decimal: {}}
      price.amount: {from: PRICE, decimal: {}}
"""


def made_layout(routes: Path) -> None:
    (routes.parent / "orders.layout.yaml").write_text(LAYOUT)
    (routes.parent / "orders.mapping.yaml").write_text(FLAT_MAPPING)


async def test_legacy_gets_the_orders_of_the_erp_as_a_flat_file(tmp_path: Path) -> None:
    named = "layouts: {orders: orders.layout.yaml}\nmappings: {orders: orders.mapping.yaml}\n"
    settings = "{layout: orders, mapping: orders}"
    async with site(
        tmp_path, targets="{legacy: mms-in}", transmitter="erp", losing_side="copy_not_transmitted",
        write=f"{{mms-in: {{format: flat_files, settings: {settings}}}}}", more=named, before=made_layout,
    ) as run:  # fmt: skip
        await run.enter_order("PO-900")
        await run.event("PO-900")
        (copy,) = await run.settled("mms-in", 1)
        (file,) = run.files("mms")

    assert (copy.role, copy.state) == ("copy", DeliveryState.DONE)
    assert file.decode().splitlines() == ["H|PO-900|ACME", "D|1|1000|10|12.5", "D|2|1001|10|3"]
