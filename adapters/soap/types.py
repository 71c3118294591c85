"""What a WSDL's types look like to us: elements, attributes and text, without zeep and without XML Schema.

``driver_wsdl`` fills these once, at start; reading (``plan``) and writing (``reply``) are compiled from
them. Types may refer to themselves, so a type is filled after it is made and not changed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from adapters.mapping import SourceField

XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSI_NIL = f"{{{XSI}}}nil"
XSI_TYPE = f"{{{XSI}}}type"

TYPE_KEY = "@xsi:type"  # in a record: the local name of the derived type that was sent
TEXT_KEY = "value"  # in a record: the text of an element that has attributes, too
ANY_KEY = "any"  # in a record: what stands where the schema allows anything, as XML
FIELDS_MAX = 20_000

GroupKind = Literal["sequence", "choice", "all"]


@dataclass(eq=False, slots=True)
class TypeModel:
    """One type. ``kind``: the built-in type of its text ("decimal"), "" where it has none.

    ``name`` is a QName as ``{namespace}local``, "" for a type without a name. ``derived``: by QName, the
    types that xsi:type may name in its place, those derived from them included. ``array_item``: this is
    an array of SOAP encoding, whose entries may have any name.
    """

    name: str = ""
    kind: str = ""
    attributes: list[AttributeModel] = field(default_factory=list)
    content: GroupModel | None = None
    derived: dict[str, TypeModel] = field(default_factory=dict)
    array_item: TypeModel | None = None
    has_any: bool = False

    @property
    def is_text(self) -> bool:
        """Tell whether the value is one text, without attributes."""
        return bool(self.kind) and not self.attributes

    @property
    def elements(self) -> list[ElementModel]:
        """Give all elements in order, whatever group they stand in."""
        return list(_elements(self.content)) if self.content is not None else []


@dataclass(eq=False, slots=True)
class AttributeModel:
    """One attribute; ``tag`` is its QName."""

    tag: str
    key: str  # in a record: "@currency"
    kind: str
    is_required: bool = False
    default: str | None = None


@dataclass(eq=False, slots=True)
class ElementModel:
    """One element of a type; ``tag`` is its QName, ``key`` its name in a record."""

    tag: str
    key: str
    type: TypeModel
    is_required: bool = True
    repeats: bool = False
    is_nillable: bool = False
    default: str | None = None


@dataclass(eq=False, slots=True)
class AnyModel:
    """A place where the schema allows any element."""

    repeats: bool = True


@dataclass(eq=False, slots=True)
class GroupModel:
    """Elements in order, one of several, or all in any order. ``repeats``: the group as a whole."""

    kind: GroupKind
    parts: list[Particle] = field(default_factory=list)
    is_required: bool = True
    repeats: bool = False


Particle: TypeAlias = ElementModel | AnyModel | GroupModel


def _elements(group: GroupModel) -> Iterator[ElementModel]:
    for part in group.parts:
        if isinstance(part, ElementModel):
            yield part
        elif isinstance(part, GroupModel):
            yield from _elements(part)


def local_name(tag: str) -> str:
    """Give the local part of a QName."""
    return tag.rpartition("}")[2]


def namespace_of(tag: str) -> str:
    """Give the namespace of a QName, "" where it has none."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def namespaces_of(elements: Iterable[ElementModel]) -> set[str]:
    """Give every namespace that elements, their attributes and types name, whatever is within them."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = list(elements)
    while waiting:
        element = waiting.pop()
        found.add(namespace_of(element.tag))
        for model in _with_derived(element.type):
            if id(model) in seen:
                continue
            seen.add(id(model))
            found.add(namespace_of(model.name))
            found |= {namespace_of(each.tag) for each in model.attributes}
            waiting += model.elements
            if model.array_item is not None:
                waiting.append(ElementModel("", "", model.array_item))
    return found


def _with_derived(model: TypeModel) -> Iterator[TypeModel]:
    yield model
    yield from (each for each in model.derived.values() if each is not model)


def source_fields(model: TypeModel) -> tuple[SourceField, ...]:
    """Give a type as the mapping language knows sources; types within themselves end at the second time."""
    return _fields(model, (), [FIELDS_MAX], is_required=True)


def _fields(
    model: TypeModel, above: tuple[TypeModel, ...], left: list[int], *, is_required: bool
) -> tuple[SourceField, ...]:
    if model in above or left[0] <= 0:
        return ()
    inside = (*above, model)
    every = list(_with_derived(model))
    found: dict[str, SourceField] = {}
    if len(every) > 1:
        found[TYPE_KEY] = SourceField(TYPE_KEY)
    if model.kind and model.attributes:
        found[TEXT_KEY] = SourceField(TEXT_KEY, required=is_required)
    for each in every:
        for attribute in each.attributes:
            needed = attribute.is_required and attribute.default is None and each is model
            found.setdefault(attribute.key, SourceField(attribute.key, required=needed))
        for element, needed in _placed(each.content, each is model):
            if element.key not in found:
                left[0] -= 1
                found[element.key] = _field(element, inside, left, needed)
        if each.has_any:
            found.setdefault(ANY_KEY, SourceField(ANY_KEY, repeated=True))
    return tuple(found.values())


def _field(
    element: ElementModel, inside: tuple[TypeModel, ...], left: list[int], needed: bool
) -> SourceField:
    is_required = needed and element.is_required and not element.is_nillable and element.default is None
    item = element.type.array_item
    below = _fields(item or element.type, inside, left, is_required=is_required)
    return SourceField(
        element.key, required=is_required, repeated=element.repeats or item is not None, fields=below
    )


def _placed(group: GroupModel | None, needed: bool) -> Iterator[tuple[ElementModel, bool]]:
    """Give the elements of a group, and whether one that is required there is so as a whole."""
    if group is None:
        return
    inner = needed and group.is_required and group.kind != "choice"
    for part in group.parts:
        if isinstance(part, ElementModel):
            yield part, inner
        elif isinstance(part, GroupModel):
            yield from _placed(part, inner)
