"""SOAP encoding (SOAP 1.1, section 5) turned into plain elements in the schema's order. Pure.

References (href, id) are followed within a budget: a message of a kilobyte can name itself, or expand to
anything. What comes out is validated and read like every literal message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lxml import etree

from adapters.base.findings import Finding, Position
from adapters.soap.faults import Blame, Fault, FaultError
from adapters.soap.schema_set import ENCODING, ITEM
from adapters.soap.types import XSI, XSI_NIL, XSI_TYPE, ElementModel, TypeModel, local_name, namespace_of
from adapters.xml import element_position

ELEMENTS_MAX = 20_000  # of one message, after references are followed
NESTING_MAX = 64
_XSI_OLD = "http://www.w3.org/1999/XMLSchema-instance"


def decoded(
    entry: etree._Element, model: ElementModel, body: Iterable[etree._Element], source: str
) -> etree._Element:
    """Give an RPC wrapper with all references followed.

    Errors: FaultError SOAP-MULTIREF: a reference that leads nowhere, to itself, or to too much;
    SOAP-ARRAY: an array that is sent in part.
    """
    named: dict[str, etree._Element] = {}
    for each in body:
        for found in each.iter(etree.Element):
            key = found.get("id")
            if key is not None and named.setdefault(key, found) is not found:
                raise _refused("SOAP-MULTIREF", found, source, "two elements have the same id")
    return _Decoder(named, source).element(entry, model, model.tag)


class _Decoder:
    def __init__(self, named: Mapping[str, etree._Element], source: str) -> None:
        self._named = named
        self._source = source
        self._left = ELEMENTS_MAX
        self._open: list[str] = []

    def element(self, found: etree._Element, model: ElementModel, tag: str, depth: int = 0) -> etree._Element:
        """Make one element anew, by the declared type."""
        self._left -= 1
        if self._left < 0 or depth > NESTING_MAX:
            text = f"following the references gives more than {ELEMENTS_MAX} elements or {NESTING_MAX} levels"
            raise _refused("SOAP-MULTIREF", found, self._source, text)
        target, opened = self._followed(found)
        chosen = _chosen(target, model.type)
        is_derived = chosen is not model.type
        nsmap = {"xsi": XSI, "c": namespace_of(chosen.name)} if is_derived else {"xsi": XSI}
        made = etree.Element(tag, nsmap=nsmap)
        line: object = target.sourceline
        if isinstance(line, int):
            made.sourceline = line  # type: ignore[assignment] # the stubs take it for read-only
        if is_derived:
            made.set(XSI_TYPE, f"c:{local_name(chosen.name)}")
        if _is_nil(target):
            made.set(XSI_NIL, "true")
        else:
            self._fill(made, target, chosen, depth)
        if opened:
            del self._open[-opened:]
        return made

    def _followed(self, found: etree._Element) -> tuple[etree._Element, int]:
        opened = 0
        while (href := found.get("href")) is not None:
            target = self._named.get(href.removeprefix("#")) if href.startswith("#") else None
            if target is None:
                text = f"the reference '{href[:80]}' leads to no element of this message"
                raise _refused("SOAP-MULTIREF", found, self._source, text)
            if href in self._open:
                text = f"the reference '{href[:80]}' leads to itself"
                raise _refused("SOAP-MULTIREF", found, self._source, text)
            self._open.append(href)
            opened += 1
            found = target
        return found, opened

    def _fill(self, made: etree._Element, found: etree._Element, model: TypeModel, depth: int) -> None:
        for attribute in model.attributes:
            text = found.get(attribute.tag)
            if text is not None:
                made.set(attribute.tag, text)
        if model.array_item is not None:
            self._fill_array(made, found, model.array_item, depth)
        elif model.content is not None:
            self._fill_struct(made, found, model, depth)
        else:  # a text; elements in one are for the schema to refuse
            made.text = found.text
            for child in found.iterchildren(etree.Element):
                made.append(self.element(child, _anything(child), str(child.tag), depth + 1))

    def _fill_array(self, made: etree._Element, found: etree._Element, item: TypeModel, depth: int) -> None:
        children = list(found.iterchildren(etree.Element))
        if found.get(f"{{{ENCODING}}}offset") or any(c.get(f"{{{ENCODING}}}position") for c in children):
            text = "the array is sent in part (offset, position); expected every entry in order"
            raise _refused("SOAP-ARRAY", found, self._source, text)
        entry = ElementModel(ITEM, ITEM, item)
        for child in children:
            made.append(self.element(child, entry, ITEM, depth + 1))

    def _fill_struct(self, made: etree._Element, found: etree._Element, model: TypeModel, depth: int) -> None:
        """Put accessors into the schema's order: theirs means nothing. Source: SOAP 1.1, 5.4.1."""
        children = list(found.iterchildren(etree.Element))
        for element in model.elements:
            mine = [child for child in children if child.tag in (element.tag, element.key)]
            children = [child for child in children if child not in mine]
            for child in mine:
                made.append(self.element(child, element, element.tag, depth + 1))
        for child in children:  # not declared: the schema refuses it, with its place
            made.append(self.element(child, _anything(child), str(child.tag), depth + 1))


def _anything(found: etree._Element) -> ElementModel:
    return ElementModel(str(found.tag), local_name(str(found.tag)), TypeModel(has_any=True))


def _chosen(found: etree._Element, declared: TypeModel) -> TypeModel:
    """Give the type that is meant: a derived one that xsi:type names, else the declared one.

    Encoded messages repeat the declared type everywhere, under many names; only a derived one matters.
    """
    said = found.get(XSI_TYPE)
    if said is None or not declared.derived:
        return declared
    prefix, _, local = said.strip().rpartition(":")
    namespace = found.nsmap.get(prefix or None) or ""
    return declared.derived.get(f"{{{namespace}}}{local}", declared)


def _is_nil(found: etree._Element) -> bool:
    return found.get(XSI_NIL) in ("true", "1") or found.get(f"{{{_XSI_OLD}}}null") in ("true", "1")


def _refused(code: str, found: etree._Element, source: str, text: str) -> FaultError:
    at: Position = element_position(found, source)
    return FaultError(Fault(Blame.SENDER, Finding(code, at, text)))
