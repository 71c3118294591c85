"""Flat files through the whole pipeline: layouts, mappings and code tables of a real routes.yaml."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.app import format_by_name
from gateway.compiling import compile_programs
from gateway.config import Configuration, load
from gateway.journal.types import CrosswalkRow
from gateway.workers import INLINE_BYTES_MAX, ProcessExecutor
from tests.gateway.rig import Rig

FLAT = Path(__file__).resolve().parents[2] / "fixtures" / "demo" / "flat"
ROUTES = """
version: 1
gateway: {{environment: test, organisation: HB}}
endpoints:
  out: {{kind: sftp_files, environment: test, folder: out}}
  mms: {{kind: sftp_files, environment: test, folder: in}}
  acks: {{kind: sftp_files, environment: test, folder: acks}}
  erp: {{kind: sftp_files, environment: test, folder: erp}}
partners:
  clinics:
    environment: test
    accept_by: {accept_by}
    flat_files: {{layout: mms_orders, mapping: mms_orders, bad_records: {bad_records}}}
crosswalks: {{suppliers: supplier}}
layouts: {{mms_orders: {flat}/mms_orders.layout.yaml, mms_acks: {flat}/mms_acks.layout.yaml}}
mappings: {{mms_orders: {flat}/mms_orders.mapping.yaml, mms_acks: {flat}/mms_acks.mapping.yaml}}
routes:
  - id: po
    from: {{endpoint: out, format: flat_files, partner: clinics}}
    targets: {{legacy: mms, cloud: erp}}
    stage: cloud
  - id: ack
    follows: po
    from: {{endpoint: acks, document: acknowledgment, partner: clinics}}
    targets: {{legacy: mms, cloud: mms}}
    write:
      mms: {{format: flat_files, partner: clinics, settings: {{layout: mms_acks, mapping: mms_acks}}}}
