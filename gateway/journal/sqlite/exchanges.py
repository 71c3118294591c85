"""Steps: frozen requests and what came back. Heads stand in the step's row, sealed; bodies apart.

Retention takes the bodies and leaves the heads, so that a step can still be explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.base import Effect, NoReply, Reply, Request, StepResult
from gateway.journal.sqlite.bodies import read_body, write_body
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none, to_micros_or_none
from gateway.journal.sqlite.json_columns import dump, dump_outcome, load, load_outcome


def begin_step(db: Database, delivery: int, delivery_id: str, number: int, request: Request, at: int) -> None:
    """Write a step that begins."""
    name = f"request:{delivery_id}/{number}"
    effect = request.effect.value  # as text: see dump_units
    head = [request.step, effect, request.method, request.address, request.headers, request.timeout_s]
    body = write_body(db, name, request.body) if request.body else None
    db.run("step.insert", (delivery, number, _seal(db, name, head), body, at))


def end_step(db: Database, delivery: int, delivery_id: str, number: int, result: StepResult) -> None:
    """Write what a step came to."""
    name = f"reply:{delivery_id}/{number}"
    head, body = None, None
    match result.reply:
        case Reply(status, content, headers):
            # A client may have its own class of text for names, which is no less dear than an enumeration.
            head = _seal(db, name, [status, [(str(header), value) for header, value in headers]])
            body = write_body(db, name, content) if content else None
        case NoReply(written, reason, kind):
            head = _seal(db, name, [written, reason, kind])
        case None:
            pass
    ended_at = to_micros_or_none(result.ended_at)
    db.run("step.end", (head, body, dump_outcome(result.outcome), ended_at, delivery, number))


def read_steps(db: Database, delivery: int, delivery_id: str) -> tuple[StepResult, ...]:
    """Give every step that was begun, oldest first."""
    return tuple(_step(db, delivery_id, row) for row in db.rows("step.all", (delivery,)))


def read_reply_head(
    db: Database, delivery_id: str, number: int, head: bytes | None
) -> Reply | NoReply | None:
    """Give what came back, without its body."""
    return _reply(db, f"reply:{delivery_id}/{number}", head, None)


def _step(db: Database, delivery_id: str, row: Row) -> StepResult:
    number, request_head, request_body, reply_head, reply_body, outcome, started_at, ended_at = row
    return StepResult(
        _request(db, f"request:{delivery_id}/{number}", request_head, request_body),
        _reply(db, f"reply:{delivery_id}/{number}", reply_head, reply_body),
        load_outcome(outcome),
        from_micros(started_at),
        from_micros_or_none(ended_at),
    )


def _request(db: Database, name: str, head: bytes, body_id: int | None) -> Request:
    step, effect, method, address, headers, timeout_s = _open(db, name, head)
    return Request(
        step, Effect(effect), method, address, _body(db, name, body_id), _headers(headers), timeout_s
    )


def _reply(db: Database, name: str, head: bytes | None, body_id: int | None) -> Reply | NoReply | None:
    if head is None:
        return None
    match _open(db, name, head):
        case [status, headers]:
            return Reply(status, _body(db, name, body_id), _headers(headers))
        case [written, reason, kind]:
            return NoReply(written, reason, kind)
        case other:
            raise ValueError(f"{name}: a reply of an unknown kind: {other!r}")


def _seal(db: Database, name: str, head: list[object]) -> bytes:
    return db.cipher.seal(f"{name}#head", dump(head).encode())


def _open(db: Database, name: str, sealed: bytes) -> Any:
    return load(db.cipher.open(f"{name}#head", sealed))


def _body(db: Database, name: str, body_id: int | None) -> bytes:
    return b"" if body_id is None else read_body(db, name, body_id)


def _headers(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)
