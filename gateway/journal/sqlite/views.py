"""Deliveries as lists and ``explain`` show them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.exchanges import read_steps
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none
from gateway.journal.sqlite.json_columns import load_findings, load_strings
from gateway.journal.sqlite.messages import dump_states
from gateway.journal.types import DeliveryState, DeliveryView


def deliveries(
    db: Database,
    message_id: str | None,
    order_key: str | None,
    target: str | None,
    states: Sequence[str],
    limit: int,
) -> list[DeliveryView]:
    """List deliveries, oldest first, with their steps."""
    wanted = (target, dump_states(states), limit)
    if order_key is not None:
        rows = db.rows("view.of_order", (*wanted, order_key, message_id))
    elif message_id is not None:
        rows = db.rows("view.of_message", (*wanted, message_id))
    else:
        rows = db.rows("view.oldest", wanted)
    return [delivery_view(db, row) for row in rows]


def unsent_calls(db: Database, limit: int) -> list[tuple[str, str]]:
    """Give (message id, delivery id) of passed-through calls that nobody has attempted, oldest first."""
    rows = db.rows("delivery.unsent_calls", (limit,))
    return [(str(message_id), str(delivery_id)) for message_id, delivery_id in rows]


def delivery_view(db: Database, row: Row) -> DeliveryView:
    """Give the delivery of a row of ``$delivery_columns``."""
    (
        number, delivery_id, message_id, generation, index, target, role, state, reference, lanes, is_urgent,
        attempts, reason, not_before, deadline_at, target_reference, findings, steps, planned_at, ended_at,
        sequence, resolution,
    ) = row  # fmt: skip
    return DeliveryView(
        delivery_id=delivery_id,
        message_id=message_id,
        generation=generation,
        document_index=index,
        target=target,
        role=role,
        state=DeliveryState(state),
        reference=reference,
        lanes=load_strings(lanes),
        is_urgent=bool(is_urgent),
        attempts=attempts,
        reason=reason,
        not_before=from_micros_or_none(not_before),
        deadline_at=from_micros_or_none(deadline_at),
        target_reference=target_reference,
        findings=load_findings(findings),
        steps=read_steps(db, number, delivery_id) if steps else (),
        planned_at=from_micros(planned_at),
        ended_at=from_micros_or_none(ended_at),
        sequence=sequence,
        resolution=resolution or "",
    )
