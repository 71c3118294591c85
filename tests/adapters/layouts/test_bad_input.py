"""What is wrong in a file is a finding with record, column and byte; what does not fit is never written."""

from __future__ import annotations

import pytest

from adapters.base import Finding, Level
from adapters.layouts import Grouper, Layout, LayoutError, Reader, Row, Writer, compile_layout

FIXED = """
layout: orders
format: fixed
encoding: {encoding}
records:
  H:
    match: {{T: H}}
    fields:
      - {{name: T, len: 1}}
      - {{name: PO, len: 6}}
      - {{name: DAY, type: date(YYDDD), pivot: 70}}
      - {{name: LINES, type: int(2)}}
  D:
    match: {{T: D}}
    parent: H
    occurs: 1..2
    fields:
      - {{name: T, len: 1}}
      - {{name: ITEM, len: 5}}
      - {{name: QTY, type: "dec(5,2)"}}
      - {{name: SIGNED, type: "zoned(3,0)"}}
totals: {{H.LINES: count(D)}}
"""
PACKED = """
layout: packed
format: fixed
encoding: cp037
record_length: 9
records:
  R:
    fields:
      - {name: ID, len: 3}
      - {name: AMOUNT, type: "packed(5,2)"}
      - {name: COUNT, type: binary(4)}
      - {filler: 1}
"""
CSV = """
layout: items
format: delimited
delimited: {header: checked, formulas: FORMULAS}
records:
  ITEM: {fields: [SKU, NAME, {name: PRICE, type: "number(7,2)"}, {name: CODE, excel: yes}]}
"""


def fixed(encoding: str = "ascii") -> Layout:
    return compile_layout(FIXED.format(encoding=encoding), "orders.yaml")


def found(layout: Layout, body: bytes) -> list[Finding]:
    reader, grouper = Reader(layout, "in.txt"), Grouper(layout, "in.txt")
    documents = [*grouper.feed(reader.feed(body)), *grouper.feed(reader.finish()), *grouper.finish()]
    return [
        *reader.findings,
        *(each for document in documents for each in document.findings),
        *grouper.findings,
    ]


def places(layout: Layout, body: bytes) -> list[tuple[str, int | None, int | None, str, int | None]]:
    return [
        (each.code, each.at.line, each.at.column, each.at.path, each.at.offset)
        for each in found(layout, body)
    ]


GOOD = b"HPO-0012636502\nD4711 0010012C\nD4712 0020001M\n"


def test_a_good_file_has_no_findings() -> None:
    assert found(fixed(), GOOD) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # a truncated record: the field that is cut, where the record ends
        (GOOD.replace(b"0010012C", b"0010"), ("FLAT-LENGTH", 2, 7, "D / QTY", 21)),
        (GOOD.replace(b"00100", b"001X0"), ("FLAT-NUMBER", 2, 7, "D / QTY", 21)),
        (GOOD.replace(b"012C", b"012$"), ("FLAT-NUMBER", 2, 12, "D / SIGNED", 26)),
        (GOOD.replace(b"26365", b"26366"), ("FLAT-DATE", 1, 8, "H / DAY", 7)),
        (GOOD.replace(b"02\n", b"07\n", 1), ("FLAT-TOTAL", 1, 13, "H / LINES", 12)),
        (GOOD.replace(b"D4712", b"X4712"), ("FLAT-RECORD", 3, 1, "", 30)),
        (GOOD + b"D4713 0020001M\n", ("FLAT-OCCURS", 4, 1, "D", 45)),
        (GOOD.replace(b"4712 ", b"471\xe9 "), ("FLAT-ENCODING", 3, 5, "D", 34)),
        (GOOD.replace(b"D4711 0010012C", b"D4711 0010012CXX"), ("FLAT-LENGTH", 2, 15, "D", 29)),
    ],
)  # fmt: skip
def test_each_mistake_is_placed_by_record_column_and_byte(body: bytes, expected: tuple[object, ...]) -> None:
    assert expected in places(fixed(), body)


def test_a_detail_without_its_header_condemns_the_file() -> None:
    layout = fixed()
    reader, grouper = Reader(layout, "in.txt"), Grouper(layout, "in.txt")
    list(grouper.feed(reader.feed(b"D4711 0010012C\n" + GOOD)))
    list(grouper.finish())

    assert grouper.is_condemned
    assert [(each.code, each.at.line) for each in grouper.findings] == [("FLAT-ORDER", 1)]


def packed_body(amount: bytes) -> bytes:
    return "A01".encode("cp037") + amount + (7).to_bytes(2, "big") + "@".encode("cp037")


def test_a_packed_decimal_reads_and_its_nonsense_is_refused() -> None:
    layout = compile_layout(PACKED, "packed.yaml")
    assert found(layout, packed_body(bytes.fromhex("01234c"))) == []
    # 1A2C reads as 202 where nibbles are added up; 404040 are EBCDIC blanks; B0 has no sign
    for nonsense in ("0012a3", "1a2c0c", "404040", "0123b0", "012345"):
        body = packed_body(bytes.fromhex("01234c")) + packed_body(bytes.fromhex(nonsense))
        assert ("FLAT-NUMBER", 2, 4, "R / AMOUNT", 12) in places(layout, body), nonsense


