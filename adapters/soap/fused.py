"""From the elements of a message straight to a canonical document: one reader per operation and mapping.

The plan (``plan``) and the mapping's reader are written as one piece of Python source, which walks the
elements in the order of their type and has no record in between. Where names tell elements apart
(``document_order``) it walks a whole subtree at once, else child by child. The schema has judged before.
The reader knows plain messages only; for any other it raises IrregularError, and the message is read by
way of its record, by which it is told what is wrong with it. So the two ways can never differ in what
they refuse, and a test holds that they give the same documents. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from lxml import etree

from adapters.mapping.fused import (
    Code,
    NotFusedError,
    read_of,
    write_append,
    write_condition,
    write_level,
)
from adapters.mapping.plan import GroupNode, LevelNode
from adapters.mapping.records import ITSELF, SourcePath, path_text
from adapters.mapping.run import Run
from adapters.soap.document_order import is_in_order, is_told_by_name, names_below
from adapters.soap.plan import AS_SENT, BLANKS, BOOLEANS, COLLAPSED
from adapters.soap.types import (
    TEXT_KEY,
    TYPE_KEY,
    XSI_NIL,
    XSI_TYPE,
    ElementModel,
    TypeModel,
    local_name,
)
from adapters.soap.wsdl import Message

ReadFused = Callable[[etree._Element, Run], dict[str, Any]]

ELEMENTS_MAX = 60  # of one type: each is compared in turn, and a look-up would be faster from here on
LINES_MAX = 20_000

_DECIMALS = frozenset(
    {"decimal", "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
     "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte", "negativeInteger", "nonPositiveInteger"}
)  # fmt: skip


class _End:
    tag = None


_ENDS = (_End(),)


@dataclass(slots=True)
class _Wanted:
    """What is read at one place of a level's record."""

    variable: str = ""  # holds its text, or its texts
    is_many: bool = False
    group: GroupNode | None = None
    entries: str = ""  # of the group
    below: dict[str, _Wanted] = field(default_factory=dict)


def fused_reader(message: Message, root: LevelNode) -> ReadFused:
    """Compile reading a message's body element. Errors: NotFusedError."""
    if message.is_encoded or len(message.body) != 1:
        raise NotFusedError("the Body is encoded, or is not one element")
    body = message.body[0]
    if body.type.is_text or body.is_nillable:
        raise NotFusedError("the Body may hold a text, or nil")
    writer = _Writer()
    code = writer.code
    code.names |= {"chain": chain, "ENDS": _ENDS}
    out, _ = writer.level(root, body.type, "element", "    ")
    code.add("    ", f"return {out}")
    if len(code.lines) > LINES_MAX:
        raise NotFusedError("the reader would be too long")
    return code.function("def read(element, run):", "read")


@dataclass(frozen=True, slots=True)
class _Walk:
    """The variables of a walk: what gives the next element, the element that stands next, and its name."""

    following: str
    child: str
    tag: str

    @property
    def advance(self) -> tuple[str, str]:
        return f"{self.child} = {self.following}()", f"{self.tag} = {self.child}.tag"


