"""Writing rows as the bytes of a file; what does not fit is a finding with record, field and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from adapters.base.findings import Finding, Position
from adapters.layouts.cells import is_formula, join
from adapters.layouts.explain import Problem, write_slowly
from adapters.layouts.generate_read import OddError
from adapters.layouts.generate_write import WriteRecord, cell_writer, text_writer
from adapters.layouts.model import Field, Kind, Layout, RecordType, Row, Values, path_of
from adapters.layouts.record_items import cell_fields, heading
from adapters.layouts.values import UnfitError

_SUSPECT = re.compile(r"[=+@\t-]")  # a formula begins with one of these
_BOM = b"\xef\xbb\xbf"


class Writer:
    """Writes rows by a layout; a row in another encoding or too long for its field is never written."""

    def __init__(self, layout: Layout, source: str = "") -> None:
        self.layout = layout
        self.findings: list[Finding] = []
        self._source = source or layout.name
        self._functions: dict[str, WriteRecord] = {}
        self._cells: dict[str, tuple[Callable[[Values], list[str]], list[Field]]] = {}
        for name, record in layout.records.items():
            if layout.delimited is None:
                self._functions[name] = text_writer(layout, record)
            else:
                self._cells[name] = cell_writer(layout, record), cell_fields(record.items)
                self._functions[name] = partial(self._row, name)

    def write(self, rows: Iterable[Row], *, is_begun: bool = False) -> bytes:
        """Give the file. Rows that do not fit are left out, and ``findings`` says why.

        ``is_begun``: it has its beginning already; no mark of the byte order, no heading row.
        """
        frame = self.layout.frame
        records = list(self._records(rows, is_begun=is_begun))
        if frame.kind != "lines":
            return b"".join(records)
        body = frame.newline.join(records)
        if records and frame.is_last_ended:
            body += frame.newline
        return _BOM + body if frame.has_bom and not is_begun else body

    def record(self, row: Row) -> bytes:
        """Give one record without its line end. Errors: OddError where it does not fit."""
        problems: list[Problem] = []
        raw = self._one(row, problems)
        if problems:
            raise OddError
        return raw

    def _records(self, rows: Iterable[Row], *, is_begun: bool = False) -> Iterable[bytes]:
        frame, form, encoding = self.layout.frame, self.layout.delimited, self.layout.encoding
        functions = self._functions
        if form is not None and form.header != "none" and not is_begun:
            labels = heading(self.layout)
            yield join(labels, [Field(label, Kind.TEXT, 0) for label in labels], form).encode(encoding)
        for number, row in enumerate(rows, start=1):
            try:
                made = functions[row.name](row.values)
                raw = made if made.__class__ is bytes else made.encode(encoding)
            except (KeyError, OddError, UnfitError, UnicodeEncodeError, TypeError, AttributeError):
                problems: list[Problem] = []
                raw = self._one(row, problems)
                if problems:
                    self.findings += [self._told_of(each, row, number) for each in problems]
                    continue
            if frame.kind == "lines":
                yield raw.rstrip(b" ") if frame.trims else raw
            elif frame.kind == "rdw":
                length = len(raw) + (4 if frame.counts_itself else 0)
                yield length.to_bytes(2, "big") + b"\0\0" + raw
            elif len(raw) != frame.length:
                told = f"the record has {len(raw)} bytes; records have {frame.length}"
                at = Position(self._source, number, path=row.name)
                self.findings.append(Finding("FLAT-OVERFLOW", at, told))
            else:
                yield raw

    def _row(self, name: str, values: Values) -> str:
        """Give a row of cells. Errors: OddError where a cell needs a closer look."""
        write, fields = self._cells[name]
        form = self.layout.delimited
        cells = write(values)
        if form is None:
            raise OddError
        text = form.delimiter.join(cells)
        is_odd = (
            "\n" in text or "\r" in text or (form.formulas == "refuse" and _SUSPECT.search(text) is not None)
        )
        if is_odd or (not form.quote and text.count(form.delimiter) != len(cells) - 1):
            raise OddError
        return join(cells, fields, form)

    def _one(self, row: Row, problems: list[Problem]) -> bytes:
        layout = self.layout
        record = layout.records[row.name]
        pieces, found = write_slowly(layout, record, row.values)
        problems += found
        if problems:
            return b""
        if layout.delimited is None:
            return b"".join(
                each if isinstance(each, bytes) else each.encode(layout.encoding) for _, each in pieces
            )
        cells = [each if isinstance(each, str) else each.decode(layout.encoding) for _, each in pieces]
        problems += self._unsafe(record, cells)
        return join(cells, [field for field, _ in pieces], layout.delimited).encode(layout.encoding)

    def _unsafe(self, record: RecordType, cells: Sequence[str]) -> list[Problem]:
        """Find cells that a row cannot hold, or that a spreadsheet would run where that is refused."""
        form = self.layout.delimited
        found: list[Problem] = []
        if form is None:
            return found
        for index, (field, cell) in enumerate(zip(cell_fields(record.items), cells, strict=True)):
            if (
                form.formulas == "refuse"
                and field.kind is Kind.TEXT
                and not field.is_excel
                and is_formula(cell)
            ):
                told = "the cell would begin as a formula does; a spreadsheet would run it"
                found.append(Problem(field.name, index, index + 1, "FLAT-FORMULA", told))
            breaks = ("\n" in cell or "\r" in cell) and not (form.spans_lines and form.quote)
            if breaks or (not form.quote and form.delimiter in cell):
                what = "a line end" if breaks else "the delimiter"
                told = f"the value has {what} in it, which this file cannot hold"
                found.append(Problem(field.name, index, index + 1, "FLAT-OVERFLOW", told))
        return found

    def _told_of(self, problem: Problem, row: Row, number: int) -> Finding:
        at = Position(self._source, number, problem.start + 1, path_of(row.name, problem.path))
        return Finding(problem.code, at, problem.text)
