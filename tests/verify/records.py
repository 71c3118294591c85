"""One look at a whole journal and all ledgers, indexed for the checks. Works on any Journal."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.journal.base import Journal, UnknownError
from gateway.journal.types import (
    DeliveryState,
    DeliveryView,
    DocumentView,
    LedgerEntry,
    Message,
)
from tests.verify.evidence import Committed, TargetLedger

EVERYTHING = 10_000_000
ENDED = frozenset({DeliveryState.DONE, DeliveryState.SUPERSEDED, DeliveryState.VOID})


Place = tuple[int, int]  # message sequence, document index


@dataclass(frozen=True, slots=True)
class Commit:
    """One committed thing, and the deliveries it belongs to (several generations may share one)."""

    ledger: TargetLedger
    entry: Committed
    deliveries: tuple[DeliveryView, ...]

    @property
    def role(self) -> str:
        """Give the role under which it was sent; live where no delivery is known."""
        return self.deliveries[0].role if self.deliveries else "live"

    @property
    def is_live(self) -> bool:
        """Tell whether it counts as the document itself, and not as a copy of it."""
        return self.role in ("live", "pass_through")

    @property
    def place(self) -> str:
        """Name it."""
        return f"{self.ledger.target}#{self.entry.sequence}"


@dataclass(slots=True)
class Records:
    """What the journal and the targets say."""

    messages: dict[str, Message]
    body_hashes: dict[str, str | None]  # None: pruned
    documents: dict[str, list[DocumentView]]  # by message, all generations
    deliveries: list[DeliveryView]
    orders: dict[str, LedgerEntry]
    audit_fault: str | None
    ledgers: Sequence[TargetLedger]
    commits: list[Commit]
    people_moved: frozenset[str]  # subjects of audited retries, resolutions, replays
    open_ids: frozenset[str]  # of exceptions
    by_delivery: dict[str, list[Commit]] = field(default_factory=dict)
    of_message: dict[str, list[DeliveryView]] = field(default_factory=dict)

    def current_documents(self, message_id: str) -> list[DocumentView]:
        """Give the documents of a message's present generation."""
        generation = self.messages[message_id].generation
        return [view for view in self.documents.get(message_id, ()) if view.generation == generation]

    def opened_at(self, order_key: str) -> Place:
        """Give the place of the document that opened an order: what came before it waits for it."""
        entry = self.orders.get(order_key)
        opener = self.messages.get(entry.message_id) if entry is not None and entry.message_id else None
        if opener is None:
            return (-1, -1)
        views = self.documents.get(opener.message_id, [])
        indexes = (view.plan.index for view in views if order_key in view.plan.order_keys)
        return opener.sequence, min(indexes, default=-1)

    def place(self, delivery: DeliveryView) -> Place:
        """Give a delivery's place among those of the same order: by acceptance, behind the order's own."""
        own = self.own_place(delivery)
        opened = (self.opened_at(order_key) for order_key in delivery.lanes)
        return max((own, *(place for place in opened if place[0] > delivery.sequence)))

    def own_place(self, delivery: DeliveryView) -> Place:
        """Give a delivery's place by acceptance alone."""
        return delivery.sequence, -1 if delivery.document_index is None else delivery.document_index

    def was_moved(self, delivery: DeliveryView) -> bool:
        """Tell whether a person took it, its set or its message up by an audited command."""
        ids = {delivery.delivery_id, delivery.message_id, f"{delivery.message_id}/{delivery.document_index}"}
        if not ids.isdisjoint(self.people_moved):
            return True
        # To retry one set plans the whole message again.
        sets = f"{delivery.message_id}/"
        return delivery.generation > 1 and any(subject.startswith(sets) for subject in self.people_moved)


async def read_records(journal: Journal, ledgers: Sequence[TargetLedger]) -> Records:
    """Read everything once."""
    messages = await _messages(journal)
    documents: dict[str, list[DocumentView]] = defaultdict(list)
    for view in await journal.documents(limit=EVERYTHING):
        documents[view.message_id].append(view)
    deliveries = await journal.deliveries(limit=EVERYTHING)
    commits = _commits(ledgers, deliveries)
    exceptions = await journal.exceptions(limit=EVERYTHING)
    records = Records(
        messages=messages,
        body_hashes={message_id: await _body_hash(journal, message_id) for message_id in messages},
        documents=dict(documents),
        deliveries=deliveries,
        orders={entry.order_key: entry for entry in await journal.orders(limit=EVERYTHING)},
        audit_fault=await journal.verify_audit(),
        ledgers=ledgers,
        commits=commits,
        people_moved=frozenset(
            entry.subject
            for entry in await journal.audit(limit=EVERYTHING)
            if entry.action in ("exceptions.retry", "exceptions.resolve", "messages.replay")
        ),
        open_ids=frozenset(item.exception_id for item in exceptions),
    )
    for delivery in deliveries:
        records.of_message.setdefault(delivery.message_id, []).append(delivery)
    for commit in commits:
        for delivery in commit.deliveries:
            records.by_delivery.setdefault(delivery.delivery_id, []).append(commit)
    return records


async def _messages(journal: Journal) -> dict[str, Message]:
    """Give all messages, oldest first."""
    found: list[Message] = []
    before: int | None = None
    while page := await journal.messages(before_sequence=before, limit=1_000):
        found += page
        before = page[-1].sequence
    return {message.message_id: message for message in reversed(found)}


async def _body_hash(journal: Journal, message_id: str) -> str | None:
    digest = hashlib.sha256()
    try:
        async for piece in journal.body(message_id):
            digest.update(piece)
    except UnknownError:
        return None
    return digest.hexdigest()


def _commits(ledgers: Sequence[TargetLedger], deliveries: Sequence[DeliveryView]) -> list[Commit]:
    by_reference: dict[tuple[str, str], list[DeliveryView]] = defaultdict(list)
    by_body: dict[tuple[str, str], list[DeliveryView]] = defaultdict(list)
    for delivery in deliveries:
        by_reference[delivery.target, delivery.reference].append(delivery)
        for digest in body_hashes_sent(delivery):
            by_body[delivery.target, digest].append(delivery)
    made = []
    for ledger in ledgers:
        for entry in ledger.committed:
            found = (
                by_reference.get((ledger.target, entry.reference), [])
                if entry.reference
                else by_body.get((ledger.target, entry.body_sha256), [])
            )
            attempted = [delivery for delivery in found if delivery.steps]
            made.append(Commit(ledger, entry, tuple(attempted or found)))
    return made


def body_hashes_sent(delivery: DeliveryView) -> set[str]:
    """Give the hashes of all bodies that attempts of a delivery were begun with."""
    return {hashlib.sha256(step.request.body).hexdigest() for step in delivery.steps if step.request.body}