"""
ORDER = (
    b"FMMSCLIN 2026331000017T" + b" " * 45 + b"\r\n"
    b"H0007751   261127000000RCL02V00417Acme Medical        0020000001310{\r\n"
    b"D0014711      Gauze 4x4               00001000CS0001250000000001250{\r\n"
    b"A7010    06000" + b" " * 54 + b"\r\n"
    b"A7020    04000" + b" " * 54 + b"\r\n"
    b"D0024712      Saline                  00000300EA0000200000000000060{\r\n"
    b"Z00000100000007000000001310{" + b" " * 40 + b"\r\n"
)


@pytest.fixture
def routes(tmp_path: Path) -> Callable[..., Rig]:
    def make(executor: Any = None, accept_by: str = "set", bad_records: str = "refuse") -> Rig:
        file = tmp_path / "routes.yaml"
        file.write_text(ROUTES.format(flat=_beside(tmp_path), accept_by=accept_by, bad_records=bad_records))
        loaded = load(file)
        assert isinstance(loaded, Configuration), [str(each) for each in loaded]
        programs = compile_programs(loaded, 1).routes
        return Rig(*programs.values(), stage="cloud", targets=("mms", "erp"), executor=executor)

    return make


def _beside(folder: Path) -> str:
    """Copy the layouts and mappings of the demo: what routes.yaml names stands below its folder."""
    inner = folder / "flat"
    inner.mkdir(exist_ok=True)
    for each in FLAT.iterdir():
        (inner / each.name).write_bytes(each.read_bytes())
    return "flat"


async def load_suppliers(rig: Rig, *rows: CrosswalkRow) -> None:
    await rig.journal.load_crosswalk("supplier", rows, "test", "test", rig.clock.now())


def seller_of(body: bytes) -> str:
    found: str = json.loads(body)["seller"]["identifiers"][0]["value"]
    return found


async def test_a_fixed_width_order_reaches_the_erp_with_the_suppliers_cloud_number(routes: Any) -> None:
    async with routes().running() as rig:
        await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
        await rig.settled(await rig.take(ORDER))

        (body,) = rig.targets["erp"].bodies
        assert seller_of(body) == "30041"
        assert rig.targets["erp"].numbers == ["0007751"]


async def test_a_supplier_that_the_code_table_does_not_have_parks_the_order_with_its_place(
    routes: Any,
) -> None:
    async with routes().running() as rig:
        message = await rig.take(ORDER)
        await rig.settled(message)

        assert await rig.codes(message) == ["MAP-CROSSWALK"]
        assert rig.targets["erp"].sent == []
        (item,) = await rig.journal.exceptions()
        at = item.findings[0].at
        assert (at.line, at.column, at.path) == (2, 29, "H / VENDOR")
        assert ORDER[at.offset or 0 :].startswith(b"V00417")

        await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
        await rig.journal.retry(item.exception_id, "ann", "table loaded", rig.clock.now())
        rig.translator.wake()
        await rig.settled(message)
        assert rig.targets["erp"].numbers == ["0007751"]


async def test_a_row_that_is_not_in_force_yet_is_a_miss(routes: Any) -> None:
    async with routes().running() as rig:
        await load_suppliers(rig, CrosswalkRow("V00417", "30041", valid_from="2999-01-01"))
        message = await rig.take(ORDER)
        await rig.settled(message)

        assert await rig.codes(message) == ["MAP-CROSSWALK"]


async def test_of_two_rows_the_one_in_force_at_acceptance_counts(routes: Any) -> None:
    async with routes().running() as rig:
        await load_suppliers(
            rig,
            CrosswalkRow("V00417", "old", valid_to="2001-01-01"),
            CrosswalkRow("V00417", "30041", valid_from="2001-01-01"),
        )
        await rig.settled(await rig.take(ORDER))

        assert seller_of(rig.targets["erp"].bodies[0]) == "30041"


async def test_a_worker_process_reads_by_the_same_layout_and_code_table(routes: Any) -> None:
    lines = ORDER.split(b"\r\n")
    many = 700
    orders = [lines[1].replace(b"0007751", f"{n:07}".encode()) for n in range(1, many + 1)]
    body = [lines[0]]
    for each in orders:
        body += [each, *lines[2:6]]
    body.append(f"Z{many:06}{many * 5 + 2:08}{many * 1310:012}{{".encode() + b" " * 40)
    big = b"\r\n".join(body) + b"\r\n"
    assert len(big) > INLINE_BYTES_MAX
    executor = ProcessExecutor(format_by_name, 1)
    try:
        async with routes(executor).running() as rig:
            await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
            message = await rig.take(big)
            await rig.settled(message)

            assert len(rig.targets["erp"].sent) == many
            assert {seller_of(each) for each in rig.targets["erp"].bodies} == {"30041"}
            assert (await rig.journal.message(message.message_id)).findings == ()
    finally:
        await executor.close()


async def test_an_acknowledgment_goes_back_to_legacy_as_a_flat_file(routes: Any) -> None:
    async with routes().running() as rig:
        await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
        await rig.settled(await rig.take(ORDER))
        ack = {
            "document_type": "acknowledgment", "schema_version": "1.0", "response": "accepted_with_changes",
            "order": {"number": "0007751"}, "acknowledged": {"date": "2026-11-27"},
            "lines": [{"sequence": 1, "order_line_id": "001", "status": "partly_backordered",
                       "accepted": {"value": "6", "unit": "CA"}, "backordered": {"value": "4", "unit": "CA"},
                       "promised": {"date": "2026-12-04"}}],
        }  # fmt: skip
        await rig.settled(await rig.take(json.dumps(ack).encode(), route="ack"))

        assert rig.targets["mms"].bodies == [
            b"ACK|0007751|C|20261127\r\nLIN|001|P|6|4|CS|12/04/2026\r\nEND|1|1\r\n"
        ]


async def test_a_document_that_does_not_fit_its_file_is_parked_and_nothing_is_written(routes: Any) -> None:
    async with routes().running() as rig:
        await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
        await rig.settled(await rig.take(ORDER))
        ack = {
            "document_type": "acknowledgment", "schema_version": "1.0", "response": "on_hold",
            "order": {"number": "0007751"}, "acknowledged": {"date": "2026-11-27"},
        }  # fmt: skip
        message = await rig.take(json.dumps(ack).encode(), route="ack")
        await rig.settled(message)

        assert await rig.codes(message) == ["MAP-CODE"]
        assert rig.targets["mms"].sent == []


TWO = ORDER.replace(b"Z0000010000000700000000131", b"@").split(b"@")[0]


def two_orders(second_qty: bytes) -> bytes:
    """Give a file of two orders, the second with this quantity; the trailer counts both."""
    head, rest = TWO.split(b"\r\n", 1)
    second = rest.replace(b"0007751", b"0007752").replace(b"00000300EA", second_qty + b"EA")
    trailer = b"Z00000200000012000000002620{" + b" " * 40
    return head + b"\r\n" + rest + second + trailer + b"\r\n"


@pytest.mark.parametrize(
    ("policy", "reached"),
    [
        ({}, ["0007751"]),  # the document with the bad record is refused, the other one goes
        ({"bad_records": "leave_out"}, ["0007751", "0007752"]),
        ({"accept_by": "file"}, []),
    ],
)
async def test_the_partners_policy_says_what_a_bad_record_costs(
    routes: Any, policy: dict[str, str], reached: list[str]
) -> None:
    async with routes(**policy).running() as rig:
        await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
        message = await rig.take(two_orders(b"00X00300"))
        await rig.settled(message)

        assert rig.targets["erp"].numbers == reached
        findings = [finding for view in await rig.documents(message) for finding in view.plan.findings]
        (bad,) = [each for each in findings if each.code == "FLAT-NUMBER"]
        assert (bad.at.line, bad.at.column, bad.at.path) == (11, 39, "D / QTY")


async def test_a_wrong_trailer_total_condemns_the_file_of_a_partner_that_is_accepted_whole(
    routes: Any,
) -> None:
    async with routes(accept_by="file").running() as rig:
        await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
        message = await rig.take(ORDER.replace(b"Z000001", b"Z000002"))
        await rig.settled(message)

        assert rig.targets["erp"].sent == []
        assert "FLAT-TOTAL" in [
            each.code for each in (await rig.journal.message(message.message_id)).findings
        ]


async def test_in_stage_canary_legacy_gets_its_orders_in_a_file_with_right_totals(routes: Any) -> None:
    made = routes()
    po = made.programs.routes["po"]
    rule = replace(po.rule, select={"facility": frozenset({"CL01"})})
    rig = Rig(replace(po, rule=rule), stage="canary", targets=("mms", "erp"))
    async with rig.running():
        await load_suppliers(rig, CrosswalkRow("V00417", "30041"))
        body = two_orders(b"00000300").replace(b"RCL02", b"RCL01", 1)
        await rig.settled(await rig.take(body))

        assert rig.targets["erp"].numbers == ["0007751"]
        assert rig.targets["mms"].bodies == [ORDER.replace(b"0007751", b"0007752")]


def test_a_route_of_flat_files_whose_layout_nobody_names_is_refused_before_a_file_is_parked(
    tmp_path: Path,
) -> None:
    shared = "    flat_files: {{layout: mms_orders, mapping: mms_orders, bad_records: {bad_records}}}\n"
    file, text = tmp_path / "routes.yaml", ROUTES.replace(shared, "")
    assert text != ROUTES
    file.write_text(text.format(flat=_beside(tmp_path), accept_by="set"))

    found = load(file)

    assert not isinstance(found, Configuration)
    assert [(each.code, each.at.path) for each in found] == [("CONFIG-MISSING", "routes[0].from")]
    assert found[0].text.startswith("no layout and no mapping is named")
