"""Copybooks: what each clause means in bytes, which view of a place holds, what is refused with its line."""

from __future__ import annotations

import pytest

from adapters.layouts import Layout, LayoutError, Reader, Row, Writer, compile_layout
from adapters.layouts.record_items import item_length


def layout(copybook: str, records: str = "R: {}", head: str = "record_length: 40\nencoding: cp037") -> Layout:
    text = f"layout: c\nformat: copybook\ncopybook: book\n{head}\nrecords:\n  {records}\n"
    return compile_layout(text, "c.yaml", lambda name: copybook if name == "book" else None)


def lengths(copybook: str) -> list[int | None]:
    return [item_length(each) for each in layout(copybook).records["R"].items]


def test_each_clause_takes_its_bytes() -> None:
    book = """
      * a comment in column 7
000100 01  REC.                                                         IDAREA
           05 A PIC X(5).
           05 B PIC S9(4) COMP.
           05 C PIC S9(9) BINARY.
           05 D PIC 9(10) USAGE IS COMP-4.
           05 E PIC S9(5)V99 COMP-3.
           05 F PIC 9(4) PACKED-DECIMAL.
           05 G PIC S9(3) SIGN IS LEADING SEPARATE CHARACTER.
           05 H PIC S9(3).
           05 I PIC ZZ,ZZ9.99-.
           05 J PIC 9(3) VALUE 7.
              88 J-SEVEN VALUE 7.
           05 K OCCURS 3 TIMES PIC 99.
           05 FILLER PIC X.
    """
    assert lengths(book) == [5, 2, 4, 8, 4, 3, 4, 3, 10, 3, 6, 1]


def test_numbers_read_by_their_clauses_and_write_back() -> None:
    book = """
       01 REC.
          05 PACKED PIC S9(3)V99 COMP-3.
          05 BIN PIC S9(4) COMP.
          05 NATIVE PIC 9(4) COMP-5.
          05 ZONED PIC S9(3)V9.
          05 TRAIL PIC S9(3) SIGN TRAILING SEPARATE.
          05 LEAD PIC S9(3) SIGN LEADING.
    """
    made = layout(book, head="record_length: 18\nencoding: cp037")
    raw = (
        bytes.fromhex("12345d") + (-7).to_bytes(2, "big", signed=True) + (65_000).to_bytes(2, "big")
        + "012L".encode("cp037") + "007-".encode("cp037") + "A23".encode("cp037")
    )  # fmt: skip
    reader = Reader(made, "f")
    ((row, findings),) = [*reader.feed(raw), *reader.finish()]

    assert findings == ()
    assert row.values == {
        "PACKED": "-123.45", "BIN": "-0007", "NATIVE": "65000", "ZONED": "-012.3", "TRAIL": "-007",
        "LEAD": "123",
    }  # fmt: skip
    assert Writer(made).write([row]) == raw


REDEFINED = """
       01 REC.
          05 KIND PIC X.
          05 DATA-1.
             10 NAME PIC X(6).
          05 DATA-2 REDEFINES DATA-1.
             10 AMOUNT PIC S9(5)V99 COMP-3.
             10 FILLER PIC X(2).
          05 DATA-3 REDEFINES DATA-1 PIC 9(3).
"""


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        ("N".encode("cp037") + "SMITH ".encode("cp037"), {"KIND": "N", "DATA-1": {"NAME": "SMITH"}}),
        (
            "A".encode("cp037") + bytes.fromhex("0012345c4040"),
            {"KIND": "A", "DATA-2": {"AMOUNT": "00123.45"}},
        ),
        ("C".encode("cp037") + "042   ".encode("cp037"), {"KIND": "C", "DATA-3": "042"}),
    ],
)
def test_of_several_descriptions_of_a_place_the_one_holds_that_the_layout_says(
    raw: bytes, values: object
) -> None:
    records = "R: {redefines: {DATA-2: {KIND: A}, DATA-3: {KIND: [C, D]}}}"
    made = layout(REDEFINED, records, "record_length: 7\nencoding: cp037\nfillers: drop")
    reader = Reader(made, "f")
    ((row, findings),) = [*reader.feed(raw), *reader.finish()]

    assert findings == ()
    assert row.values == values
    assert Writer(made).write([row]) == raw


