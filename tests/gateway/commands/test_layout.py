from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.commands.layout import line, paragraph, table

WORDS = st.text("abcdefghij.:|/-", min_size=1, max_size=12)
CELLS = st.lists(WORDS, max_size=5).map(" ".join)
ROWS = st.integers(1, 5).flatmap(
    lambda columns: st.lists(st.lists(CELLS, min_size=columns, max_size=columns), max_size=4)
)


@given(words=st.lists(WORDS, min_size=1, max_size=30), width=st.integers(12, 60), indent=st.integers(0, 30))
def test_a_paragraph_loses_no_word_and_is_no_wider_than_asked(
    words: list[str], width: int, indent: int
) -> None:
    lines = paragraph(" ".join(words), width, hanging=" " * indent)

    assert " ".join(lines).split() == words
    assert max(map(len, lines)) <= width


@given(rows=ROWS, width=st.integers(16, 90), fixed=st.sets(st.integers(0, 4)))
def test_a_table_loses_nothing_and_is_no_wider_than_asked(
    rows: list[list[str]], width: int, fixed: set[int]
) -> None:
    columns = len(rows[0]) if rows else 2
    headings = [f"HEAD {n}" for n in range(columns)]
    free = sorted(fixed - {0})  # a first column that never breaks may be wider than all there is

    lines = table(headings, rows, width, free)

    letters = sorted("".join("".join(row) for row in (headings, *rows)).replace(" ", ""))
    assert sorted("".join(lines).replace(" ", "")) == letters
    # What is fixed and does not fit goes below, where it is a paragraph; the first column alone stays.
    first = max((len(row[0]) for row in rows), default=0)
    assert max(map(len, lines)) <= max(width, first)


def test_without_a_width_a_row_is_one_line_whatever_its_length() -> None:
    assert table(("A", "B"), [("x" * 200, "y " * 100)], None) == [
        "A" + " " * 201 + "B",
        "x" * 200 + "  " + ("y " * 100).rstrip(),
    ]
    assert line("route     " + "word " * 100, None) == ["route     " + ("word " * 100).rstrip()]


def test_an_id_that_does_not_fit_beside_the_indentation_stays_whole_and_begins_further_left() -> None:
    assert paragraph(f"stage {'x' * 30}", 32, hanging=" " * 10) == ["stage", "  " + "x" * 30]


def test_a_line_goes_on_beneath_its_value_or_further_in() -> None:
    assert line("route     one two three four", 24 + 10) == ["route     one two three four"]
    assert line("route     one two three four five six", 34) == [
        "route     one two three four five",
        "          six",
    ]
    assert line("  no label here at all", 18) == ["  no label here at", "      all"]


def test_the_columns_give_way_in_which_the_fewest_cells_break() -> None:
    rows = [("one", "2026-01-02 ann", "3"), ("two", "2026-01-03 bob", "4")]

    assert table(("ID", "CHANGED", "OPEN LEGACY"), rows, 27) == [
        "ID   CHANGED         OPEN",
        "                     LEGACY",
        "one  2026-01-02 ann  3",
        "two  2026-01-03 bob  4",
    ]


def test_where_breaking_is_not_enough_the_last_column_goes_below_its_row() -> None:
    rows = [("m1", "/v1/documents/purchase_order"), ("m2", "")]

    assert table(("MESSAGE", "FROM"), rows, 34, fixed=(0,)) == [
        "MESSAGE",
        "    FROM",
        "m1",
        "    /v1/documents/purchase_order",
        "m2",
    ]


def test_an_id_in_a_table_stays_whole_so_that_it_can_be_copied() -> None:
    exception = "m261127we6ufltp53iurhte.1.0.erp.live"
    rows = [("order:1|mercy-health|410101", "cloud", "closing", "b261127-b3914d4f", f"parked: {exception}")]

    lines = table(("ORDER", "TO", "STATE", "BATCH", "WAITS FOR"), rows, 80, fixed=(0,))

    assert max(map(len, lines)) <= 80
    assert any(exception in each.split() for each in lines)
