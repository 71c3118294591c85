"""The ledger of orders, and moving one of them to the other side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from adapters.base import Alias
from gateway.journal.moves import Move, MoveBegin, MoveState, Recalled
from gateway.journal.types import DeliveryPlan, LedgerEntry


class Orders(Protocol):
    """Which side has which order."""

    # -- orders --------------------------------------------------------------------------

    async def import_orders(
        self,
        entries: Sequence[LedgerEntry],
        aliases: Mapping[str, Sequence[str]],
        who: str,
        why: str,
        now: datetime,
    ) -> int:
        """Seed the ledger with open orders of the legacy system; give how many were new.

        Existing entries stay as they are. ``aliases``: order key -> further numbers. Audited.
        """
        ...

    async def orders(
        self, *, side: str | None = None, route: str | None = None, limit: int = 1_000
    ) -> list[LedgerEntry]:
        """List ledger entries, newest first."""
        ...

    async def open_entries(
        self, *, route: str | None = None, after: str = "", limit: int = 1_000
    ) -> list[LedgerEntry]:
        """List ledger entries that are not closed, in the order of their keys, from behind ``after`` on.

        So all of them can be gone through, a page at a time, whatever is opened or closed meanwhile.
        """
        ...

    async def open_orders(self, route: str) -> Mapping[str, int]:
        """Count ledger entries of a route that are not closed, by side; those under way as "moving"."""
        ...

    async def close_orders(self, order_keys: Sequence[str], who: str, why: str, now: datetime) -> int:
        """Mark orders closed, audited; give how many were open. Retention counts from here."""
        ...

    async def aliases(
        self, order_key: str, target: str | None = None
    ) -> tuple[tuple[str, str, str, str], ...]:
        """Give an order's names as (kind, number, line, line number).

        ``target``: only those that it told, or nobody in particular.
        """
        ...

    # -- moving orders to the other side -------------------------------------------------

    async def ask_moves(self, moves: Sequence[Move], who: str, why: str, now: datetime) -> int:
        """Write down that orders are to be moved; give how many that are. Audited.

        Errors: RefusedError where one of them is being moved already; then nothing is written.
        """
        ...

    async def agree_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        """Agree to moves that another person asked for: they are begun from now on. Audited.

        Errors: UnknownError, RefusedError (the same person; not one that is asked for); then none is.
        """
        ...

    async def drop_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        """End moves that have not begun. Audited. Errors: UnknownError, RefusedError; then none is."""
        ...

    async def moves(
        self,
        *,
        states: Sequence[MoveState] = (),
        batch: str | None = None,
        order_key: str | None = None,
        limit: int = 1_000,
    ) -> list[Move]:
        """List moves, oldest first."""
        ...

    async def moves_due(self, limit: int = 100) -> list[Move]:
        """Give moves under way (CREATING, CLOSING) of which no delivery is unfinished, oldest first."""
        ...

    async def begin_move(self, begin: MoveBegin, now: datetime) -> str | None:
        """Begin a move that was agreed to: from now on its order is moving. Audited.

        Its message is written PLANNED, with one document and the delivery that creates it. Says why it
        cannot begin, where it cannot; then nothing was written. Errors: UnknownError.
        """
        ...

    async def close_moved(self, move_id: str, delivery: DeliveryPlan, now: datetime) -> bool:
        """Go on from CREATING to CLOSING with the delivery that closes the old order; False where it had."""
        ...

    async def finish_move(
        self, move_id: str, aliases: Sequence[Alias], now: datetime, left: str | None = None
    ) -> bool:
        """End a move that is CLOSING: the ledger says the new side from now on, transmitter NONE. Audited.

        ``left``: the endpoint that has it no longer; the ERP's names that it told become LEFT.
        What waits for the order is decided again. False where it was not CLOSING (any more).
        """
        ...

    async def end_move(self, move_id: str, outcome: str, now: datetime) -> bool:
        """End a move without having moved anything: the order stays where it is. Audited.

        One that is AGREED or CREATING, and of which nothing is unfinished. False where it is none. One that
        was AGREED is an exception from then on, where its order is open on the side that it was to leave.
        """
        ...

    async def recall(self, route: str, side: str, who: str, why: str, now: datetime) -> Recalled:
        """Take back the orders of a route on one side of which nothing was attempted yet. Audited.

        Their deliveries are SUPERSEDED and their ledger entries taken back in the same transaction, and
        their messages begin a new generation, which decides them by the stage of then. Orders that
        another message followed, moved or imported ones, and calls that were passed through stay.
        """
        ...
