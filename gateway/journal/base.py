"""The journal's contract: the one durable store, and the only place where state changes.

Every method that changes anything is one transaction, durable when it returns; everything is
either written whole or not at all. The same tests run on every implementation
(``tests/gateway/journal/``). Times come in as arguments: a journal reads no clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from adapters.base import SourceMemory
from gateway.journal.contract.deliveries import Deliveries
from gateway.journal.contract.evidence import Evidence
from gateway.journal.contract.messages import Messages
from gateway.journal.contract.orders import Orders
from gateway.journal.contract.people import People
from gateway.journal.contract.settings import Tables
from gateway.journal.errors import (
    JournalBusyError,
    JournalError,
    RefusedError,
    StaleClaimError,
    StaleStageError,
    UnknownError,
)

__all__ = [
    "Journal",
    "JournalBusyError",
    "JournalError",
    "RefusedError",
    "StaleClaimError",
    "StaleStageError",
    "UnknownError",
]


class Journal(Messages, Deliveries, Orders, People, Tables, Evidence, SourceMemory, Protocol):
    """The durable store: its life, and retention; the rest by concern, in `gateway.journal.contract`."""

    # -- life ------------------------------------------------------------------------------

    async def bind_environment(self, environment: str) -> None:
        """Tie a new store to ``test`` or ``production``. Errors: JournalError where it is tied otherwise."""
        ...

    async def recover(self, now: datetime) -> int:
        """Put in order what a dead process left, before any work; give how many deliveries that were.

        A lease of any worker is ended: without an attempt the delivery is READY again, with one
        IN_DOUBT. ``pass_through`` deliveries without an attempt are VOID (their caller is gone),
        with one IN_DOUBT and parked with code PASS-THROUGH-IN-DOUBT. Staged bodies nobody accepted go.
        """
        ...

    async def is_healthy(self) -> bool:
        """Tell whether writing still works; False for good after a JournalError."""
        ...

    async def close(self) -> None:
        """Finish what is queued and close."""
        ...

    # -- retention -------------------------------------------------------------------------

    async def prune(
        self,
        now: datetime,
        bodies_before: datetime,
        keys_before: datetime,
        orders_before: datetime,
        limit: int,
    ) -> int:
        """Forget what is old, at most ``limit`` things; give how many.

        These are bodies (message, document, request, reply) of settled messages older than
        ``bodies_before``, arrival keys, document keys and control numbers older than ``keys_before``, and
        ledger entries, with all names of their orders, that were closed before ``orders_before``. Open work
        is never touched, nor is the ledger entry of an order that something unfinished is about.
        """
        ...
