"""Messages: accepting, refusing, reading and beginning to translate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.base import Finding, Origin
from gateway.journal.base import UnknownError
from gateway.journal.findings import arrival_conflict
from gateway.journal.sqlite.bodies import PIECE_BYTES, drop_staged, read_piece, unstage, write_body
from gateway.journal.sqlite.cipher import DamagedRecordError
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, to_micros
from gateway.journal.sqlite.json_columns import (
    EMPTY,
    dump_findings,
    dump_origin,
    load_findings,
    load_interchanges,
    load_origin,
)
from gateway.journal.types import Acceptance, Arrival, ArrivalKind, Message, MessageState


def accept(db: Database, arrival: Arrival, sha256: str, size_bytes: int, body: bytes | int) -> Acceptance:
    """Write a message; ``body`` is its bytes, or the id of a staged body."""
    first = _first_of_key(db, arrival)
    if first is not None:
        same = db.row("message.same_key_and_bytes", (arrival.route, arrival.arrival_key, sha256))
        if same is not None:
            if isinstance(body, int):
                drop_staged(db, body)
            return _known(same, first)
    if isinstance(body, int):
        unstage(db, body)
        body_id = body
    else:
        body_id = write_body(db, body_owner(arrival.message_id), body)
    if first is not None:
        return _accept_conflict(db, arrival, sha256, size_bytes, body_id, first)
    repeat_of = db.value("message.same_bytes", (_head(sha256), sha256, arrival.route))
    sequence = _insert(db, arrival, sha256, size_bytes, body_id, MessageState.ACCEPTED, repeat_of)
    if arrival.arrival_key is not None:
        _remember(db, arrival, sequence)
    return Acceptance(arrival.message_id, ArrivalKind.NEW, MessageState.ACCEPTED, repeat_of)


def accept_together(db: Database, inputs: Sequence[tuple[Arrival, str, bytes]]) -> list[Acceptance]:
    """Write messages in their order: arrival, SHA-256, body of each."""
    return [accept(db, arrival, sha256, len(body), body) for arrival, sha256, body in inputs]


def body_owner(message_id: str) -> str:
    """Give the name under which a message's body is sealed."""
    return f"message:{message_id}"


def _first_of_key(db: Database, arrival: Arrival) -> str | None:
    """Give the first message of an arrival key, if there is one."""
    if arrival.arrival_key is None or not db.dedupes:
        return None
    sequence = db.value("message.by_arrival_key", (arrival.route, arrival.arrival_key))
    return None if sequence is None else str(db.value("message.id_of", (sequence,)))


def _known(same: Row, first: str) -> Acceptance:
    message_id, state, repeat_of = same
    conflicts_with = None if message_id == first else first
    return Acceptance(message_id, ArrivalKind.SAME, MessageState(state), repeat_of, conflicts_with)


def _accept_conflict(
    db: Database, arrival: Arrival, sha256: str, size_bytes: int, body_id: int, first: str
) -> Acceptance:
    finding = arrival_conflict(arrival, first)
    sequence = _insert(
        db, arrival, sha256, size_bytes, body_id, MessageState.PARKED, None, dump_findings((finding,))
    )
    _remember(db, arrival, sequence)
    return Acceptance(arrival.message_id, ArrivalKind.CONFLICT, MessageState.PARKED, conflicts_with=first)


def _insert(
    db: Database,
    arrival: Arrival,
    sha256: str,
    size_bytes: int,
    body_id: int,
    state: MessageState,
    repeat_of: str | None,
    findings: str = EMPTY,
) -> int:
    accepted_at = to_micros(arrival.accepted_at)
    db.run(
        "message.insert",
        (
            arrival.message_id,
            arrival.route,
            state,
            arrival.arrival_key,
            arrival.partner,
            sha256,
            _head(sha256),
            size_bytes,
            dump_origin(arrival.origin),
            arrival.correlation_id,
            accepted_at,
            arrival.is_urgent,
            arrival.config_revision,
            repeat_of,
            findings,
            body_id,
            accepted_at if state is MessageState.PARKED else None,
        ),
    )
    return db.connection.last_insert_rowid()


def insert_planned(db: Database, arrival: Arrival, sha256: str, body: bytes) -> int:
    """Write a message of the gateway's own that needs no translation; give its sequence."""
    body_id = write_body(db, body_owner(arrival.message_id), body)
    return _insert(db, arrival, sha256, len(body), body_id, MessageState.PLANNED, None)


def _remember(db: Database, arrival: Arrival, sequence: int) -> None:
    accepted_at = to_micros(arrival.accepted_at)
    db.run("message.remember_key", (arrival.route, arrival.arrival_key, sequence, accepted_at))


def _head(sha256: str) -> int:
    return int(sha256[:15], 16)


def refuse(db: Database, route: str, origin: Origin, finding: Finding, at: datetime) -> str:
    """Write a message without a body, REFUSED."""
    sequence = (db.value("message.last") or 0) + 1
    message_id = f"refused-{sequence}"
    db.run(
        "message.refuse",
        (sequence, message_id, route, dump_origin(origin), to_micros(at), dump_findings((finding,))),
    )
    return message_id


def count_refused(db: Database, since: datetime) -> int:
    """Count what was refused at a moment or later."""
    at = to_micros(since)
    return int(db.value("message.count_refused", (at, at)))


def knows_arrival(db: Database, route: str, arrival_key: str) -> bool:
    """Tell whether a message came under this key."""
    return db.value("message.by_arrival_key", (route, arrival_key)) is not None


