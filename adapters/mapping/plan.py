"""The plan: a mapping file joined with the document model, one tree that reader and writer compile.

The tree has the shape of the canonical document. A leaf knows its field in the file, its source
paths and its converter; a list holds slots (entries named by index or selector) and groups
(entries made of repeated source records). Everything that does not fit becomes a finding here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from adapters.base.findings import Finding, Level, Position
from adapters.base.yaml import Node, position_of
from adapters.mapping.convert import Converter, SpecError, converter_for
from adapters.mapping.records import SourcePath, SourcePathError, source_path
from adapters.mapping.shapes import Kind, PathError, Shape, Step, is_sensitive, parse_path, shapes_of
from adapters.mapping.spec import FieldSpec, GroupSpec, LevelSpec, MappingSpec, SourceSpec
from canonical.registry import DOCUMENT_TYPES
from canonical.values import DateValue


@dataclass(slots=True)
class Leaf:
    """One canonical scalar (or list of texts) and how it is converted."""

    path: str  # as the mapping file writes it
    shape: Shape
    spec: FieldSpec
    at: Position
    sources: tuple[SourcePath, ...]
    converter: Converter
    is_sensitive: bool = False


@dataclass(slots=True)
class ObjectNode:
    """One canonical object. ``fills`` are constants: they complete an object and never make one."""

    model: type[BaseModel]
    members: dict[str, Member] = field(default_factory=dict)
    fills: dict[str, object] = field(default_factory=dict)
    whole: Leaf | None = None  # a date that is an entry of a list: dates[kind=effective]
    free: dict[str, dict[str, Leaf]] = field(default_factory=dict)  # fields with free keys


@dataclass(slots=True)
class Slot:
    """One entry of a list that the mapping names."""

    step: Step
    node: ObjectNode | Leaf


@dataclass(slots=True)
class GroupNode:
    """Entries of a list that come from a repeated source record."""

    step: Step
    spec: GroupSpec
    source: SourcePath
    at: Position
    level: LevelNode


@dataclass(slots=True)
class ListNode:
    """One canonical list."""

    model: type[BaseModel] | None
    slots: list[Slot] = field(default_factory=list)
    groups: list[GroupNode] = field(default_factory=list)


@dataclass(slots=True)
class LevelNode:
    """What one source record is mapped to: the document itself, or an entry of a group."""

    node: ObjectNode
    spec: LevelSpec
    at: Position
    leaves: list[Leaf] = field(default_factory=list)
    groups: list[GroupNode] = field(default_factory=list)
    source: list[tuple[SourcePath, SourceSpec, Position]] = field(default_factory=list)


Member = ObjectNode | ListNode | Leaf


@dataclass(slots=True)
class Plan:
    """A mapping file that fits its document model, or what is wrong with it."""

    spec: MappingSpec
    root: LevelNode
    findings: list[Finding]


def build_plan(spec: MappingSpec, node: Node) -> Plan | list[Finding]:
    """Join a checked mapping file with its document's model."""
    model = DOCUMENT_TYPES.get(spec.document)
    if model is None:
        text = f"there is no document '{spec.document}'; there are {', '.join(DOCUMENT_TYPES)}"
        return [Finding("MAP-DOCUMENT", position_of(node, ["document"]), text)]
    builder = _Builder(spec, node)
    root = builder.level(ObjectNode(model), spec, ())
    root.node.fills["document_type"] = spec.document
    return Plan(spec, root, builder.findings)


