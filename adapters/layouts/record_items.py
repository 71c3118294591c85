"""What the items of a record come to: their fields, their cells, their length. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.base.findings import Position
from adapters.layouts.model import Block, Choice, Field, Item, Kind, Layout, View


def item_length(item: Item) -> int | None:
    """Give how many characters an item takes, None where its data decides."""
    match item:
        case Field(length=length):
            return length
        case Choice(length=length):
            return length
        case Block(items=items):
            if item.depends is not None:
                return None
            whole = items_length(items)
            return None if whole is None else whole * item.most


def items_length(items: Sequence[Item]) -> int | None:
    """Give how many characters items take together, None where their data decides."""
    lengths = [item_length(each) for each in items]
    known = [each for each in lengths if each is not None]
    return sum(known) if len(known) == len(lengths) else None


def longest(items: Sequence[Item]) -> int:
    """Give how many characters items take at most."""
    found = 0
    for item in items:
        found += longest(item.items) * item.most if isinstance(item, Block) else item.length
    return found


def fields_of(items: Sequence[Item], *, deep: bool = False) -> list[Field]:
    """Give the fields at the top of a record; ``deep``: those in blocks and views, too."""
    found: list[Field] = []
    for item in items:
        match item:
            case Field():
                found.append(item)
            case Block(items=inner) if deep:
                found += fields_of(inner, deep=True)
            case Choice(views=views) if deep:
                for view in views:
                    found += fields_of(view.block.items, deep=True)
    return found


def has_bytes(items: Sequence[Item]) -> bool:
    """Tell whether some field's bytes are no characters."""
    return any(each.is_bytes for each in fields_of(items, deep=True))


def cell_fields(items: Sequence[Item]) -> list[Field]:
    """Give a row's fields, one a cell."""
    found: list[Field] = []
    for item in items:
        if isinstance(item, Field):
            found.append(item)
        elif isinstance(item, Block):
            found += cell_fields(item.items) * item.most
    return found


def heading(layout: Layout) -> list[str]:
    """Give the heading row that a layout declares: the labels of its first record's fields."""
    record = next(iter(layout.records.values()))
    return [field.label or field.name for field in cell_fields(record.items)]


def choice_of(views: Sequence[View], at: Position | None) -> Choice:
    """Give several descriptions of one place as one item: as long as the longest, the others filled up."""
    lengths = [sum(item_length(each) or 0 for each in view.block.items) for view in views]
    most = max(lengths)
    padded = tuple(_padded(view, most - length) for view, length in zip(views, lengths, strict=True))
    return Choice(most, padded, at)


def _padded(view: View, by: int) -> View:
    if not by:
        return view
    rest = Field("FILLER_REST", Kind.FILLER, by)
    return View(view.when, replace(view.block, items=(*view.block.items, rest)))