def message(db: Database, message_id: str) -> Message:
    """Give one message. Errors: UnknownError."""
    row = db.row("message.by_id", (message_id,))
    if row is None:
        raise UnknownError(f"there is no message {message_id}")
    return message_of(row)


def messages(
    db: Database, route: str | None, states: Sequence[MessageState], before_sequence: int | None, limit: int
) -> list[Message]:
    """List messages, newest first."""
    before = before_sequence if before_sequence is not None else 1 << 62
    wanted = dump_states(states)
    if route is None:
        rows = db.rows("message.newest", (before, wanted, wanted, limit))
    else:
        rows = db.rows("message.newest_of_route", (route, before, wanted, wanted, limit))
    return [message_of(row) for row in rows]


def ids_beginning(db: Database, beginning: str, limit: int) -> list[str]:
    """Give the ids of messages that begin so, newest first."""
    rows = db.rows("message.beginning", (beginning, f"{beginning}\U0010ffff", limit))
    return [message_id for (message_id,) in rows]


def ids_bearing(db: Database, name: str, reference: str | None, since: int, before: int) -> list[str]:
    """Give the ids of messages of a stretch that bear a name, newest first."""
    return [message_id for (message_id,) in db.rows("message.bearing", (since, before, name, reference))]


def dump_states(states: Sequence[str]) -> str | None:
    """Give states as a comma-framed text for ``instr``, None for all."""
    return f",{','.join(states)}," if states else None


def next_to_translate(db: Database, route: str, urgent: bool, limit: int) -> list[Message]:
    """Give the oldest open messages of a route and urgency."""
    return [message_of(row) for row in db.rows("message.to_translate", (route, urgent, limit))]


def routes_to_translate(db: Database) -> list[tuple[str, bool]]:
    """Give (route, is_urgent) wherever there is something to translate."""
    return [(route, bool(is_urgent)) for route, is_urgent in db.rows("message.routes_to_translate")]


def begin_translation(db: Database, message_id: str, config_revision: int) -> Message:
    """Mark a message TRANSLATING under a configuration, unless it already is under another."""
    db.run("message.begin", (config_revision, message_id))
    return message(db, message_id)


def begin_together(
    db: Database, message_ids: Sequence[str], config_revision: int
) -> list[tuple[Message, bytes | None]]:
    """Mark messages TRANSLATING; give each with its body where that is one piece and whole."""
    return [_begun(db, message_id, config_revision) for message_id in message_ids]


def _begun(db: Database, message_id: str, config_revision: int) -> tuple[Message, bytes | None]:
    # Two statements: UPDATE ... RETURNING would keep its row in a temporary table, which costs more.
    db.run("message.begin", (config_revision, message_id))
    row = db.row("message.with_piece", (PIECE_BYTES, message_id))
    if row is None:
        raise UnknownError(f"there is no message {message_id}")
    *columns, has_body, piece = row
    begun = message_of(columns)
    return begun, _small_body(db, begun, piece) if has_body else None


def _small_body(db: Database, message: Message, piece: bytes | None) -> bytes | None:
    """Give the body that is one piece; None where ``body`` has more to tell, or damage to tell of."""
    if piece is None:
        return b"" if message.size_bytes == 0 else None
    try:
        body = db.cipher.open(f"{body_owner(message.message_id)}#0", piece)
    except DamagedRecordError:
        return None
    return body if len(body) == message.size_bytes else None


def body_of(db: Database, message_id: str) -> int:
    """Give the id of a message's body. Errors: UnknownError."""
    row = db.row("message.body", (message_id,))
    if row is None:
        raise UnknownError(f"there is no message {message_id}")
    if row[0] is None:
        raise UnknownError(f"message {message_id} has no body (any more)")
    return int(row[0])


def body_beginning(db: Database, message_id: str) -> tuple[int, bytes | None, bool]:
    """Give the id of a message's body, its first piece, and whether that is all. Errors: UnknownError."""
    body_id = body_of(db, message_id)
    first = read_piece(db, body_owner(message_id), body_id, 0)
    size = db.value("message.size", (message_id,))
    return body_id, first, first is None or len(first) == size


def message_of(row: Sequence[Any]) -> Message:
    """Give the message of a row of ``$message_columns``. Errors: DamagedRecordError."""
    try:
        return _message_of(row)
    except (ValueError, TypeError, DamagedRecordError) as error:
        raise DamagedRecordError(f"message:{row[1]}") from error


def _message_of(row: Sequence[Any]) -> Message:
    (
        sequence, message_id, route, state, arrival_key, partner, sha256, size_bytes, origin, correlation_id,
        accepted_at, is_urgent, config_revision, generation, resend, planned_through, repeat_of, findings,
        interchanges,
    ) = row  # fmt: skip
    return Message(
        message_id=message_id,
        route=route,
        state=MessageState(state),
        arrival_key=arrival_key,
        partner=partner,
        sha256=sha256,
        size_bytes=size_bytes,
        origin=load_origin(origin),
        correlation_id=correlation_id,
        accepted_at=from_micros(accepted_at),
        is_urgent=bool(is_urgent),
        config_revision=config_revision,
        generation=generation,
        resend=bool(resend),
        planned_through=planned_through,
        sequence=sequence,
        repeat_of=repeat_of,
        findings=load_findings(findings),
        interchanges=load_interchanges(interchanges),
    )
