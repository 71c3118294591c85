"""What differs between two forecasts of one message, in words and by kind. Pure.

Values are shown only where ``messages show`` would show them: never a price, never free text. In a
request, whose fields are an ERP's own, a value is shown only where the document shows the same one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from canonical.registry import parse_document, read_json
from gateway.forecast.model import WHOLE, DeliveryForecast, MessageForecast, RequestForecast
from gateway.operations.discretion import HIDDEN, shown

ABSENT = "(absent)"
CHANGES_MAX = 200  # of one message; what a changed mapping does to a thousand lines is said once by its group


class Kind(StrEnum):
    """What of a message changes."""

    TARGET = "target"
    CANONICAL = "canonical"
    REQUEST = "request"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``what`` is the same for alike ones of other messages: they are grouped by it."""

    kind: Kind
    part: str  # "message", or a document's index
    what: str
    at: str  # the exact place: "lines[3].quantity.unit", a target
    before: str
    after: str


def changes(before: MessageForecast, after: MessageForecast) -> list[Change]:
    """Give all differences, those that a person asks about first at the beginning."""
    found: list[Change] = []
    for difference in (_targets, _outcome, _canonical, _requests):
        found.extend(difference(before, after))
    return found[:CHANGES_MAX]


def _targets(before: MessageForecast, after: MessageForecast) -> Iterator[Change]:
    is_single = max(len(before.documents), len(after.documents)) <= 1
    was, will = (_destinations(each, is_single=is_single) for each in (before, after))
    for part in sorted(was.keys() | will.keys()):
        told = [", ".join(sorted(side.get(part, ()))) or "nowhere" for side in (was, will)]
        if told[0] != told[1]:
            yield Change(Kind.TARGET, part, f"{told[0]} -> {told[1]}", "deliveries", *told)


def _destinations(forecast: MessageForecast, *, is_single: bool) -> dict[str, list[str]]:
    """Give where each part goes. ``is_single``: the bytes of the message are those of its only set."""
    found: dict[str, list[str]] = {}
    for each in forecast.deliveries:
        is_set = is_single and each.part == WHOLE and each.role != "acknowledgment"
        name = each.target if each.role == "live" else f"{each.target} ({each.role})"
        found.setdefault("0" if is_set else each.part, []).append(name)
    return found


def _outcome(before: MessageForecast, after: MessageForecast) -> Iterator[Change]:
    if (before.state, before.codes) != (after.state, after.codes):
        was, will = _stated(before.state, before.codes), _stated(after.state, after.codes)
        yield Change(Kind.OUTCOME, WHOLE, f"{was} -> {will}", "state", was, will)
    was_documents = {each.index: each for each in before.documents}
    will_documents = {each.index: each for each in after.documents}
    for index in sorted(was_documents.keys() | will_documents.keys()):
        told = []
        for known in (was_documents.get(index), will_documents.get(index)):
            if known is None:
                told.append(ABSENT)
            else:
                word = "parked" if known.is_parked else "a repeat" if known.repeats else known.verdict
                told.append(_stated(word, known.codes))
        if told[0] != told[1]:
            yield Change(Kind.OUTCOME, str(index), f"{told[0]} -> {told[1]}", "document", told[0], told[1])
    yield from _stopped(before, after)


def _stopped(before: MessageForecast, after: MessageForecast) -> Iterator[Change]:
    """Tell deliveries that stop at their target, on one side only."""
    was = {each.place: each for each in before.deliveries if each.state == "parked"}
    will = {each.place: each for each in after.deliveries if each.state == "parked"}
    for place in sorted(was.keys() | will.keys()):
        told = [_parked(side.get(place)) for side in (was, will)]
        if told[0] != told[1]:
            what = f"delivery to {place[1]}: {told[0]} -> {told[1]}"
            yield Change(Kind.OUTCOME, place[0], what, place[1], told[0], told[1])


def _parked(delivery: DeliveryForecast | None) -> str:
    return _stated("parked", delivery.codes) if delivery is not None else "not parked"


def _stated(word: str, codes: tuple[str, ...]) -> str:
    return f"{word} [{', '.join(codes)}]" if codes else word