class _Writer:
    def __init__(self) -> None:
        self.code = Code()
        self._subtree: _Walk | None = None  # the walk through a whole subtree that is on its way

    def level(
        self, level: LevelNode, model: TypeModel, element: str, indent: str, group: GroupNode | None = None
    ) -> tuple[str, str]:
        """Write reading one record and making its object; give the object's variable and its indent.

        What depends on a group's condition stands further in.
        """
        code = self.code
        tree = self._tree(level, model, indent)
        if model.is_text:
            code.add(indent, *_text(code, tree.below[ITSELF].variable, element, model.kind))
        else:
            self._record(tree, model, element, indent)
        variables = dict(_variables(tree, ()))
        entries = {id(each.group): each.entries for each in _places(tree) if each.group is not None}
        inner = write_condition(code, group, variables, indent) if group is not None else indent
        return write_level(code, level, variables, entries, inner, is_root=group is None), inner

    def _tree(self, level: LevelNode, model: TypeModel, indent: str) -> _Wanted:
        """Give what is read of a record, and write that there is nothing of it yet."""
        code, tree = self.code, _Wanted()
        for path, how in read_of(level).items():
            place = _place(tree, path)
            place.variable, place.is_many = code.variable(), how == "many"
            code.add(indent, f"{place.variable} = None")
        for group in level.groups:
            if not all(isinstance(step, str) for step in group.source):
                raise NotFusedError(f"{path_text(group.source)} selects some records of several")
            place = _place(tree, group.source)
            if place.group is not None:
                raise NotFusedError(f"{path_text(group.source)} is read by two groups")
            place.group, place.entries = group, code.variable("g")
            code.add(indent, f"{place.entries} = []")
        for place in _places(tree):
            if bool(place.variable) + bool(place.group) + bool(place.below) != 1 and place is not tree:
                raise NotFusedError("one place is read in two ways")
        if model.is_text and set(tree.below) != {ITSELF}:
            raise NotFusedError("a text is read as a record")
        return tree

    def _record(self, tree: _Wanted, model: TypeModel, element: str, indent: str) -> None:
        """Write reading a record of a type, or of those that xsi:type may name in its place."""
        code, every = self.code, [model, *model.derived.values()]
        known = {key for each in every for key in _keys(each)}
        unknown = sorted(set(tree.below) - known)
        if unknown:
            raise NotFusedError(f"{unknown[0]} is no element or attribute")
        if not model.derived:
            self._own(tree, model, element, indent)
            return
        locals_ = [local_name(name) for name in model.derived]
        if len(set(locals_)) != len(locals_):
            raise NotFusedError("two types that xsi:type may name differ by namespace only")
        said = code.variable("s")
        code.add(indent, f"{said} = {element}.get({XSI_TYPE!r})")
        code.add(indent, f"if {said} is None:", "    pass")
        self._own(tree, model, element, indent + "    ")
        # The schema has resolved the prefix: among the types that it allows here, the local name tells.
        code.add(indent, "else:", f"    {said} = {said}.strip().rpartition(':')[2]")
        if TYPE_KEY in tree.below:
            code.add(indent, f"    {tree.below[TYPE_KEY].variable} = {said}")
        word = "if"
        for local, derived in zip(locals_, model.derived.values(), strict=True):
            code.add(indent, f"    {word} {said} == {local!r}:", "        pass")
            self._own(tree, derived, element, indent + "        ")
            word = "elif"
        code.add(indent, "    else:", "        raise IrregularError")

    def _own(self, tree: _Wanted, model: TypeModel, element: str, indent: str) -> None:
        """Write reading attributes, text and elements of one type."""
        code = self.code
        if model.array_item is not None:
            raise NotFusedError("an array of SOAP encoding is read by way of records")
        for attribute in model.attributes:
            wanted = tree.below.get(attribute.key)
            if wanted is not None:
                default = "" if attribute.default is None else f", {attribute.default!r}"
                code.add(indent, f"{_leaf(wanted)} = {element}.get({attribute.tag!r}{default})")
                code.untrimmed.add(wanted.variable)
        if model.kind and TEXT_KEY in tree.below:
            code.add(indent, *_text(code, _leaf(tree.below[TEXT_KEY]), element, model.kind))
        elements = model.elements
        if self._subtree is not None:
            code.add(indent, *self._subtree.advance)
        if not any(each.key in tree.below for each in elements):
            self._skip(model, indent)
            return
        tags, keys = {each.tag for each in elements}, {each.key for each in elements}
        if len(elements) > ELEMENTS_MAX or not len(tags) == len(keys) == len(elements):
            raise NotFusedError("a type has too many elements, or one name twice")
        if model.content is not None and not is_in_order(model.content):
            raise NotFusedError("elements may come in any order")
        if self._subtree is not None:
            self._below(tree, elements, self._subtree, indent)
        else:
            self._begin(tree, model, element, indent)

    def _begin(self, tree: _Wanted, model: TypeModel, element: str, indent: str) -> None:
        """Write a walk of its own: through the whole subtree where names allow it, else the children."""
        code = self.code
        walk = _Walk(code.variable("n"), code.variable("c"), code.variable("t"))
        is_whole = is_told_by_name(model)
        source = f"{element}.iter()" if is_whole else element
        code.add(indent, f"{walk.following} = chain({source}, ENDS).__next__")
        if is_whole:
            code.add(indent, f"{walk.following}()")  # the element itself
        code.add(indent, *walk.advance)
        if is_whole:
            self._subtree = walk
            self._below(tree, model.elements, walk, indent)
            self._subtree = None
        else:
            self._children(tree, model.elements, walk, indent)
        code.add(indent, f"if {walk.tag} is not None:", "    raise IrregularError")

    def _children(self, tree: _Wanted, elements: list[ElementModel], walk: _Walk, indent: str) -> None:
        """Write going through the children in their order, each compared with what may come next."""
        code = self.code
        for each in elements:
            code.add(indent, f"{'while' if each.repeats else 'if'} {walk.tag} == {each.tag!r}:")
            wanted = tree.below.get(each.key)
            if wanted is not None:
                self._child(wanted, each, walk.child, indent + "    ")
            code.add(indent + "    ", *walk.advance)

    def _below(self, tree: _Wanted, elements: list[ElementModel], walk: _Walk, indent: str) -> None:
        """Write going on in document order: whoever reads an element leaves the walk behind all of it."""
        code, inner = self.code, indent + "    "
        for each in elements:
            code.add(indent, f"{'while' if each.repeats else 'if'} {walk.tag} == {each.tag!r}:")
            wanted = tree.below.get(each.key)
            if wanted is not None and not each.type.is_text and (wanted.group or wanted.below):
                code.add(inner, f"e = {walk.child}")
                self._child(wanted, each, "e", inner)
                continue
            if wanted is not None:
                self._child(wanted, each, walk.child, inner)
            code.add(inner, *walk.advance)
            self._skip(each.type, inner)

    def _skip(self, model: TypeModel, indent: str) -> None:
        """Write stepping over what stands below an element that the walk has passed."""
        walk, names = self._subtree, names_below(model)
        if walk is not None and names:
            self.code.add(indent, f"while {walk.tag} in {self.code.name(names)}:")
            self.code.add(indent + "    ", *walk.advance)

    def _child(self, wanted: _Wanted, model: ElementModel, child: str, indent: str) -> None:
        code = self.code
        if model.type.array_item is not None:
            raise NotFusedError("an array of SOAP encoding is read by way of records")
        if model.is_nillable and (not model.type.is_text or model.default is not None or wanted.group):
            code.add(indent, f"if {child}.get({XSI_NIL!r}) is not None:", "    raise IrregularError")
        if wanted.group is not None:
            out, inner = self.level(wanted.group.level, model.type, child, indent, wanted.group)
            write_append(code, wanted.group, wanted.entries, out, inner)
        elif wanted.below:
            if model.repeats or model.type.is_text:
                raise NotFusedError(f"{model.key} is no single record")
            self._record(wanted, model.type, child, indent)
        else:
            self._text_of(wanted, model, child, indent)

    def _text_of(self, wanted: _Wanted, model: ElementModel, child: str, indent: str) -> None:
        """Write keeping an element's text, or adding it to those before."""
        code, variable = self.code, wanted.variable
        if not model.type.is_text or model.type.derived or (model.repeats and not wanted.is_many):
            raise NotFusedError(f"{model.key} is no single text")
        if not model.repeats:
            code.add(indent, *_text(code, variable, child, model.type.kind, model.default))
            return
        one = code.variable()
        code.add(indent, *_text(code, one, child, model.type.kind, model.default))
        code.add(indent, f"if {variable} is None:", f"    {variable} = [{one}]")
        code.add(indent, "else:", f"    {variable}.append({one})")


