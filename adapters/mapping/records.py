"""Source records: the neutral tree that soap, flat files and database rows are mapped from and to.

A record is a dict of names to texts, None, records, or lists of records or texts. The adapter
builds and reads it; a path names a place in it: ``PO_NO``, ``Header.ShipTo.Name`` (``\\.`` is a
point inside a name), ``E1EDKA1[PARVW=AG].NAME1`` for the first of a list's records with that code,
``.`` for the record itself where a list holds texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, NamedTuple, TypeAlias

from adapters.base.findings import Position

Record: TypeAlias = dict[str, Any]  # str | None | Record | list[Record] | list[str], not validated


class Pick(NamedTuple):
    """A step to one record of a list: the first that has these texts."""

    name: str
    wanted: tuple[tuple[str, str], ...]

    def matches(self, record: object) -> bool:
        """Say whether a record has the texts; blanks around them do not count."""
        if not isinstance(record, dict):
            return False
        return all(str(record.get(name) or "").strip() == text for name, text in self.wanted)


SourcePath: TypeAlias = tuple[str | Pick, ...]

ITSELF = "."
_STEP = re.compile(r"((?:\\.|[^.\[\]\\])+)(?:\[([^\[\]]*)\])?(?:\.|$)")
_PAIR = re.compile(r"([^=,]+)=([^=,]*)")


class SourcePathError(ValueError):
    """A text that is no source path."""


@dataclass(frozen=True, slots=True)
class SourceField:
    """One field of a source schema, as the adapter knows it from a WSDL, a layout or a table."""

    name: str
    required: bool = False  # a record cannot be written without it
    repeated: bool = False
    fields: tuple[SourceField, ...] = ()  # of a nested record
    at: Position | None = None  # where the adapter's own schema declares it


def source_path(text: str) -> SourcePath:
    """Split a path at its points. Errors: SourcePathError."""
    if text == ITSELF:
        return (ITSELF,)
    steps: list[str | Pick] = []
    place = 0
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            raise SourcePathError(
                f"'{text}' is no source path; expected names as HEADER.PO_NO or LIST[CODE=A].NAME"
            )
        name = re.sub(r"\\(.)", r"\1", match[1])
        steps.append(name if match[2] is None else Pick(name, _pairs(text, match[2])))
        place = match.end()
    if not steps or text.endswith(".") or isinstance(steps[-1], Pick):
        raise SourcePathError(f"'{text}' names no field at its end")
    return tuple(steps)


def _pairs(text: str, selector: str) -> tuple[tuple[str, str], ...]:
    pairs = [_PAIR.fullmatch(pair) for pair in selector.split(",")]
    if None in pairs:
        raise SourcePathError(f"'{text}' selects by '{selector}'; expected NAME=TEXT")
    return tuple((pair[1].strip(), pair[2].strip()) for pair in pairs if pair is not None)


def path_text(path: SourcePath) -> str:
    """Write a path as the mapping file does."""
    return ITSELF if path == (ITSELF,) else ".".join(map(_step_text, path))


def _step_text(step: str | Pick) -> str:
    name = re.sub(r"([.\[\]\\])", r"\\\1", name_of(step))
    if isinstance(step, str):
        return name
    return f"{name}[{','.join(f'{key}={text}' for key, text in step.wanted)}]"


def name_of(step: str | Pick) -> str:
    """Give the field name of a step."""
    return step if isinstance(step, str) else step.name


def declared(fields: Sequence[SourceField], path: SourcePath) -> SourceField | None:
    """Give the field at a path of a schema, or None."""
    found: SourceField | None = None
    for step in path:
        found = next((field for field in fields if field.name == name_of(step)), None)
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
    last = name_of(path[-1])
    if len(path) == 1:
        return methodcaller("get", last)  # one call in C: a third faster than a lambda
    above = tuple(step if isinstance(step, Pick) else Pick(step, ()) for step in path[:-1])

    def get(record: Mapping[str, Any]) -> Any:
        place: Any = record
        for step in above:
            place = place.get(step.name)
            if step.wanted:
                entries = place if place.__class__ is list else (place,)
                place = next((entry for entry in entries if step.matches(entry)), None)
            if place.__class__ is not dict:
                return None
        return place.get(last)

    return get


def container(path: SourcePath) -> Callable[[Record], Record]:
    """Compile finding (and making) the record that a place stands in."""
    above = path[:-1]

    def reach(record: Record) -> Record:
        for step in above:
            record = record.setdefault(step, {}) if isinstance(step, str) else _picked(record, step)
        return record

    return reach


def _picked(record: Record, step: Pick) -> Record:
    entries: list[Record] = record.setdefault(step.name, [])
    found = next((entry for entry in entries if step.matches(entry)), None)
    if found is None:
        found = {name: text for name, text in step.wanted if text}
        entries.append(found)
    return found
