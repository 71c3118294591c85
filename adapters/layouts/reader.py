"""Reading a file of records: cut, recognise, read by the generated function, explain what is odd.

Streaming and bounded: what it holds is one chunk. Every record comes out, bad ones with their findings;
what that means for documents is decided elsewhere (``groups.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from adapters.base.findings import Finding, Level, Position
from adapters.layouts.cells import Cells, is_formula, split_closely, split_plainly
from adapters.layouts.explain import Problem, read_slowly
from adapters.layouts.framing import Cut, Framer
from adapters.layouts.generate_read import OddError, cell_reader, text_reader
from adapters.layouts.model import Kind, Layout, RecordType, Row, Values, path_of
from adapters.layouts.recogniser import marks_of, recogniser
from adapters.layouts.record_items import cell_fields, has_bytes, heading, items_length, longest
from adapters.layouts.values import UnfitError

HEADER = "(header)"
_SHOWN = 8
_STATE = ("findings", "is_readable", "_number", "_headed", "_columns", "_told")


class Reader:
    """Reads one input by a layout. Any chunking of the same bytes gives the same rows."""

    def __init__(self, layout: Layout, source: str) -> None:
        self.layout = layout
        self.source = source
        self.findings: list[Finding] = []  # of the file, not of a record
        self.is_readable = True
        self._form = layout.delimited
        opens = _opens(layout) if self._form is not None and self._form.spans_lines else None
        self._framer = Framer(layout.frame, is_open=opens)
        self._number = 0
        self._recognise = recogniser(layout)
        self._headed = self._form is None or self._form.header == "none"
        self._columns: list[int] | None = None  # by name: where each cell of the layout stands
        self._functions = _functions(layout)
        self._lengths = {name: _size(layout, record) for name, record in layout.records.items()}
        self._is_trimmed = layout.frame.trims
        self._told: set[str] = set()
        # Bytes that are no characters decode to U+FFFD, one each; text fields with one are refused closely.
        self._errors = (
            "replace" if any(has_bytes(each.items) for each in layout.records.values()) else "strict"
        )

    def skip_heading(self) -> None:
        """Read rows of cells without a heading row in front of them."""
        self._headed = True

    def state(self) -> dict[str, object]:
        """Give what another reader of the same layout needs to go on after the bytes fed so far."""
        plain = {name: getattr(self, name) for name in _STATE}
        return plain | {"framer": self._framer.state()}

    def resume(self, state: dict[str, object]) -> None:
        """Go on where another reader stood."""
        for name in _STATE:
            setattr(self, name, state[name])
        self._framer.resume(state["framer"])

    def feed(self, chunk: bytes) -> Iterator[tuple[Row, tuple[Finding, ...]]]:
        """Give the records that these bytes complete, each with what is wrong in it."""
        return self._rows(self._framer.feed(chunk))

    def finish(self) -> Iterator[tuple[Row, tuple[Finding, ...]]]:
        """Give the rest."""
        yield from self._rows(self._framer.finish())
        if not self._headed:
            self.findings.append(self._finding("FLAT-HEADER", "the file is empty; expected a heading row"))

    def _rows(self, cuts: Iterable[Cut]) -> Iterator[tuple[Row, tuple[Finding, ...]]]:
        encoding, functions, recognise = self.layout.encoding, self._functions, self._recognise
        errors = self._errors
        is_plain = self._form is None
        for cut in cuts:
            raw, offset, whole, problem = cut
            self._number = number = self._number + 1
            if is_plain and problem is None:
                try:
                    text = raw.decode(encoding, errors)
                    name = recognise(text, raw)
                    if name is not None and (errors == "strict" or "\ufffd" not in text):
                        length = self._lengths[name] if self._is_trimmed else None
                        if length is not None and len(text) < length:
                            text = text.ljust(length)
                        yield Row(name, functions[name](text, raw), number, offset, whole), ()
                        continue
                except (OddError, UnfitError, UnicodeDecodeError):
                    pass
            made = self._closely(cut)
            if made is not None:
                yield made

    # -- one record that is not plain ------------------------------------------------------

    def _closely(self, cut: Cut) -> tuple[Row, tuple[Finding, ...]] | None:
        raw = cut[0]
        if cut[3] is not None:
            return self._bad(cut, "", *cut[3])
        if self.layout.frame.kind == "lines":
            raw = self._line(raw)
            if not raw.strip(b" ") and (self._form is None or not raw):
                self._note("FLAT-BLANK", "blank lines were skipped", cut)
                return None
        try:
            text = raw.decode(self.layout.encoding, self._errors)
        except UnicodeDecodeError as error:
            bad = raw[error.start : error.start + 1].hex().upper()
            told = f"byte X'{bad}' is no character of {self.layout.encoding}; is the encoding right?"
            name = self._recognised_despite(raw)
            column = len(raw[: error.start].decode(self.layout.encoding, "replace"))
            at = Position(self.source, self._number, column + 1, name, cut[1] + error.start)
            return Row(name, {}, self._number, cut[1], cut[2]), (Finding("FLAT-ENCODING", at, told),)
        if self._form is not None:
            return self._cells(cut, text, raw)
        return self._fixed(cut, text, raw)

    def _line(self, raw: bytes) -> bytes:
        if self.layout.frame.newline == b"\n" and raw.endswith(b"\r"):
            self._note("FLAT-NEWLINE", "lines end with CR LF; the layout says LF (newline: crlf)", None)
            raw = raw[:-1]
        return raw.removesuffix(b"\x1a") if raw == b"\x1a" else raw

    def _recognised_despite(self, raw: bytes) -> str:
        try:
            return self._recognise(raw.decode(self.layout.encoding, "replace"), raw) or ""
        except (IndexError, OddError):
            return ""

    def _fixed(self, cut: Cut, text: str, raw: bytes) -> tuple[Row, tuple[Finding, ...]] | None:
        name = self._recognise(text, raw)
        if name is None:
            return self._unknown(cut, text)
        length = self._lengths[name]
        if self._is_trimmed and length is not None and len(text) < length:
            text = text.ljust(length)
        values, problems = read_slowly(self.layout, self.layout.records[name], text, raw)
        findings = tuple(self._told_of(each, name, text, cut) for each in problems)
        if not findings and length is not None and len(text) > length:
            self._note("FLAT-SURPLUS", f"records are longer than their {length} characters, by blanks", cut)
        return Row(name, values, self._number, cut[1], cut[2]), findings

    def _unknown(self, cut: Cut, text: str) -> tuple[Row, tuple[Finding, ...]] | None:
        if self.layout.unknown == "skip":
            self._note("FLAT-SKIPPED", "records of other types were skipped (unknown: skip)", cut)
            return None
        known = ", ".join(self.layout.records)
        told = f"'{self._mark_in(text)}' is no type of record that the layout knows; it has: {known}"
        return self._bad(cut, "", "FLAT-RECORD", told)

    def _mark_in(self, text: str) -> str:
        """Give what stands where record types are told apart: the rest may be anybody's name."""
        if self._form is not None:
            return text.split(self._form.delimiter, maxsplit=1)[0][:_SHOWN]
        ends = [
            mark[1]
            for record in self.layout.records.values()
            for mark in marks_of(self.layout, record, False)
        ]
        return text[: min(max(ends, default=1), _SHOWN)]

    def _bad(self, cut: Cut, name: str, code: str, text: str) -> tuple[Row, tuple[Finding, ...]]:
        at = Position(self.source, self._number, 1, name, cut[1])
        return Row(name, {}, self._number, cut[1], cut[2]), (Finding(code, at, text),)

    def _told_of(self, problem: Problem, name: str, text: str, cut: Cut) -> Finding:
        before = text[: problem.start].encode(self.layout.encoding, "replace")
        path = path_of(name, problem.path) if problem.path != name else name
        at = Position(self.source, self._number, problem.start + 1, path, cut[1] + len(before))
        facts = {"end": str(max(problem.end, problem.start + 1))}
        return Finding(problem.code, at, problem.text, facts=facts)

    # -- rows of cells ---------------------------------------------------------------------

    def _cells(self, cut: Cut, text: str, raw: bytes) -> tuple[Row, tuple[Finding, ...]] | None:
        form = self._form
        assert form is not None  # noqa: S101  only delimited layouts come here
        cells = split_plainly(text, form)
        close = None
        if cells is None:
            close = split_closely(text, form)
            cells = close.texts
            if close.is_open:
                told = "a quote is opened and never closed; expected one before the next delimiter"
                return self._bad(cut, "", "FLAT-QUOTE", told)
        if form.ends_with_delimiter and len(cells) > 1 and cells[-1] == "":
            cells = cells[:-1]
        if not self._headed:
            self._heading(cells, cut)
            return None
        if self._columns is not None:
            cells = [cells[column] if 0 <= column < len(cells) else "" for column in self._columns]
        name = self._recognise_cells(cells)
        if name is None:
            return self._unknown(cut, text)
        values, problems = self._read_cells(name, cells, text, cut)
        if form.formulas != "keep":
            problems += self._formulas(name, cells)
        findings: tuple[Finding, ...] = ()
        if problems:
            close = close or split_closely(text, form)
            findings = tuple(self._told_of_cell(each, name, text, close, cut) for each in problems)
        return Row(name, values, self._number, cut[1], cut[2]), findings

    def _read_cells(self, name: str, cells: list[str], text: str, cut: Cut) -> tuple[Values, list[Problem]]:
        try:
            return self._functions[name](cells, b""), []
        except (OddError, UnfitError):
            width = self._lengths[name] or 0
            while len(cells) > width and cells[-1] == "":  # a delimiter at the end, not declared
                cells = cells[:-1]
                self._note("FLAT-SURPLUS", "rows end with empty cells that the layout does not have", cut)
            return read_slowly(self.layout, self.layout.records[name], text, b"", cells)

    def _recognise_cells(self, cells: Sequence[str]) -> str | None:
        return self._recognise(cells, b"")

    def _heading(self, cells: Sequence[str], cut: Cut) -> None:
        form = self._form
        assert form is not None  # noqa: S101
        self._headed = True
        labels = heading(self.layout)
        found = [each.strip() for each in cells]
        if form.header == "checked":
            if found != labels:
                self._refuse_file("FLAT-HEADER", f"the heading differs: {_difference(found, labels)}", cut)
            return
        missing = [label for label in labels if label not in found]
        if missing:
            self._refuse_file("FLAT-HEADER", f"there is no column '{missing[0]}'", cut)
        self._columns = [found.index(label) if label in found else -1 for label in labels]

    def _refuse_file(self, code: str, text: str, cut: Cut) -> None:
        at = Position(self.source, self._number, 1, HEADER, cut[1])
        self.findings.append(Finding(code, at, text))
        self.is_readable = False

    def _formulas(self, name: str, cells: Sequence[str]) -> list[Problem]:
        if not any(cell[:1] in "=+-@\t\r" for cell in cells if cell):
            return []
        found = []
        for index, field in enumerate(cell_fields(self.layout.records[name].items)):
            if (
                field.kind is Kind.TEXT
                and not field.is_excel
                and index < len(cells)
                and is_formula(cells[index])
            ):
                told = "the cell begins as a formula does; a spreadsheet would run it"
                found.append(Problem(field.name, index, index + 1, "FLAT-FORMULA", told))
        return found

    def _told_of_cell(self, problem: Problem, name: str, text: str, cells: Cells, cut: Cut) -> Finding:
        cell = problem.start
        if self._columns is not None and cell < len(self._columns):
            cell = self._columns[cell]
        start = cells.starts[cell] if 0 <= cell < len(cells.starts) else len(text)
        end = cells.starts[cell + 1] - 1 if cell >= 0 and cell + 1 < len(cells.starts) else len(text)
        form = self._form
        is_note = problem.code == "FLAT-FORMULA" and form is not None and form.formulas == "note"
        before = text[:start].encode(self.layout.encoding, "replace")
        path = path_of(name, problem.path) if problem.path != name else name
        at = Position(self.source, self._number, start + 1, path, cut[1] + len(before))
        level = Level.NOTE if is_note else Level.REJECTED
        return Finding(problem.code, at, problem.text, level, facts={"end": str(max(end, start + 1))})

    # -- the file --------------------------------------------------------------------------

    def _note(self, code: str, text: str, cut: Cut | None) -> None:
        if code not in self._told:
            self._told.add(code)
            self.findings.append(self._finding(code, text, cut, Level.NOTE))

    def _finding(
        self, code: str, text: str, cut: Cut | None = None, level: Level = Level.REJECTED
    ) -> Finding:
        at = Position(self.source, self._number if cut is not None else None, offset=cut[1] if cut else None)
        return Finding(code, at, text, level)


