"""From zeep's resolved types to ours, each type once; nothing of zeep is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from zeep.xsd.elements import Any as ZeepAny
from zeep.xsd.elements import Attribute, Element
from zeep.xsd.elements.indicators import All, Choice, Group, OrderIndicator, Sequence
from zeep.xsd.types import AnySimpleType, ComplexType, ListType, UnionType
from zeep.xsd.types.builtins import BuiltinType

from adapters.base.findings import Finding, Level, Position
from adapters.soap.types import (
    AnyModel,
    AttributeModel,
    ElementModel,
    GroupKind,
    GroupModel,
    Particle,
    TypeModel,
    local_name,
    namespace_of,
)

XS = "http://www.w3.org/2001/XMLSchema"
_ARRAY_TYPE = "{http://schemas.xmlsoap.org/soap/encoding/}arrayType"
_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"


class TypeReader:
    """Converts types on demand. ``bases``: the base of each derived complex type, by QName."""

    def __init__(self, schema: Any, bases: Mapping[str, str]) -> None:
        self._schema = schema
        self._bases = bases
        self._made: dict[int, TypeModel] = {}
        self._kept: list[Any] = []  # ids are of objects that live
        self.named: dict[str, TypeModel] = {}
        self.arrays: dict[str, TypeModel] = {}
        self._repeated_groups: set[str] = set()
        self._children: dict[str, list[str]] = {}
        for name, base in bases.items():
            self._children.setdefault(base, []).append(name)

    def element(self, element: Any) -> ElementModel:
        """Give an element; zeep's max_occurs is a number or "unbounded"."""
        return ElementModel(
            tag=element.qname.text,
            key=element.name,
            type=self.type(element.type),
            is_required=element.min_occurs != 0,
            repeats=_repeats(element),
            is_nillable=bool(element.nillable),
            default=element.default if isinstance(element.default, str) else None,
        )

    def type(self, found: Any) -> TypeModel:
        """Give a type."""
        made = self._made.get(id(found))
        if made is None:
            made = self._made[id(found)] = TypeModel(name=_name(found))
            self._kept.append(found)
            if isinstance(found, ComplexType):
                self._fill(made, found)
            else:
                made.kind = _kind(found) if isinstance(found, AnySimpleType) else ""
                made.has_any = not made.kind
            if made.name:
                self.named.setdefault(made.name, made)
        return made

    def findings(self, source: str) -> Iterator[Finding]:
        """Give what cannot be kept apart in a record."""
        for name in sorted(self._repeated_groups):
            text = (
                f"type {local_name(name) or '(without a name)'} repeats a group of several elements; a "
                "record keeps them by name, and writing pairs them by number"
            )
            yield Finding("SOAP-GROUP", Position(source), text, Level.NOTE)

    def _fill(self, made: TypeModel, found: Any) -> None:
        self._add_attributes(made, found)
        array = found._array_type
        if array is not None or made.name == f"{{{_ENCODING}}}Array":
            item = getattr(array, "array_type", None)
            made.array_item = self.type(item.type if hasattr(item, "type") else item) if item else TypeModel()
            made.attributes.clear()
            if made.name:
                self.arrays[made.name] = made
            return
        content = found._element
        if isinstance(content, Element) and isinstance(content.type, AnySimpleType):
            made.kind = _kind(content.type)
        elif content is not None:
            parts = self._parts(made, content)
            made.content = GroupModel("sequence", parts)
            _name_apart(made)
        self._add_derived(made)

    def _add_attributes(self, made: TypeModel, found: Any) -> None:
        for _, attribute in found.attributes:
            if isinstance(attribute, Attribute) and attribute.qname is not None:
                tag = attribute.qname.text
                if namespace_of(tag) == _ENCODING:
                    continue
                default = attribute.default if isinstance(attribute.default, str) else None
                key = f"@{local_name(tag)}"
                kind = _kind(attribute.type)
                made.attributes.append(AttributeModel(tag, key, kind, bool(attribute.required), default))

    def _add_derived(self, made: TypeModel) -> None:
        """Find the types that xsi:type may name instead. Source: XML Schema part 1, 3.4.6, derivation OK."""
        if made.name in self._children:
            for name in self._descendants(made.name):
                known = self._schema.get_type(name, fail_silently=True)
                if known is not None:
                    made.derived[name] = self.type(known)
            made.derived[made.name] = made

    def _descendants(self, name: str) -> Iterator[str]:
        for child in self._children.get(name, ()):
            if child != name:
                yield child
                yield from self._descendants(child)

    def _parts(self, made: TypeModel, content: Any) -> list[Particle]:
        match content:
            case ZeepAny():
                made.has_any = True
                return [AnyModel(repeats=_repeats(content))]
            case Element():
                return [self.element(content)]
            case Group():
                return self._parts(made, content.child)
            case OrderIndicator():
                parts = [part for each in content for part in self._parts(made, each)]
                group = GroupModel(_group_kind(content), parts, content.min_occurs != 0, _repeats(content))
                if group.kind == "choice":
                    for part in parts:  # zeep makes each branch optional; the schema asks for one of them
                        if isinstance(part, ElementModel):
                            part.is_required = True
                if group.repeats and len(parts) > 1:
                    self._repeated_groups.add(made.name)
                return [group]
        return []


def _name_apart(made: TypeModel) -> None:
    """Give elements of one type names of their own; one that stands twice is a list."""
    elements = made.elements
    tags = Counter(each.tag for each in elements)
    owners: dict[str, str] = {}
    for each in elements:
        if tags[each.tag] > 1:
            each.repeats = True
        if owners.setdefault(each.key, each.tag) != each.tag:
            each.key = f"{each.key}_{len(owners)}"
            owners[each.key] = each.tag
    for group in _repeated(made.content):
        for each in TypeModel(content=group).elements:
            each.repeats = True


def _repeated(group: GroupModel | None) -> Iterator[GroupModel]:
    if group is None:
        return
    if group.repeats:
        yield group
    for part in group.parts:
        if isinstance(part, GroupModel):
            yield from _repeated(part)


def _group_kind(content: Any) -> GroupKind:
    match content:
        case Choice():
            return "choice"
        case All():
            return "all"
        case Sequence():
            return "sequence"
    return "sequence"


def _repeats(each: Any) -> bool:
    return each.max_occurs == "unbounded" or (isinstance(each.max_occurs, int) and each.max_occurs > 1)


def _name(found: Any) -> str:
    """Give a type's QName; a type without a name of its own carries that of its element in zeep."""
    if found.qname is None:
        return ""
    is_builtin = found.qname.namespace == XS
    return str(found.qname.text) if found.is_global or is_builtin else ""


def _kind(found: Any) -> str:
    """Give the built-in type that a simple type comes from."""
    if isinstance(found, ListType):
        return "list"
    if isinstance(found, UnionType):
        return "union"
    for each in type(found).__mro__:
        name = each.__dict__.get("_default_qname")
        if name is not None and issubclass(each, BuiltinType):
            return str(name.localname)
    return "string"
