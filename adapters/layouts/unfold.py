"""From documents to rows: trees flattened in the layout's order, totals and constants filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

from adapters.layouts.model import Layout, RecordType, Row, Values, put_at
from adapters.layouts.record_items import fields_of
from adapters.layouts.totals import Tally, set_totals, totals_within, walk


def rows_of(
    layout: Layout,
    documents: Sequence[Values],
    *,
    heads: Sequence[Row] = (),
    fills: Mapping[str, str] | None = None,
) -> list[Row]:
    """Give all rows of a file with these documents.

    ``heads``: records of the file as they were read; without them those that must be there are made.
    ``fills``: what the envelope gives: ``control_number``, ``date``, ``time``, ``environment``.
    """
    given = fills or {}
    before = _heads(layout, heads, given, is_last=False)
    inner: list[Row] = []
    for document in documents:
        inner += _document_rows(layout, document, given)
    rows = [*before, *inner, *_heads(layout, heads, given, is_last=True)]
    _set_file_totals(layout, rows)
    return rows


def _document_rows(layout: Layout, document: Values, fills: Mapping[str, str]) -> Iterator[Row]:
    if layout.rows is not None:
        shared = {name: document.get(name, "") for name in (*layout.rows.by, *layout.rows.head)}
        for entry in document.get(layout.rows.name) or []:
            yield Row(layout.document, shared | entry)
        return
    values = deepcopy(document)
    for name, held in walk(layout, layout.document, values):
        _complete(layout, layout.records[name], held, fills)
    set_totals(layout, layout.document, values)
    for name, held in walk(layout, layout.document, values):
        below = {child.name for child in layout.children(name)}
        yield Row(name, {key: value for key, value in held.items() if key not in below})


def _heads(layout: Layout, heads: Sequence[Row], fills: Mapping[str, str], *, is_last: bool) -> list[Row]:
    found: list[Row] = []
    for record in layout.children(None):
        if record.name == layout.document or record.is_last != is_last:
            continue
        own = [Row(row.name, deepcopy(row.values)) for row in heads if row.name == record.name]
        if not own and not heads and record.least:
            own = [Row(record.name, {}) for _ in range(record.least)]
            for row in own:
                _complete(layout, record, row.values, fills)
        found += own
    return found


def _complete(layout: Layout, record: RecordType, values: Values, fills: Mapping[str, str]) -> None:
    """Put in what the layout itself knows: constants, what it recognises by, the envelope's part."""
    for field in fields_of(record.items):
        if values.get(field.name):
            continue
        marks = [condition for condition in record.match if condition.name == field.name]
        if field.const is not None:
            values[field.name] = field.const
        elif marks:
            values[field.name] = marks[0].texts[0]
        elif field.fill is not None and field.fill in fills:
            values[field.name] = fills[field.fill]


def _set_file_totals(layout: Layout, rows: Sequence[Row]) -> None:
    for total in totals_within(layout, None):
        tally = Tally(total)
        for row in rows:
            tally.add(row.name, row.values)
        for row in rows:
            if row.name == total.record:
                put_at(row.values, total.path, f"{tally.value:f}")
