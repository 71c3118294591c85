"""The whole story of a message: from the bytes that arrived to the reply that closed it. Pure.

Every entry is a time, a kind, and a sentence for a person; machines get the parts beside it. What
has no time of its own (a decision) stands behind what led to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.base import Finding, NoReply, Reply, StepResult
from gateway.journal.move_rules import moved_because
from gateway.journal.moves import Move
from gateway.journal.types import (
    PHONED,
    AuditEntry,
    DeliveryState,
    DeliveryView,
    DocumentView,
    LedgerEntry,
    Message,
    MessageState,
    Overdue,
    was_phoned,
)
from gateway.operations.views import NOBODY, closed_by, finding_view, instant, outcome_view, sent_by

Entry = dict[str, Any]

KEY_SHOWN = 48  # characters of an arrival key in a sentence; machines get it whole


@dataclass(frozen=True, slots=True)
class Lineage:
    """Everything that is known of one message. ``ledger``: its orders', whoever opened or moved them."""

    message: Message
    documents: Sequence[DocumentView]
    deliveries: Sequence[DeliveryView]
    ledger: Sequence[LedgerEntry]
    overdue: Sequence[Overdue]
    audit: Sequence[AuditEntry]
    parked: Sequence[str] = ()  # ids of its open exceptions
    moves: Sequence[Move] = ()  # of its orders, those that are done, oldest first
    opened: Mapping[str, str] = field(default_factory=dict)  # of those, which it opened: key -> decision
    now: datetime | None = None  # None: no gateway runs, so nothing has its turn
    troubles: Mapping[str, str] = field(default_factory=dict)  # by target: why it needs a person
    waits_behind: Mapping[str, str] = field(default_factory=dict)  # delivery -> a parked one before it


def timeline(lineage: Lineage) -> list[Entry]:
    """Give the entries in the order in which things happened."""
    message = lineage.message
    entries = [*_arrival(message)]
    openings = [told for each in lineage.ledger for told in _opening(each, lineage)]
    for generation in sorted({each.generation for each in lineage.documents} or {message.generation}):
        entries += _translation(lineage, generation)
        planned_at = instant(_planned_at(lineage, generation)) or ""
        entries += [each for each in openings if each["at"] <= planned_at]
        openings = [each for each in openings if each["at"] > planned_at]
    entries += openings
    entries += [told for each in lineage.ledger for told in _changes(each, lineage)]
    entries += [each for delivery in lineage.deliveries for each in _delivery(delivery, lineage)]
    entries += [_alarm(each) for each in lineage.overdue if each.last_alarm_at is not None]
    entries += [_action(each) for each in lineage.audit]
    return _in_order(entries, message.message_id)


def is_about(entry: AuditEntry, message_id: str) -> bool:
    """Tell whether an audit entry is about a message, one of its sets, or one of its deliveries."""
    return entry.subject == message_id or entry.subject.startswith((f"{message_id}.", f"{message_id}/"))


def _arrival(message: Message) -> Iterable[Entry]:
    origin = message.origin
    named = f" as {origin.name}" if origin.name else ""
    sender = origin.identity or message.partner
    text = f"arrived by {origin.transport}{named}" + (f" from {sender}" if sender else "")
    if message.state is not MessageState.REFUSED:
        text += f": {message.size_bytes} bytes, sha256 {message.sha256[:16]}"
    yield _entry(
        message.accepted_at,
        "arrived",
        text,
        route=message.route,
        sha256=message.sha256,
        size_bytes=message.size_bytes,
        arrival_key=message.arrival_key,
        peer=origin.peer,
        correlation_id=message.correlation_id,
    )
    if message.arrival_key is not None:
        key = message.arrival_key
        shown = key if len(key) <= KEY_SHOWN else f"{key[:KEY_SHOWN]}…"
        yield _entry(None, "identity", f"known by the arrival key {shown}")
    if message.repeat_of is not None:
        yield _entry(None, "repeat", f"has the same bytes as message {message.repeat_of}")
    if message.state is MessageState.REFUSED:
        yield from (_finding("refused", each) for each in message.findings)


def _translation(lineage: Lineage, generation: int) -> Iterable[Entry]:
    message = lineage.message
    is_newest = generation == message.generation
    if message.state is MessageState.REFUSED or (message.state is MessageState.ACCEPTED and is_newest):
        return
    own = [each for each in lineage.documents if each.generation == generation]
    again = f" again (generation {generation})" if generation > 1 else ""
    # A message keeps the revision of its newest generation alone; what an earlier one had is not known.
    revision = f" with configuration revision {message.config_revision}" if is_newest else ""
    text = f"translated{again}{revision}: {_sets(len(own))}"
    yield _entry(_planned_at(lineage, generation), "translated", text, generation=generation)
    if is_newest:
        yield from (_finding("finding", each) for each in message.findings)
    for document in own:
        yield from _document(document)