class _Builder:
    def __init__(self, spec: MappingSpec, node: Node) -> None:
        self.spec = spec
        self.node = node
        self.findings: list[Finding] = []

    def level(self, target: ObjectNode, spec: LevelSpec, place: tuple[str, ...]) -> LevelNode:
        made = LevelNode(target, spec, self._at(*place, "fields"))
        for path, field_spec in spec.fields.items():
            self._field(made, path, field_spec, (*place, "fields", path))
        for path, group_spec in spec.groups.items():
            self._group(made, path, group_spec, (*place, "groups", path))
        for path, source_spec in spec.source.items():
            at = self._at(*place, "source", path)
            try:
                made.source.append((source_path(path), source_spec, at))
            except SourcePathError as error:
                self._add("MAP-PATH", at, str(error))
        if spec.rest and "extensions" not in target.model.model_fields:
            self._add("MAP-PATH", self._at(*place, "rest"), f"{target.model.__name__} has no extensions")
        return made

    def _field(self, level: LevelNode, path: str, spec: FieldSpec, place: tuple[str, ...]) -> None:
        at = self._at(*place)
        try:
            steps = parse_path(path, level.node.model)
            leaf, owner = self._leaf(level.node.model, path, steps, spec, at)
            self._insert(level.node, steps, leaf)
            for name in spec.when:
                source_path(name)
        except (PathError, SourcePathError) as error:
            self._add("MAP-PATH", at, str(error))
            return
        except SpecError as error:
            self._add("MAP-VALUE", self._at(*place, *error.key), str(error))
            return
        leaf.is_sensitive = is_sensitive(owner, steps[-1].name)
        level.leaves.append(leaf)

    def _leaf(
        self, model: type[BaseModel], path: str, steps: Sequence[Step], spec: FieldSpec, at: Position
    ) -> tuple[Leaf, type[BaseModel]]:
        shape, owner = _shape_at(model, steps)
        if shape.kind is None:
            raise PathError(f"'{path}' is not a single value" + _inner_hint(shape))
        trimmed = spec if spec.trim else spec.model_copy(update={"trim": self.spec.trim})
        sources = tuple(source_path(name) for name in spec.source or spec.first_of or ())
        leaf = Leaf(path, shape, trimmed, at, sources, converter_for(trimmed, shape))
        return leaf, owner

    def _insert(self, node: ObjectNode, steps: Sequence[Step], leaf: Leaf) -> None:
        step, *below = steps
        shape = shapes_of(node.model)[step.name]
        if shape.has_free_keys:
            node.free.setdefault(step.name, {})[below[0].name] = leaf
        elif step.has_slot:
            self._insert_slot(node, step, below, shape, leaf)
        elif below:
            inner = node.members.get(step.name)
            if inner is None:
                inner = node.members[step.name] = ObjectNode(_model_of(shape))
            if not isinstance(inner, ObjectNode):
                raise PathError(f"'{step.name}' is mapped as a whole already")
            self._insert(inner, below, leaf)
        elif leaf.spec.const is not None:
            node.fills[step.name] = leaf.converter.constant
            node.members[step.name] = leaf
        else:
            if step.name in node.members:
                raise PathError(f"'{step.name}' is mapped by its parts already")
            stands_in = leaf.converter.default if leaf.converter.default is not None else leaf.converter.blank
            if stands_in is not None:
                node.fills[step.name] = stands_in
            node.members[step.name] = leaf

    def _insert_slot(
        self, node: ObjectNode, step: Step, below: Sequence[Step], shape: Shape, leaf: Leaf
    ) -> None:
        entries = self._list(node, step, shape)
        slot = next((each for each in entries.slots if each.step == step), None)
        if shape.model is None:
            if slot is not None or below:
                raise PathError(f"'{step.name}' is a list of texts")
            entries.slots.append(Slot(step, leaf))
            return
        if slot is None:
            slot = Slot(step, ObjectNode(shape.model, fills=dict(step.selector)))
            entries.slots.append(slot)
        assert isinstance(slot.node, ObjectNode)  # noqa: S101 - slots of models hold objects
        if below:
            self._insert(slot.node, below, leaf)
        else:
            slot.node.whole = leaf

    def _list(self, node: ObjectNode, step: Step, shape: Shape) -> ListNode:
        entries = node.members.setdefault(step.name, ListNode(shape.model))
        if not isinstance(entries, ListNode):
            raise PathError(f"'{step.name}' is mapped as a whole already")
        if entries.slots and (entries.slots[0].step.index is None) != (step.index is None):
            raise PathError(f"'{step.name}' is named by index and by selector; choose one")
        return entries

    def _group(self, level: LevelNode, path: str, spec: GroupSpec, place: tuple[str, ...]) -> None:
        at = self._at(*place)
        try:
            steps = parse_path(path, level.node.model)
            shape, _ = _shape_at(level.node.model, (*steps[:-1], Step(steps[-1].name)))
            if not shape.is_list or shape.model is None:
                raise PathError(f"'{path}' is no list of objects; groups fill lists")
            entries = self._list_at(level.node, steps, shape)
            source = source_path(spec.from_)
            for name in spec.when:
                source_path(name)
        except (PathError, SourcePathError) as error:
            self._add("MAP-PATH", at, str(error))
            return
        inner = self.level(ObjectNode(shape.model, fills=dict(steps[-1].selector)), spec, place)
        group = GroupNode(steps[-1], spec, source, at, inner)
        entries.groups.append(group)
        level.groups.append(group)

    def _list_at(self, node: ObjectNode, steps: Sequence[Step], shape: Shape) -> ListNode:
        for step in steps[:-1]:
            if step.has_slot:
                raise PathError("a group cannot stand inside a named entry; map the outer list as a group")
            inner = node.members.setdefault(
                step.name, ObjectNode(_model_of(shapes_of(node.model)[step.name]))
            )
            if not isinstance(inner, ObjectNode):
                raise PathError(f"'{step.name}' is mapped as a whole already")
            node = inner
        last = steps[-1]
        if last.index is not None:
            raise PathError("a group makes all entries of a list; leave out the index")
        entries = node.members.setdefault(last.name, ListNode(shape.model))
        if not isinstance(entries, ListNode):
            raise PathError(f"'{last.name}' is mapped as a whole already")
        return entries

    def _at(self, *place: str) -> Position:
        return position_of(self.node, place)

    def _add(self, code: str, at: Position, text: str, level: Level = Level.REJECTED) -> None:
        self.findings.append(Finding(code, at, text, level))


def _shape_at(model: type[BaseModel], steps: Sequence[Step]) -> tuple[Shape, type[BaseModel]]:
    """Give the shape at a path, and the model that it is a field of."""
    shape = Shape(model=model)
    owner = model
    for step in steps:
        if shape.has_free_keys:
            return Shape("any"), owner
        owner = _model_of(shape)
        shape = shapes_of(owner)[step.name]
        if step.has_slot:
            shape = Shape(_entry_kind(shape), shape.model)
    return (Shape(model=shape.model, is_list=True) if shape.is_list and shape.model else shape), owner


def _entry_kind(entries: Shape) -> Kind | None:
    if entries.model is None:
        return "text"
    return "date" if issubclass(entries.model, DateValue) else None


def _model_of(shape: Shape) -> type[BaseModel]:
    if shape.model is None:
        raise PathError("there is nothing below a single value")
    return shape.model


def _inner_hint(shape: Shape) -> str:
    if shape.is_list:
        return "; it is a list: use a group, or name an entry as [0] or [kind=...]"
    if shape.has_free_keys:
        return "; add a name of your own after a point"
    return f"; name one of its fields: {', '.join(shape.model.model_fields)}" if shape.model else ""
