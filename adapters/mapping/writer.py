"""Writing: the plan compiled to closures that turn a canonical document into a source record.

The mirror of ``reader``. A source field without a value is left out of the record; whoever writes
the record knows what an absent field looks like. Two fields that want different texts in one place
are a finding, never the last one's win.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from adapters.mapping.plan import GroupNode, Leaf, LevelNode, ListNode, ObjectNode, Slot
from adapters.mapping.records import (
    ITSELF,
    Record,
    SourceField,
    container,
    declared,
    leaves,
    name_of,
    path_text,
)
from adapters.mapping.run import Run
from adapters.mapping.stores import Put, condition_writers, piece_joiners
from adapters.mapping.write_checks import required_check, rest_writer, source_writer
from adapters.mapping.write_values import leaf_writer, writes_absent


def compile_writer(root: LevelNode, mapping: str, schema: Sequence[SourceField]) -> Put:
    """Compile writing a whole document."""
    return _Compiler(mapping).level(root, schema)


class _Compiler:
    def __init__(self, mapping: str) -> None:
        self.mapping = mapping

    def level(self, level: LevelNode, schema: Sequence[SourceField]) -> Put:
        """Compile one record's writing: its object, then constants, totals, joined pieces and the rest."""
        put_object, _ = self.object(level.node, schema)
        steps: list[Put] = [*piece_joiners(level.leaves)]
        steps += [source_writer(path, spec) for path, spec, _ in level.source if not spec.ignore]
        if level.spec.rest:
            steps.append(rest_writer(self.mapping))
        steps += [required_check(path) for path, field in leaves(schema) if field.required]

        def put(value: BaseModel, out: Record, run: Run) -> None:
            put_object(value, out, run)
            for step in steps:
                step(value, out, run)

        return put

    def object(self, node: ObjectNode, schema: Sequence[SourceField]) -> tuple[Put, bool]:
        """Give the writer of an object, and whether it writes something for an absent one."""
        parts: list[tuple[str, Put, bool]] = []
        for name, member in node.members.items():
            if isinstance(member, Leaf):
                parts.append((name, leaf_writer(member), writes_absent(member)))
            elif isinstance(member, ObjectNode):
                parts.append((name, *self.object(member, schema)))
            else:
                parts.append((name, *self.entries(member, schema)))
        parts += [(name, *_free_writer(leaves_)) for name, leaves_ in node.free.items()]
        pairs = tuple((name, put) for name, put, _ in parts)
        for_absent = tuple(put for _, put, is_needed in parts if is_needed)
        put = _object_writer(pairs, for_absent, has_raw="raw_codes" in node.model.model_fields)
        if node.whole is None:
            return put, bool(for_absent)
        put_whole = leaf_writer(node.whole)

        def put_dated(value: BaseModel | None, out: Record, run: Run) -> None:
            put_whole(value, out, run)
            put(value, out, run)

        return put_dated, bool(for_absent) or writes_absent(node.whole)

    def entries(self, node: ListNode, schema: Sequence[SourceField]) -> tuple[Put, bool]:
        slots: list[tuple[Callable[[Sequence[Any]], Any], Put]] = []
        is_needed = False
        for slot in node.slots:
            if isinstance(slot.node, Leaf):
                put, needed = leaf_writer(slot.node), writes_absent(slot.node)
            else:
                put, needed = self.object(slot.node, schema)
            slots.append((_picker(slot), put))
            is_needed = is_needed or needed
        steps = [slot.step for slot in node.slots] + [group.step for group in node.groups]
        taken = [_matcher(step.selector) for step in steps if step.selector]
        groups = [(_filter(group, taken), self.group(group, schema)) for group in node.groups]

        def put_entries(entries: Sequence[Any] | None, out: Record, run: Run) -> None:
            entries = entries or ()
            for pick, put in slots:
                put(pick(entries), out, run)
            for choose, put_group in groups:
                put_group(choose(entries), out, run)

        return put_entries, is_needed

    def group(self, group: GroupNode, schema: Sequence[SourceField]) -> Put:
        field = declared(schema, group.source)
        put = self.level(group.level, field.fields if field else ())
        reach, last, name = container(group.source), name_of(group.source[-1]), path_text(group.source)
        conditions = condition_writers(group.spec.when)
        is_single = field is not None and not field.repeated

        def put_group(entries: Sequence[BaseModel], out: Record, run: Run) -> None:
            if not entries:
                return
            place = reach(out)
            records: list[Any] = place.setdefault(last, [])
            outer = run.trail
            for entry in entries:
                run.trail = (outer, name, len(records))
                record: Record = {}
                put(entry, record, run)
                for store in conditions:
                    store(record, run)
                records.append(record[ITSELF] if record.keys() == {ITSELF} else record)
            run.trail = outer
            if is_single:
                if len(records) > 1:
                    run.add(
                        "MAP-OVERFLOW",
                        name,
                        f"{len(records)} entries are to be written; the source takes one",
                    )
                place[last] = records[0]

        return put_group


def _object_writer(parts: tuple[tuple[str, Put], ...], for_absent: tuple[Put, ...], *, has_raw: bool) -> Put:
    def put(value: BaseModel | None, out: Record, run: Run) -> None:
        if value is None:
            for put_absent in for_absent:
                put_absent(None, out, run)
            return
        for name, put_part in parts:
            put_part(getattr(value, name), out, run)

    def put_with_raw(value: BaseModel | None, out: Record, run: Run) -> None:
        outer = run.raw
        run.raw = getattr(value, "raw_codes", {})
        put(value, out, run)
        run.raw = outer

    return put_with_raw if has_raw else put


def _free_writer(leaves_: Mapping[str, Leaf]) -> tuple[Put, bool]:
    parts = tuple((name, leaf_writer(leaf)) for name, leaf in leaves_.items())

    def put(value: Mapping[str, Any] | None, out: Record, run: Run) -> None:
        for name, put_part in parts:
            put_part(value.get(name) if value else None, out, run)

    return put, any(writes_absent(leaf) for leaf in leaves_.values())


def _picker(slot: Slot) -> Callable[[Sequence[Any]], Any]:
    index = slot.step.index
    if index is not None:
        return lambda entries: entries[index] if index < len(entries) else None
    matches = _matcher(slot.step.selector)
    return lambda entries: next((entry for entry in entries if matches(entry)), None)


def _matcher(selector: Sequence[tuple[str, str]]) -> Callable[[Any], bool]:
    if len(selector) == 1:
        ((name, value),) = selector
        return lambda entry: bool(getattr(entry, name) == value)
    return lambda entry: all(getattr(entry, name) == value for name, value in selector)


def _filter(
    group: GroupNode, taken: Sequence[Callable[[Any], bool]]
) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Give which entries a group writes: those of its selector, or those that nothing else selects."""
    if group.step.selector:
        matches = _matcher(group.step.selector)
        return lambda entries: [entry for entry in entries if matches(entry)]
    if not taken:
        return lambda entries: entries
    return lambda entries: [entry for entry in entries if not any(matches(entry) for matches in taken)]
