"""``translate`` reads a flat file by the layout of a partner, which alone can recognise it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from simulators.flat_files.scenario import clinics_file
from tests.gateway.test_flat_through import FLAT

ROUTES = """
version: 1
gateway: {environment: test, organisation: HB}
endpoints:
  out: {kind: sftp_files, environment: test, folder: out}
  erp: {kind: sftp_files, environment: test, folder: erp}
partners:
  clinics: {environment: test, flat_files: {layout: orders, mapping: orders}}
layouts: {orders: orders.layout.yaml}
mappings: {orders: orders.mapping.yaml}
routes:
  - id: po
    from: {endpoint: out, format: flat_files, partner: clinics}
    targets: {cloud: erp}
    stage: cloud
"""


def translate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "translate", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def site(folder: Path) -> None:
    (folder / "routes.yaml").write_text(ROUTES)
    (folder / "orders.layout.yaml").write_bytes((FLAT / "mms_orders.layout.yaml").read_bytes())
    mapping = (
        (FLAT / "mms_orders.mapping.yaml")
        .read_text()
        .replace("{from: VENDOR, crosswalk: suppliers}", "VENDOR")
    )
    (folder / "orders.mapping.yaml").write_text(mapping)
    (folder / "in.txt").write_bytes(clinics_file([("770001", "V00417"), ("770002", "V00418")]))


def test_a_flat_file_is_recognised_by_its_partners_layout_and_written_back_the_same(tmp_path: Path) -> None:
    site(tmp_path)
    done = translate(tmp_path, "in.txt", "--partner", "clinics", "-c", "routes.yaml")

    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == ["770001", "770002"]
    (tmp_path / "orders.json").write_text(done.stdout)
    back = translate(
        tmp_path, "orders.json", "--to", "flat_files", "--partner", "clinics", "-c", "routes.yaml",
        "--control-number", "16", "--at", "2026-11-27T12:00Z",
    )  # fmt: skip
    assert (back.returncode, back.stderr) == (0, "")
    assert back.stdout.encode() == (tmp_path / "in.txt").read_bytes().replace(
        b"\r\n", b"\n"
    )  # text mode; the JSON took one number


def test_without_the_partner_nobody_knows_what_it_is(tmp_path: Path) -> None:
    site(tmp_path)
    done = translate(tmp_path, "in.txt")

    assert done.returncode == 2
    assert "[INPUT-UNKNOWN]" in done.stderr


def test_a_finding_of_a_flat_file_has_its_line_and_column(tmp_path: Path) -> None:
    site(tmp_path)
    body = (tmp_path / "in.txt").read_bytes().replace(b"00000300EA", b"00X00300EA", 1)
    (tmp_path / "in.txt").write_bytes(body)
    done = translate(tmp_path, "in.txt", "--from", "flat_files", "--partner", "clinics", "-c", "routes.yaml")

    assert done.returncode == 1
    assert "in.txt:6:39 D / QTY: '00X00300' is no number" in done.stderr
    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == ["770002"]