def _planned_at(lineage: Lineage, generation: int) -> datetime | None:
    """Give when a generation was planned, as its deliveries tell; None where it has none."""
    return min(
        (each.planned_at for each in lineage.deliveries if each.generation == generation), default=None
    )


def _document(view: DocumentView) -> Iterable[Entry]:
    plan = view.plan
    what = f"set {plan.index + 1} ({plan.set_type})"
    orders = f", order {', '.join(plan.order_keys)}" if plan.order_keys else ""
    urgent = ", urgent" if plan.is_urgent else ""
    yield _entry(
        None,
        "document",
        f"{what}: {plan.verdict.value.replace('_', ' ')}{orders}{urgent}",
        document_key=plan.document_key,
        order_keys=list(plan.order_keys),
        index=plan.index,
    )
    yield from (_finding("finding", each) for each in plan.findings)
    if plan.repeats is not None:
        yield _entry(None, "repeat", f"{what} is the document that message {plan.repeats} brought")
    if plan.awaits is not None:
        numbers = ", ".join(str(number) for number in plan.awaits.order_numbers)
        until = f"{plan.awaits.until:%Y-%m-%d %H:%M:%SZ}"
        yield _entry(None, "waiting", f"{what} waits until {until} for order {numbers} to become known")
    if plan.decision:
        side = f"goes to {plan.side.value}" if plan.side is not None else "goes nowhere"
        parked = "; parked, a person must look" if plan.is_parked else ""
        yield _entry(None, "decided", f"{what} {side}: {plan.decision}{parked}", reason=plan.decision)


def _opening(entry: LedgerEntry, lineage: Lineage) -> Iterable[Entry]:
    """Give an order that this message opened.

    The entry keeps its last change alone: how an order was opened that has moved, or was placed by phone
    since, the decision on its first document tells.
    """
    key, side = entry.order_key, entry.side
    moves = [each for each in lineage.moves if each.order_key == key]
    if moves:
        if (decision := lineage.opened.get(key)) is None:
            return
        side = moves[0].was
        text = f"order {key} belongs to {side.value}, where it was opened: {decision}"
    elif entry.message_id != lineage.message.message_id or entry.stage == PHONED:
        return
    elif was_phoned(entry):
        plans = (each.plan for each in lineage.documents if key in each.plan.order_keys)
        decision = next((plan.decision for plan in plans if plan.side is side), f"stage {entry.stage}")
        text = f"order {key} belongs to {side.value}: {decision}"
    else:
        by = sent_by(entry)
        text = f"order {key} belongs to {side.value}, sent to the supplier by {by}: {entry.reason}"
    yield _entry(entry.opened_at, "ledger", text, order_key=key, side=side.value, opens=True)


def _changes(entry: LedgerEntry, lineage: Lineage) -> Iterable[Entry]:
    """Give what became of an order later: moved by this message, or placed with the supplier by phone."""
    key, message_id = entry.order_key, lineage.message.message_id
    moves = [each for each in lineage.moves if each.order_key == key]
    for move in (each for each in moves if each.message_id == message_id):
        text = f"order {key} belongs to {move.to.value}, sent to the supplier by {NOBODY}: "
        yield _entry(move.ended_at, "ledger", text + moved_because(move), order_key=key, side=move.to.value)
    if not moves and entry.message_id == message_id and was_phoned(entry):
        calls = (each for each in lineage.audit if closed_by(each.detail.get("resolution")) == entry.reason)
        told = next((each for each in calls if _is_about_order(each, key, lineage)), None)
        who = f" (told by {told.who})" if told is not None else ""
        side = entry.side.value
        text = (
            f"order {key} was {entry.reason}{who}; it belongs to {side}, and nobody sends it to the supplier"
        )
        yield _entry(told.at if told else entry.opened_at, "ledger", text, order_key=key, side=side)


def _is_about_order(entry: AuditEntry, key: str, lineage: Lineage) -> bool:
    """Tell whether a person closed a set or a delivery of an order: one call may be about several orders."""
    sets = {each.plan.index for each in lineage.documents if key in each.plan.order_keys}
    if "/" in entry.subject:
        return entry.subject.rpartition("/")[2] in {str(each) for each in sets}
    own = (each for each in lineage.deliveries if each.delivery_id == entry.subject)
    return all(each.document_index is None or each.document_index in sets for each in own)


