"""Reading: the plan compiled to closures that turn a source record into a canonical dict.

An order of fifty lines has some nine hundred fields, so each closure does one thing, nothing is
looked up by name twice, and a field without a converter costs a dict access. Values stay text
where pydantic converts text faster (decimals).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.base.findings import Level
from adapters.mapping.conditions import condition_test
from adapters.mapping.generated import object_reader
from adapters.mapping.plan import GroupNode, Leaf, LevelNode, ListNode, ObjectNode
from adapters.mapping.read_checks import rest_keeper, source_check
from adapters.mapping.read_values import Read, leaf_reader
from adapters.mapping.records import ITSELF, Record, getter, path_text
from adapters.mapping.run import Run
from canonical.values import DateValue


def compile_reader(root: LevelNode, mapping: str) -> Read:
    """Compile reading a whole document."""
    return _Compiler(mapping).level(root, is_root=True)


class _Compiler:
    def __init__(self, mapping: str) -> None:
        self.mapping = mapping

    def level(self, level: LevelNode, *, is_root: bool = False) -> Read:
        """Compile one record's reading: its object, then what is checked against the record."""
        build = self.object(level.node)
        found = [source_check(path, spec) for path, spec, _ in level.source if not spec.ignore]
        checks = tuple(check for check in found if check is not None)
        if level.spec.rest:
            checks = (*checks, rest_keeper(level, self.mapping))
        if not checks and not is_root:
            return build
        fills = level.node.fills

        def read(record: Record, run: Run) -> dict[str, Any] | None:
            out: dict[str, Any] | None = build(record, run)
            if out is None:
                if not is_root:
                    return None
                out = dict(fills)
            for check in checks:
                check(record, out, run)
            return out

        return read

    def object(self, node: ObjectNode) -> Read:
        build = object_reader(node, self.member, is_apart)
        if node.whole is not None:
            build = _with_date(leaf_reader(node.whole), build, node)
        if "raw_codes" in node.model.model_fields and keeps_raw(node):
            build = _with_raw_codes(build)
        return build

    def member(self, member: Leaf | ObjectNode | ListNode | Mapping[str, Leaf]) -> Read:
        """Compile a member that is not plain to a closure of its own."""
        match member:
            case Leaf():
                return leaf_reader(member)
            case ObjectNode():
                return self.object(member)
            case ListNode():
                return self.entries(member)
        return _free_reader(member)

    def entries(self, node: ListNode) -> Read:
        slots = tuple(
            leaf_reader(slot.node) if isinstance(slot.node, Leaf) else self.object(slot.node)
            for slot in node.slots
        )
        groups = tuple(self.group(group) for group in node.groups)

        def read(record: Record, run: Run) -> list[Any] | None:
            entries: list[Any] = []
            for slot in slots:
                value = slot(record, run)
                if value is not None:
                    entries.append(value)
            for group in groups:
                group(record, run, entries)
            return entries or None

        return read

    def group(self, group: GroupNode) -> Callable[[Record, Run, list[Any]], None]:
        get, name = getter(group.source), path_text(group.source)
        test = condition_test(group.spec.when)
        build = self.level(group.level)
        needs_sequence = "sequence" in unmapped_required(group.level.node)

        def read(record: Record, run: Run, entries: list[Any]) -> None:
            records = get(record)
            if records is None:
                return
            outer = run.trail
            for index, each in enumerate(records if records.__class__ is list else (records,)):
                run.trail = (outer, name, index)
                inner = each if each.__class__ is dict else _wrapped(each, run)
                if inner is None or (test is not None and not test(inner)):
                    continue
                found = len(run.findings)
                entry = build(inner, run)
                if entry is None:
                    if len(run.findings) == found and not run.left_out:
                        run.add(
                            "MAP-EMPTY",
                            "",
                            "the record has nothing that is mapped; it is left out",
                            Level.NOTE,
                        )
                    continue
                if needs_sequence:
                    entry["sequence"] = len(entries) + 1
                run.origins[id(entry)] = (run.trail, entry)
                entries.append(entry)
            run.trail = outer

        return read


def _wrapped(value: object, run: Run) -> Record | None:
    if isinstance(value, str):
        return {ITSELF: value}
    if value is not None:
        run.add("MAP-SHAPE", "", f"a {type(value).__name__} stands here; expected a record or a text")
    return None


def _builder(parts: tuple[tuple[str, Read], ...], fills: tuple[tuple[str, object], ...]) -> Read:
    def build(record: Record, run: Run) -> dict[str, Any] | None:
        out = {}
        for name, read in parts:
            value = read(record, run)
            if value is not None:
                out[name] = value
        if not out:
            return None
        for name, fill in fills:
            if name not in out:
                out[name] = fill
        return out

    return build


def _with_date(read_date: Read, build: Read, node: ObjectNode) -> Read:
    fills = tuple(node.fills.items())
    return lambda record, run: dated(read_date(record, run), build(record, run), fills)


def dated(
    value: DateValue | None, out: dict[str, Any] | None, fills: tuple[tuple[str, object], ...]
) -> dict[str, Any] | None:
    """Give a date that is an entry of a list, with what else is mapped to the entry."""
    if value is None:
        return out
    parts: dict[str, Any] = {"date": value.date, "at": value.at, "zone": value.zone, "text": value.text}
    return dict(fills) | {name: part for name, part in parts.items() if part is not None} | (out or {})


def _with_raw_codes(build: Read) -> Read:
    def build_with_raw(record: Record, run: Run) -> dict[str, Any] | None:
        outer = run.raw
        raw = run.raw = {}
        out: dict[str, Any] | None = build(record, run)
        run.raw = outer
        if raw and out is not None:
            out["raw_codes"] = {**raw, **out["raw_codes"]} if "raw_codes" in out else raw
        return out

    return build_with_raw


def is_apart(node: ObjectNode) -> bool:
    """Say whether an object is read by a closure of its own: a date, or one that keeps codes as sent."""
    return node.whole is not None or ("raw_codes" in node.model.model_fields and keeps_raw(node))


def keeps_raw(node: ObjectNode) -> bool:
    """Say whether code maps keep their codes in this object, rather than in one below that has its own."""
    for member in (*node.members.values(), *([node.whole] if node.whole else [])):
        if isinstance(member, Leaf) and member.converter.keeps_raw:
            return True
        below = [member] if isinstance(member, ObjectNode) else []
        if isinstance(member, ListNode):
            below = [slot.node for slot in member.slots if isinstance(slot.node, ObjectNode)]
            if any(isinstance(slot.node, Leaf) and slot.node.converter.keeps_raw for slot in member.slots):
                return True
        if any("raw_codes" not in each.model.model_fields and keeps_raw(each) for each in below):
            return True
    return any(leaf.converter.keeps_raw for leaves in node.free.values() for leaf in leaves.values())


def unmapped_required(node: ObjectNode) -> set[str]:
    """Give the fields that an object must have and no mapping fills."""
    fields = node.model.model_fields
    return {name for name, info in fields.items() if info.is_required() and name not in node.members}


def _free_reader(leaves: Mapping[str, Leaf]) -> Read:
    fixed = tuple(
        (name, leaf.converter.constant) for name, leaf in leaves.items() if leaf.spec.const is not None
    )
    read = [
        (name, leaf) for name, leaf in leaves.items() if leaf.spec.const is None and leaf.spec.only != "write"
    ]
    return _builder(tuple((name, leaf_reader(leaf)) for name, leaf in read), fixed)
