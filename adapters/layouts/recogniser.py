"""Telling which type of record some text, or a row of cells, is: by what stands at declared places. Pure."""

from __future__ import annotations

from collections.abc import Callable

from adapters.layouts.model import Field, Layout, RecordType
from adapters.layouts.record_items import cell_fields, item_length
from adapters.layouts.values import UnfitError, write_value

_Mark = tuple[int, int, frozenset[object], bool]  # start, end, what may stand there, whether as bytes


def recogniser(layout: Layout) -> Callable[[object, bytes], str | None]:
    """Give the function that tells which type of record some text, or a row of cells, is."""
    is_cells = layout.delimited is not None
    rules = [(name, marks_of(layout, record, is_cells)) for name, record in layout.records.items()]
    spans = {mark[:2] for _, marks in rules for mark in marks}
    if len(rules) == 1 and not rules[0][1]:
        only = rules[0][0]
        return lambda text, raw: only
    if len(spans) == 1 and all(len(marks) == 1 for _, marks in rules) and not any(m[0][3] for _, m in rules):
        (start, end), = spans  # fmt: skip
        table: dict[object, str] = {}
        for name, marks in rules:
            for stands in marks[0][2]:
                table.setdefault(stands, name)
        if is_cells:
            return lambda cells, raw: table.get(cells[start]) if start < len(cells) else None  # type: ignore[index, arg-type]
        return lambda text, raw: table.get(text[start:end])  # type: ignore[index]

    def recognise(text: object, raw: bytes) -> str | None:
        for name, marks in rules:
            if all(_stands(text, raw, mark, is_cells) in mark[2] for mark in marks):
                return name
        return None

    return recognise


def _stands(text: object, raw: bytes, mark: _Mark, is_cells: bool) -> object:
    start, end, _, is_bytes = mark
    if is_bytes:
        return raw[start:end]
    if is_cells:
        return text[start] if start < len(text) else None  # type: ignore[index, arg-type]
    return text[start:end]  # type: ignore[index]


def marks_of(layout: Layout, record: RecordType, is_cells: bool) -> list[_Mark]:
    """Give where a type of record is told apart from others, and what stands there."""
    marks: list[_Mark] = []
    for condition in record.match:
        place = 0
        for item in record.items:
            if isinstance(item, Field) and item.name == condition.name:
                stands = frozenset(_written(layout, item, text) for text in condition.texts)
                marks.append((place, place + (item.length or 1), stands, item.is_bytes))
                break
            place += len(cell_fields((item,))) if is_cells else item_length(item) or 0
    return marks


def _written(layout: Layout, field: Field, text: str) -> object:
    try:
        return write_value(field, text, layout.zones)
    except UnfitError:
        return text
