"""Attempts: a request before it is sent, what it came to, and what a dead process left behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.base import Accepted, Alias, Request, StepResult
from gateway.journal.findings import pass_through_in_doubt
from gateway.journal.sent import never_left
from gateway.journal.sqlite.bodies import drop_staged
from gateway.journal.sqlite.claims import Leased, leased
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.exchanges import begin_step, end_step, read_steps
from gateway.journal.sqlite.instants import to_micros, to_micros_or_none
from gateway.journal.sqlite.json_columns import dump_findings
from gateway.journal.sqlite.lanes import leave, mark_attempted
from gateway.journal.sqlite.ledger import add_aliases
from gateway.journal.sqlite.planned_deliveries import finish_unsent
from gateway.journal.sqlite.unsent_calls import was_never_sent
from gateway.journal.types import FINISHED, Claim, DeliveryState, Settled

MAY_FOLLOW = frozenset(
    {
        DeliveryState.READY,
        DeliveryState.WAITING,
        DeliveryState.IN_DOUBT,
        DeliveryState.PARKED,
        DeliveryState.DONE,
    }
)


def attempt_started(db: Database, claim: Claim, request: Request, now: datetime) -> None:
    """Write down a request before it is sent. Errors: StaleClaimError."""
    row = leased(db, claim)
    at = to_micros(now)
    begin_step(db, row.number, claim.delivery_id, row.steps + 1, request, at)
    db.run("delivery.attempting", (at, row.number))
    if row.steps == 0:
        mark_attempted(db, row.target, row.lanes, row.position)


def step_done(db: Database, claim: Claim, result: StepResult) -> None:
    """Write down a finished step; the lease goes on, with nothing under way. Errors: StaleClaimError."""
    row = leased(db, claim)
    steps = _keep(db, claim, row, result)
    _keep_names(db, row, result)
    db.run("delivery.step_done", (steps, result.is_in_doubt, row.number))


def settle(db: Database, claim: Claim, settled: Settled, now: datetime) -> None:
    """Write down what a step came to and what follows; the lease ends. Errors: StaleClaimError."""
    row = leased(db, claim)
    is_dropped_call = settled.state is DeliveryState.VOID and row.role == "pass_through"
    if settled.state not in MAY_FOLLOW and not is_dropped_call:
        raise ValueError(f"a delivery cannot be settled as {settled.state}; expected {sorted(MAY_FOLLOW)}")
    steps = row.steps if settled.result is None else _keep(db, claim, row, settled.result)
    at = to_micros(now)
    is_done = settled.state is DeliveryState.DONE
    is_finished = settled.state in FINISHED
    not_before = to_micros_or_none(settled.not_before)
    db.run(
        "delivery.settle",
        (
            settled.state,
            steps,
            settled.spends_attempt,
            settled.reason,
            dump_findings(settled.findings),
            not_before,
            not_before,
            settled.state is DeliveryState.IN_DOUBT,
            at if settled.state is DeliveryState.PARKED else None,
            at if is_finished else None,
            settled.reference if is_done else "",
            row.number,
        ),
    )
    _keep_names(db, row, settled.result, settled.aliases if is_done else ())
    if is_done and row.steps == 0:
        mark_attempted(db, row.target, row.lanes, row.position)
    if is_finished:
        leave(db, row.number, row.target, row.lanes, row.position)
    if is_dropped_call and never_left(read_steps(db, row.number, claim.delivery_id)):
        was_never_sent(db, db.value("delivery.message_of", (row.number,)), at)


def _keep(db: Database, claim: Claim, row: Leased, result: StepResult) -> int:
    """Write a result to the step that was begun under this lease, or as a step of its own."""
    number = row.steps
    if row.state is not DeliveryState.ATTEMPTING:
        number += 1
        started_at = to_micros(result.started_at)
        begin_step(db, row.number, claim.delivery_id, number, result.request, started_at)
    end_step(db, row.number, claim.delivery_id, number, result)
    return number


def _keep_names(db: Database, row: Leased, result: StepResult | None, aliases: Sequence[Alias] = ()) -> None:
    """Write names of the orders, and those that a reply told: an order half done has its number all the same.

    A target that is done mostly says again what its reply told.
    """
    outcome = None if result is None else result.outcome
    told = outcome.aliases if isinstance(outcome, Accepted) else ()
    names = tuple(dict.fromkeys((*told, *aliases)))
    for order_key in row.order_keys if names else ():
        add_aliases(db, order_key, names, row.target)


def recover(db: Database, now: datetime) -> int:
    """Put in order what a dead process left; give how many deliveries that were."""
    at = to_micros(now)
    for (body_id,) in db.rows("body.staged"):
        drop_staged(db, body_id)
    changed = 0
    for number, target, reference, steps in db.rows("delivery.open_pass_through"):
        if steps == 0:
            finish_unsent(db, number, DeliveryState.VOID, at)
            was_never_sent(db, db.value("delivery.message_of", (number,)), at)
        else:
            finding = pass_through_in_doubt(target, reference)
            db.run("delivery.park", (dump_findings((finding,)), at, number))
        changed += 1
    return changed + db.changed("delivery.end_leases")