def _canonical(before: MessageForecast, after: MessageForecast) -> Iterator[Change]:
    was, will = before.canonical, after.canonical
    for index in sorted(was.keys() | will.keys()):
        old, new = was.get(index), will.get(index)
        if old == new:
            continue
        if old is None or new is None:
            told = ["translated" if each is not None else "not translated" for each in (old, new)]
            yield Change(Kind.CANONICAL, str(index), " -> ".join(told), "document", *told)
            continue
        yield from _fields(Kind.CANONICAL, str(index), "", read_json(old), read_json(new), _visible(old, new))


def _requests(before: MessageForecast, after: MessageForecast) -> Iterator[Change]:
    was, will = before.requests, after.requests
    shown_by_part = _visible_by_part(before, after)
    for place in sorted(was.keys() & will.keys()):
        part, target, role = place
        name = target if role == "live" else f"{target} ({role})"
        for old, new in zip(was[place], will[place], strict=False):
            if old != new:
                yield from _request(part, name, old, new, shown_by_part.get(part, _Visible({}, {})))
        if len(was[place]) != len(will[place]):
            told = [", ".join(each.step for each in side[place]) or "nothing" for side in (was, will)]
            yield Change(Kind.REQUEST, part, f"{name}: {told[0]} -> {told[1]}", name, *told)


def _request(
    part: str, name: str, old: RequestForecast, new: RequestForecast, visible: _Visible
) -> Iterator[Change]:
    line = [_worded(each) for each in (old, new)]
    if line[0] != line[1]:
        yield Change(Kind.REQUEST, part, f"{name}: {line[0]} -> {line[1]}", name, *line)
    if old.sha256 == new.sha256:
        return
    bodies = [_json(each.body) for each in (old, new)]
    if bodies[0] is None or bodies[1] is None:
        sizes = [f"{each.size_bytes} bytes" for each in (old, new)]
        yield Change(Kind.REQUEST, part, f"{name} {old.step}: other bytes", name, *sizes)
        return
    yield from _fields(Kind.REQUEST, part, f"{name} {old.step} ", bodies[0], bodies[1], visible)


def _worded(request: RequestForecast) -> str:
    """Give a request in a line; a step of files is its own method, which is said once."""
    words = dict.fromkeys((request.step, request.method, request.address.partition("?")[0]))
    return " ".join(words)


def _json(body: bytes | None) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


# -- fields ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Visible:
    """What of two documents may be shown: value by path, and all values, for requests of other shape."""

    before: Mapping[str, str]
    after: Mapping[str, str]

    def at(self, path: str, value: Any, *, is_after: bool) -> str:
        known = self.after if is_after else self.before
        if value is _MISSING:
            return ABSENT
        told = known.get(path)
        if told is not None:
            return told
        text = _text(value)
        return text if text in known.values() and text else HIDDEN


def _visible(old: bytes, new: bytes) -> _Visible:
    return _Visible(_shown(old), _shown(new))


def _shown(canonical: bytes) -> dict[str, str]:
    told = shown(parse_document(canonical), unmasked=False)
    return {path: _text(value) for path, value in _leaves(told)}


def _visible_by_part(before: MessageForecast, after: MessageForecast) -> dict[str, _Visible]:
    was, will = before.canonical, after.canonical
    found = {}
    for index in was.keys() | will.keys():
        old, new = was.get(index), will.get(index)
        by_value = [
            {f"={text}": text for text in _shown(each).values() if _is_word(text)} if each else {}
            for each in (old, new)
        ]
        found[str(index)] = _Visible(by_value[0], by_value[1])
    return found


def _is_word(text: str) -> bool:
    """Tell whether a value may be told apart from a price: a number of equal digits may be one."""
    return text != HIDDEN and any(each.isalpha() for each in text)


class _Missing:
    """Stands for a field that is not there."""


_MISSING = _Missing()


def _fields(kind: Kind, part: str, prefix: str, old: Any, new: Any, visible: _Visible) -> Iterator[Change]:
    was, will = dict(_leaves(old)), dict(_leaves(new))
    for path in dict.fromkeys((*was, *will)):
        one, other = was.get(path, _MISSING), will.get(path, _MISSING)
        if one == other:
            continue
        told = (visible.at(path, one, is_after=False), visible.at(path, other, is_after=True))
        alike = re.sub(r"\[\d+\]", "[]", path)
        yield Change(kind, part, f"{prefix}{alike}: {told[0]} -> {told[1]}", path, *told)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value that holds no other one, with its path."""
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from _leaves(each, f"{path}[{index}]")
    else:
        yield path, value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
