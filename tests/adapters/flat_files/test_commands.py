"""``legacy-bridge flat`` as people use it: good files, bad ones, wrong ones, a narrow terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.flat_files.scenario import clinics_file
from tests.samples import sample_files

FLAT = Path(__file__).resolve().parents[3] / "fixtures" / "demo" / "flat"
LAYOUT = FLAT / "mms_orders.layout.yaml"
FILE = clinics_file([("770001", "V00417"), ("770002", "V00417")])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "flat", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={})


def test_a_good_file_is_shown_as_records_and_is_the_same_when_written_back(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(FILE)
    done = run("check", str(LAYOUT), str(tmp_path / "in.txt"))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("12 records (F 1, H 2, D 4, A 4, Z 1), 2 documents by layout mms_orders\n")
    assert "written back it is the same file, byte for byte" in done.stdout
    assert "PO_NO=770001  PO_DATE=2026-11-27" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_finding_stands_under_the_column_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(
        FILE.replace(b"00000300EA", b"00X00300EA", 1).replace(b"Z000002", b"Z000003")
    )
    done = run("check", str(LAYOUT), str(tmp_path / "in.txt"), "--rows", "0")

    assert done.returncode == 1
    lines = done.stdout.splitlines()
    marked = next(number for number, line in enumerate(lines) if "^" in line)
    column = lines[marked].index("^")
    assert lines[marked - 1][column:].startswith("00X00300EA")
    assert lines[marked].count("^") == 8
    assert "[FLAT-NUMBER]" in "".join(lines[marked : marked + 4])
    assert "'000003' found; the count of H is 2 [FLAT-TOTAL]" in done.stderr


def test_the_same_for_machines(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(FILE)
    done = run("check", str(LAYOUT), str(tmp_path / "in.txt"), "--json")

    told = json.loads(done.stdout)
    assert (told["documents"], told["same_bytes"], len(told["records"])) == (2, True, 12)
    assert told["records"][2]["values"]["ITEM"] == "4711"


@pytest.mark.parametrize(
    ("layout", "file", "code", "words"),
    [
        ("no.yaml", "in.txt", 2, "cannot be read"),
        ("bad.yaml", "in.txt", 2, "[LAYOUT-FORM]"),
        ("good.yaml", "no.txt", 2, "cannot be read"),
        ("good.yaml", ".", 2, "cannot be read"),
        ("in.txt", "in.txt", 2, "LAYOUT-FORM"),
    ],
)
def test_wrong_files_are_told_in_a_sentence(
    tmp_path: Path, layout: str, file: str, code: int, words: str
) -> None:
    (tmp_path / "in.txt").write_bytes(FILE)
    (tmp_path / "bad.yaml").write_text("layout: x\nformat: fixed\nrecods: {}\n")
    (tmp_path / "good.yaml").write_bytes(LAYOUT.read_bytes())
    done = run("check", str(tmp_path / layout), str(tmp_path / file))

    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_infer_proposes_reads_the_sample_without_a_finding(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(FILE)
    proposed = run("infer", str(tmp_path / "in.txt"), "--name", "clinics")
    (tmp_path / "proposed.yaml").write_text(proposed.stdout)

    assert proposed.returncode == 0
    assert proposed.stdout.startswith("layout: clinics\nformat: fixed\n")
    assert "types of records: F 1, H 2, D 4, A 4, Z 1" in proposed.stderr
    assert run("check", str(tmp_path / "proposed.yaml"), str(tmp_path / "in.txt")).returncode == 0


EBCDIC = {"dtar1000-vb__dtar1000_store_file_std.bin", "dtar107-ebcdic__dtar107.bin"}


@pytest.mark.parametrize("path", sample_files("flat/*.txt", "flat/*.bin", "flat/*.csv"))
def test_a_proposal_for_each_real_file_reads_it_or_says_where_to_start(path: Path, tmp_path: Path) -> None:
    proposed = run("infer", str(path))
    if path.name in EBCDIC:
        assert (proposed.returncode, proposed.stdout) == (1, "")
        assert "looks like EBCDIC" in proposed.stderr
        return
    (tmp_path / "proposed.yaml").write_text(proposed.stdout)
    assert run("check", str(tmp_path / "proposed.yaml"), str(path)).returncode == 0
