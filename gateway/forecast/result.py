"""A plan's result: what changes, alike changes together, and what a reader must know beside it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.forecast.changes import Change, Kind, changes
from gateway.forecast.model import MessageForecast

EXAMPLES_MAX = 5
NOT_PREDICTED = (
    "what an ERP or a legacy system would answer is not predicted: a request counts as taken, a look-up as "
    "finding nothing"
)


@dataclass(frozen=True, slots=True)
class Changed:
    """One message that would not come to the same, and how."""

    message_id: str
    route: str
    name: str
    accepted_at: datetime
    changes: tuple[Change, ...]

    @property
    def kinds(self) -> frozenset[Kind]:
        """Give what of it changes."""
        return frozenset(each.kind for each in self.changes)


@dataclass(frozen=True, slots=True)
class Group:
    """Alike changes: of one route and kind, saying the same."""

    route: str
    kind: Kind
    what: str
    messages: int
    places: int  # how often in all: a message may hold it in many lines
    examples: tuple[str, ...]  # message ids


@dataclass(slots=True)
class RouteCount:
    """One route's messages, and how many of them change, by kind; documents by side before and after."""

    messages: int = 0
    changed: int = 0
    by_kind: Counter[Kind] = field(default_factory=Counter)
    sides_before: Counter[str] = field(default_factory=Counter)
    sides_after: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole result."""

    since: datetime
    until: datetime
    before: str  # what is compared, in words: "configuration revision 7"
    after: str
    messages: int
    changed: tuple[Changed, ...]
    groups: tuple[Group, ...]
    routes: Mapping[str, RouteCount]
    notes: tuple[str, ...]

    def count(self, kind: Kind) -> int:
        """Count the messages of which this changes."""
        return sum(1 for each in self.changed if kind in each.kinds)


def planned(
    before: Sequence[MessageForecast],
    after: Sequence[MessageForecast],
    *,
    since: datetime,
    until: datetime,
    names: tuple[str, str],
    notes: Iterable[str] = (),
) -> Plan:
    """Compare two runs over the same messages, in the same order."""
    changed: list[Changed] = []
    routes: dict[str, RouteCount] = {}
    for was, will in zip(before, after, strict=True):
        if was.message_id != will.message_id:
            raise ValueError(f"two runs over other messages: {was.message_id} and {will.message_id}")
        count = routes.setdefault(was.route, RouteCount())
        found = changes(was, will)
        count.messages += 1
        count.sides_before.update(_sides(was))
        count.sides_after.update(_sides(will))
        if found:
            each = Changed(was.message_id, was.route, was.name, was.accepted_at, tuple(found))
            changed.append(each)
            count.changed += 1
            count.by_kind.update(each.kinds)
    return Plan(
        since, until, *names, len(before), tuple(changed), _groups(changed), routes, (*notes, NOT_PREDICTED)
    )


def _sides(forecast: MessageForecast) -> list[str]:
    return [each.side or ("parked" if each.is_parked else "no side") for each in forecast.documents]


def _groups(changed: Iterable[Changed]) -> tuple[Group, ...]:
    messages: dict[tuple[str, Kind, str], dict[str, None]] = {}
    places = Counter[tuple[str, Kind, str]]()
    for each in changed:
        for change in each.changes:
            key = (each.route, change.kind, change.what)
            messages.setdefault(key, {})[each.message_id] = None
            places[key] += 1
    made = [Group(*key, len(ids), places[key], tuple(ids)[:EXAMPLES_MAX]) for key, ids in messages.items()]
    order = list(Kind)
    return tuple(
        sorted(made, key=lambda each: (order.index(each.kind), -each.messages, each.route, each.what))
    )


def plan_view(plan: Plan) -> dict[str, Any]:
    """Give the result as JSON."""
    return {
        "since": plan.since.isoformat(),
        "until": plan.until.isoformat(),
        "before": plan.before,
        "after": plan.after,
        "messages": plan.messages,
        "changed": len(plan.changed),
        "by_kind": {kind.value: plan.count(kind) for kind in Kind},
        "routes": {
            name: {
                "messages": each.messages,
                "changed": each.changed,
                "by_kind": {kind.value: each.by_kind[kind] for kind in Kind},
                "sides_before": dict(each.sides_before),
                "sides_after": dict(each.sides_after),
            }
            for name, each in plan.routes.items()
        },
        "groups": [_group_view(each) for each in plan.groups],
        "changes": [_changed_view(each) for each in plan.changed],
        "notes": list(plan.notes),
    }


def _group_view(group: Group) -> dict[str, Any]:
    return {
        "route": group.route,
        "kind": group.kind.value,
        "what": group.what,
        "messages": group.messages,
        "places": group.places,
        "examples": list(group.examples),
    }


def _changed_view(message: Changed) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "route": message.route,
        "name": message.name,
        "accepted_at": message.accepted_at.isoformat(),
        "changes": [
            {
                "kind": change.kind.value,
                "part": change.part,
                "what": change.what,
                "at": change.at,
                "before": change.before,
                "after": change.after,
            }
            for change in message.changes
        ],
    }


def plan_of_view(view: Mapping[str, Any]) -> Plan:
    """Give the result that a JSON says, as ``plan_view`` wrote it. Errors: KeyError, ValueError."""
    changed = [
        Changed(
            each["message_id"],
            each["route"],
            each["name"],
            datetime.fromisoformat(each["accepted_at"]),
            tuple(
                Change(Kind(one["kind"]), one["part"], one["what"], one["at"], one["before"], one["after"])
                for one in each["changes"]
            ),
        )
        for each in view["changes"]
    ]
    routes = {
        name: RouteCount(
            each["messages"],
            each["changed"],
            Counter({Kind(kind): count for kind, count in each["by_kind"].items()}),
            Counter(each["sides_before"]),
            Counter(each["sides_after"]),
        )
        for name, each in view["routes"].items()
    }
    return Plan(
        datetime.fromisoformat(view["since"]),
        datetime.fromisoformat(view["until"]),
        view["before"],
        view["after"],
        view["messages"],
        tuple(changed),
        _groups(changed),
        routes,
        tuple(view["notes"]),
    )
