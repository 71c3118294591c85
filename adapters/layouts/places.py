"""Where a document's fields stand in its file, for findings and for mappings. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from adapters.base.findings import Position
from adapters.layouts.model import Block, Field, Item, Layout, Row, path_of
from adapters.layouts.record_items import item_length

_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")


def locator(layout: Layout, rows: Mapping[str, Row], source: str) -> Callable[[str], Position]:
    """Give the function that finds a mapping's source path in the file: ``D[3].QTY``.

    ``rows``: those of one document, by their path below it.
    """

    def locate(path: str) -> Position:
        steps = [found[0] for found in _STEP.finditer(path)]
        for length in range(len(steps), -1, -1):
            row = rows.get(".".join(steps[:length]))
            if row is not None:
                return place_in(layout, row, source, ".".join(steps[length:]))
        return Position(source, path=path)

    return locate


def place_in(layout: Layout, row: Row, source: str, path: str) -> Position:
    """Give the place of a field in a row: its column too, where the layout fixes it."""
    record = layout.records.get(row.name)
    start = (
        column_of(record.items, path) if record is not None and layout.delimited is None and path else None
    )
    offset = row.offset if start is None else row.offset + start
    return Position(source, row.number, None if start is None else start + 1, path_of(row.name, path), offset)


def column_of(items: tuple[Item, ...], path: str) -> int | None:
    """Give where a field begins in its record, from 0; None where its data decides."""
    name, _, rest = path.partition(".")
    place = 0
    for item in items:
        if isinstance(item, Field) and item.name == path:
            return place
        if isinstance(item, Block) and rest and item.name == name and not item.is_list:
            inner = column_of(item.items, rest)
            return None if inner is None else place + inner
        length = item_length(item)
        if length is None:
            return None
        place += length
    return None
