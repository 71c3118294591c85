"""A plan as text for a terminal: lines, not yet broken. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gateway.forecast.changes import Kind
from gateway.forecast.result import Plan, RouteCount

GROUPS_MAX = 40


def plan_lines(plan: Plan) -> Iterator[str]:
    """Give the report, what matters most first."""
    yield f"{plan.messages} messages from {plan.since:%Y-%m-%d %H:%MZ} to {plan.until:%Y-%m-%d %H:%MZ}"
    yield f"{plan.before} against {plan.after}"
    yield ""
    if not plan.messages:
        yield "There is no recorded traffic in this time: nothing was compared."
    elif not plan.changed:
        yield "Nothing would change."
    else:
        counts = ", ".join(f"{kind.value} of {plan.count(kind)}" for kind in Kind if plan.count(kind))
        yield f"{len(plan.changed)} would change: {counts}"
    for name, count in plan.routes.items():
        yield f"  {name}: {count.changed} of {count.messages} change{_sides(count)}"
    yield from _groups(plan)
    yield ""
    yield from (f"note: {each}" for each in plan.notes)


def _sides(count: RouteCount) -> str:
    if count.sides_before == count.sides_after:
        return ""
    return f"; documents by side {_counted(count.sides_before)} -> {_counted(count.sides_after)}"


def _counted(sides: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(sides.items())) or "none"


def _groups(plan: Plan) -> Iterator[str]:
    for kind in Kind:
        found = [each for each in plan.groups if each.kind is kind]
        if not found:
            continue
        yield ""
        yield f"{kind.value.upper()}"
        for each in found[:GROUPS_MAX]:
            messages = "1 message" if each.messages == 1 else f"{each.messages} messages"
            yield f"  {each.route}: {messages}: {each.what}"
            yield f"    for example {', '.join(each.examples[:2])}"
        if len(found) > GROUPS_MAX:
            yield f"  and {len(found) - GROUPS_MAX} more; --json and --html have them all"