def _delivery(view: DeliveryView, lineage: Lineage) -> Iterable[Entry]:
    parts = {"delivery_id": view.delivery_id, "target": view.target, "role": view.role}
    what = "the message" if view.document_index is None else f"set {view.document_index + 1}"
    if view.role == "acknowledgment":
        what = "an acknowledgment"
    way = f"{what} to {view.target}"
    planned = f"to deliver: {way} ({view.role}), reference {view.reference}"
    yield _entry(view.planned_at, "delivery", planned, **parts)
    for number, step in enumerate(view.steps, start=1):
        yield _entry(step.started_at, "attempt", f"{way}: {number}. {_attempt(step)}", **parts)
        is_under_way = view.state is DeliveryState.ATTEMPTING and number == len(view.steps)
        told = _answer(step) if step.outcome is not None or not is_under_way else "no answer yet"
        yield _entry(step.ended_at, "reply", f"{way}: {told}", **parts)
    yield from (_finding("finding", each) for each in view.findings)
    yield _entry(view.ended_at, "state", f"{way}: {_state(view, lineage)}", state=view.state.value, **parts)


def _attempt(step: StepResult) -> str:
    request = step.request
    address = request.address.partition("?")[0]
    verb = "" if request.method == request.step else f": {request.method}"  # of a file, the two are one word
    return f"{request.step}{verb} {address} ({len(request.body)} bytes)"


def _answer(step: StepResult) -> str:
    told: str = outcome_view(step.outcome)["text"]
    match step.reply:
        case Reply(status, body):
            return f"answered {status} ({len(body)} bytes): {told}"
        case NoReply(_, reason):
            return told if reason in told else f"no answer ({reason}): {told}"
        case None:
            return told


def _state(view: DeliveryView, lineage: Lineage) -> str:
    reason = f": {view.reason}" if view.reason else ""
    match view.state:
        case DeliveryState.DONE:
            number = f" as {view.target_reference}" if view.target_reference else ""
            return f"delivered{number}{reason}"
        case DeliveryState.READY | DeliveryState.WAITING | DeliveryState.IN_DOUBT if (
            view.target in lineage.troubles
        ):
            what = "in doubt, looked up once" if view.state is DeliveryState.IN_DOUBT else "waits until"
            return f"{what} a person has put {view.target} right: {lineage.troubles[view.target]}"
        case DeliveryState.WAITING | DeliveryState.IN_DOUBT if view.not_before is not None:
            what = "waits, and goes on" if view.state is DeliveryState.WAITING else "in doubt, looked up"
            if lineage.now is not None and view.not_before <= lineage.now:
                return f"{what} when its turn comes{reason}"
            return f"{what} at {view.not_before:%Y-%m-%d %H:%M:%SZ}{reason}"
        case DeliveryState.HELD:
            return "held until the rest of its unit is known to be good"
        case DeliveryState.READY if (parked := lineage.waits_behind.get(view.delivery_id)) is not None:
            return f"waits behind {parked}, which is parked: legacy-bridge exceptions show {parked}"
        case DeliveryState.READY:
            return "is to be sent next"
        case DeliveryState.VOID if view.resolution:
            return f"closed by a person: {closed_by(view.resolution)}"
        case _:
            return f"{view.state.value.replace('_', ' ')}{reason}"


def _alarm(overdue: Overdue) -> Entry:
    text = f"reported as overdue: past its deadline of {overdue.deadline_at:%Y-%m-%d %H:%M:%SZ}"
    return _entry(overdue.last_alarm_at, "alarm", f"{text} ({overdue.state}: {overdue.reason})")


def _action(entry: AuditEntry) -> Entry:
    detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items())
    told = f"{entry.who}: {entry.action} {entry.subject}" + (f" ({detail})" if detail else "")
    return _entry(entry.at, "action", f"{told}, since: {entry.why}" if entry.why else told, who=entry.who)


def _finding(kind: str, finding: Finding) -> Entry:
    return _entry(None, kind, str(finding), finding=finding_view(finding))


def _sets(count: int) -> str:
    return "no set" if not count else "1 set" if count == 1 else f"{count} sets"


def _entry(at: datetime | None, kind: str, text: str, **parts: Any) -> Entry:
    return {"at": instant(at), "kind": kind, "text": text, **parts}


def _in_order(entries: list[Entry], message_id: str) -> list[Entry]:
    """Sort by time; what has none keeps its place behind the one before it."""
    placed: list[tuple[str, int, Entry]] = []
    last = ""
    for number, entry in enumerate(entries):
        # An order is opened while its document is decided: it stands behind that, whose time is the plan's.
        is_opening = "opens" in entry and (entry["at"] or "") < last
        last = last if is_opening else entry["at"] or last
        placed.append((last, number, {"message_id": message_id, **entry}))
    return [entry for _, _, entry in sorted(placed, key=lambda each: each[:2])]
