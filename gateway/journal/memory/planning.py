"""Planning in the memory journal: chunks of documents and deliveries, held units, follow-ons that wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from adapters.base import Alias, Finding, Interchange, Verdict
from gateway.journal.findings import order_overtaken
from gateway.journal.memory import controls, orders
from gateway.journal.memory.delivering import finish
from gateway.journal.memory.messages import message_record, set_view
from gateway.journal.memory.records import DeliveryRecord, DocumentKey, DocumentRecord, MessageRecord, Tables
from gateway.journal.memory.units import end_plan
from gateway.journal.sent import was_sent
from gateway.journal.types import (
    MOVED,
    DeliveryPlan,
    DeliveryState,
    DocumentPlan,
    DocumentView,
    Expected,
    Moved,
    Plan,
    Planned,
)


def plan(tables: Tables, chunk: Plan, now: datetime, *, dedupes: bool) -> Planned | Moved:
    """Write one chunk of a plan, or say what moved. Errors: UnknownError, ValueError for ids in use."""
    record = message_record(tables, chunk.message_id)
    if chunk.generation != record.view.generation:
        return Moved("generation")
    documents = [document for document in chunk.documents if document.index not in record.documents]
    is_durable = bool(chunk.documents) and not documents and not chunk.is_last
    if is_durable or not record.is_to_translate:
        return Planned()
    what = orders.moved(tables, chunk.expected, dedupes=dedupes)
    if what is None and _is_sent_meanwhile(record, chunk):
        what = "settled"
    if what is not None or orders.splits(tables, chunk.opens):
        return Moved(what or "ledger")
    new = {document.index for document in documents}
    known = {document.index for document in chunk.documents} - new
    deliveries = _not_yet_written(record, chunk.deliveries, known)
    _check(tables, deliveries, record.documents.keys() | new)
    if record.generation_begun < chunk.generation:
        _supersede(tables, record, now)
        record.generation_begun = chunk.generation
    overtaken = _write(tables, record, chunk, documents, deliveries, now)
    controls.remember(tables, record, chunk.controls)
    controls.acknowledge(tables, chunk.acknowledged)
    _tell(tables, record, chunk)
    if chunk.is_last:
        end_plan(tables, record, chunk, now)
    return Planned(overtaken)


def _is_sent_meanwhile(record: MessageRecord, chunk: Plan) -> bool:
    """Tell whether something of an earlier generation went out that this plan does not know of."""
    if chunk.expected.settled is None or record.generation_begun == chunk.generation:
        return False
    former = (made for made in record.deliveries if made.generation < chunk.generation)
    settled = {made.delivery_id for made in former if made.is_attempted or made.resolution}
    return settled != chunk.expected.settled


def awaiting(tables: Tables, now: datetime, limit: int) -> list[DocumentView]:
    """Give follow-ons whose order became known or whose time is over, oldest first."""
    found: list[DocumentView] = []
    for document in sorted(tables.awaiting.values(), key=_age):
        awaited = document.plan.awaits
        if len(found) >= limit:
            break
        if awaited is not None and (awaited.until <= now or orders.is_known(tables, awaited)):
            found.append(DocumentView(document.message.view.message_id, document.generation, document.plan))
    return found


def _age(document: DocumentRecord) -> tuple[int, int]:
    return document.message.view.sequence, document.plan.index


def plan_together(
    tables: Tables, plans: Sequence[Plan], now: datetime, *, dedupes: bool
) -> list[Planned | Moved]:
    """Write plans of different messages. Errors: UnknownError about any of them, before one is written."""
    for each in plans:
        message_record(tables, each.message_id)
    return [plan(tables, each, now, dedupes=dedupes) for each in plans]


def plan_awaited(
    tables: Tables,
    message_id: str,
    decided: DocumentPlan,
    deliveries: Sequence[DeliveryPlan],
    expected: Expected,
    now: datetime,
    aliases: Mapping[str, Sequence[Alias]],
    *,
    dedupes: bool,
) -> bool:
    """Write the decision about a follow-on that waited, or nothing where something moved."""
    record = message_record(tables, message_id)
    document = tables.awaiting.get((message_id, decided.index))
    is_moved = orders.moved(tables, expected, dedupes=dedupes) is not None
    if document is None or is_moved:
        return False
    deliveries = _not_yet_written(record, deliveries, frozenset())
    _check(tables, deliveries, record.documents.keys())
    del tables.awaiting[(message_id, decided.index)]
    document.plan, document.planned_at = decided, now
    _index_document(tables, document)
    _write_deliveries(tables, record, deliveries, now, has_waited=True)
    for order_key, names in aliases.items():
        orders.add_aliases(tables, order_key, names)
    return True


def _not_yet_written(
    record: MessageRecord, deliveries: Iterable[DeliveryPlan], known_indexes: Set[int]
) -> list[DeliveryPlan]:
    """Leave out what an earlier chunk wrote, and what an earlier generation attempted (unless resend).

    A delivery of no document is known by its reference, target and role: a chunk that is repeated
    after a kill must not send a message's own bytes twice.
    """
    generation, resend = record.view.generation, record.view.resend
    former = (made for made in record.deliveries if made.generation < generation and not resend)
    attempted = {_identity(made.plan) for made in former if _was_sent(made)}
    own = (made.plan for made in record.deliveries if made.generation == generation)
    written = {_identity(made) for made in own if made.document_index is None}
    fresh = []
    for delivery in deliveries:
        identity, index = _identity(delivery), delivery.document_index
        is_known = identity in written if index is None else index in known_indexes
        if is_known or identity in attempted:
            continue
        if index is None:
            written.add(identity)
        fresh.append(delivery)
    return fresh


def _was_sent(made: DeliveryRecord) -> bool:
    is_settled = made.is_attempted or bool(made.resolution)
    return is_settled and was_sent(made.plan.role, made.state, made.steps, made.resolution)


def _identity(delivery: DeliveryPlan) -> tuple[str, str, str]:
    return delivery.reference, delivery.target, delivery.role


def _check(tables: Tables, deliveries: Iterable[DeliveryPlan], indexes: Set[int]) -> None:
    seen = set[str]()
    for delivery in deliveries:
        if delivery.delivery_id in tables.deliveries or delivery.delivery_id in seen:
            raise ValueError(f"delivery id {delivery.delivery_id} is in use; expected a new one")
        if delivery.document_index is not None and delivery.document_index not in indexes:
            raise ValueError(
                f"delivery {delivery.delivery_id}: there is no document {delivery.document_index}"
            )
        seen.add(delivery.delivery_id)


def _supersede(tables: Tables, record: MessageRecord, now: datetime) -> None:
    for delivery in record.deliveries:
        if not delivery.is_finished and not delivery.is_attempted:
            finish(tables, delivery, DeliveryState.SUPERSEDED, now)


def _write(
    tables: Tables,
    record: MessageRecord,
    chunk: Plan,
    documents: Sequence[DocumentPlan],
    deliveries: Sequence[DeliveryPlan],
    now: datetime,
) -> tuple[str, ...]:
    for entry in chunk.opens:
        if orders.open_entry(tables, entry):
            record.opened[entry.order_key] = tables.ledger[entry.order_key].revision
        about = {document.index for document in documents if entry.order_key in document.order_keys}
        record.openers.setdefault(entry.order_key, set()).update(about)
        if about:
            first = record.opened_first.get(entry.order_key, min(about))
            record.opened_first[entry.order_key] = min(first, *about)
    for order_key, aliases in chunk.aliases.items():
        orders.add_aliases(tables, order_key, aliases)
    for document_plan in documents:
        document = DocumentRecord(record, chunk.generation, document_plan, now)
        tables.documents_in_order.append(document)
        record.documents[document_plan.index] = document
        _index_document(tables, document)
    return _write_deliveries(tables, record, deliveries, now)


def write_move(
    tables: Tables,
    record: MessageRecord,
    documents: Sequence[DocumentPlan],
    deliveries: Sequence[DeliveryPlan],
    now: datetime,
) -> None:
    """Write documents and deliveries of a message of the gateway's own."""
    for planned in documents:
        record.documents[planned.index] = DocumentRecord(record, record.view.generation, planned, now)
    _write_deliveries(tables, record, deliveries, now)


