"""Comparisons in the file: one row a document, its facets and differences beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from adapters.base import Accepted
from gateway.journal.comparisons import (
    AttemptCount,
    AttemptSort,
    Comparison,
    ComparisonCounts,
    ComparisonState,
    Difference,
    DifferenceGroup,
    DocumentInOrder,
    NoiseReading,
    is_imagined,
)
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.documents import view_of
from gateway.journal.sqlite.exchanges import read_reply_head
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none, to_micros, to_micros_or_none
from gateway.journal.sqlite.json_columns import dump_strings, load_origin, load_outcome, load_strings
from gateway.journal.sqlite.views import delivery_view
from gateway.journal.types import DeliveryView, DocumentView

DELIVERIES_LOOKED_AT = 20_000


def documents_after(
    db: Database, message_routes: Sequence[str], position: int, limit: int
) -> tuple[list[DocumentInOrder], int]:
    """Give documents in the order of planning; and the position up to which everything was looked at."""
    last = int(db.value("comparison.last_document"))
    rows = db.rows("comparison.documents_after", (position, last, dump_strings(message_routes), limit))
    found = [
        DocumentInOrder(
            at,
            route,
            partner,
            from_micros(accepted_at),
            view_of(db, tuple(columns)),
            load_origin(origin).transport,
        )
        for at, route, partner, accepted_at, origin, *columns in rows
    ]
    return found, (found[-1].position if len(found) == limit else max(last, position))


def one_document(
    db: Database, message_id: str, document_index: int
) -> tuple[DocumentView, list[DeliveryView]] | None:
    """Give one document of the present generation, with its deliveries and those of the whole message."""
    row = db.row("comparison.one_document", (message_id, document_index))
    if row is None:
        return None
    rows = db.rows("comparison.deliveries_of_document", (message_id, document_index))
    return view_of(db, row), [delivery_view(db, each) for each in rows]


def note(db: Database, comparisons: Sequence[Comparison]) -> None:
    """Write comparisons in the place of earlier ones of the same documents."""
    for each in comparisons:
        known = db.row("comparison.known", (each.message_id, each.document_index))
        if known is not None and known[1] > each.generation:
            continue
        if known is not None:
            _forget(db, known[0])
        _insert(db, known[0] if known is not None else None, each)


def _insert(db: Database, number: int | None, each: Comparison) -> None:
    columns = (
        each.message_id, each.document_index, each.generation, each.route, each.order_key, each.document_type,
        each.state.value, to_micros(each.accepted_at), to_micros(each.due_at),
        to_micros_or_none(each.compared_at), each.evidence, each.reason, each.shadow,
        each.legacy_s, each.cloud_s, each.left_out,
    )  # fmt: skip
    db.run("comparison.insert", (number, *columns))
    number = db.connection.last_insert_rowid()
    db.run_many("comparison.add_facet", ((number, kind, word) for kind, word in each.facets))
    db.run_many(
        "comparison.add_difference",
        (
            (number, place, one.group_id, one.surface, one.kind, one.pattern, one.path, one.legacy, one.cloud)
            for place, one in enumerate(each.differences)
        ),
    )


def _forget(db: Database, number: int) -> None:
    for statement in ("forget_facets", "forget_differences", "forget"):
        db.run(f"comparison.{statement}", (number,))


def newest(
    db: Database,
    route: str | None,
    state: ComparisonState | None,
    order_key: str | None,
    place: tuple[str | None, int | None],
    group_id: str | None,
    limit: int,
) -> list[Comparison]:
    """List comparisons, newest accepted first. ``place``: message and document index."""
    wanted = (route, state.value if state is not None else None, order_key, *place, group_id, limit)
    if order_key is not None:
        rows = db.rows("comparison.of_order", wanted)
    elif place[0] is not None:
        rows = db.rows("comparison.of_message", wanted)
    else:
        rows = db.rows("comparison.newest", wanted)
    return [_comparison(db, row) for row in rows]


def waiting(db: Database, limit: int) -> list[Comparison]:
    """Give those that wait for legacy's version, those first that are due first."""
    return [_comparison(db, row) for row in db.rows("comparison.waiting", (limit,))]


