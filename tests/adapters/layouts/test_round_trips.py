"""Whatever a layout can say: what it writes it reads, and what it reads it writes, byte for byte."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Finding
from adapters.layouts import Grouper, Layout, Reader, Row, Writer, compile_layout, rows_of
from tests.adapters.layouts.drawn import Drawn, delimited, fixed
from tests.scale import scaled


def read(layout: Layout, body: bytes, *, chunk: int = 1 << 20) -> tuple[list[Row], list[Finding]]:
    reader = Reader(layout, "file")
    rows = [each for start in range(0, len(body), chunk) for each in reader.feed(body[start : start + chunk])]
    rows += reader.finish()
    return [row for row, _ in rows], [*reader.findings, *(finding for _, found in rows for finding in found)]


def values_of(rows: list[Row]) -> list[tuple[str, object]]:
    return [(row.name, row.values) for row in rows]


@settings(max_examples=scaled(150, most=600))
@given(fixed())
def test_fixed_records_that_were_written_read_the_same_and_are_written_the_same(drawn: Drawn) -> None:
    writer = Writer(drawn.layout)
    body = writer.write(drawn.rows)
    rows, findings = read(drawn.layout, body)

    assert [str(each) for each in (*writer.findings, *findings)] == []
    assert values_of(rows) == values_of(drawn.rows)
    assert Writer(drawn.layout).write(rows) == body


@settings(max_examples=scaled(150, most=600))
@given(delimited())
def test_rows_of_cells_that_were_written_read_the_same_and_are_written_the_same(drawn: Drawn) -> None:
    writer = Writer(drawn.layout)
    body = writer.write(drawn.rows)
    rows, findings = read(drawn.layout, body)

    assert [str(each) for each in (*writer.findings, *findings)] == []
    assert values_of(rows) == values_of(drawn.rows)
    assert Writer(drawn.layout).write(rows) == body


@settings(max_examples=scaled(60, most=600))
@given(fixed() | delimited(), st.integers(1, 7))
def test_any_chunking_gives_the_same_rows(drawn: Drawn, chunk: int) -> None:
    body = Writer(drawn.layout).write(drawn.rows)

    assert read(drawn.layout, body, chunk=chunk) == read(drawn.layout, body)


@settings(max_examples=scaled(150, most=600))
@given(fixed() | delimited(), st.data())
def test_damaged_bytes_give_findings_and_never_another_exception(drawn: Drawn, data: st.DataObject) -> None:
    body = bytearray(Writer(drawn.layout).write(drawn.rows))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body)))
        match data.draw(st.sampled_from(("put", "cut", "insert"))):
            case "put" if place < len(body):
                body[place] = data.draw(st.integers(0, 255))
            case "cut":
                del body[place : place + data.draw(st.integers(1, 5))]
            case _:
                body[place:place] = data.draw(st.binary(min_size=1, max_size=5))
    rows, _ = read(drawn.layout, bytes(body))
    grouper = Grouper(drawn.layout, "file")
    list(grouper.feed((row, ()) for row in rows))
    list(grouper.finish())


@settings(max_examples=scaled(100, most=600))
@given(fixed())
def test_the_fast_way_reads_what_the_slow_way_reads(drawn: Drawn) -> None:
    from adapters.layouts.explain import read_slowly

    body = Writer(drawn.layout).write(drawn.rows)
    frame = drawn.layout.frame
    for row in read(drawn.layout, body)[0]:
        raw = (
            row.raw[4:]
            if frame.kind == "rdw"
            else row.raw.removesuffix(frame.newline)
            if frame.kind == "lines"
            else row.raw
        )
        text = raw.decode(drawn.layout.encoding, "replace")
        values, problems = read_slowly(drawn.layout, drawn.layout.records[row.name], text, raw)

        assert problems == []
        assert values == row.values


ORDERS = Path(__file__).with_name("orders.yaml").read_text()

_LINES = st.lists(
    st.fixed_dictionaries(
        {
            "ITEM": st.text("ABC123", min_size=1, max_size=6),
            "QTY": st.integers(0, 10**7 - 1).map(lambda n: f"{n // 100:05}.{n % 100:02}"),
            "A": st.lists(
                st.fixed_dictionaries({"ACCOUNT": st.text("0123456789-", min_size=1, max_size=9)}), max_size=3
            ),
        }
    ),
    min_size=1,
    max_size=4,
)
_TREES = st.lists(
    st.fixed_dictionaries(
        {"PO": st.text("0123456789", min_size=1, max_size=8), "D": _LINES},
        optional={"N": st.fixed_dictionaries({"NOTE": st.text("abc", min_size=1, max_size=11)})},
    ),
    max_size=4,
)


@settings(max_examples=scaled(80, most=600))
@given(_TREES)
def test_documents_come_back_as_they_were_with_all_totals_right(trees: list[dict[str, object]]) -> None:
    layout = compile_layout(ORDERS, "orders.yaml")
    rows = rows_of(layout, trees, fills={"control_number": "17"})
    writer = Writer(layout)
    body = writer.write(rows)
    assert writer.findings == []

    reader, grouper = Reader(layout, "file"), Grouper(layout, "file")
    documents = [*grouper.feed(reader.feed(body)), *grouper.feed(reader.finish()), *grouper.finish()]

    assert [finding for each in documents for finding in each.findings] == []
    assert grouper.findings == []
    assert len(documents) == len(trees)
    again = rows_of(layout, [each.values for each in documents], heads=grouper.heads)
    assert Writer(layout).write(again) == body
    for tree, document in zip(trees, documents, strict=True):
        assert document.values["PO"] == tree["PO"]
        assert [line["QTY"] for line in document.values["D"]] == [line["QTY"] for line in tree["D"]]  # type: ignore[attr-defined]
