"""From rows to documents: header, details, distributions, trailers put together, in order and number.

A document is a record that the layout calls so, with all below it. Findings of its rows become its own;
one that is bad costs its own document only, whatever stands around it. Totals of the file, and records
outside of documents, are judged at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from adapters.base.findings import Finding, Level, Position
from adapters.layouts.model import Layout, RecordType, Row, Values, path_of, value_at
from adapters.layouts.places import place_in
from adapters.layouts.totals import Tally, mismatch, totals_within, walk

_STATE = (
    "_open",
    "_document",
    "_is_left_out",
    "_key",
    "_tallies",
    "_file",
    "heads",
    "findings",
    "is_condemned",
)


@dataclass(slots=True)
class Grouped:
    """One document of a file: a tree of values, its rows, and what is wrong with it."""

    name: str
    values: Values
    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    size_bytes: int = 0  # of the rows below its first
    left_out: int = 0  # bad records that the partner's policy leaves out
    places: dict[str, Row] = field(default_factory=dict)  # path below the document -> row

    @property
    def raw(self) -> bytes:
        """Give the document's own bytes."""
        return b"".join(row.raw for row in self.rows)


@dataclass(slots=True)
class _Open:
    record: RecordType
    values: Values
    row: Row
    path: str
    counts: dict[str, int] = field(default_factory=dict)
    rank: int = 0


