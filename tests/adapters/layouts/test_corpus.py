"""Real files of others: read whole, counted, and written back byte for byte, or not for a listed reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.layouts import Grouper, Layout, Reader, Row, Writer, compile_layout, rows_of
from adapters.layouts.record_items import item_length
from tests.samples import sample_files, samples_dir

LAYOUTS = Path(__file__).parent / "corpus"
# File: its layout, records by type, documents, and how it differs when it is written back.
DATA = {
    "ams-po-download__ams_podownload_20041231.txt": ("ams_podownload", {"H": 8, "D": 24, "S": 38}, 8),
    "dtar1000-vb__dtar1000_store_file_std.bin": ("dtar1000", {"STORE": 147}, 147),
    "dtar1000-vb__dtar1000_store_file_std_02.csv": ("dtar1000_csv", {"STORE": 147}, 147),
    "dtar107-ebcdic__dtar107.bin": ("dtar107", {"SALE": 6}, 6),
    "omni-hd.csv": ("omni_hd", {"H": 2, "D": 4}, 2),
}
# One line of it has five blanks more than its record is long: a note, and they are not written.
DIFFERENCES = {"ams-po-download__ams_podownload_20041231.txt": (b"00000000     \r\n", b"00000000\r\n")}
COPYBOOKS = {
    "ams-po-download__amspodownload.cbl",
    "ams-receipt__amsreceipt.cbl",
    "dtar1000-vb__dtar1000.cbl",
    "dtar107-ebcdic__dtar107.cbl",
}


def layout_of(name: str) -> Layout:
    folder = samples_dir()

    def copybook(file: str) -> str | None:
        return (folder / "flat" / file).read_text("latin-1") if folder is not None else None

    return compile_layout((LAYOUTS / f"{name}.yaml").read_text(), f"{name}.yaml", copybook)


@pytest.mark.parametrize("path", sample_files("flat/*"))
def test_every_sample_file_has_its_expectation(path: Path) -> None:
    assert path.name in DATA or path.name in COPYBOOKS


@pytest.mark.parametrize("path", sample_files("flat/*.txt", "flat/*.bin", "flat/*.csv"))
def test_a_file_is_read_counted_and_written_back(path: Path) -> None:
    name, counts, documents = DATA[path.name]
    layout, body = layout_of(name), path.read_bytes()
    reader, grouper = Reader(layout, path.name), Grouper(layout, path.name)
    rows = [*reader.feed(body), *reader.finish()]
    grouped = [*grouper.feed(rows), *grouper.finish()]

    assert [str(finding) for _, found in rows for finding in found] == []
    assert {each: sum(row.name == each for row, _ in rows) for each in counts} == counts
    assert len(rows) == sum(counts.values())
    assert len(grouped) == documents
    assert [str(finding) for each in grouped for finding in each.findings] == []
    expected = body.replace(*DIFFERENCES[path.name]) if path.name in DIFFERENCES else body
    assert (expected != body) == (path.name in DIFFERENCES)
    assert Writer(layout).write(row for row, _ in rows) == expected
    again = rows_of(layout, [each.values for each in grouped], heads=grouper.heads)
    assert Writer(layout).write(again) == expected


@pytest.mark.parametrize("path", sample_files("flat/ams-receipt__amsreceipt.cbl"))
def test_a_copybook_without_data_gives_records_that_read_what_they_write(path: Path) -> None:
    """Its groups redefine each other; the layout names one group for each record type."""
    records = {
        "FH": "STDR-DETAIL-RECORD", "RH": "STDR-RH", "RD": "STDR-RD", "RS": "STDR-RS",
    }  # fmt: skip
    text = "layout: receipt\nformat: copybook\ncopybook: receipt\nencoding: ascii\nrecords:\n"
    for name, group in records.items():
        mark = f"{{STDR-RECORD-TYPE: {name}}}" if name != "FH" else "{STDR-RECORD-TYPE: FH}"
        text += f"  {name}: {{group: {'XXX' if name == 'FH' else group}, match: {mark}}}\n"
    layout = compile_layout(text, "receipt.yaml", lambda name: path.read_text("latin-1"))

    lengths = {
        name: sum(item_length(each) or 0 for each in record.items) for name, record in layout.records.items()
    }
    assert set(lengths.values()) == {350}  # as the copybook's own comment says: 350 BYTES
    writer = Writer(layout)
    body = writer.write([Row(name, {"STDR-RECORD-TYPE": name}) for name in records])
    reader = Reader(layout, "f")
    rows = [row for row, _ in (*reader.feed(body), *reader.finish())]
    assert writer.findings == []
    assert [row.name for row in rows] == list(records)
    assert Writer(layout).write(rows) == body
