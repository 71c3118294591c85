"""Messages in the memory journal: acceptance by arrival key, refusals, and what is to be translated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import Finding, Origin
from gateway.journal.base import UnknownError
from gateway.journal.findings import arrival_conflict
from gateway.journal.memory.records import MessageRecord, SortedNumbers, Tables
from gateway.journal.types import Acceptance, Arrival, ArrivalKind, Message, MessageState


def accept(tables: Tables, arrival: Arrival, body: bytes, *, dedupes: bool) -> Acceptance:
    """Write a message, or find the one that it is.

    Errors: ValueError for another hash or size than announced, and for a message id in use.
    """
    sha256 = hashlib.sha256(body).hexdigest()
    _check_announced(arrival, sha256, len(body))
    known = _known(tables, arrival) if dedupes else []
    for earlier in known:
        if earlier.view.sha256 == sha256:
            first = known[0].view.message_id
            return Acceptance(
                message_id=earlier.view.message_id,
                kind=ArrivalKind.SAME,
                state=earlier.view.state,
                repeat_of=earlier.view.repeat_of,
                conflicts_with=None if earlier is known[0] else first,
            )
    if arrival.message_id in tables.messages:
        raise ValueError(f"message id {arrival.message_id} is in use; expected a new one")
    repeat_of = None if known else tables.bodies.get((arrival.route, sha256))
    record = MessageRecord(_view(tables, arrival, sha256, len(body), repeat_of), body)
    if known:
        conflict = arrival_conflict(arrival, known[0].view.message_id)
        record.view = replace(record.view, state=MessageState.PARKED, findings=(conflict,))
        record.parked_at = arrival.accepted_at
    _add(tables, record)
    return Acceptance(
        message_id=arrival.message_id,
        kind=ArrivalKind.CONFLICT if known else ArrivalKind.NEW,
        state=record.view.state,
        repeat_of=repeat_of,
        conflicts_with=known[0].view.message_id if known else None,
    )


def accept_together(
    tables: Tables, inputs: Sequence[tuple[Arrival, bytes]], *, dedupes: bool
) -> list[Acceptance]:
    """Write messages in their order, or none. Errors: ValueError, as ``accept``."""
    for arrival, body in inputs:
        _check_announced(arrival, hashlib.sha256(body).hexdigest(), len(body))
    ids = {arrival.message_id for arrival, _ in inputs}
    if len(ids) < len(inputs) or not tables.messages.keys().isdisjoint(ids):
        raise ValueError("a message id is in use, or twice among them; expected new ones")
    return [accept(tables, arrival, body, dedupes=dedupes) for arrival, body in inputs]


def add_planned(tables: Tables, arrival: Arrival, sha256: str, body: bytes) -> MessageRecord:
    """Write a message of the gateway's own that needs no translation."""
    view = replace(_view(tables, arrival, sha256, len(body), None), state=MessageState.PLANNED)
    record = MessageRecord(replace(view, planned_through=2), body, generation_begun=1)
    _add(tables, record)
    return record


def refuse(tables: Tables, route: str, origin: Origin, finding: Finding, at: datetime) -> str:
    """Keep the finding of a refused input as a message without a body; give its id."""
    sequence = len(tables.messages) + 1
    view = Message(
        message_id=f"refused-{sequence}",
        route=route,
        state=MessageState.REFUSED,
        arrival_key=None,
        partner=None,
        sha256="",
        size_bytes=0,
        origin=origin,
        correlation_id="",
        accepted_at=at,
        is_urgent=False,
        config_revision=0,
        generation=1,
        resend=False,
        planned_through=0,
        sequence=sequence,
        findings=(finding,),
    )
    _add(tables, MessageRecord(view, None))
    return view.message_id


def count_refused(tables: Tables, since: datetime) -> int:
    """Count what was refused at a moment or later."""
    views = (record.view for record in tables.messages.values())
    return sum(each.state is MessageState.REFUSED and each.accepted_at >= since for each in views)


def message_record(tables: Tables, message_id: str) -> MessageRecord:
    """Give a message's record. Errors: UnknownError."""
    record = tables.messages.get(message_id)
    if record is None:
        raise UnknownError(f"there is no message {message_id}")
    return record


