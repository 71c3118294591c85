"""Elements <-> the records that mappings read and write.

An attribute is ``@name``, the text of an element with more in it ``#text``; an element with nothing but
a text is that text. Which children are lists, the shapes say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from adapters.base import Position
from adapters.cxml.shapes import SHAPES, ShapeOf
from adapters.mapping import Record
from adapters.xml import element_at, element_position, local_name

_XML = "{http://www.w3.org/XML/1998/namespace}"
_NO_SHAPE = ShapeOf((), (), frozenset())


def to_record(element: etree._Element) -> Any:
    """Give an element as a record, or as a text where it is nothing more."""
    name = local_name(element.tag)
    shape = SHAPES.get(name)
    text = (element.text or "").strip()
    if shape is None and not element.attrib and not len(element):
        return text
    record: Record = {f"@{local_name(key)}": str(value) for key, value in element.attrib.items()}
    if text:
        record["#text"] = text
    repeated = (shape or _NO_SHAPE).repeated
    for child in element:
        key = local_name(child.tag)
        made = to_record(child)
        if key in repeated:
            record.setdefault(key, []).append(made)
        elif key in record:  # more of it than the document type allows: a list says so to the mapping
            held = record[key]
            record[key] = [*held, made] if isinstance(held, list) else [held, made]
        else:
            record[key] = made
    return record


def to_element(name: str, value: Any) -> etree._Element:
    """Give the element of a record, its children in the order of the document type."""
    element = etree.Element(name)
    if isinstance(value, str):
        element.text = value
        return element
    shape = SHAPES.get(name, _NO_SHAPE)
    known = [f"@{each}" for each in shape.attributes if f"@{each}" in value]
    attributes = [*known, *(key for key in value if key.startswith("@") and key not in known)]
    for key in attributes:
        element.set(f"{_XML}lang" if key == "@lang" else key[1:], str(value[key]))
    if value.get("#text"):
        element.text = value["#text"]
    listed = [each for each in shape.children if each in value]
    for key in [*listed, *(key for key in value if key[0] not in "@#" and key not in listed)]:
        for each in value[key] if isinstance(value[key], list) else [value[key]]:
            element.append(to_element(key, each))
    return element


def locator(root: etree._Element, source: str) -> Callable[[str], Position]:
    """Give the function that finds a mapping's source path in the document: ``ItemOut[3].ItemID``."""

    def locate(path: str) -> Position:
        at = element_position(element_at(root, path), source)
        return Position(at.source, at.line, at.column, f"{at.path} ({path})" if path else at.path)

    return locate