def test_without_a_word_about_it_the_first_description_is_read() -> None:
    made = layout(REDEFINED, "R: {}", "record_length: 7\nencoding: cp037")
    reader = Reader(made, "f")
    ((row, _),) = reader.feed("N".encode("cp037") + "SMITH ".encode("cp037"))
    assert row.values == {"KIND": "N", "DATA-1": {"NAME": "SMITH"}}


VIEWS = """
layout: views
format: fixed
encoding: ascii
records:
  R:
    fields:
      - name: PARTS
        occurs: "2"
        fields:
          - {name: KIND, len: 1}
          - name: BODY
            views:
              - {name: PERSON, fields: [{name: NAME, len: 6}]}
              - {name: SUM, when: {KIND: S}, fields: [{name: CENTS, type: int(4)}]}
"""


def test_views_in_the_entries_of_a_table_are_chosen_entry_by_entry() -> None:
    made = compile_layout(VIEWS, "views.yaml")
    body = b"PSMITH S0042  \n"
    reader = Reader(made, "f")
    ((row, findings),) = reader.feed(body)

    assert findings == ()
    parts = row.values["PARTS"]
    assert parts[0] == {"KIND": "P", "PERSON": {"NAME": "SMITH"}}
    assert parts[1]["SUM"]["CENTS"] == "0042"
    assert Writer(made).write([Row("R", row.values)]) == body


def test_occurs_depending_on_takes_as_many_bytes_as_the_count_says() -> None:
    book = """
       01 REC.
          05 N PIC 9.
          05 T OCCURS 0 TO 5 TIMES DEPENDING ON N.
             10 Q PIC S9(3) COMP-3.
          05 Z PIC X.
    """
    made = layout(book, head="rdw: exclusive\nencoding: cp037")
    rows = [
        Row("R", {"N": "2", "T": [{"Q": "001"}, {"Q": "-012"}], "Z": "z"}),
        Row("R", {"N": "0", "T": [], "Z": "y"}),
    ]
    body = Writer(made).write(rows)
    reader = Reader(made, "f")

    assert body[:8] == b"\0\x06\0\0" + bytes.fromhex("f2001c01")
    assert [row.values for row, _ in (*reader.feed(body), *reader.finish())] == [each.values for each in rows]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("05 A COMP-1.", "not supported"),
        ("05 A PIC 9(3)P(2).", "scaling"),
        ("05 A PIC N(5).", "national"),
        ("05 A.", "neither a PIC nor fields"),
        ("05 A PIC 9(40).", "up to 31"),
        ("05 A PIC 9(20) COMP.", "up to 18"),
        ("05 A PIC X(2) SYNC.", "not supported"),
        ("COPY OTHER.", "not followed"),
        ("HELLO.", "expected a level number"),
    ],
)
def test_what_describes_no_bytes_is_refused_with_its_line(line: str, words: str) -> None:
    with pytest.raises(LayoutError) as raised:
        layout(f"       01 REC.\n          05 GOOD PIC X.\n          {line}\n")
    (finding,) = raised.value.findings
    assert (finding.code, finding.at.source, finding.at.line) == ("LAYOUT-COPYBOOK", "book", 3)
    assert words in finding.text


def test_a_copybook_or_a_group_that_is_not_there_is_told() -> None:
    for records, book, words in (
        ("R: {group: NONE}", REDEFINED, "no group 'NONE'"),
        ("R: {}", "", "no entry found"),
    ):
        with pytest.raises(LayoutError, match=words):
            layout(book, records)
    with pytest.raises(LayoutError, match="there is no copybook"):
        compile_layout("layout: c\nformat: copybook\ncopybook: gone\nrecords: {R: {}}\n", "c.yaml")
