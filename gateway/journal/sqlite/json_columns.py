"""JSON columns: findings, origins, outcomes, keys. Written compactly, read back to the same values.

By pydantic's encoder, which writes the same text as the standard library's in a tenth of the time: measured,
4 to 7 microseconds for one column there, and a message has a dozen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

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
from gateway.journal.sqlite.cipher import DamagedRecordError
from gateway.journal.sqlite.instants import from_micros, to_micros

EMPTY = "[]"


def dump(value: Any) -> str:
    """Give a JSON text."""
    return to_json(value).decode()


def load(text: str | bytes) -> Any:
    """Give the value of a JSON text. Errors: DamagedRecordError."""
    try:
        return from_json(text)
    except ValueError as error:
        raise DamagedRecordError("of a JSON column") from error


def dump_strings(strings: Sequence[str]) -> str:
    """Give a list of strings; most are empty."""
    return dump(list(strings)) if strings else EMPTY


def load_strings(text: str) -> tuple[str, ...]:
    """Give the strings of a list."""
    return () if text == EMPTY else tuple(load(text))


def dump_mapping(mapping: Mapping[str, str]) -> str:
    """Give an object of strings."""
    return dump(dict(mapping))


def load_mapping(text: str) -> dict[str, str]:
    """Give the strings of an object."""
    loaded: dict[str, str] = load(text)
    return loaded


def dump_findings(findings: Sequence[Finding]) -> str:
    """Give findings as a list; mostly there are none."""
    return EMPTY if not findings else dump([finding.to_json() for finding in findings])


def load_findings(text: str) -> tuple[Finding, ...]:
    """Give findings back."""
    return () if text == EMPTY else tuple(Finding.from_json(entry) for entry in load(text))


def dump_origin(origin: Origin) -> str:
    """Give an origin as a list, in the order of its fields."""
    return dump(
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
    transport, received_at, *rest = load(text)
    return Origin(transport, from_micros(received_at), *rest)


def dump_units(units: Iterable[Unit]) -> str:
    """Give acceptance units as [kind, key] pairs."""
    # .value: pydantic's encoder takes more than a microsecond for each member of an enumeration.
    return dump([(unit.kind.value, unit.key) for unit in units])


def load_units(text: str) -> tuple[Unit, ...]:
    """Give acceptance units back."""
    return () if text == EMPTY else tuple(Unit(UnitKind(kind), key) for kind, key in load(text))


def dump_names(order_numbers: Sequence[str], order_keys: Sequence[str], tellers: Sequence[str]) -> str:
    """Give the names of orders that are waited for, numbers and keys apart, and whose names count."""
    return dump([list(order_numbers), list(order_keys), *([list(tellers)] if tellers else [])])


def load_names(text: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Give order numbers, order keys and tellers back."""
    order_numbers, order_keys, *tellers = load(text)
    return tuple(order_numbers), tuple(order_keys), tuple(tellers[0]) if tellers else ()


def dump_pairs(pairs: Sequence[tuple[str, Role]]) -> str:
    """Give (target, role) pairs."""
    return dump(pairs) if pairs else EMPTY


def load_pairs(text: str) -> tuple[tuple[str, Role], ...]:
    """Give (target, role) pairs back."""
    return () if text == EMPTY else tuple((target, role) for target, role in load(text))


def dump_interchanges(interchanges: Iterable[Interchange]) -> str:
    """Give envelopes, their facts as they are."""
    return dump(
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
        for sender, receiver, number, is_acknowledgment, facts in load(text)
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
            return dump(["accepted", reference, names])
        case Transient(reason, kind, retry_after_s):
            return dump(["transient", reason, kind.value, retry_after_s])
        case Rejected(findings):
            return dump(["rejected", [finding.to_json() for finding in findings]])
        case InDoubt(reason):
            return dump(["in_doubt", reason])


def load_outcome(text: str | None) -> Outcome | None:
    """Give an outcome back."""
    if text is None:
        return None
    match load(text):
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