def test_what_is_left_at_the_end_of_a_file_of_fixed_blocks_is_a_cut_off_record() -> None:
    layout = compile_layout(PACKED, "packed.yaml")
    assert [each[0] for each in places(layout, packed_body(bytes.fromhex("01234c"))[:-2])] == ["FLAT-FRAME"]


def test_a_wrong_descriptor_word_ends_the_reading_with_its_place() -> None:
    layout = compile_layout(PACKED.replace("record_length: 9", "rdw: inclusive"), "packed.yaml")
    record = packed_body(bytes.fromhex("01234c"))
    whole = (len(record) + 4).to_bytes(2, "big") + b"\0\0" + record
    assert found(layout, whole * 2) == []
    (bad,) = found(layout, whole + b"\xff\xff\xff\xff" + whole)
    assert (bad.code, bad.at.offset) == ("FLAT-FRAME", len(whole))


def test_a_wrong_heading_refuses_the_file() -> None:
    layout = compile_layout(CSV.replace("FORMULAS", "note"), "items.yaml")
    reader = Reader(layout, "items.csv")
    list(reader.feed(b"SKU,PRICE,NAME,CODE\n1,2,3,4\n"))

    assert not reader.is_readable
    assert [(each.code, each.text) for each in reader.findings] == [
        ("FLAT-HEADER", "the heading differs: column 2 is 'PRICE', expected 'NAME'")
    ]


@pytest.mark.parametrize(
    ("policy", "level"), [("note", Level.NOTE), ("refuse", Level.REJECTED), ("keep", None)]
)
def test_a_cell_that_begins_as_a_formula_is_judged_by_the_layouts_policy(
    policy: str, level: Level | None
) -> None:
    layout = compile_layout(CSV.replace("FORMULAS", policy), "items.yaml")
    findings = found(layout, b'SKU,NAME,PRICE,CODE\n1,"=cmd|\' /C calc\'!A0",-2.50,="007"\n')

    assert [(each.code, each.level, each.at.column, each.at.path) for each in findings] == (
        [] if level is None else [("FLAT-FORMULA", level, 3, "ITEM / NAME")]
    )


def test_a_formula_is_not_written_where_that_is_refused() -> None:
    layout = compile_layout(CSV.replace("FORMULAS", "refuse"), "items.yaml")
    writer = Writer(layout)
    body = writer.write([Row("ITEM", {"SKU": "1", "NAME": "=1+1", "PRICE": "2", "CODE": "007"})])

    assert [each.code for each in writer.findings] == ["FLAT-FORMULA"]
    assert body == b"SKU,NAME,PRICE,CODE\n"


def test_the_quirks_of_rows_of_cells_are_read() -> None:
    layout = compile_layout(
        CSV.replace("FORMULAS", "note").replace("header: checked", "spans_lines: yes"), "q.yaml"
    )
    body = b'\xef\xbb\xbf1,a 5" pipe,2.50,="001"\n2,"said ""so"", then",3,="002",\n3,"two\nlines",4,="003"\n'
    reader = Reader(layout, "q.csv")
    rows = [row.values for row, findings in (*reader.feed(body), *reader.finish()) if not findings]

    assert [(each["NAME"], each["CODE"]) for each in rows] == [
        ('a 5" pipe', "001"), ('said "so", then', "002"), ("two\nlines", "003"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"PO": "1234567"}, "FLAT-OVERFLOW", "H / PO"),
        ({"PO": "€"}, "FLAT-ENCODING", "H / PO"),
        (
            {"PO": "1", "DAY": "1969-12-31"},
            "FLAT-DATE",
            "H / DAY",
        ),  # outside of the window: would read as 2069
        ({"PO": "1", "DAY": "2026-11-27", "LINES": "100"}, "FLAT-OVERFLOW", "H / LINES"),
        ({"PO": "1", "DAY": "2026-11-27", "LINES": "x"}, "FLAT-NUMBER", "H / LINES"),
    ],
)
def test_what_does_not_fit_is_a_finding_and_is_not_written(
    values: dict[str, str], code: str, path: str
) -> None:
    writer = Writer(fixed(), "out.txt")
    body = writer.write([Row("H", {"T": "H", "DAY": "", "LINES": "1", **values})])

    assert [(each.code, each.at.path) for each in writer.findings] == [(code, path)]
    assert body == b""


