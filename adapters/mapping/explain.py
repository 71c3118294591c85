"""From a canonical path that a model refused back to the source field that filled it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.mapping.plan import Leaf, LevelNode, ListNode, Member, ObjectNode
from adapters.mapping.records import path_text
from adapters.mapping.run import Run, Trail


def source_of(
    root: LevelNode, fields: Mapping[str, Any], loc: Sequence[str | int], run: Run
) -> tuple[Trail, str]:
    """Give the record and the source path within it of pydantic's ``loc``; "" where no field fills it."""
    trail: Trail = ()
    value: Any = fields
    member: Member | None = root.node
    for part in loc:
        value = _below(value, part)
        member = _member_at(member, part, value)
        origin = run.origins.get(id(value))
        if origin is not None:
            trail = origin[0]
    leaf = _first_leaf(member)
    return trail, path_text(leaf.sources[0]) if leaf is not None and leaf.sources else ""


def _below(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _member_at(member: Member | None, part: str | int, value: Any) -> Member | None:
    """Go one step down the plan; an entry of a list belongs to the slot or group whose fills it has."""
    match member:
        case ObjectNode():
            if part in member.free and isinstance(part, str):
                return ObjectNode(member.model, dict(member.free[part]))
            return member.members.get(str(part), member.whole)
        case ListNode():
            nodes: list[ObjectNode | Leaf] = [slot.node for slot in member.slots]
            nodes += [group.level.node for group in member.groups]
            if isinstance(value, dict):
                matching = (
                    each for each in nodes if isinstance(each, ObjectNode) and _has_fills(value, each)
                )
                return next(matching, None)
            return next((each for each in nodes if isinstance(each, Leaf)), None)
        case _:
            return member


def _has_fills(value: Mapping[str, Any], node: ObjectNode) -> bool:
    return all(value.get(name) == fill for name, fill in node.fills.items())


def _first_leaf(member: Member | None) -> Leaf | None:
    """Give a leaf at or below a place, preferring one that stands there itself."""
    match member:
        case Leaf():
            return member
        case ObjectNode():
            return next(
                (leaf for each in member.members.values() if (leaf := _first_leaf(each))), member.whole
            )
        case _:
            return None
