"""The journal's values as JSON, for people: no bodies, no prices, no free text, no secrets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.base import (
    Accepted,
    Finding,
    InDoubt,
    NoReply,
    Origin,
    Outcome,
    Rejected,
    Reply,
    Request,
    StepResult,
    Transient,
)
from gateway.journal.sent import PLACED_BY_PHONE
from gateway.journal.types import (
    MOVED,
    AuditEntry,
    DeliveryView,
    DocumentView,
    ExceptionItem,
    LedgerEntry,
    Message,
    StageState,
    Transmitter,
    phoned_because,
    was_phoned,
)

View = dict[str, Any]

NOBODY = "nobody (the supplier has it already)"
BY_PHONE = "a person, by phone"


def instant(at: datetime | None) -> str | None:
    """Write an instant, None for none."""
    return at.isoformat() if at is not None else None


def finding_view(finding: Finding) -> View:
    """Show a finding without the value found, which may be anything."""
    return {name: part for name, part in finding.to_json().items() if name not in ("value", "facts")}


def origin_view(origin: Origin) -> View:
    """Show where something came from."""
    return {
        "transport": origin.transport,
        "name": origin.name,
        "peer": origin.peer,
        "identity": origin.identity,
        "content_type": origin.content_type,
        "received_at": instant(origin.received_at),
    }


def message_view(message: Message) -> View:
    """Show a message."""
    return {
        "message_id": message.message_id,
        "route": message.route,
        "state": message.state.value,
        "partner": message.partner,
        "arrival_key": message.arrival_key,
        "sha256": message.sha256,
        "size_bytes": message.size_bytes,
        "origin": origin_view(message.origin),
        "correlation_id": message.correlation_id,
        "accepted_at": instant(message.accepted_at),
        "is_urgent": message.is_urgent,
        "config_revision": message.config_revision,
        "generation": message.generation,
        "repeat_of": message.repeat_of,
        "control_numbers": [each.control_number for each in message.interchanges if each.control_number],
        "findings": [finding_view(each) for each in message.findings],
    }


def document_view(view: DocumentView) -> View:
    """Show a document, what was decided about it, and why."""
    plan = view.plan
    return {
        "message_id": view.message_id,
        "generation": view.generation,
        "index": plan.index,
        "set_type": plan.set_type,
        "document_type": plan.document_type,
        "document_key": plan.document_key,
        "order_keys": list(plan.order_keys),
        "verdict": plan.verdict.value,
        "side": plan.side.value if plan.side is not None else None,
        "decision": plan.decision,
        "is_urgent": plan.is_urgent,
        "is_parked": plan.is_parked,
        "repeats": plan.repeats,
        "deadline_at": instant(plan.deadline_at),
        "awaits_until": instant(plan.awaits.until) if plan.awaits is not None else None,
        "passes_to": [target for target, _ in plan.passes_to],
        "findings": [finding_view(each) for each in plan.findings],
    }


def delivery_view(view: DeliveryView) -> View:
    """Show a delivery with every attempt."""
    return {
        "delivery_id": view.delivery_id,
        "message_id": view.message_id,
        "generation": view.generation,
        "document_index": view.document_index,
        "target": view.target,
        "role": view.role,
        "state": view.state.value,
        "reference": view.reference,
        "order_keys": list(view.lanes),
        "is_urgent": view.is_urgent,
        "attempts": view.attempts,
        "reason": view.reason,
        "not_before": instant(view.not_before),
        "deadline_at": instant(view.deadline_at),
        "target_reference": view.target_reference,
        "resolution": closed_by(view.resolution),
        "planned_at": instant(view.planned_at),
        "ended_at": instant(view.ended_at),
        "findings": [finding_view(each) for each in view.findings],
        "steps": [step_view(each) for each in view.steps],
    }


def closed_by(resolution: str | None) -> str:
    """Say in words how a person closed something; nothing where nobody did."""
    word, _, reference = (resolution or "").partition(":")
    if f"{word}:" == PLACED_BY_PHONE:
        return phoned_because(reference)
    return f"{word.replace('_', ' ')}, reference {reference}" if reference else word.replace("_", " ")


def step_view(step: StepResult) -> View:
    """Show one request and what came of it: never a body, a header or a query."""
    return {
        "step": step.step,
        "started_at": instant(step.started_at),
        "ended_at": instant(step.ended_at),
        "request": _request_view(step.request),
        "reply": _reply_view(step.reply),
        "outcome": outcome_view(step.outcome),
    }


def outcome_view(outcome: Outcome | None) -> View:
    """Show what an attempt came to."""
    match outcome:
        case None:
            return {"kind": "unknown", "text": "no answer is known: the process ended first"}
        case Accepted(reference):
            return {"kind": "accepted", "text": f"accepted as {reference}" if reference else "accepted"}
        case Transient(reason, kind):
            return {"kind": "transient", "text": f"not now ({kind.value}): {reason}"}
        case InDoubt(reason):
            return {"kind": "in_doubt", "text": f"in doubt: {reason}"}
        case Rejected(findings):
            texts = "; ".join(f"{each.text} [{each.code}]" for each in findings)
            return {"kind": "rejected", "text": f"refused: {texts}"}


def ledger_view(entry: LedgerEntry) -> View:
    """Show which side owns an order."""
    return {
        "order_key": entry.order_key,
        "side": entry.side.value,
        "transmitter": entry.transmitter.value,
        "sent_by": sent_by(entry),
        "moving_to": entry.moving_to.value if entry.moving_to is not None else None,
        "route": entry.route,
        "stage": entry.stage,
        "reason": entry.reason,
        "opened_at": instant(entry.opened_at),
        "closed_at": instant(entry.closed_at),
        "message_id": entry.message_id,
        "revision": entry.revision,
    }


def sent_by(entry: LedgerEntry) -> str:
    """Say who sends an order to the supplier, in words."""
    if entry.transmitter is not Transmitter.NONE:
        return entry.transmitter.value
    if entry.stage == MOVED:
        return NOBODY
    return BY_PHONE if was_phoned(entry) else "nobody"


def alias_view(alias: tuple[str, str, str, str], told_by: Sequence[str]) -> View:
    """Show another name of an order or of one of its lines. ``told_by``: the endpoints that told it."""
    kind, number, line, line_number = alias
    return {
        "kind": kind,
        "number": number,
        "line": line,
        "line_number": line_number,
        "told_by": list(told_by),
    }


def stage_view(state: StageState) -> View:
    """Show how far a route has moved."""
    return {
        "route": state.route,
        "stage": state.stage,
        "share_percent": state.share_percent,
        "revision": state.revision,
        "changed_at": instant(state.changed_at),
        "changed_by": state.changed_by,
        "why": state.why,
    }


def exception_view(item: ExceptionItem) -> View:
    """Show what a person must look at."""
    return {
        "exception_id": item.exception_id,
        "kind": item.kind,
        "message_id": item.message_id or None,
        "route": item.route,
        "partner": item.partner,
        "target": item.target,
        "order_keys": list(item.order_keys),
        "document_key": item.document_key,
        "opened_at": instant(item.opened_at),
        "findings": [finding_view(each) for each in item.findings],
    }


def audit_view(entry: AuditEntry) -> View:
    """Show one entry of the audit log."""
    return {
        "number": entry.number,
        "at": instant(entry.at),
        "who": entry.who,
        "action": entry.action,
        "subject": entry.subject,
        "detail": dict(entry.detail),
        "why": entry.why,
        "hash": entry.hash,
    }


def _request_view(request: Request) -> View:
    # A query may hold what a look-up asked for; the path alone tells where it went.
    return {
        "method": request.method,
        "address": request.address.partition("?")[0],
        "size_bytes": len(request.body),
        "effect": request.effect.value,
    }


def _reply_view(reply: Reply | NoReply | None) -> View | None:
    match reply:
        case None:
            return None
        case Reply(status, body):
            return {"status": status, "size_bytes": len(body)}
        case NoReply(written, reason):
            return {"status": None, "reason": reason, "written": written}