def _difference(found: Sequence[str], labels: Sequence[str]) -> str:
    for number, (one, other) in enumerate(zip(found, labels, strict=False), start=1):
        if one != other:
            return f"column {number} is '{one}', expected '{other}'"
    return f"{len(found)} columns found, expected {len(labels)}"


def _functions(layout: Layout) -> dict[str, Callable[[object, bytes], Values]]:
    found: dict[str, Callable[[object, bytes], Values]] = {}
    for name, record in layout.records.items():
        if layout.delimited is None:
            found[name] = text_reader(layout, record)  # type: ignore[assignment]
        else:
            read = cell_reader(layout, record)
            found[name] = lambda cells, raw, read=read: read(cells)  # type: ignore[misc]
    return found


def _size(layout: Layout, record: RecordType) -> int | None:
    """Give a record's characters, or a row's cells; None where its data decides."""
    if layout.delimited is not None:
        return len(cell_fields(record.items))
    if layout.frame.trims:
        return longest(record.items)
    return items_length(record.items)


def _opens(layout: Layout) -> Callable[[bytes], bool]:
    """Give the function that tells whether a line ends inside a quoted cell; a bare quote opens none."""
    form = layout.delimited
    if form is None or not form.quote:
        return lambda line: False
    given, quote = form, form.quote.encode(layout.encoding)
    encoding = layout.encoding
    return lambda line: quote in line and split_closely(line.decode(encoding, "replace"), given).is_open