class Grouper:
    """Puts the rows of one input together. ``leaves_out``: bad records are left out of their documents."""

    def __init__(
        self, layout: Layout, source: str, *, leaves_out: bool = False, bytes_max: int = 16 * 1024 * 1024
    ) -> None:
        self._layout = layout
        self._source = source
        self._leaves_out = leaves_out
        self._bytes_max = bytes_max
        self._open: list[_Open] = []
        self._document: Grouped | None = None
        self._is_left_out: str | None = None  # a record type: what is below it is left out, too
        self._key: tuple[object, ...] | None = None
        self._tallies = [Tally(total) for total in totals_within(layout, None)]
        self._ranks = {name: rank for rank, name in enumerate(layout.records)}
        self._file = _Open(RecordType("", (), ()), {}, Row("", {}), "")
        self.heads: list[Row] = []  # records of the file, before and after its documents
        self.findings: list[Finding] = []
        self.is_condemned = False  # the file as a whole is wrong: totals, order, records of its own

    def state(self) -> dict[str, object]:
        """Give what another grouper of the same layout needs to go on."""
        return {name: getattr(self, name) for name in _STATE}

    def resume(self, state: dict[str, object]) -> None:
        """Go on where another grouper stood."""
        for name in _STATE:
            setattr(self, name, state[name])

    def feed(self, rows: Iterable[tuple[Row, tuple[Finding, ...]]]) -> Iterator[Grouped]:
        """Give the documents that these rows complete."""
        for row, findings in rows:
            for tally in self._tallies:
                tally.add(row.name, row.values)
            closed = self._add(row, findings)
            if closed is not None:
                yield closed

    def finish(self) -> Iterator[Grouped]:
        """Give the last document, and judge the file."""
        closed = self._close_document()
        if closed is not None:
            yield closed
        self._judge_children(self._file, self._condemn, "the file")
        for tally in self._tallies:
            self._judge_file_total(tally)

    # -- one row ---------------------------------------------------------------------------

    def _add(self, row: Row, findings: tuple[Finding, ...]) -> Grouped | None:
        layout = self._layout
        is_bad = any(each.level is Level.REJECTED for each in findings)
        if not row.name:
            self._nameless(row, findings)
            return None
        record = layout.records[row.name]
        if layout.rows is not None and row.name == layout.document:
            return self._row_of_group(row, findings, is_bad=is_bad)
        if row.name == layout.document:
            closed = self._close_document()
            self._count(self._file, record, row, self._condemn)
            self._begin(row, findings)
            return closed
        if record.parent is None:
            closed = self._close_document()
            self._count(self._file, record, row, self._condemn)
            self.heads.append(row)
            for finding in findings:
                self._condemn(finding)
            return closed
        self._below(row, record, findings, is_bad=is_bad)
        return None

    def _nameless(self, row: Row, findings: tuple[Finding, ...]) -> None:
        """Take a record that nobody recognises: it belongs to the document around it, or to the file."""
        document = self._document
        if document is None:
            for finding in findings:
                self._condemn(finding)
            return
        document.rows.append(row)
        self._is_left_out = None
        if self._leaves_out:
            document.left_out += 1
            document.findings += [_left_out(each) for each in findings]
        else:
            document.findings += findings

    def _begin(self, row: Row, findings: tuple[Finding, ...]) -> None:
        self._document = Grouped(row.name, row.values, [row], list(findings), places={"": row})
        self._open = [_Open(self._layout.records[row.name], row.values, row, "")]
        self._is_left_out = None

    def _below(self, row: Row, record: RecordType, findings: tuple[Finding, ...], *, is_bad: bool) -> None:
        document = self._document
        if document is None:
            at = Position(self._source, row.number, 1, row.name, row.offset)
            told = f"a {row.name} stands outside of any {self._layout.document}"
            for finding in (*findings, Finding("FLAT-ORDER", at, told)):
                self._condemn(finding)
            return
        if self._is_too_large(document, row):
            return
        document.rows.append(row)
        if self._is_left_out is not None and self._is_left_out in self._layout.above(row.name):
            document.left_out += 1
            return
        self._is_left_out = None
        if is_bad and self._leaves_out:
            document.left_out += 1
            document.findings += [_left_out(each) for each in findings]
            self._is_left_out = row.name
            return
        document.findings += findings
        while self._open and self._open[-1].record.name != record.parent:
            self._close_record(self._open.pop())
        if not self._open:
            self._reopen(document)
            self._refuse(row, "FLAT-ORDER", f"a {row.name} stands where no {record.parent} is open")
            return
        self._append(row, record)

    def _is_too_large(self, document: Grouped, row: Row) -> bool:
        """Keep no more of a document than its bound: a file may never end it."""
        before = document.size_bytes
        document.size_bytes += len(row.raw)
        if document.size_bytes <= self._bytes_max:
            return False
        if before <= self._bytes_max:
            told = f"the document has more than {self._bytes_max} bytes"
            self._refuse(row, "FLAT-SIZE", told)
        return True

    def _reopen(self, document: Grouped) -> None:
        first = document.rows[0]
        self._open = [_Open(self._layout.records[first.name], document.values, first, "")]

    def _append(self, row: Row, record: RecordType) -> None:
        above = self._open[-1]
        number = self._count(above, record, row, self._tell)
        prefix = f"{above.path}." if above.path else ""
        if record.most == 1:
            path = f"{prefix}{record.name}"
            above.values.setdefault(record.name, row.values)
        else:
            path = f"{prefix}{record.name}[{number}]"
            above.values.setdefault(record.name, []).append(row.values)
        if self._document is not None:
            self._document.places[path] = row
        self._open.append(_Open(record, row.values, row, path))

    def _count(self, above: _Open, record: RecordType, row: Row, tell: Callable[[Finding], None]) -> int:
        """Count a record below another, in its order. Gives its number, from 1."""
        number = above.counts[record.name] = above.counts.get(record.name, 0) + 1
        at = Position(self._source, row.number, 1, row.name, row.offset)
        rank = self._ranks[record.name]
        if rank < above.rank:
            later = list(self._layout.records)[above.rank]
            tell(
                Finding(
                    "FLAT-ORDER", at, f"a {record.name} stands behind a {later}; the layout says before it"
                )
            )
        above.rank = max(above.rank, rank)
        if record.most is not None and number == record.most + 1:
            where = f"below one {above.record.name}" if above.record.name else "in one file"
            tell(Finding("FLAT-OCCURS", at, f"more than {record.most} {record.name} {where}"))
        return number

    # -- rows that share a key -------------------------------------------------------------

    def _row_of_group(self, row: Row, findings: tuple[Finding, ...], *, is_bad: bool) -> Grouped | None:
        rows = self._layout.rows
        assert rows is not None  # noqa: S101
        key = tuple(row.values.get(name) for name in rows.by)
        head = {name: row.values.get(name, "") for name in (*rows.by, *rows.head)}
        entry = {name: value for name, value in row.values.items() if name not in head}
        document, closed = self._document, None
        if document is None or key != self._key:
            closed = self._close_document()
            document = self._document = Grouped(row.name, {**head, rows.name: []}, places={"": row})
            self._key = key
        else:
            for name in rows.head:
                if head[name] != document.values.get(name):
                    at = Position(self._source, row.number, None, path_of(row.name, name), row.offset)
                    told = f"'{name}' differs from the first row of the same {', '.join(rows.by)}"
                    document.findings.append(Finding("FLAT-ROWS", at, told))
        if self._is_too_large(document, row):
            return closed
        document.rows.append(row)
        if is_bad and self._leaves_out:
            document.left_out += 1
            document.findings += [_left_out(each) for each in findings]
            return closed
        document.findings += findings
        entries: list[Values] = document.values[rows.name]
        entries.append(entry)
        document.places[f"{rows.name}[{len(entries)}]"] = row
        return closed

    # -- ends ------------------------------------------------------------------------------

    def _close_document(self) -> Grouped | None:
        document = self._document
        if document is None:
            return None
        while self._open:
            self._close_record(self._open.pop())
        self._document, self._key = None, None
        return document

    def _close_record(self, closing: _Open) -> None:
        self._judge_children(closing, self._tell, f"the {closing.record.name}")
        document = self._document
        if document is None or document.left_out or document.size_bytes > self._bytes_max:
            return  # totals over what was left out cannot hold
        for total in totals_within(self._layout, closing.record.name):
            tally = Tally(total)
            holders: list[Values] = []
            for name, values in walk(self._layout, closing.record.name, closing.values):
                tally.add(name, values)
                if name == total.record:
                    holders.append(values)
            for values in holders:
                told = mismatch(total, value_at(values, total.path), tally.value)
                if told is not None:
                    row = next((each for each in document.rows if each.values is values), closing.row)
                    self._tell(self._total_finding(row, total.path, told))

    def _judge_children(self, closing: _Open, tell: Callable[[Finding], None], where: str) -> None:
        for child in self._layout.children(closing.record.name or None):
            found = closing.counts.get(child.name, 0)
            if found < child.least:
                row = closing.row
                at = Position(self._source)
                if row.number:
                    at = Position(self._source, row.number, 1, closing.record.name, row.offset)
                told = f"{where} has {found} {child.name}; expected at least {child.least}"
                tell(Finding("FLAT-OCCURS", at, told))

    def _judge_file_total(self, tally: Tally) -> None:
        total = tally.total
        for row in self.heads:
            if row.name == total.record:
                told = mismatch(total, value_at(row.values, total.path), tally.value)
                if told is not None:
                    self._condemn(self._total_finding(row, total.path, told))

    def _total_finding(self, row: Row, path: tuple[str, ...], told: str) -> Finding:
        at = place_in(self._layout, row, self._source, ".".join(path))
        return Finding("FLAT-TOTAL", at, told)

    def _refuse(self, row: Row, code: str, text: str) -> None:
        self._tell(Finding(code, Position(self._source, row.number, 1, row.name, row.offset), text))

    def _tell(self, finding: Finding) -> None:
        if self._document is not None:
            self._document.findings.append(finding)

    def _condemn(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.is_condemned = self.is_condemned or finding.level is Level.REJECTED


def _left_out(finding: Finding) -> Finding:
    """Say of a record that is left out why; the document goes on without it, as its partner's policy says."""
    text = f"{finding.text}; the record is left out (bad_records: leave_out)"
    return Finding(finding.code, finding.at, text, Level.ERROR, finding.value, finding.facts)
