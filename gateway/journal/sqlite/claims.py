"""Claims: which deliveries a worker may take now, leased under a fence that every later call checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from adapters.base import Finding, Position
from gateway.journal.base import StaleClaimError
from gateway.journal.sqlite.bodies import read_body, read_on
from gateway.journal.sqlite.cipher import DamagedRecordError
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.documents import document_owner
from gateway.journal.sqlite.exchanges import read_steps
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none, to_micros
from gateway.journal.sqlite.json_columns import dump_findings, load_origin, load_strings
from gateway.journal.sqlite.ledger import aliases_of
from gateway.journal.sqlite.messages import body_owner
from gateway.journal.types import Claim, ClaimedDelivery, DeliveryState, Want

WAKES_MAX = 1_000  # waiting deliveries of a target that one call makes due


class Leased(NamedTuple):
    """What every call about a claimed delivery needs of its row."""

    number: int
    state: DeliveryState
    role: str
    target: str
    lanes: tuple[str, ...]
    order_keys: tuple[str, ...]
    position: int
    steps: int


def claim(
    db: Database, worker: str, wants: Sequence[Want], lease_s: float, now: datetime, monotonic: float
) -> list[ClaimedDelivery]:
    """Lease what a worker wants: urgent first, then oldest first."""
    at = to_micros(now)
    chosen: list[Row] = []
    for want in wants:
        if db.row("delivery.any_expired", (want.target, monotonic)) is not None:
            db.run("delivery.end_expired", (want.target, monotonic))
        _wake(db, want.target, at)
        rows = db.rows("delivery.claimable", (want.target, at, want.slots)) if want.slots > 0 else []
        if want.urgent_slots > 0 and len(rows) == max(want.slots, 0):
            # Urgent ones come first: the reserve counts only where they fill all usual slots.
            urgent = db.rows("delivery.claimable_urgent", (want.target, at, want.slots + want.urgent_slots))
            rows.extend(urgent[len(rows) :])
        lease_until = monotonic + lease_s
        if rows:
            db.run_many("delivery.lease", ((worker, lease_until, number) for number, _, _ in rows))
        chosen.extend(rows)
    chosen.sort(key=lambda row: (not row[1], row[2], row[0]))
    claimed = (_contents_or_park(db, number, at) for number, _, _ in chosen)
    return [delivery for delivery in claimed if delivery is not None]


def _wake(db: Database, target: str, at: int) -> None:
    """Make due what waited for its time, and the look at whether there is any cheap."""
    due = db.value("delivery.next_due", (target, target))
    if due is not None and due <= at:
        db.run("delivery.wake_urgent", (target, at, WAKES_MAX))
        db.run("delivery.wake", (target, at, WAKES_MAX))


def claim_one(
    db: Database, delivery_id: str, worker: str, lease_s: float, now: datetime, monotonic: float
) -> ClaimedDelivery | None:
    """Lease one delivery, where it can be leased now."""
    db.run("delivery.end_expired_one", (delivery_id, monotonic))
    number = db.value("delivery.claimable_one", (delivery_id, to_micros(now)))
    if number is None:
        return None
    db.run("delivery.lease", (worker, monotonic + lease_s, number))
    return _contents_or_park(db, number, to_micros(now))


def still_mine(db: Database, claim: Claim, monotonic: float) -> bool:
    """Tell whether a claim holds and has not expired."""
    return db.row("delivery.still_leased", (*holder(claim), monotonic)) is not None


def renew(db: Database, claim: Claim, lease_s: float, monotonic: float) -> Claim:
    """Extend a lease that nobody has taken over. Errors: StaleClaimError."""
    expires_at = monotonic + lease_s
    if not db.changed("delivery.renew", (expires_at, *holder(claim))):
        raise stale(claim)
    return Claim(claim.delivery_id, claim.worker, claim.fence, expires_at)


def leased(db: Database, claim: Claim) -> Leased:
    """Give the row of a claim that holds. Errors: StaleClaimError."""
    row = db.row("delivery.leased", holder(claim))
    if row is None:
        raise stale(claim)
    number, state, role, target, lanes, order_keys, position, steps = row
    return Leased(
        number,
        DeliveryState(state),
        role,
        target,
        load_strings(lanes),
        load_strings(order_keys),
        position,
        steps,
    )


def holder(claim: Claim) -> tuple[str, str, int]:
    """Give what a row must say for a claim to hold."""
    return claim.delivery_id, claim.worker, claim.fence


def stale(claim: Claim) -> StaleClaimError:
    """Give the error that says a claim is lost."""
    return StaleClaimError(
        f"delivery {claim.delivery_id} is no longer leased to {claim.worker} under fence {claim.fence}"
    )


def next_due(db: Database, targets: Sequence[str]) -> datetime | None:
    """Give when the first waiting delivery of these targets can be claimed."""
    found = [
        due for target in targets if (due := db.value("delivery.next_due", (target, target))) is not None
    ]
    return from_micros(min(found)) if found else None


def _contents_or_park(db: Database, number: int, at: int) -> ClaimedDelivery | None:
    """Give a leased delivery, or park it where the file no longer holds what was written."""
    try:
        return _contents(db, number)
    except DamagedRecordError as error:
        finding = Finding(
            code="JOURNAL-DAMAGED",
            at=Position(error.name),
            text=f"{error}; nothing was sent. Restore the journal from a copy, or replay the message",
        )
        db.run("delivery.park", (dump_findings((finding,)), at, number))
        return None


def _contents(db: Database, number: int) -> ClaimedDelivery:
    """Give a leased delivery with all that a worker needs to go on with it."""
    row = db.row("delivery.contents", (number,))
    assert row is not None  # noqa: S101 - it was leased in this transaction
    (
        delivery_id, worker, fence, lease_until, target, role, reference, index, is_urgent, content_type,
        attempts, first_attempt_at, is_in_doubt, steps, order_keys, own_body, generation,
        message_id, sequence, route, origin, correlation_id, accepted_at, message_body,
        document_key, document_body, document_piece, transmitter, has_names,
    ) = row  # fmt: skip
    document = None
    if document_body is not None:
        owner = document_owner(message_id, generation, index)
        document = read_on(db, owner, document_body, document_piece)
    orders = load_strings(order_keys)
    if own_body is not None:
        body = read_body(db, f"delivery:{delivery_id}", own_body)
    elif index is None and message_body is not None:
        body = read_body(db, body_owner(message_id), message_body)
    else:
        body = document or b""
    return ClaimedDelivery(
        claim=Claim(delivery_id, worker, fence, lease_until),
        message_id=message_id,
        target=target,
        role=role,
        reference=reference,
        route=route,
        document_index=index,
        document=document,
        body=body,
        content_type=content_type,
        origin=load_origin(origin),
        document_key=document_key,
        order_keys=orders,
        correlation_id=correlation_id,
        accepted_at=from_micros(accepted_at),
        is_urgent=bool(is_urgent),
        attempts=attempts,
        first_attempt_at=from_micros_or_none(first_attempt_at),
        is_in_doubt=bool(is_in_doubt),
        steps=read_steps(db, number, delivery_id) if steps else (),
        aliases=aliases_of(db, orders) if has_names or len(orders) > 1 else (),
        sequence=sequence,
        transmitter=transmitter,
    )