def _index_document(tables: Tables, document: DocumentRecord) -> None:
    """Note what waits for its order, and who holds a document key.

    A set that is rejected, parked or a repeat takes no key: nothing of it goes anywhere, and what
    comes after it must not be taken for a repeat. One that is parked after it waited gives the key back.
    What a person closed in an earlier generation keeps the key that it has, and takes none.
    """
    told = document.plan
    message_id = document.message.view.message_id
    if told.awaits is not None:
        tables.awaiting[(message_id, told.index)] = document
    if told.document_key is not None and told.is_parked:
        _give_back_unsent(tables, document, told.document_key)
    if (
        told.document_key is None
        or told.is_parked
        or told.resolution
        or told.repeats
        or told.verdict is Verdict.REJECTED
    ):
        return
    content_hash = told.content_hash or ""
    holder = tables.document_keys.get(told.document_key)
    if holder is None:
        holder = DocumentKey(message_id, told.index, content_hash, document.generation, document.planned_at)
        tables.document_keys[told.document_key] = holder
    elif holder.message_id == message_id and holder.generation < document.generation:
        holder.index, holder.content_hash = told.index, content_hash


def _give_back_unsent(tables: Tables, document: DocumentRecord, key: str) -> None:
    """Give a key back where nothing of the document was ever sent."""
    index, holder = document.plan.index, tables.document_keys.get(key)
    is_ours = holder is not None and (holder.message_id, holder.index) == (
        document.message.view.message_id,
        index,
    )
    if is_ours and not any(
        made.is_attempted
        for made in document.message.deliveries
        if made.plan.role in ("live", "pass_through") and made.plan.document_index in (index, None)
    ):
        del tables.document_keys[key]


