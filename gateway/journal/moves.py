"""Moves: an order that goes from one system to the other, as the journal keeps it.

A move is asked by one person and agreed to by another; then the order *is moving*: it keeps its side, nothing
new of it is decided, and what arrives waits. The remainder is created on the new side, the old order is
closed there, and only then the ledger says the new side. A move that stops half way goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from gateway.journal.types import (
    Arrival,
    DeliveryPlan,
    DeliveryState,
    DocumentPlan,
    LedgerEntry,
    Side,
)

MOVING = "moving"  # how an order under way counts where orders are counted by side


class MoveState(StrEnum):
    """Where a move stands."""

    ASKED = "asked"  # by one person; another must agree
    AGREED = "agreed"  # to be begun
    CREATING = "creating"  # the remainder is on its way to the new side
    CLOSING = "closing"  # it is there, and the old side is being told
    DONE = "done"
    ENDED = "ended"  # nothing was moved; the outcome says why


OPEN_MOVES = frozenset({MoveState.ASKED, MoveState.AGREED, MoveState.CREATING, MoveState.CLOSING})
UNDER_WAY = frozenset({MoveState.CREATING, MoveState.CLOSING})


@dataclass(frozen=True, slots=True)
class MoveLine:
    """One line of an order that moves: what stays where it was, and what goes. Quantities in ``unit``."""

    line: str
    ordered: Decimal
    received: Decimal
    invoiced: Decimal
    unit: str = ""
    price: Decimal | None = None  # per one ``unit``

    @property
    def fixed(self) -> Decimal:
        """Give what stays on the old side: whatever was received or invoiced there."""
        return max(self.received, self.invoiced, Decimal(0))

    @property
    def remainder(self) -> Decimal:
        """Give what is created on the new side."""
        return max(self.ordered - self.fixed, Decimal(0))


@dataclass(frozen=True, slots=True)
class Move:
    """One order's move. ``batch``: those asked for together. ``lines``: once begun, or by a file before.

    ``parked_at``: it was agreed to and never began, and a person must look since then; see parked_moves.
    """

    move_id: str
    order_key: str
    route: str
    was: Side
    to: Side
    asked_by: str
    asked_at: datetime
    why: str
    batch: str
    state: MoveState = MoveState.ASKED
    agreed_by: str | None = None
    agreed_at: datetime | None = None
    message_id: str | None = None
    lines: tuple[MoveLine, ...] = ()
    documents: int = 0  # how many the journal had of the order when the move was asked for
    order: bytes | None = None  # canonical JSON from a file, of an order that came before the gateway
    outcome: str = ""
    ended_at: datetime | None = None
    parked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MoveBegin:
    """What begins a move: its message, its documents, and the delivery that creates the remainder.

    The first document is the remainder, the second what tells the old side that its order is closed.
    ``ledger_revision`` and ``documents_seen`` are what it was worked out from; where either has changed,
    nothing is begun.
    """

    move_id: str
    ledger_revision: int
    documents_seen: int
    arrival: Arrival
    body: bytes
    documents: tuple[DocumentPlan, ...]
    delivery: DeliveryPlan
    lines: tuple[MoveLine, ...]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a recall took back: orders by message, to be decided anew."""

    orders: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """What the journal knows of an order when a move begins."""

    entry: LedgerEntry | None
    documents: int
    unfinished: tuple[tuple[str, DeliveryState], ...] = field(default=())  # those that hold its lanes
    is_parked: bool = False  # a document of it is parked or waits
