"""Plans: a message's documents and deliveries, written in chunks, each in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from adapters.base import Alias, Verdict
from gateway.journal.base import UnknownError
from gateway.journal.sqlite import controls
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.documents import insert_document, replace_document
from gateway.journal.sqlite.ground import Standing, ground_of
from gateway.journal.sqlite.instants import to_micros
from gateway.journal.sqlite.json_columns import (
    dump_findings,
    dump_interchanges,
    load_findings,
    load_interchanges,
    load_units,
)
from gateway.journal.sqlite.ledger import add_aliases, open_entry, take_back
from gateway.journal.sqlite.planned_deliveries import (
    finish_unsent,
    insert_deliveries,
    settled_before,
    supersede_earlier,
)
from gateway.journal.types import (
    DeliveryPlan,
    DeliveryState,
    DocumentPlan,
    Expected,
    MessageState,
    Moved,
    Plan,
    Planned,
)


class PlannedMessage(NamedTuple):
    """What planning needs of a message. ``has_held``: a delivery of its generation is, where it was asked."""

    message_id: str
    sequence: int
    state: MessageState
    generation: int
    resend: bool
    planned_through: int
    findings: str
    interchanges: str
    has_held: bool

    @property
    def is_open(self) -> bool:
        """Tell whether its plan has not ended yet."""
        return self.state in (MessageState.ACCEPTED, MessageState.TRANSLATING)


def plan(db: Database, plan: Plan, now: datetime) -> Planned | Moved:
    """Write one chunk of a plan, or say what moved. See ``Journal.plan``."""
    message = planned_message(db, plan.message_id, asks_held=plan.is_last)
    if message.generation != plan.generation:
        return Moved("generation")
    if is_durable(db, message, plan):
        return Planned()
    ground = ground_of(db, plan.expected, plan.opens)
    what = ground.moved(plan.expected)
    if what is None and _is_sent_meanwhile(db, message, plan.expected):
        what = "settled"
    if what is None and ground.splits(plan.opens):
        what = "ledger"
    if what is not None:
        return Moved(what)
    return Planned(_write(db, message, plan, ground.orders, to_micros(now)))


def plan_together(db: Database, plans: Sequence[Plan], now: datetime) -> list[Planned | Moved]:
    """Write plans of different messages in their order."""
    return [plan(db, each, now) for each in plans]


def planned_message(db: Database, message_id: str, *, asks_held: bool = False) -> PlannedMessage:
    """Give a message for planning. Errors: UnknownError."""
    row = db.row("message.for_plan", (asks_held, message_id))
    if row is None:
        raise UnknownError(f"there is no message {message_id}")
    sequence, state, generation, resend, planned_through, findings, interchanges, has_held = row
    return PlannedMessage(
        message_id,
        sequence,
        MessageState(state),
        generation,
        bool(resend),
        planned_through,
        findings,
        interchanges,
        bool(has_held),
    )


def is_durable(db: Database, message: PlannedMessage, plan: Plan) -> bool:
    """Tell whether the whole chunk was written before: the call after a kill that repeats it."""
    if not message.is_open:
        return True
    if plan.is_last or not plan.documents:
        return False
    return all(_is_written(db, message, document.index) for document in plan.documents)


def _is_sent_meanwhile(db: Database, message: PlannedMessage, expected: Expected) -> bool:
    """Tell whether something of an earlier generation went out that this plan does not know of."""
    if expected.settled is None or message.planned_through:
        return False
    return settled_before(db, message) != expected.settled


def _write(
    db: Database, message: PlannedMessage, plan: Plan, orders: Mapping[str, Standing | None], now: int
) -> tuple[str, ...]:
    if message.generation > 1:
        supersede_earlier(db, message.sequence, message.generation, now)
    opened = {entry.order_key for entry in plan.opens}
    documents: dict[int, tuple[int, tuple[str, ...]]] = {}
    for document in plan.documents:
        if not _is_written(db, message, document.index):
            document_id = insert_document(db, message, document, opened, now)
            documents[document.index] = (document_id, document.order_keys)
    for entry in plan.opens:
        if orders[entry.order_key] is None:
            open_entry(db, entry, message.sequence, message.generation)
    for order_key, aliases in plan.aliases.items():
        add_aliases(db, order_key, aliases)
    known = {document.index for document in plan.documents} - documents.keys()
    deliveries = [delivery for delivery in plan.deliveries if delivery.document_index not in known]
    holds = message.is_open and not (plan.is_last and not plan.rejected_units)
    overtaken = insert_deliveries(db, message, documents, deliveries, now, holds=holds, orders=orders)
    controls.remember(db, message.sequence, plan.controls, now)
    controls.acknowledge(db, plan.acknowledged)
    through = max(documents) + 1 if documents else 0
    if plan.is_last:
        _release(db, message, plan, now, may_hold=holds)
    _tell(db, message, plan, through, now)
    return overtaken


def _is_written(db: Database, message: PlannedMessage, index: int) -> bool:
    if index >= message.planned_through:
        return False
    return db.row("document.find", (message.sequence, message.generation, index)) is not None


def _tell(db: Database, message: PlannedMessage, plan: Plan, through: int, now: int) -> None:
    """Write what a chunk says of the whole message; what an earlier chunk said is not repeated.

    ``through``: how many sets are planned with it, 0 where it had none.
    """
    findings, interchanges = message.findings, message.interchanges
    if plan.findings:
        told = load_findings(findings)
        findings = dump_findings((*told, *(each for each in plan.findings if each not in told)))
    if plan.interchanges:
        known = load_interchanges(interchanges)
        interchanges = dump_interchanges((*known, *(each for each in plan.interchanges if each not in known)))
    notes = (max(message.planned_through, through), findings, interchanges)
    if plan.is_last:
        state, parked_at = (MessageState.PARKED, now) if plan.parks else (MessageState.PLANNED, None)
        db.run("message.planned", (*notes, state, parked_at, message.sequence))
    else:
        db.run("message.planned_so_far", (*notes, message.sequence))


def _release(db: Database, message: PlannedMessage, plan: Plan, now: int, *, may_hold: bool) -> None:
    """Release or void what the message held. ``may_hold``: this chunk may have written such a delivery."""
    if plan.rejected_units:
        _reject_units(db, message, plan, now)
    if not plan.is_broken and (message.has_held or may_hold):
        db.run("delivery.release", (message.sequence, message.generation))


def _reject_units(db: Database, message: PlannedMessage, plan: Plan, now: int) -> None:
    """Void what the rejected units hold, and take back what only their documents had claimed."""
    here = (message.sequence, message.generation)
    for unit in plan.rejected_units:
        for (number,) in db.rows("delivery.held_by_unit", (*here, unit.kind.value, unit.key)):
            finish_unsent(db, number, DeliveryState.VOID, now)
    condemned = dict[int, str | None]()
    kept_keys, kept_orders = set[str | None](), set[str]()
    for document_id, units, document_key in db.rows("document.of_generation", here):
        if plan.rejected_units.isdisjoint(load_units(units)):
            kept_keys.add(document_key)
            kept_orders.update(order_key for (order_key,) in db.rows("document.opens", (document_id,)))
        else:
            condemned[document_id] = document_key
    for document_id, document_key in condemned.items():
        db.run("document.set_verdict", (Verdict.REJECTED.value, document_id))
        for (number,) in db.rows("delivery.held_of_document", (document_id,)):
            finish_unsent(db, number, DeliveryState.VOID, now)
        if document_key is not None and document_key not in kept_keys:
            db.run("document.give_back_key", (document_key, message.message_id, message.generation))
        for (order_key,) in db.rows("document.opens", (document_id,)):
            if order_key not in kept_orders:
                take_back(db, order_key, *here)


def plan_awaited(
    db: Database,
    message_id: str,
    document: DocumentPlan,
    deliveries: Sequence[DeliveryPlan],
    expected: Expected,
    now: datetime,
    aliases: Mapping[str, Sequence[Alias]],
) -> bool:
    """Write the decision about a follow-on that waited; False where something moved meanwhile."""
    message = planned_message(db, message_id)
    document_id = db.value("document.awaiting_one", (message.sequence, message.generation, document.index))
    if document_id is None or ground_of(db, expected).moved(expected) is not None:
        return False
    at = to_micros(now)
    replace_document(db, document_id, message, document, at)
    documents = {document.index: (document_id, document.order_keys)}
    insert_deliveries(db, message, documents, deliveries, at, holds=message.is_open, has_waited=True)
    for order_key, names in aliases.items():
        add_aliases(db, order_key, names)
    return True