def test_digits_behind_the_point_are_never_cut_off_on_writing() -> None:
    writer = Writer(fixed(), "out.txt")
    writer.write([Row("D", {"T": "D", "ITEM": "1", "QTY": "1.005", "SIGNED": "-7"})])
    assert [each.code for each in writer.findings] == ["FLAT-OVERFLOW"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("occurs: 1..2", "LAYOUT-FORM", "expected 1, 0..1"),
        ("parent: H", "LAYOUT-RECORD", "there is no record"),
        ("pivot: 70", "LAYOUT-FIELD", "two-digit years"),
        ("H.LINES: count(D)", "LAYOUT-TOTAL", "there is no record"),
        ("type: int(2)", "LAYOUT-FIELD", "is no type"),
    ],
)
def test_a_mistake_in_a_layout_is_told_with_its_line(change: str, code: str, words: str) -> None:
    wrong = {
        "occurs: 1..2": "occurs: some", "parent: H": "parent: Q", "pivot: 70": "pad: ' '",
        "H.LINES: count(D)": "H.LINES: count(Q)", "type: int(2)": "type: integer",
    }[change]  # fmt: skip
    text = FIXED.format(encoding="ascii").replace(change, wrong)
    with pytest.raises(LayoutError) as raised:
        compile_layout(text, "orders.yaml")
    (finding,) = raised.value.findings
    assert finding.code == code
    assert words in finding.text
    assert finding.at.line == 1 + text[: text.index(wrong)].count("\n")


TABLE = """
layout: table
format: fixed
encoding: ascii
trims: TRIMS
records:
  R:
    fields:
      - {name: ID, len: 2}
      - {name: COUNT, type: int(1)}
      - name: LOT
        occurs: 0..3
        depends: COUNT
        fields: [{name: NO, len: 3}, {name: QTY, type: "dec(3,1)"}]
      - {name: USER, len: 4}
"""


@pytest.mark.parametrize("trims", ["yes", "no"])
@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("user", ["ANNA", "A", ""])
def test_a_table_of_varying_length_reads_and_writes_with_blanks_dropped_or_not(
    trims: str, count: int, user: str
) -> None:
    layout = compile_layout(TABLE.replace("TRIMS", trims), "table.yaml")
    lots = [{"NO": f"L{n}", "QTY": f"0{n}.5"} for n in range(count)]
    body = Writer(layout).write([Row("R", {"ID": "A1", "LOT": lots, "USER": user})])

    reader = Reader(layout, "t")
    ((row, findings),) = [*reader.feed(body), *reader.finish()]
    assert findings == ()
    assert row.values == {"ID": "A1", "COUNT": str(count), "LOT": lots, "USER": user}
    assert Writer(layout).write([Row("R", row.values)]) == body
    assert (
        body == f"A1{count}{''.join(f'L{n} 0{n}5' for n in range(count))}{user:<4}".rstrip().encode() + b"\n"
        or (trims == "no")
    )


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"LOT": [{"NO": "TOOLONG", "QTY": "1.0"}]}, "FLAT-OVERFLOW", "R / LOT[1].NO"),
        ({"LOT": [{"NO": "1", "QTY": "1.0"}] * 4}, "FLAT-OVERFLOW", "R / LOT"),
        ({"LOT": [{"NO": "1", "QTY": "1.0"}], "COUNT": "3"}, "FLAT-OCCURS", "R / COUNT"),
    ],
)
def test_a_table_that_does_not_fit_is_not_written(values: dict[str, object], code: str, path: str) -> None:
    writer = Writer(compile_layout(TABLE.replace("TRIMS", "no"), "table.yaml"))
    assert writer.write([Row("R", {"ID": "A1", "USER": "", **values})]) == b""
    assert (code, path) in [(each.code, each.at.path) for each in writer.findings]


def test_a_count_that_says_more_than_the_record_holds_is_told() -> None:
    layout = compile_layout(TABLE.replace("TRIMS", "no"), "table.yaml")
    assert ("FLAT-OCCURS", 1, 4, "R / LOT", 3) in places(layout, b"A19L1 005L2 015ANNA\n")
    assert ("FLAT-LENGTH", 1, 14, "R", 13) in [
        (each.code, each.at.line, each.at.column, each.at.path, each.at.offset)
        for each in found(layout, b"A12L1 005ANNA\n")
    ]


def test_a_document_that_never_ends_is_refused_and_not_kept() -> None:
    layout = compile_layout(
        FIXED.format(encoding="ascii").replace("occurs: 1..2", "occurs: 1.."), "orders.yaml"
    )
    reader, grouper = Reader(layout, "in.txt"), Grouper(layout, "in.txt", bytes_max=10_000)
    head, detail = GOOD.split(b"\n")[:2]
    body = head + b"\n" + (detail + b"\n") * 20_000
    list(grouper.feed(reader.feed(body)))
    (document,) = grouper.finish()

    assert [each.code for each in document.findings] == ["FLAT-SIZE"]
    assert sum(len(row.raw) for row in document.rows) <= 10_000 + len(head) + 1


def test_a_value_of_a_sensitive_field_is_never_shown() -> None:
    text = FIXED.format(encoding="ascii").replace('type: "dec(5,2)"', 'type: "dec(5,2)", sensitive: yes')
    (finding,) = found(compile_layout(text, "orders.yaml"), GOOD.replace(b"00100", b"8X123"))
    assert finding.code == "FLAT-NUMBER"
    assert "8X123" not in str(finding)


def test_of_a_record_that_nobody_knows_only_its_type_is_shown() -> None:
    (finding, *_) = found(fixed(), GOOD.replace(b"D4712", b"XSMITH, ANNA"))
    assert finding.code == "FLAT-RECORD"
    assert "SMITH" not in finding.text