def _write_deliveries(
    tables: Tables,
    record: MessageRecord,
    deliveries: Sequence[DeliveryPlan],
    now: datetime,
    *,
    has_waited: bool = False,
) -> tuple[str, ...]:
    """Write deliveries into their lanes; give the ids of those that were overtaken and parked.

    ``has_waited``: they are about an order that came after them, and stand directly behind the document
    that opened it.
    """
    overtaken = []
    for planned in deliveries:
        delivery = _delivery(tables, record, planned, now)
        if has_waited or record.view.generation > 1 or _is_moved(tables, planned.lanes):
            behind = _behind_order(tables, planned.lanes, record.view.sequence)
            delivery.key = max(delivery.key, (*behind, delivery.key[2]))
        sequence, index, _ = delivery.key
        late_in = tables.lanes.overtaken_order(planned.target, planned.lanes, sequence, index)
        if late_in is not None:
            delivery.state, delivery.parked_at = DeliveryState.PARKED, now
            delivery.findings = (order_overtaken(planned, late_in),)
            overtaken.append(planned.delivery_id)
        tables.deliveries[planned.delivery_id] = delivery
        tables.unfinished[planned.delivery_id] = delivery
        record.deliveries.append(delivery)
        tables.lanes.enter(delivery)
    return tuple(overtaken)


def _is_moved(tables: Tables, lanes: Iterable[str]) -> bool:
    """Tell whether one of these orders came to its side by a move, which what is older must stand behind."""
    entries = (tables.ledger.get(order_key) for order_key in lanes)
    return any(entry is not None and entry.stage == MOVED for entry in entries)


def _behind_order(tables: Tables, lanes: Iterable[str], sequence: int) -> tuple[int, int]:
    """Give the place of the last document after this message that opened one of these orders."""
    places = [(0, -1)]
    for order_key in lanes:
        entry = tables.ledger.get(order_key)
        opener = tables.messages.get(entry.message_id) if entry is not None and entry.message_id else None
        if opener is not None and order_key in opener.opened_first and opener.view.sequence > sequence:
            places.append((opener.view.sequence, opener.opened_first[order_key]))
    return max(places)


def _delivery(tables: Tables, record: MessageRecord, planned: DeliveryPlan, now: datetime) -> DeliveryRecord:
    index = planned.document_index
    is_held = planned.unit is not None and record.is_to_translate
    return DeliveryRecord(
        message=record,
        document=None if index is None else record.documents[index],
        plan=planned,
        generation=record.view.generation,
        key=(record.view.sequence, -1 if index is None else index, len(tables.deliveries)),
        planned_at=now,
        state=DeliveryState.HELD if is_held else DeliveryState.READY,
        is_held=is_held,
        not_before=planned.not_before,
    )


def _tell(tables: Tables, record: MessageRecord, chunk: Plan) -> None:
    """Write down what a chunk says of the whole message; what an earlier chunk said is not repeated."""
    view = record.view
    through = max((document.index + 1 for document in chunk.documents), default=0)
    set_view(
        tables,
        record,
        replace(
            view,
            planned_through=max(view.planned_through, through),
            findings=_joined_findings(view.findings, chunk.findings),
            interchanges=_joined_interchanges(view.interchanges, chunk.interchanges),
        ),
    )


def _joined_findings(first: tuple[Finding, ...], more: Iterable[Finding]) -> tuple[Finding, ...]:
    return (*first, *(finding for finding in more if finding not in first))


def _joined_interchanges(
    first: tuple[Interchange, ...], more: Iterable[Interchange]
) -> tuple[Interchange, ...]:
    return (*first, *(interchange for interchange in more if interchange not in first))
