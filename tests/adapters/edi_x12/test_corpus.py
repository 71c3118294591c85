"""Real files of others: every one is read, and what their list of quirks counts is found."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from adapters.base import Level
from tests.adapters.edi_x12.rig import FORMAT, Read, context, read
from tests.adapters.edi_x12.sample_outcomes import TABLE, blocks, outcome, table
from tests.samples import sample_files, samples_dir

REGENERATE = os.environ.get("LEGACY_BRIDGE_REGENERATE") == "1"
ORDERS = {"edinet-810-mandatory-conditions.edi", "edinet-850.edi", "edinet-850a.edi", "edinet-issue101.edi"}
WITHOUT_BEG = {"edinet-810-mandatory-conditions.edi", "edinet-issue101.edi"}


def read_sample(path: Path) -> Read:
    body = path.read_bytes()
    start = body.find(b"ISA")
    fields = body[start:].split(body[start + 3 : start + 4])[:16] if start >= 0 else []
    is_production = len(fields) == 16 and fields[15].strip() == b"P"
    return read(body, context(source=path.name, environment="production" if is_production else "test"))


@pytest.mark.parametrize("path", sample_files("x12/*.edi"))
def test_every_file_gives_documents_or_findings_with_a_place(path: Path) -> None:
    result = read_sample(path)

    assert result.summary.is_readable
    # One begins with a line that was an ISA once; nothing of it says X12.
    assert FORMAT.recognises(path.read_bytes()[:4096]) or path.name == "gozer-x12-wrong-isa.edi"
    for finding in result.findings:
        assert finding.at.offset is not None
        assert finding.at.line is not None
    for each in result.sets:
        rejected = any(finding.level is Level.REJECTED for finding in each.findings)
        assert each.document is not None or each.is_passed_through or rejected


@pytest.mark.parametrize("path", sample_files("x12/*.edi"))
def test_every_file_comes_to_what_the_table_says(path: Path) -> None:
    made = outcome(path.name, read_sample(path))
    known = blocks(TABLE.read_text()) if TABLE.exists() else {}
    if REGENERATE:
        TABLE.write_text(table({**known, path.name: made}))
        return

    assert made == known.get(path.name)


@pytest.mark.parametrize("folder", [pytest.param(samples_dir(), marks=pytest.mark.corpus, id="samples")])
def test_the_table_has_a_row_for_every_file_and_no_other(folder: Path) -> None:
    assert set(blocks(TABLE.read_text())) == {path.name for path in (folder / "x12").glob("*.edi")}


def test_a_row_of_the_table_says_what_becomes_of_its_sets() -> None:
    rows = blocks(TABLE.read_text())

    assert len(rows) == 66
    for name, row in rows.items():
        assert re.search(r"translated to|rejected \(|passed through|understood", row), name


@pytest.mark.parametrize("path", sample_files("x12/*850*.edi", *(f"x12/{name}" for name in sorted(ORDERS))))
def test_every_order_is_translated_unless_it_is_none(path: Path) -> None:
    orders = [each for each in read_sample(path).sets if each.set_type == "850"]

    assert orders
    assert all((each.document is None) == (path.name in WITHOUT_BEG) for each in orders)


@pytest.mark.parametrize("path", sample_files("x12/*.edi"))
def test_wrong_counts_and_numbers_of_the_list_are_found(path: Path) -> None:
    folder = samples_dir()
    assert folder is not None
    row = next(
        text for text in (folder / "README.md").read_text().splitlines() if f"| x12/{path.name} |" in text
    )
    codes = set(read_sample(path).codes)

    wanted = {
        "X12-SE01": re.search(r"SE01=\d+ but", row),
        "X12-SE02": re.search(r"SE02 \S+ != ST02", row) and "non-segment text: 'N4" not in row,
        "X12-GE01": re.search(r"GE01=\d+ but", row),
        "X12-GE02": "GE02 <" in row,
        "X12-IEA02": "IEA02 " in row,
        "X12-IEA01": re.search(r"IEA01=\d+ but [1-9]", row),
        "X12-CTT": re.search(r"CTT01=\d+ but", row),
        "X12-BOM": "UTF-8 BOM" in row,
    }
    assert {code for code, is_wanted in wanted.items() if is_wanted} <= codes


@pytest.mark.parametrize("path", sample_files("x12/*.edi"))
def test_real_files_are_cut_anywhere_and_resumed(path: Path) -> None:
    body = path.read_bytes()
    around = context(source=path.name)
    whole = read(body, around)

    again = read(body, around, cuts=range(61, len(body), 61))
    assert (again.sets, again.summary) == (whole.sets, whole.summary)
