"""Deliveries: leased, attempted, settled, listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from adapters.base import Request, StepResult
from gateway.journal.types import Claim, ClaimedDelivery, DeliveryView, DocumentView, Settled, Want


class Deliveries(Protocol):
    """What is to be sent, and what came of it."""

    # -- delivery ------------------------------------------------------------------------

    async def claim(
        self, worker: str, wants: Sequence[Want], lease_s: float, now: datetime, monotonic: float
    ) -> list[ClaimedDelivery]:
        """Lease deliveries: heads of all their lanes, due, urgent first, then oldest first.

        Claimable: READY, WAITING and IN_DOUBT whose ``not_before`` has passed, and expired leases
        (READY without an attempt, IN_DOUBT with one). Never ``pass_through``. For each Want:
        up to ``slots`` of any urgency, and up to ``urgent_slots`` more that are urgent.
        """
        ...

    async def claim_one(
        self, delivery_id: str, worker: str, lease_s: float, now: datetime, monotonic: float
    ) -> ClaimedDelivery | None:
        """Lease one delivery by id (a pass-through by its own connection); None where it cannot be now."""
        ...

    async def attempt_started(self, claim: Claim, request: Request, now: datetime) -> None:
        """Write down a request before it is sent, frozen. Errors: StaleClaimError."""
        ...

    async def still_mine(self, claim: Claim, monotonic: float) -> bool:
        """Tell whether the claim holds; a sink asks right before it writes."""
        ...

    async def renew(self, claim: Claim, lease_s: float, monotonic: float) -> Claim:
        """Extend a lease. Errors: StaleClaimError."""
        ...

    async def settle(self, claim: Claim, settled: Settled, now: datetime) -> None:
        """Write down what a step came to, and what follows. Errors: StaleClaimError.

        READY with a result keeps nothing: the delivery can be claimed again at once (the caller
        that goes on with the next step itself calls ``step_done`` instead).
        """
        ...

    async def step_done(self, claim: Claim, result: StepResult, now: datetime) -> None:
        """Write down a finished step in the middle of a series; the claim stays. Errors: StaleClaimError."""
        ...

    async def unsent_calls(self, limit: int = 1_000) -> list[tuple[str, str]]:
        """Give (message id, delivery id) of ``pass_through`` deliveries that nobody has attempted yet.

        Workers never send them; whose caller is gone would hold its order's lanes for ever.
        """
        ...

    async def next_due(self, targets: Sequence[str]) -> datetime | None:
        """Give when the earliest waiting delivery of these targets is due, for the worker's sleep."""
        ...

    async def deliveries(
        self,
        *,
        message_id: str | None = None,
        order_key: str | None = None,
        target: str | None = None,
        states: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[DeliveryView]:
        """List deliveries, oldest first, with their steps."""
        ...

    async def documents(
        self, *, message_id: str | None = None, order_key: str | None = None, limit: int = 1_000
    ) -> list[DocumentView]:
        """List documents, oldest first."""
        ...

    # -- acknowledgments of what we sent -------------------------------------------------

    async def mark_unacknowledged(self, now: datetime) -> int:
        """Make exceptions of deliveries whose acknowledgment is overdue; give how many that were.

        Only what was delivered counts: before that its own deadline speaks. An acknowledgment that comes
        later closes the exception by itself.
        """
        ...