def _text(code: Code, variable: str, element: str, kind: str, default: str | None = None) -> list[str]:
    """Write reading a text with the blanks that its type keeps, as ``plan`` does; None where it is empty."""
    lines = [f"{variable} = {element}.text"]
    if kind in COLLAPSED:
        lines += [
            f"if {variable} and (' ' in {variable} or not {variable}.isprintable()):",
            f"    {variable} = ' '.join({variable}.split())",
        ]
    elif kind == "normalizedString":
        lines += [f"if {variable}:", f"    {variable} = {variable}.translate({code.name(BLANKS)})"]
    elif kind == "boolean":
        known = code.name(BOOLEANS)
        lines += [f"if {variable}:", f"    {variable} = {variable}.strip()"]
        lines += [f"    {variable} = {known}.get({variable}, {variable})"]
    elif kind not in AS_SENT:
        lines += [f"if {variable}:", f"    {variable} = {variable}.strip()"]
    if kind in _DECIMALS:
        code.decimals.add(variable)
    if kind in AS_SENT or kind == "normalizedString" or (default is not None and default.isspace()):
        code.untrimmed.add(variable)
    if default is not None:
        lines += [f"if not {element}.text:", f"    {variable} = {default!r}"]
    return lines


def _place(tree: _Wanted, path: SourcePath) -> _Wanted:
    for step in path:
        tree = tree.below.setdefault(str(step), _Wanted())
    return tree


def _places(tree: _Wanted) -> Iterator[_Wanted]:
    yield tree
    for each in tree.below.values():
        yield from _places(each)


def _variables(tree: _Wanted, above: SourcePath) -> Iterator[tuple[SourcePath, str]]:
    if tree.variable:
        yield above, tree.variable
    for name, each in tree.below.items():
        yield from _variables(each, (*above, name))


def _leaf(wanted: _Wanted) -> str:
    if not wanted.variable:
        raise NotFusedError("a text is read as a record")
    return wanted.variable


def _keys(model: TypeModel) -> set[str]:
    keys = {each.key for each in model.elements} | {each.key for each in model.attributes}
    return keys | ({TEXT_KEY} if model.kind else set()) | ({TYPE_KEY} if model.derived else set())
