"""Source records: the neutral tree that soap, flat files and database rows are mapped from and to.

A record is a dict of names to texts, None, records, or lists of records or texts. The adapter
builds and reads it; a path names a place in it: ``PO_NO``, ``Header.ShipTo.Name`` (``\\.`` is a
point inside a name), ``.`` for the record itself where a list holds texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, TypeAlias

from adapters.base.findings import Position

Record: TypeAlias = dict[str, Any]  # str | None | Record | list[Record] | list[str], not validated
SourcePath: TypeAlias = tuple[str, ...]

ITSELF = "."


@dataclass(frozen=True, slots=True)
class SourceField:
    """One field of a source schema, as the adapter knows it from a WSDL, a layout or a table."""

    name: str
    required: bool = False  # a record cannot be written without it
    repeated: bool = False
    fields: tuple[SourceField, ...] = ()  # of a nested record
    at: Position | None = None  # where the adapter's own schema declares it


def source_path(text: str) -> SourcePath:
    """Split a path at its points; ``\\.`` is a point inside a name."""
    if text == ITSELF:
        return (ITSELF,)
    return tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", text))


def path_text(path: SourcePath) -> str:
    """Write a path as the mapping file does."""
    return ITSELF if path == (ITSELF,) else ".".join(part.replace(".", "\\.") for part in path)


def declared(fields: Sequence[SourceField], path: SourcePath) -> SourceField | None:
    """Give the field at a path of a schema, or None."""
    found: SourceField | None = None
    for name in path:
        found = next((field for field in fields if field.name == name), None)
        if found is None:
            return None
        fields = found.fields
    return found


def leaves(fields: Sequence[SourceField], above: SourcePath = ()) -> Iterator[tuple[SourcePath, SourceField]]:
    """Give the fields that hold texts or repeat, with their paths; those below a repeated one are its own."""
    for field in fields:
        path = (*above, field.name)
        if field.fields and not field.repeated:
            yield from leaves(field.fields, path)
        else:
            yield path, field


def getter(path: SourcePath) -> Callable[[Mapping[str, Any]], Any]:
    """Compile reading one place; None where it or something above it is absent."""
    if len(path) == 1:
        return methodcaller("get", path[0])  # one call in C: a third faster than a lambda
    *above, last = path

    def get(record: Mapping[str, Any]) -> Any:
        place: Any = record
        for step in above:
            place = place.get(step)
            if place.__class__ is not dict:
                return None
        return place.get(last)

    return get


def container(path: SourcePath) -> Callable[[Record], Record]:
    """Compile finding (and making) the record that a place stands in."""
    above = path[:-1]

    def reach(record: Record) -> Record:
        for step in above:
            inner = record.get(step)
            if inner is None:
                inner = record[step] = {}
            record = inner
        return record

    return reach
