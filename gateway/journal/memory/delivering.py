"""Deliveries in the memory journal: leases, steps, and what a step comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import Accepted, Request, StepResult
from gateway.journal.base import StaleClaimError
from gateway.journal.findings import pass_through_in_doubt
from gateway.journal.memory import orders
from gateway.journal.memory.records import DeliveryRecord, Tables
from gateway.journal.memory.unsent_calls import was_never_sent
from gateway.journal.sent import never_left
from gateway.journal.types import FINISHED, Claim, ClaimedDelivery, DeliveryState, Settled, Want

SETTLED_STATES = frozenset(
    {
        DeliveryState.READY,
        DeliveryState.WAITING,
        DeliveryState.IN_DOUBT,
        DeliveryState.PARKED,
        DeliveryState.DONE,
    }
)


def claim(
    tables: Tables, worker: str, wants: Sequence[Want], lease_s: float, now: datetime, monotonic: float
) -> list[ClaimedDelivery]:
    """Lease what a worker wants, urgent first, then oldest first."""
    found = []
    for want in wants:
        for delivery in tables.lanes.take(want, now, monotonic):
            found.append((not delivery.plan.is_urgent, delivery.key, delivery))
            _lease(tables, delivery, worker, monotonic + lease_s)
    return [claimed(tables, delivery) for _, _, delivery in sorted(found, key=lambda entry: entry[:2])]


def claim_one(
    tables: Tables, delivery_id: str, worker: str, lease_s: float, now: datetime, monotonic: float
) -> ClaimedDelivery | None:
    """Lease one delivery, where it can be leased now."""
    delivery = tables.deliveries.get(delivery_id)
    if delivery is None or not tables.lanes.is_claimable(delivery, now, monotonic):
        return None
    _lease(tables, delivery, worker, monotonic + lease_s)
    return claimed(tables, delivery)


def attempt_started(tables: Tables, claim: Claim, request: Request, now: datetime) -> None:
    """Write down a request before it is sent."""
    delivery = _claimed_by(tables, claim)
    delivery.steps.append(StepResult(request, None, None, now))
    delivery.open_step = len(delivery.steps) - 1
    delivery.first_attempt_at = delivery.first_attempt_at or now
    delivery.state = DeliveryState.ATTEMPTING
    tables.lanes.attempted(delivery)


def still_mine(tables: Tables, claim: Claim, monotonic: float) -> bool:
    """Tell whether a claim holds and has not expired."""
    delivery = tables.deliveries.get(claim.delivery_id)
    return delivery is not None and _holds(delivery, claim) and monotonic < delivery.expires_at


def renew(tables: Tables, claim: Claim, lease_s: float, monotonic: float) -> Claim:
    """Extend a lease that nobody has taken over."""
    delivery = _claimed_by(tables, claim)
    delivery.expires_at = monotonic + lease_s
    tables.lanes.leased(delivery)
    return _claim(delivery)


def step_done(tables: Tables, claim: Claim, result: StepResult) -> None:
    """Write down a finished step; the lease goes on, with nothing under way."""
    delivery = _claimed_by(tables, claim)
    _keep_result(delivery, result)
    _keep_names(tables, delivery, result)
    delivery.is_in_doubt = result.is_in_doubt
    delivery.state = DeliveryState.CLAIMED


def settle(tables: Tables, claim: Claim, settled: Settled, now: datetime) -> None:
    """Write down what a step came to, end the lease, and let the next in the lanes come up."""
    delivery = _claimed_by(tables, claim)
    is_dropped_call = settled.state is DeliveryState.VOID and delivery.plan.role == "pass_through"
    if settled.state not in SETTLED_STATES and not is_dropped_call:
        raise ValueError(
            f"a delivery cannot be settled as {settled.state}; expected {sorted(SETTLED_STATES)}"
        )
    if settled.result is not None:
        _keep_result(delivery, settled.result)
        _keep_names(tables, delivery, settled.result)
    delivery.end_lease()
    delivery.attempts += settled.spends_attempt
    delivery.reason, delivery.findings = settled.reason, settled.findings
    delivery.not_before = settled.not_before
    if settled.state is DeliveryState.DONE:
        delivery.target_reference = settled.reference
        for order_key in delivery.order_keys:
            orders.add_aliases(tables, order_key, settled.aliases, delivery.plan.target)
        tables.lanes.attempted(delivery)
    if settled.state in FINISHED:
        finish(tables, delivery, settled.state, now)
        if is_dropped_call and never_left(delivery.steps):
            was_never_sent(tables, delivery.message, now)
        return
    delivery.state = settled.state
    delivery.is_in_doubt = settled.state is DeliveryState.IN_DOUBT
    delivery.parked_at = now if settled.state is DeliveryState.PARKED else None
    tables.lanes.offer(delivery)


def _keep_names(tables: Tables, delivery: DeliveryRecord, result: StepResult) -> None:
    """Write the names that a reply told beside the reply: an order half done has its number all the same."""
    if isinstance(result.outcome, Accepted):
        for order_key in delivery.order_keys:
            orders.add_aliases(tables, order_key, result.outcome.aliases, delivery.plan.target)


def finish(tables: Tables, delivery: DeliveryRecord, state: DeliveryState, now: datetime) -> None:
    """End a delivery: it holds no lane and no lease any more."""
    delivery.end_lease()
    delivery.state, delivery.ended_at, delivery.is_held = state, now, False
    delivery.parked_at = None
    del tables.unfinished[delivery.delivery_id]
    tables.lanes.leave(delivery)


def recover(tables: Tables, now: datetime) -> int:
    """End all leases of a dead process and what only its connections could go on with."""
    changed = 0
    for delivery in list(tables.unfinished.values()):
        if delivery.plan.role == "pass_through":
            changed += _end_pass_through(tables, delivery, now)
        elif delivery.is_leased:
            delivery.lose_lease()
            tables.lanes.offer(delivery)
            changed += 1
    return changed


def next_due(tables: Tables, targets: Sequence[str]) -> datetime | None:
    """Give when the first waiting delivery of these targets can be claimed."""
    return min((at for target in targets if (at := tables.lanes.next_due(target)) is not None), default=None)


def claimed(tables: Tables, delivery: DeliveryRecord) -> ClaimedDelivery:
    """Give a leased delivery with all that a worker needs to go on with it."""
    message, document = delivery.message, delivery.document
    canonical = document.plan.canonical if document else None
    own_body = message.body if document is None else canonical
    body = delivery.plan.body if delivery.plan.body is not None else own_body
    return ClaimedDelivery(
        claim=_claim(delivery),
        message_id=message.view.message_id,
        target=delivery.plan.target,
        role=delivery.plan.role,
        reference=delivery.plan.reference,
        route=message.view.route,
        document_index=delivery.plan.document_index,
        document=canonical,
        body=body or b"",
        content_type=delivery.plan.content_type,
        origin=message.view.origin,
        document_key=document.plan.document_key if document else None,
        order_keys=delivery.order_keys,
        correlation_id=message.view.correlation_id,
        accepted_at=message.view.accepted_at,
        is_urgent=delivery.plan.is_urgent,
        attempts=delivery.attempts,
        first_attempt_at=delivery.first_attempt_at,
        is_in_doubt=delivery.is_in_doubt,
        steps=tuple(delivery.steps),
        aliases=tuple(
            dict.fromkeys(alias for key in delivery.order_keys for alias in tables.aliases.get(key, ()))
        ),
        sequence=message.view.sequence,
        transmitter=_transmitter(tables, delivery),
    )


def _transmitter(tables: Tables, delivery: DeliveryRecord) -> str | None:
    if delivery.plan.transmitter is not None:
        return delivery.plan.transmitter
    entry = tables.ledger.get(delivery.order_keys[0]) if delivery.order_keys else None
    return None if entry is None else entry.transmitter.value


def _lease(tables: Tables, delivery: DeliveryRecord, worker: str, expires_at: float) -> None:
    if delivery.is_leased:
        delivery.lose_lease()
    delivery.worker, delivery.expires_at = worker, expires_at
    delivery.fence += 1
    delivery.state = DeliveryState.CLAIMED
    tables.lanes.leased(delivery)


def _claim(delivery: DeliveryRecord) -> Claim:
    return Claim(delivery.delivery_id, delivery.worker or "", delivery.fence, delivery.expires_at)


def _holds(delivery: DeliveryRecord, claim: Claim) -> bool:
    return delivery.is_leased and (delivery.worker, delivery.fence) == (claim.worker, claim.fence)


def _claimed_by(tables: Tables, claim: Claim) -> DeliveryRecord:
    delivery = tables.deliveries.get(claim.delivery_id)
    if delivery is None or not _holds(delivery, claim):
        raise StaleClaimError(
            f"delivery {claim.delivery_id} is no longer leased to {claim.worker} under fence {claim.fence}"
        )
    return delivery


def _keep_result(delivery: DeliveryRecord, result: StepResult) -> None:
    """Put a result in the place of the step that was begun under this lease; its request stays frozen."""
    if delivery.open_step is None:
        delivery.steps.append(result)
        return
    begun = delivery.steps[delivery.open_step]
    kept = replace(result, request=begun.request, started_at=begun.started_at)
    delivery.steps[delivery.open_step] = kept
    delivery.open_step = None


def _end_pass_through(tables: Tables, delivery: DeliveryRecord, now: datetime) -> int:
    """Nobody waits for a passed-through call any more; one that was begun is for a person to judge."""
    if not delivery.is_attempted:
        finish(tables, delivery, DeliveryState.VOID, now)
        was_never_sent(tables, delivery.message, now)
        return 1
    if delivery.state is DeliveryState.PARKED:
        return 0
    delivery.end_lease()
    delivery.state, delivery.parked_at = DeliveryState.PARKED, now
    delivery.findings = (pass_through_in_doubt(delivery.plan.target, delivery.plan.reference),)
    return 1
