"""IDocs as XML: the same tree of segments, each an element with its fields and the segments below it."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from adapters.base import Position
from adapters.layouts.model import Values
from adapters.sap_idoc.segments import CONTROL, CONTROL_NAMES, NAMES, PARENTS, SINGLE, entries
from adapters.xml import element_at, element_position


def tree_of(idoc: etree._Element) -> tuple[Values, list[etree._Element]]:
    """Give an IDOC element as the tree that flat files give too, and the segments that are not known."""
    unknown: list[etree._Element] = []
    values: Values = {}
    for child in idoc:
        name = etree.QName(child).localname
        if name == CONTROL:
            values |= {etree.QName(field).localname: (field.text or "").strip() for field in child}
        else:
            _segment(child, name, values, unknown)
    return values, unknown


def _segment(element: etree._Element, name: str, into: Values, unknown: list[etree._Element]) -> None:
    if name not in NAMES:
        unknown.append(element)
        return
    entry: Values = {}
    for child in element:
        inner = etree.QName(child).localname
        if inner in NAMES[name]:
            entry[inner] = (child.text or "").rstrip(" ")
        elif inner in NAMES or inner.startswith(("E1", "Z")):
            _segment(child, inner, entry, unknown)
    if name in SINGLE:
        into.setdefault(name, entry)
    else:
        into.setdefault(name, []).append(entry)


def element_of(values: Values) -> etree._Element:
    """Give the IDOC element of a tree."""
    idoc = etree.Element("IDOC", BEGIN="1")
    control = etree.SubElement(idoc, CONTROL, SEGMENT="1")
    for name in CONTROL_NAMES:
        if values.get(name):
            etree.SubElement(control, name).text = values[name]
    for name in NAMES:
        if PARENTS[name] == CONTROL:
            for entry in entries(values, name):
                idoc.append(_element(name, entry))
    return idoc


def _element(name: str, entry: Values) -> etree._Element:
    element = etree.Element(name, SEGMENT="1")
    for field in NAMES[name]:
        if entry.get(field):
            etree.SubElement(element, field).text = entry[field]
    for below, parent in PARENTS.items():
        if parent == name:
            for each in entries(entry, below):
                element.append(_element(below, each))
    return element


def locator(idoc: etree._Element, source: str) -> Callable[[str], Position]:
    """Give the function that finds a mapping's source path in the document."""

    def locate(path: str) -> Position:
        return element_position(element_at(idoc, path), source)

    return locate
