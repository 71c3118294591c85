"""From a layout file to a Layout: names, lengths and types resolved, every mistake placed.

Errors are LayoutError with all findings: LAYOUT-FORM, LAYOUT-FIELD, LAYOUT-RECORD, LAYOUT-TOTAL,
LAYOUT-COPYBOOK, LAYOUT-ENCODING.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from adapters.base.findings import Finding, Position
from adapters.base.yaml import Node, YamlError, load_yaml, position_of
from adapters.layouts.build_fields import FieldBuilder
from adapters.layouts.cobol import CopybookError, Group, parse_copybook
from adapters.layouts.cobol_items import select
from adapters.layouts.codepages import is_single_byte
from adapters.layouts.model import (
    MICRO_FOCUS,
    Block,
    Condition,
    Delimited,
    Field,
    Frame,
    Item,
    Kind,
    Layout,
    RecordType,
    RowGroups,
    Total,
    Zones,
)
from adapters.layouts.record_items import fields_of, has_bytes
from adapters.layouts.spec import LayoutSpec, RecordSpec, read_spec

NEWLINES = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
_OCCURS = re.compile(r"(\d{1,6})(?:\.\.(\d{0,6}))?", re.ASCII)
_TOTAL = re.compile(r"(count|sum)\(([^()]+)\)(?:\s+mod\s+(10*))?", re.ASCII)


class LayoutError(Exception):
    """A layout cannot be used; all reasons at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


def compile_layout(
    text: str | bytes, source: str, copybook: Callable[[str], str | None] | None = None
) -> Layout:
    """Compile a layout file. ``copybook`` gives the text of a copybook by the name the file uses.

    Errors: LayoutError with all findings.
    """
    try:
        node = load_yaml(text, source)
    except YamlError as error:
        raise LayoutError([Finding("LAYOUT-FORM", Position(source), str(error))]) from error
    spec = read_spec(node)
    if isinstance(spec, list):
        raise LayoutError(spec)
    return _Build(spec, node, copybook or (lambda name: None)).layout()


