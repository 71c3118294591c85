"""Legacy's answer to a call, read as its version of the document: the fields that the route names. Pure.

An answer says little (a number, a status, perhaps the lines that were taken); only what ``compare.reads``
names is read, and only that is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Finding, Position
from adapters.base.findings import DecodeError
from adapters.xml import parse_xml
from canonical.document import CanonicalDocument
from canonical.registry import DocumentError, parse_document, read_json

LIST = "[]"
ENTRIES_MAX = 10_000


def read_reply(
    body: bytes, reads: Mapping[str, str], ours: CanonicalDocument, source: str
) -> CanonicalDocument | Finding:
    """Give legacy's version. ``reads``: canonical field -> place in the answer, ``[]`` after a list's name.

    What a document must say and the answer does not is taken from ours; it is not compared.
    """
    try:
        tree = _tree(body, source)
    except DecodeError as error:
        return error.finding
    except ValueError as error:
        return Finding("COMPARE-REPLY", Position(source), f"legacy's answer is neither XML nor JSON: {error}")
    document: dict[str, Any] = {"document_type": ours.document_type, "schema_version": "1.0"}
    number = getattr(ours, "number", None)
    if number is not None:
        document["number"] = number
    for field, place in reads.items():
        _put(document, field.split("."), _found(tree, place.split(".")))
    _number_lines(document)
    try:
        return parse_document(document)
    except DocumentError as error:
        text = f"what compare.reads finds in legacy's answer is no {ours.document_type}: {error}"
        return Finding("COMPARE-REPLY", Position(source), text)


def _tree(body: bytes, source: str) -> Any:
    if body.lstrip()[:1] == b"<":
        root = parse_xml(body, source)
        return {_local(root.tag): [_element(root)]}
    try:
        return read_json(body)
    except DocumentError as error:
        raise ValueError(str(error)) from error


def _element(element: Any) -> Any:
    """Give an element as its text, or as its children by local name; attributes begin with @."""
    children: dict[str, list[Any]] = {f"@{_local(name)}": [text] for name, text in element.attrib.items()}
    for child in element:
        if isinstance(child.tag, str):
            children.setdefault(_local(child.tag), []).append(_element(child))
    text = (element.text or "").strip()
    if not children:
        return text
    if text:
        children[""] = [text]
    return children


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]


def _found(value: Any, place: list[str]) -> Any:
    """Follow a place into an answer; lists where it says ``[]``, else the first entry. None: not there.

    The names of an answer may begin anywhere in it: an envelope need not be spelled out.
    """
    direct = _follow(value, place)
    if direct is not None or not isinstance(value, dict):
        return direct
    for inner in value.values():
        for each in inner if isinstance(inner, list) else (inner,):
            deeper = _found(each, place) if isinstance(each, dict) else None
            if deeper is not None:
                return deeper
    return None


def _follow(value: Any, place: list[str]) -> Any:
    if not place:
        return value.get("", [None])[0] if isinstance(value, dict) and "" in value else value
    name, rest = place[0], place[1:]
    is_list = name.endswith(LIST)
    inner = value.get(name.removesuffix(LIST)) if isinstance(value, dict) else None
    if inner is None:
        return None
    entries = inner if isinstance(inner, list) else [inner]
    if is_list:
        return [_follow(each, rest) for each in entries[:ENTRIES_MAX]]
    return _follow(entries[0], rest) if entries else None


def _put(into: dict[str, Any], field: list[str], value: Any) -> None:
    """Put a value, or one for each entry of a list, into its place."""
    if value is None:
        return
    name, rest = field[0], field[1:]
    if not name.endswith(LIST):
        if rest:
            _put(into.setdefault(name, {}), rest, value)
        elif isinstance(value, str | int | bool) or hasattr(value, "as_tuple"):
            into[name] = value if isinstance(value, bool) else str(value)
        return
    entries = into.setdefault(name.removesuffix(LIST), [])
    for number, each in enumerate(value if isinstance(value, list) else [value]):
        if number == len(entries):
            entries.append({})
        if rest:
            _put(entries[number], rest, each)


def _number_lines(document: dict[str, Any]) -> None:
    for number, line in enumerate(document.get("lines", ()), 1):
        line.setdefault("sequence", number)
