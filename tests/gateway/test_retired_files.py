"""A straggler's file, from its folder to where refused files go, and the count of who still sends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.operations import Operations
from gateway.serving import Served, serving
from tests.gateway.test_x12_through import interchange

ROUTES = """\
version: 1
gateway: {environment: test, organisation: mercy, journal: "memory:", workers: 0}
endpoints:
  mms-out: {kind: sftp_files, environment: test, folder: out, pattern: "*.850", ready: rename, poll: 100ms}
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  acks: {kind: sftp_files, environment: test, folder: acks}
partners:
  mms:
    environment: test
    edi_x12: {isa: [{qualifier: ZZ, id: MERCYMMS}]}
ACKNOWLEDGE
routes:
  - id: po
    from: {endpoint: mms-out, format: edi_x12, partner: mms, set: "850", identity: control_numbers}
    targets: {cloud: erp}
    stage: retired
"""
WITH_997 = '    acknowledge: {type: "997", by: gateway, to: acks}'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    for each in ("out", "acks"):
        (tmp_path / each).mkdir()
    yield tmp_path
    os.chdir(before)


async def found(folder: Path, pattern: str) -> Path:
    async with asyncio.timeout(15):
        while not (files := [each for each in folder.rglob(pattern) if each.is_file()]):
            await asyncio.sleep(0.05)
    return files[0]


async def stragglers(served: Served) -> dict[str, int]:
    gateway = served.gateway
    operations = Operations(gateway.journal, lambda: gateway.configuration, gateway.clock)
    return (await operations.perform("routes.show", {"route": "po"}))["stragglers"]


async def test_a_file_of_new_orders_moves_to_the_refused_ones_with_the_reason_beside(folder: Path) -> None:
    (folder / "routes.yaml").write_text(ROUTES.replace("ACKNOWLEDGE", ""))
    body = interchange(["04", "05"])
    async with serving(folder / "routes.yaml") as served:
        (folder / "out" / "late.tmp").write_bytes(body)
        (folder / "out" / "late.tmp").rename(folder / "out" / "late.850")
        reason = await found(folder, "late.850*reason*")
        moved = await found(reason.parent, "late.850")

        assert moved.read_bytes() == body
        assert "ROUTE-RETIRED" in reason.read_text()
        assert "place the order in the cloud ERP" in reason.read_text()
        assert not (folder / "out" / "late.850").exists()
        assert await stragglers(served) == {"mms": 2}  # orders, by who sent them
        assert await served.gateway.journal.overdue(served.gateway.clock.now() + timedelta(days=9),
                                                    served.gateway.clock.now()) == []  # fmt: skip


async def test_where_the_partner_gets_acknowledgments_the_997_rejects_it_in_its_own_contract(
    folder: Path,
) -> None:
    (folder / "routes.yaml").write_text(ROUTES.replace("ACKNOWLEDGE", WITH_997))
    async with serving(folder / "routes.yaml") as served:
        (folder / "out" / "late.tmp").write_bytes(interchange(["04"]))
        (folder / "out" / "late.tmp").rename(folder / "out" / "late.850")
        acknowledgment = await found(folder / "acks", "late*")

        assert b"AK5*R" in acknowledgment.read_bytes()
        assert await stragglers(served) == {"mms": 1}
