"""One look at an order: its entry, its documents, its moves, and what all of it comes to, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canonical.document import CanonicalDocument
from canonical.key_rules import KeyRules
from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document
from gateway.journal.base import Journal
from gateway.journal.moves import Move, MoveState
from gateway.journal.types import DeliveryState, DeliveryView, DocumentView, LedgerEntry
from gateway.order_documents import about, canonical_of, standing
from gateway.order_lines import OrderState, order_state

EVERY = 1_000_000


@dataclass(frozen=True, slots=True)
class OrderLook:
    """What the journal has of an order. ``is_told``: a file told what it was when its move was asked for."""

    order_key: str
    entry: LedgerEntry | None
    documents: Sequence[DocumentView]
    moves: Sequence[Move]
    state: OrderState
    is_told: bool = False

    @property
    def last(self) -> Move | None:
        """Give the last move that arrived."""
        return next((each for each in reversed(self.moves) if each.state is MoveState.DONE), None)


async def look_at(journal: Journal, order_key: str, rules: KeyRules, told: Move | None = None) -> OrderLook:
    """Look at an order. ``told``: a move that brings it as a file told it, for one older than the gateway.

    What such a file counts is what came before the move was asked for; what came since is counted on top.
    """
    entry = (await journal.facts([order_key], (), ())).ledger.get(order_key)
    views = await journal.documents(order_key=order_key, limit=EVERY)
    moves = await journal.moves(order_key=order_key, limit=EVERY)
    own = {each.message_id for each in moves if each.message_id is not None}
    is_this = about(order_key, {number for _, number, _, _ in await journal.aliases(order_key)}, rules)
    counting = standing(views, own)
    documents: list[CanonicalDocument] = canonical_of(counting)
    is_placed = any(isinstance(each, PurchaseOrder) for each in documents)
    told = told if told is not None and told.order else _told(moves)
    if told is not None and told.order and not is_placed:
        start = OrderState(_order(told.order), told.lines)
        since = canonical_of(standing(views[told.documents :], own))
        return OrderLook(order_key, entry, views, moves, order_state(since, is_this, start), is_told=True)
    state = order_state(documents, is_this)
    if len(documents) < len(counting):
        gone = "retention has taken the content of a document of it; give its lines with --file"
        state = OrderState(state.order, state.lines, (*state.problems, gone))
    return OrderLook(order_key, entry, views, moves, state)


def _order(canonical: bytes) -> PurchaseOrder | None:
    order = parse_document(canonical)
    return order if isinstance(order, PurchaseOrder) else None


def _told(moves: Sequence[Move]) -> Move | None:
    """Give the move that brought the order from a file, where one did and arrived."""
    return next((each for each in moves if each.order and each.state is MoveState.DONE), None)


async def placed_at(journal: Journal, look: OrderLook, target: str) -> list[DeliveryView]:
    """Give the deliveries that placed an order at a target, oldest first: the last has its number there."""
    placing = {
        (view.message_id, view.plan.index)
        for view in look.documents
        if view.plan.document_type in ("purchase_order", "requisition")
    }
    done = await journal.deliveries(
        order_key=look.order_key, target=target, states=[DeliveryState.DONE.value], limit=EVERY
    )
    found = [each for each in done if each.role in ("live", "copy") and each.target_reference]
    return sorted(
        (each for each in found if (each.message_id, each.document_index) in placing),
        key=lambda each: each.sequence,
    )