def _comparison(db: Database, row: Row) -> Comparison:
    (
        number, message_id, index, generation, route, order_key, document_type, state, accepted_at, due_at,
        compared_at, evidence, reason, shadow, legacy_s, cloud_s, left_out,
    ) = row  # fmt: skip
    return Comparison(
        message_id=message_id,
        document_index=index,
        generation=generation,
        route=route,
        order_key=order_key,
        document_type=document_type,
        state=ComparisonState(state),
        accepted_at=from_micros(accepted_at),
        due_at=from_micros(due_at),
        compared_at=from_micros_or_none(compared_at),
        evidence=evidence,
        reason=reason,
        shadow=shadow,
        legacy_s=legacy_s,
        cloud_s=cloud_s,
        facets=tuple((kind, word) for kind, word in db.rows("comparison.facets", (number,))),
        differences=tuple(Difference(*columns) for columns in db.rows("comparison.differences", (number,))),
        left_out=left_out,
    )


def groups(db: Database, route: str | None, since: datetime) -> list[DifferenceGroup]:
    """Give the groups of differences, the most frequent first."""
    at = to_micros(since)
    if route is None:
        rows = db.rows("comparison.groups", (at,))
    else:
        rows = db.rows("comparison.groups_of_route", (at, route))
    return [
        _group(db, group_id, documents, first_at, last_at) for group_id, documents, first_at, last_at in rows
    ]


def _group(db: Database, group_id: str, documents: int, first_at: int, last_at: int) -> DifferenceGroup:
    example = db.row("comparison.group_example", (group_id,))
    if example is None:
        raise ValueError(f"there is no difference of group {group_id}")
    route, surface, kind, pattern, legacy, cloud, message_id, index = example
    return DifferenceGroup(
        group_id, route, surface, kind, pattern, documents, from_micros(first_at), from_micros(last_at),
        legacy, cloud, message_id, index,
    )  # fmt: skip


def counts(db: Database, route: str, since: datetime, excused: Collection[str]) -> ComparisonCounts:
    """Count a route's comparisons."""
    wanted = (route, to_micros(since))
    judged = (*wanted, dump_strings(sorted(excused)))
    states: dict[str, int] = dict(db.rows("comparison.states", wanted))
    return ComparisonCounts(
        compared=states.get("compared", 0),
        mismatches=db.value("comparison.mismatches", judged),
        alone=states.get("alone", 0),
        waiting=states.get("waiting", 0),
        clean_in_a_row=db.value("comparison.clean_in_a_row", judged),
        shadow=dict(db.rows("comparison.shadows", wanted)),
        facets={
            (kind, word): (seen, mismatches)
            for kind, word, seen, mismatches in db.rows("comparison.facet_counts", judged)
        },
    )


def note_reading(db: Database, reading: NoiseReading) -> None:
    """Write down what two readings of one record taught."""
    patterns = dump_strings(sorted(reading.patterns))
    db.run("comparison.add_reading", (reading.route, reading.message_id, reading.document_index, patterns))


def readings(db: Database, route: str) -> list[NoiseReading]:
    """Give a route's readings, the newest thousand."""
    return [
        NoiseReading(name, message_id, index, frozenset(load_strings(patterns)))
        for name, message_id, index, patterns in db.rows("comparison.readings", (route,))
    ]


def attempt_counts(db: Database, target: str, since: datetime) -> list[AttemptCount]:
    """Count the attempts at a target, by role, route and sets."""
    rows = db.rows("comparison.attempts", (DELIVERIES_LOOKED_AT, target, to_micros(since)))
    sorts: dict[AttemptSort, tuple[list[bool], list[float]]] = {}
    for role, route, sets, started_at, ended_at, stored, delivery_id, number, reply_head in rows:
        if ended_at is None:
            continue
        outcome = load_outcome(stored)
        if role == "shadow" and is_imagined(read_reply_head(db, delivery_id, number, reply_head), outcome):
            continue
        sort = role, route, tuple(sorted(load_strings(sets)))
        taken, durations = sorts.setdefault(sort, ([], []))
        taken.append(isinstance(outcome, Accepted))
        durations.append((ended_at - started_at) / 1_000_000)
    return [
        AttemptCount(*sort, sum(taken), len(taken) - sum(taken), tuple(durations))
        for sort, (taken, durations) in sorted(sorts.items())
    ]


def prune(db: Database, before: datetime, limit: int) -> int:
    """Forget at most ``limit`` comparisons of documents accepted before then; give how many."""
    numbers = [row[0] for row in db.rows("comparison.old", (to_micros(before), limit))]
    for number in numbers:
        _forget(db, number)
    return len(numbers)
