"""JSON columns: findings, origins, outcomes, keys. Written compactly, read back to the same values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Finding,
    InDoubt,
    Interchange,
    Origin,
    Outcome,
    Rejected,
    Role,
    Transient,
    TransientKind,
    Unit,
    UnitKind,
)
from gateway.journal.sqlite.instants import from_micros, to_micros

EMPTY = "[]"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(value: Any) -> str:
    """Give a JSON text."""
    return _encode(value)


def dump_strings(strings: Sequence[str]) -> str:
    """Give a list of strings; most are empty."""
    return _encode(list(strings)) if strings else EMPTY


def load_strings(text: str) -> tuple[str, ...]:
    """Give the strings of a list."""
    return () if text == EMPTY else tuple(json.loads(text))


def dump_mapping(mapping: Mapping[str, str]) -> str:
    """Give an object of strings."""
    return _encode(dict(mapping))


def load_mapping(text: str) -> dict[str, str]:
    """Give the strings of an object."""
    loaded: dict[str, str] = json.loads(text)
    return loaded


def dump_findings(findings: Iterable[Finding]) -> str:
    """Give findings as a list."""
    return _encode([finding.to_json() for finding in findings])


def load_findings(text: str) -> tuple[Finding, ...]:
    """Give findings back."""
    return () if text == EMPTY else tuple(Finding.from_json(entry) for entry in json.loads(text))


def dump_origin(origin: Origin) -> str:
    """Give an origin as a list, in the order of its fields."""
    return _encode(
        [
            origin.transport,
            to_micros(origin.received_at),
            origin.name,
            origin.peer,
            origin.identity,
            origin.content_type,
            dict(origin.facts),
        ]
    )


def load_origin(text: str) -> Origin:
    """Give an origin back."""
    transport, received_at, *rest = json.loads(text)
    return Origin(transport, from_micros(received_at), *rest)


def dump_units(units: Iterable[Unit]) -> str:
    """Give acceptance units as [kind, key] pairs."""
    return _encode([[unit.kind.value, unit.key] for unit in units])


def load_units(text: str) -> tuple[Unit, ...]:
    """Give acceptance units back."""
    return () if text == EMPTY else tuple(Unit(UnitKind(kind), key) for kind, key in json.loads(text))


def dump_names(order_numbers: Sequence[str], order_keys: Sequence[str], tellers: Sequence[str]) -> str:
    """Give the names of orders that are waited for, numbers and keys apart, and whose names count."""
    return _encode([list(order_numbers), list(order_keys), *([list(tellers)] if tellers else [])])


def load_names(text: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Give order numbers, order keys and tellers back."""
    order_numbers, order_keys, *tellers = json.loads(text)
    return tuple(order_numbers), tuple(order_keys), tuple(tellers[0]) if tellers else ()


def dump_pairs(pairs: Sequence[tuple[str, Role]]) -> str:
    """Give (target, role) pairs."""
    return _encode(pairs) if pairs else EMPTY


def load_pairs(text: str) -> tuple[tuple[str, Role], ...]:
    """Give (target, role) pairs back."""
    return () if text == EMPTY else tuple((target, role) for target, role in json.loads(text))


def dump_interchanges(interchanges: Iterable[Interchange]) -> str:
    """Give envelopes, their facts as they are."""
    return _encode(
        [
            [one.sender, one.receiver, one.control_number, one.is_acknowledgment, dict(one.facts)]
            for one in interchanges
        ]
    )


def load_interchanges(text: str) -> tuple[Interchange, ...]:
    """Give envelopes back."""
    if text == EMPTY:
        return ()
    return tuple(
        Interchange(_pair(sender), _pair(receiver), number, is_acknowledgment, facts)
        for sender, receiver, number, is_acknowledgment, facts in json.loads(text)
    )


def _pair(parts: Sequence[str] | None) -> tuple[str, str] | None:
    return None if parts is None else (parts[0], parts[1])


def dump_outcome(outcome: Outcome | None) -> str | None:
    """Give an outcome, its kind first."""
    match outcome:
        case None:
            return None
        case Accepted(reference, aliases):
            names = [[alias.kind.value, alias.number, alias.line, alias.line_number] for alias in aliases]
            return _encode(["accepted", reference, names])
        case Transient(reason, kind, retry_after_s):
            return _encode(["transient", reason, kind.value, retry_after_s])
        case Rejected(findings):
            return _encode(["rejected", [finding.to_json() for finding in findings]])
        case InDoubt(reason):
            return _encode(["in_doubt", reason])


def load_outcome(text: str | None) -> Outcome | None:
    """Give an outcome back."""
    if text is None:
        return None
    match json.loads(text):
        case ["accepted", reference, aliases]:
            named = (Alias(AliasKind(kind), number, line, own) for kind, number, line, own in aliases)
            return Accepted(reference, tuple(named))
        case ["transient", reason, kind, retry_after_s]:
            return Transient(reason, TransientKind(kind), retry_after_s)
        case ["rejected", findings]:
            return Rejected(tuple(Finding.from_json(entry) for entry in findings))
        case ["in_doubt", reason]:
            return InDoubt(reason)
        case other:
            raise ValueError(f"an outcome of an unknown kind: {other!r}")
