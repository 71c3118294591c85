"""What a layout offers to a mapping: its fields as a source schema, with their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from adapters.layouts.model import ITSELF, Block, Choice, Field, Item, Kind, Layout
from adapters.mapping import SourceField


def source_fields(layout: Layout) -> tuple[SourceField, ...]:
    """Give the fields of a document: those of its record, and the records below it as nested ones.

    What the layout itself knows (constants, marks, totals, what the envelope fills) need not be mapped.
    """
    if layout.rows is not None:
        head = {*layout.rows.by, *layout.rows.head}
        own = tuple(_fields(layout.records[layout.document].items, _known(layout, layout.document)))
        entries = tuple(each for each in own if each.name not in head)
        rows = SourceField(layout.rows.name, repeated=True, fields=entries)
        return (*(each for each in own if each.name in head), rows)
    return _record(layout, layout.document)


def _record(layout: Layout, name: str) -> tuple[SourceField, ...]:
    own = tuple(_fields(layout.records[name].items, _known(layout, name)))
    below = tuple(
        SourceField(child.name, repeated=child.most != 1, fields=_record(layout, child.name), at=child.at)
        for child in layout.children(name)
    )
    return (*own, *below)


def _known(layout: Layout, name: str) -> frozenset[str]:
    marks = {condition.name for condition in layout.records[name].match}
    totals = {total.path[0] for total in layout.totals if total.record == name and len(total.path) == 1}
    return frozenset(marks | totals)


def _fields(items: Sequence[Item], known: frozenset[str]) -> Iterator[SourceField]:
    for item in items:
        match item:
            case Field():
                if not (item.kind is Kind.FILLER or item.name in known or item.const or item.fill):
                    yield SourceField(item.name, required=item.is_required, at=item.at)
            case Block():
                yield from _block_fields(item, known)
            case Choice():
                for view in item.views:
                    yield from (replace(each, required=False) for each in _block_fields(view.block, known))


def _block_fields(block: Block, known: frozenset[str]) -> Iterator[SourceField]:
    inner = tuple(_fields(block.items, known))
    if block.is_list:
        is_texts = len(inner) == 1 and inner[0].name == ITSELF
        yield SourceField(block.name, repeated=True, fields=() if is_texts else inner, at=block.at)
    elif block.name and inner:
        yield SourceField(block.name, fields=inner, at=block.at)
    else:
        yield from inner
