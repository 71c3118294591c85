"""A file by a layout, for people: its records, its findings under the columns where they are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Finding, Level
from adapters.layouts import Grouper, Layout, Reader, Row, Writer

_WIDTH = 78
_CONTEXT = 24


@dataclass(slots=True)
class Checked:
    """What a file is by a layout."""

    layout: Layout
    rows: list[tuple[Row, tuple[Finding, ...]]]
    file_findings: list[Finding] = field(default_factory=list)
    documents: int = 0
    differs_at: int | None = None  # the first record that would be written otherwise

    @property
    def findings(self) -> list[Finding]:
        """Give everything found."""
        return [*(each for _, found in self.rows for each in found), *self.file_findings]

    @property
    def is_bad(self) -> bool:
        """Tell whether anything is more than a note."""
        return any(each.level is not Level.NOTE for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Give the records for machines."""
        return {
            "layout": self.layout.name,
            "documents": self.documents,
            "same_bytes": self.differs_at is None,
            "records": [
                {
                    "number": row.number,
                    "offset": row.offset,
                    "record": row.name or None,
                    "values": self._own(row),
                }
                for row, _ in self.rows
            ],
        }

    def lines(self, most: int, *, shows_all: bool) -> Iterator[str]:
        """Give the page: a summary, then records; bad ones always."""
        counts = Counter(row.name or "(unknown)" for row, _ in self.rows)
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        yield f"{len(self.rows)} records ({told}), {self.documents} documents by layout {self.layout.name}"
        if self.differs_at is not None and not self.is_bad:
            yield f"record {self.differs_at} would be written otherwise than it stands"
        elif not self.is_bad:
            yield "written back it is the same file, byte for byte"
        left = 0
        for index, (row, found) in enumerate(self.rows):
            if index < most or found or shows_all:
                yield ""
                yield from self._record(row, found)
            else:
                left += 1
        if left:
            yield ""
            yield f"... and {left} records without findings (--all shows them)"

    def _record(self, row: Row, found: Sequence[Finding]) -> Iterator[str]:
        text = self._text(row)
        for finding in found:
            yield from _under(row, text, finding)
        if not found:
            yield f"{row.number:>6} {_cut(text, 0)[0]}"
        for line in _values(row.name, self._own(row)):
            yield f"       {line}"

    def _own(self, row: Row) -> dict[str, Any]:
        """Give a record's own values: grouping has put the records below it beside them."""
        below = {child.name for child in self.layout.children(row.name)} if row.name else set()
        return {name: value for name, value in row.values.items() if name not in below}

    def _text(self, row: Row) -> str:
        raw = row.raw
        frame = self.layout.frame
        raw = (
            raw[4:]
            if frame.kind == "rdw"
            else raw.removesuffix(frame.newline)
            if frame.kind == "lines"
            else raw
        )
        text = raw.decode(self.layout.encoding, "replace")
        return "".join(each if each.isprintable() else "\N{MIDDLE DOT}" for each in text)


def check_file(layout: Layout, body: bytes, source: str) -> Checked:
    """Read a file by a layout, group it, and write it back."""
    reader, grouper = Reader(layout, source), Grouper(layout, source)
    rows = [*reader.feed(body), *reader.finish()]
    documents = [*grouper.feed(rows), *grouper.finish()]
    checked = Checked(layout, rows, documents=len(documents))
    by_row = {id(each): index for index, (_, found) in enumerate(rows) for each in found}
    further = [each for document in documents for each in document.findings if id(each) not in by_row]
    checked.file_findings = [*reader.findings, *(each for each in grouper.findings if id(each) not in by_row)]
    for finding in further:
        place = next((index for index, (row, _) in enumerate(rows) if row.number == finding.at.line), None)
        if place is None:
            checked.file_findings.append(finding)
        else:
            rows[place] = (rows[place][0], (*rows[place][1], finding))
    if not checked.is_bad:
        checked.differs_at = _first_difference(layout, rows)
    return checked


def _first_difference(layout: Layout, rows: Sequence[tuple[Row, tuple[Finding, ...]]]) -> int | None:
    for row, _ in rows:
        writer = Writer(layout)
        written = writer.write([Row(row.name, row.values)], is_begun=True)
        frame = layout.frame
        stands = row.raw.removesuffix(frame.newline) if frame.kind == "lines" else row.raw
        if (written.removesuffix(frame.newline) if frame.kind == "lines" else written) != stands:
            return row.number
    return None


def _under(row: Row, text: str, finding: Finding) -> Iterator[str]:
    """Give a record with a finding under its column; of a long one the part around it."""
    column = (finding.at.column or 1) - 1
    end = int(finding.facts.get("end", column + 1))
    shown, shift = _cut(text, column)
    marks = max(1, min(end - column, len(shown) - (column - shift), _WIDTH))
    yield f"{row.number:>6} {shown}"
    yield f"       {' ' * (column - shift)}{'^' * marks}"
    where = (
        f"column {column + 1}, byte {finding.at.offset}"
        if finding.at.offset is not None
        else f"column {column + 1}"
    )
    yield f"       {finding.at.path}, {where}:"
    yield f"       {finding.text} [{finding.code}]"


def _cut(text: str, column: int) -> tuple[str, int]:
    room = _WIDTH - 7
    if len(text) <= room:
        return text, 0
    start = max(0, min(column - _CONTEXT, len(text) - room))
    return text[start : start + room], start


def _values(record: str, values: dict[str, Any]) -> Iterator[str]:
    """Give a record's values as one paragraph of NAME=value, broken at the width."""
    line = record or "(unknown)"
    for name, value in _flat(values):
        if value == "" or name.rpartition(".")[2].startswith("FILLER"):
            continue
        word = f"{name}={value}"[: _WIDTH - 9]
        if len(line) + len(word) + 2 > _WIDTH - 7:
            yield line
            line = " "
        line += f"  {word}" if line.strip() else f"   {word}"
    yield line


def _flat(values: Any, above: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(values, dict):
        for name, value in values.items():
            yield from _flat(value, f"{above}.{name}" if above else name)
    elif isinstance(values, list):
        for index, value in enumerate(values, start=1):
            yield from _flat(value, f"{above}[{index}]")
    else:
        yield above, str(values)