def listed(
    tables: Tables, route: str | None, states: Sequence[MessageState], before_sequence: int | None, limit: int
) -> list[Message]:
    """List messages, newest first."""
    found: list[Message] = []
    for record in reversed(tables.messages.values()):
        view = record.view
        if len(found) >= limit:
            break
        if before_sequence is not None and view.sequence >= before_sequence:
            continue
        if route in (None, view.route) and (not states or view.state in states):
            found.append(view)
    return found


def next_to_translate(tables: Tables, route: str, urgent: bool, limit: int) -> list[Message]:
    """Give the oldest messages of a translation lane."""
    waiting = tables.to_translate.get((route, urgent))
    return [tables.by_sequence[number].view for number in waiting.numbers[:limit]] if waiting else []


def routes_to_translate(tables: Tables) -> list[tuple[str, bool]]:
    """Give the translation lanes that are not empty."""
    return sorted(lane for lane, waiting in tables.to_translate.items() if waiting.numbers)


def begin_translation(tables: Tables, message_id: str, config_revision: int) -> Message:
    """Mark a message TRANSLATING and fix its configuration, unless that has been done."""
    record = message_record(tables, message_id)
    if record.view.state is MessageState.ACCEPTED:
        set_view(
            tables,
            record,
            replace(record.view, state=MessageState.TRANSLATING, config_revision=config_revision),
        )
    return record.view


def begin_together(
    tables: Tables, message_ids: Sequence[str], config_revision: int, piece_bytes: int
) -> list[tuple[Message, bytes | None]]:
    """Mark messages TRANSLATING, or none; give each with its body where that is one piece."""
    records = [message_record(tables, message_id) for message_id in message_ids]
    begun = [begin_translation(tables, message_id, config_revision) for message_id in message_ids]
    return [
        (message, record.body if message.size_bytes <= piece_bytes else None)
        for message, record in zip(begun, records, strict=True)
    ]


def begin_generation(tables: Tables, record: MessageRecord, *, resend: bool) -> int:
    """Have a message translated anew. Errors: UnknownError where its bytes are gone."""
    if record.body is None:
        raise UnknownError(f"the bytes of message {record.view.message_id} are not kept (any more)")
    for index in sorted(record.documents):
        document = record.documents[index]
        document.plan = replace(document.plan, awaits=None)
        tables.awaiting.pop((record.view.message_id, index), None)
        record.former_documents.append(document)
    record.documents, record.opened, record.openers = {}, {}, {}
    record.parked_at, record.is_resolved = None, False
    view = replace(
        record.view,
        state=MessageState.ACCEPTED,
        generation=record.view.generation + 1,
        resend=resend,
        planned_through=0,
        findings=(),
        interchanges=(),
    )
    set_view(tables, record, view)
    return view.generation


def set_view(tables: Tables, record: MessageRecord, view: Message) -> None:
    """Change a message, keeping the translation lanes true."""
    record.view = view
    lane = tables.to_translate.setdefault((view.route, view.is_urgent), SortedNumbers())
    if record.is_to_translate:
        lane.add(view.sequence)
    else:
        lane.discard(view.sequence)


def _check_announced(arrival: Arrival, sha256: str, size_bytes: int) -> None:
    if arrival.sha256 not in ("", sha256) or arrival.size_bytes not in (0, size_bytes):
        raise ValueError(
            f"message {arrival.message_id}: {size_bytes} bytes with SHA-256 {sha256} arrived; "
            f"{arrival.size_bytes} bytes with {arrival.sha256} were announced"
        )


def _known(tables: Tables, arrival: Arrival) -> list[MessageRecord]:
    if arrival.arrival_key is None:
        return []
    ids = tables.arrivals.get((arrival.route, arrival.arrival_key), [])
    return [tables.messages[message_id] for message_id in ids]


def _view(tables: Tables, arrival: Arrival, sha256: str, size_bytes: int, repeat_of: str | None) -> Message:
    view = arrival.message(len(tables.messages) + 1, repeat_of)
    return replace(view, sha256=sha256, size_bytes=size_bytes)


def _add(tables: Tables, record: MessageRecord) -> None:
    view = record.view
    tables.messages[view.message_id] = record
    tables.by_sequence[view.sequence] = record
    if view.arrival_key is not None:
        tables.arrivals.setdefault((view.route, view.arrival_key), []).append(view.message_id)
    if view.sha256:
        tables.bodies.setdefault((view.route, view.sha256), view.message_id)
    set_view(tables, record, view)