class _Build:
    """One layout under way."""

    def __init__(self, spec: LayoutSpec, node: Node, copybook: Callable[[str], str | None]) -> None:
        self._spec = spec
        self._node = node
        self._copybook = copybook
        self._findings: list[Finding] = []

    def layout(self) -> Layout:
        spec = self._spec
        encoding = self._encoding()
        groups = self._groups()
        records = {name: self._record(name, each, groups) for name, each in spec.records.items()}
        self._check_records(records)
        document = self._document(records)
        records = _with_trailers(records, document)
        totals = self._totals(records)
        if self._findings:
            raise LayoutError(self._findings)
        layout = Layout(
            name=spec.layout,
            encoding=encoding,
            frame=self._frame(records),
            delimited=self._delimited(),
            records=records,
            document=document,
            rows=RowGroups(spec.rows.by, spec.rows.head, spec.rows.name) if spec.rows is not None else None,
            totals=totals,
            unknown=spec.unknown,
            keeps_fillers=spec.fillers == "keep",
            zones=MICRO_FOCUS if spec.zones == "micro_focus" else Zones(),
        )
        self._check_frame(layout)
        if self._findings:
            raise LayoutError(self._findings)
        return layout

    # -- parts ---------------------------------------------------------------------------

    def _encoding(self) -> str:
        try:
            return codecs.lookup(self._spec.encoding).name
        except LookupError:
            self._add("LAYOUT-ENCODING", ("encoding",), f"there is no encoding '{self._spec.encoding}'")
            return "utf-8"

    def _frame(self, records: Mapping[str, RecordType]) -> Frame:
        spec = self._spec
        if spec.rdw is not None:
            return Frame("rdw", counts_itself=spec.rdw == "inclusive")
        if spec.record_length is not None:
            return Frame("length", length=spec.record_length)
        newline = NEWLINES[spec.newline or "lf"]
        return Frame("lines", newline, spec.last_newline, trims=spec.trims, has_bom=spec.bom)

    def _delimited(self) -> Delimited | None:
        if self._spec.format != "delimited":
            return None
        given = self._spec.delimited
        if given is None:
            return Delimited()
        return Delimited(
            given.delimiter.replace("\\t", "\t"), given.quote, given.escape, given.quotes, given.header,
            given.trailing, given.spans_lines, given.formulas,
        )  # fmt: skip

    def _groups(self) -> Group | None:
        spec = self._spec
        if spec.format != "copybook":
            return None
        if spec.copybook is None:
            self._add("LAYOUT-COPYBOOK", (), "format copybook needs copybook: its name, or its text")
            return None
        is_text = "\n" in spec.copybook
        text = spec.copybook if is_text else self._copybook(spec.copybook)
        if text is None:
            self._add("LAYOUT-COPYBOOK", ("copybook",), f"there is no copybook '{spec.copybook}'")
            return None
        try:
            return parse_copybook(
                text, position_of(self._node, ("copybook",)).source if is_text else spec.copybook
            )
        except CopybookError as error:
            self._findings += error.findings
            return None

    def _record(self, name: str, spec: RecordSpec, groups: Group | None) -> RecordType:
        place: tuple[str | int, ...] = ("records", name)
        least, most = self._occurs(spec.occurs, place)
        match = tuple(Condition(field, texts) for field, texts in spec.match.items())
        items: tuple[Item, ...] = ()
        if self._spec.format == "copybook":
            items = self._copybook_items(name, spec, groups)
        else:
            builder = FieldBuilder(self._node, self._spec)
            items = builder.items(spec.fields, (*place, "fields"))
            self._findings += builder.findings
        return RecordType(name, match, items, spec.parent, least, most, at=position_of(self._node, place))

    def _copybook_items(self, name: str, spec: RecordSpec, groups: Group | None) -> tuple[Item, ...]:
        if groups is None:
            return ()
        try:
            return select(groups, spec.group, spec.redefines, spec.read_as, self._spec)
        except CopybookError as error:
            at = position_of(self._node, ("records", name))
            self._findings += [
                each if each.at.line else Finding(each.code, at, each.text) for each in error.findings
            ]
            return ()

    def _occurs(self, text: str, place: tuple[str | int, ...]) -> tuple[int, int | None]:
        found = _OCCURS.fullmatch(text)
        if found is None:
            self._add("LAYOUT-FORM", (*place, "occurs"), f"'{text}' found; expected 1, 0..1, 1.. or 0..999")
            return 0, None
        least = int(found[1])
        if found[2] is None:
            return least, least
        return least, int(found[2]) if found[2] else None

    # -- rules ---------------------------------------------------------------------------

    def _check_records(self, records: Mapping[str, RecordType]) -> None:
        for name, record in records.items():
            place = ("records", name)
            seen = set()
            above = record.parent
            while above is not None and above not in seen:
                seen.add(above)
                if above not in records:
                    self._add("LAYOUT-RECORD", (*place, "parent"), f"there is no record '{above}'")
                    break
                above = records[above].parent
            if above is not None and above in seen and above in records:
                self._add("LAYOUT-RECORD", (*place, "parent"), f"'{name}' is below itself")
            names = {each.name for each in fields_of(record.items)}
            for condition in record.match:
                if condition.name not in names:
                    text = f"record {name} has no field '{condition.name}' at its top"
                    self._add("LAYOUT-RECORD", (*place, "match"), text)
            for other in records.values():
                if other.parent == name and other.name in names:
                    text = f"record {name} has a field '{other.name}' and a record of that name below it"
                    self._add("LAYOUT-RECORD", ("records", other.name), text)
            if not record.match and len(records) > 1:
                self._add("LAYOUT-RECORD", place, f"'{name}' needs match: nothing tells it from the others")

    def _document(self, records: Mapping[str, RecordType]) -> str:
        named = self._spec.document
        if named is not None:
            if named not in records:
                self._add("LAYOUT-RECORD", ("document",), f"there is no record '{named}'")
            return named
        parents = [each.parent for each in records.values() if each.parent is not None]
        tops = [name for name in parents if name in records and records[name].parent is None]
        return tops[0] if tops else next(iter(records))

    def _totals(self, records: Mapping[str, RecordType]) -> tuple[Total, ...]:
        found = []
        for name, text in self._spec.totals.items():
            total = self._total(name, text, records)
            if total is not None:
                found.append(total)
        return tuple(found)

    def _total(self, name: str, text: str, records: Mapping[str, RecordType]) -> Total | None:
        place = ("totals", name)
        parsed = _TOTAL.fullmatch(text)
        record, _, path = name.partition(".")
        if parsed is None or record not in records or not path:
            said = f"'{name}: {text}' found; expected RECORD.FIELD: count(RECORD) or sum(RECORD.FIELD)"
            self._add("LAYOUT-TOTAL", place, said)
            return None
        if not _has(records[record], tuple(path.split("."))):
            self._add("LAYOUT-TOTAL", place, f"record {record} has no field '{path}'")
        at, modulo = position_of(self._node, place), int(parsed[3]) if parsed[3] else None
        if parsed[1] == "count":
            counted = tuple(each.strip() for each in parsed[2].split(","))
            unknown = [each for each in counted if each != "*" and each not in records]
            if unknown:
                self._add("LAYOUT-TOTAL", place, f"there is no record '{unknown[0]}'")
            return Total(record, tuple(path.split(".")), counted, None, modulo, at)
        of, _, field = parsed[2].strip().partition(".")
        if of not in records or not _has(records[of], tuple(field.split("."))):
            self._add("LAYOUT-TOTAL", place, f"there is no number '{parsed[2].strip()}'")
            return None
        return Total(record, tuple(path.split(".")), (), (of, tuple(field.split("."))), modulo, at)

    def _check_frame(self, layout: Layout) -> None:
        """Bytes that are no characters need records that no line end can cut, and one byte a character."""
        is_binary = any(has_bytes(record.items) for record in layout.records.values())
        if is_binary and layout.frame.kind == "lines":
            text = "packed and binary fields may hold line ends; say record_length or rdw"
            self._add("LAYOUT-ENCODING", (), text)
        if (is_binary or layout.frame.kind != "lines") and not is_single_byte(layout.encoding):
            text = f"'{layout.encoding}' has characters of several bytes; expected one such as ascii or cp037"
            self._add("LAYOUT-ENCODING", ("encoding",), text)

    def _add(self, code: str, place: tuple[str | int, ...], text: str) -> None:
        self._findings.append(Finding(code, position_of(self._node, place), text))


def _with_trailers(records: Mapping[str, RecordType], document: str) -> dict[str, RecordType]:
    """Mark what stands behind the documents: records of the file that the layout lists after theirs."""
    names = list(records)
    place = names.index(document) if document in names else len(names)
    return {
        name: replace(each, is_last=each.parent is None and names.index(name) > place)
        for name, each in records.items()
    }


def _has(record: RecordType, path: tuple[str, ...]) -> bool:
    items: Sequence[Item] = record.items
    for name in path[:-1]:
        block = next((each for each in items if isinstance(each, Block) and each.name == name), None)
        if block is None:
            return False
        items = block.items
    return any(
        isinstance(each, Field) and each.name == path[-1] and each.kind is not Kind.FILLER for each in items
    )
