"""Writing the groups of a type: all of their parts, one of them, or each in turn. Pure."""

from __future__ import annotations

from typing import Any

from lxml import etree

from adapters.base.findings import DecodeError
from adapters.soap.types import ANY_KEY, AnyModel, ElementModel, GroupModel, TypeModel
from adapters.soap.xml_text import Out, Write
from adapters.xml import parse_xml


def all_of(group: GroupModel, parts: list[Write]) -> Write:
    """Write all parts, or none of them where the group may be absent and nothing of it is there."""
    keys = _keys(group)
    every = tuple(parts)

    def write(record: Any, out: Out) -> None:
        for part in every:
            part(record, out)

    if group.is_required:
        return write
    return lambda record, out: write(record, out) if _is_there(record, keys) else None


def one_of(group: GroupModel, parts: list[Write]) -> Write:
    """Write the one part of a choice that has values; several, or none where one must be, are refused."""
    ways = tuple(
        ((part.key,) if isinstance(part, ElementModel) else tuple(_keys(_as_group(part))), write)
        for part, write in zip(group.parts, parts, strict=True)
    )
    names = " or ".join(sorted(_keys(group)))
    can_be_empty = not group.is_required or any(_may_be_absent(part) for part in group.parts)

    def write(record: Any, out: Out) -> None:
        chosen, several = None, False
        for keys, way in ways:
            for key in keys:
                if record.get(key) is not None:
                    chosen, several = way, chosen is not None
                    break
            if several:
                break
        if chosen is not None and not several:
            chosen(record, out)
        elif chosen is not None:
            out.refuse("SOAP-CHOICE", names, "the schema takes one of these, and several have values")
        elif not can_be_empty:
            nil = next((way for keys, way in ways if any(key in record for key in keys)), None)
            if nil is None:
                out.refuse("SOAP-CHOICE", names, "the schema takes one of these, and none has a value")
            else:
                nil(record, out)

    return write


def in_turn(group: GroupModel, parts: list[Write]) -> Write:
    """Write a repeated group: the first of each, then the second of each."""
    keys = _keys(group)
    every = tuple(parts)

    def write(record: Any, out: Out) -> None:
        lists = {key: _listed(record.get(key)) for key in keys}
        for index in range(max((len(each) for each in lists.values()), default=0)):
            turn = {key: [each[index]] for key, each in lists.items() if index < len(each)}
            for part in every:
                part(turn, out)

    return write


def write_any(record: Any, out: Out) -> None:
    """Write XML that a record carries as text, read and written again so that it stays within itself."""
    for text in _listed(record.get(ANY_KEY)):
        try:
            root = parse_xml(str(text).encode(), out.source)
        except DecodeError as error:
            out.findings.append(error.finding)
            continue
        out.add(etree.tostring(root, encoding="unicode"))


def _keys(group: GroupModel) -> frozenset[str]:
    keys = {ANY_KEY} if any(isinstance(part, AnyModel) for part in group.parts) else set()
    return frozenset(keys | {each.key for each in TypeModel(content=group).elements})


def _is_there(record: Any, keys: frozenset[str]) -> bool:
    return any(record.get(key) is not None for key in keys)


def _as_group(part: AnyModel | GroupModel) -> GroupModel:
    return part if isinstance(part, GroupModel) else GroupModel("sequence", [part])


def _may_be_absent(part: ElementModel | AnyModel | GroupModel) -> bool:
    return isinstance(part, AnyModel) or not part.is_required


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if value.__class__ is list else [value]
