"""What is wrong with a mapping before anything is read: gaps on either side, promises it cannot keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adapters.base.findings import Finding, Level, Position
from adapters.base.yaml import Node
from adapters.mapping.plan import GroupNode, Leaf, LevelNode, ListNode, ObjectNode, Plan, build_plan
from adapters.mapping.read_checks import read_paths
from adapters.mapping.records import (
    ITSELF,
    SourceField,
    SourcePath,
    declared,
    leaves,
    name_of,
    path_text,
    source_path,
)
from adapters.mapping.shapes import PathError, required_names
from adapters.mapping.spec import Condition, GroupSpec, NotSpec, read_spec
from adapters.mapping.totals import check_total_path


def check_mapping(node: Node, source_fields: Sequence[SourceField] = ()) -> list[Finding]:
    """Give everything that is wrong with a mapping file, and what a person should know about it.

    REJECTED: it cannot be used (MAP-FORM, MAP-DOCUMENT, MAP-PATH, MAP-VALUE, MAP-UNFILLED,
    MAP-SOURCE, MAP-INVERSE). ERROR: a source field that nothing reads (MAP-UNREAD). NOTE: a word that
    loses its code (MAP-CODES). Without source fields, what concerns them is not judged.
    """
    spec = read_spec(node)
    if isinstance(spec, list):
        return spec
    plan = build_plan(spec, node)
    return plan if isinstance(plan, list) else check_plan(plan, source_fields)


def check_plan(plan: Plan, source_fields: Sequence[SourceField]) -> list[Finding]:
    """Give the findings of a plan, in the order of the file."""
    found = [*plan.findings, *_level_findings(plan, plan.root, source_fields)]
    return sorted(found, key=lambda finding: (finding.at.line or 0, finding.at.column or 0))


def _level_findings(plan: Plan, level: LevelNode, fields: Sequence[SourceField]) -> Iterator[Finding]:
    direction = plan.spec.direction
    if direction != "write":
        yield from _unfilled(level.node, level, "")
        if fields and not level.spec.rest:
            yield from _unread(level, fields)
    if direction != "read" and fields:
        yield from _unwritten(level, fields)
    if fields:
        yield from _undeclared(level, fields)
    yield from _totals(level)
    for leaf in level.leaves:
        if direction == "both":
            yield from (_inverse(leaf.at, loss) for loss in losses_of(leaf))
        yield from (Finding("MAP-CODES", leaf.at, note, Level.NOTE) for note in leaf.converter.notes)
    for group in level.groups:
        if direction == "both":
            yield from (_inverse(group.at, loss) for loss in group_losses(group))
        field = declared(fields, group.source)
        yield from _level_findings(plan, group.level, field.fields if field else ())


def _inverse(at: Position, loss: str) -> Finding:
    return Finding(
        "MAP-INVERSE", at, f"this cannot be mapped both ways: {loss}; say direction: read or write"
    )


def losses_of(leaf: Leaf) -> list[str]:
    """Say why a field does not promise that what it writes reads the same."""
    return [*leaf.converter.losses, *_condition_losses(leaf.spec.when.values())]


def group_losses(group: GroupNode) -> list[str]:
    """Say why a group does not promise that what it writes reads the same."""
    return _condition_losses(group.spec.when.values())


def _condition_losses(conditions: Iterable[Condition]) -> list[str]:
    return (
        ["a condition with not writes nothing"]
        if any(isinstance(each, NotSpec) for each in conditions)
        else []
    )


def _unfilled(node: ObjectNode, level: LevelNode, path: str) -> Iterator[Finding]:
    """Tell the required fields of every object that the mapping makes, where nothing fills them."""
    dated = {"date"} if node.whole is not None else set()
    filled = node.members.keys() | node.fills.keys() | node.free.keys() | dated | {"sequence"}
    for name in required_names(node.model):
        if name not in filled:
            text = f"nothing fills {path}{name}, which {node.model.__name__} requires"
            yield Finding("MAP-UNFILLED", level.at, text)
    for name, member in node.members.items():
        if isinstance(member, ObjectNode):
            yield from _unfilled(member, level, f"{path}{name}.")
        elif isinstance(member, ListNode):
            for slot in member.slots:
                if isinstance(slot.node, ObjectNode):
                    yield from _unfilled(slot.node, level, f"{path}{name}[].")


def _unread(level: LevelNode, fields: Sequence[SourceField]) -> Iterator[Finding]:
    read = read_paths(level)
    for path, field in leaves(fields):
        if not _covered(path, read):
            place = f" ({field.at})" if field.at else ""
            text = f"nothing reads the source field {path_text(path)}{place}; map it, or list it as ignore"
            yield Finding("MAP-UNREAD", level.at, text, Level.ERROR)


def _covered(path: SourcePath, read: Sequence[SourcePath]) -> bool:
    names = [name_of(step) for step in path]
    paths = ([name_of(step) for step in each] for each in read)
    return any(names[: len(each)] == each or each[: len(names)] == names for each in paths)


def _unwritten(level: LevelNode, fields: Sequence[SourceField]) -> Iterator[Finding]:
    written = [path for leaf in level.leaves if leaf.spec.only != "read" for path in leaf.sources]
    written += [source_path(name) for leaf in level.leaves for name in leaf.spec.when]
    written += [path for path, spec, _ in level.source if not spec.ignore]
    written += [group.source for group in level.groups]
    if isinstance(level.spec, GroupSpec):
        written += [
            source_path(name) for name, each in level.spec.when.items() if not isinstance(each, NotSpec)
        ]
    for path, field in leaves(_present(fields, written)):
        if field.required and not level.spec.rest and not _covered(path, written):
            text = f"nothing writes the source field {path_text(path)}, which the source requires"
            yield Finding("MAP-UNFILLED", level.at, text)


def _present(
    fields: Sequence[SourceField], written: Sequence[SourcePath], above: SourcePath = ()
) -> list[SourceField]:
    """Leave out optional records of which nothing is written: what they require is required within them."""
    found = []
    for field in fields:
        path = (*above, field.name)
        if not field.fields or field.repeated:
            found.append(field)
        elif field.required or any(tuple(map(name_of, each[: len(path)])) == path for each in written):
            found.append(replace(field, fields=tuple(_present(field.fields, written, path))))
    return found


def _undeclared(level: LevelNode, fields: Sequence[SourceField]) -> Iterator[Finding]:
    for leaf in level.leaves:
        for path in leaf.sources:
            yield from _if_undeclared(path, fields, leaf.at)
        for name in leaf.spec.when:
            yield from _if_undeclared(source_path(name), fields, leaf.at)
    for path, _, at in level.source:
        yield from _if_undeclared(path, fields, at)
    for group in level.groups:
        yield from _if_undeclared(group.source, fields, group.at)


def _if_undeclared(path: SourcePath, fields: Sequence[SourceField], at: Position) -> Iterator[Finding]:
    if path != (ITSELF,) and declared(fields, path) is None:
        names = ", ".join(path_text(known) for known, _ in leaves(fields))
        text = f"the source has no field {path_text(path)}; it has {names[:400]}"
        yield Finding("MAP-SOURCE", at, text)


def _totals(level: LevelNode) -> Iterator[Finding]:
    for _, spec, at in level.source:
        path = spec.count or spec.sum
        if path is None:
            continue
        try:
            check_total_path(path, level.node.model, is_number=spec.sum is not None)
        except PathError as error:
            yield Finding("MAP-PATH", at, str(error))
