"""The journal in memory: every method one step of plain dictionaries, in the words of the contract.

The object is the disk: it outlives a simulated crash of everything around it. Nothing here reads a
clock (source memory apart), draws a number or runs in a thread, so a seeded history repeats exactly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from adapters.base import Alias, Clock, Finding, Origin, Request, StepResult
from gateway.journal.base import UnknownError
from gateway.journal.memory import (
    delivering,
    messages,
    names,
    orders,
    planning,
    settings,
    views,
)
from gateway.journal.memory.keeping import Keeping, OnCommit
from gateway.journal.memory.records import Tables
from gateway.journal.types import (
    NO_ALIASES,
    Acceptance,
    Arrival,
    Claim,
    ClaimedDelivery,
    DeliveryPlan,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    Expected,
    Facts,
    Message,
    MessageState,
    Moved,
    Plan,
    Planned,
    Settled,
    Want,
)

PIECE_BYTES = 256 * 1024


class MemoryJournal(Keeping):
    """The contract of ``gateway.journal.base.Journal``, kept in dictionaries.

    ``on_commit`` is awaited with a method's name right before its change becomes durable and right
    after: a simulation crashes and delays there. Between the two nothing else runs.
    ``unsafe_no_dedupe`` is for negative controls only: arrival keys and document keys are ignored.
    """

    def __init__(
        self, *, clock: Clock, on_commit: OnCommit | None = None, unsafe_no_dedupe: bool = False
    ) -> None:
        self._tables = Tables()
        self._clock = clock
        self._dedupes = not unsafe_no_dedupe
        self.on_commit = on_commit

    # -- life ------------------------------------------------------------------------------

    async def bind_environment(self, environment: str) -> None:
        await self._commit("bind_environment", lambda: settings.bind_environment(self._tables, environment))

    async def recover(self, now: datetime) -> int:
        return await self._commit("recover", lambda: delivering.recover(self._tables, now))

    async def is_healthy(self) -> bool:
        return True

    async def close(self) -> None:
        """Do nothing: what is written stays, and another run may go on with it."""

    # -- messages --------------------------------------------------------------------------

    async def accept(self, arrival: Arrival, body: bytes | AsyncIterator[bytes]) -> Acceptance:
        whole = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
        return await self._commit(
            "accept", lambda: messages.accept(self._tables, arrival, whole, dedupes=self._dedupes)
        )

    async def accept_together(self, inputs: Sequence[tuple[Arrival, bytes]]) -> list[Acceptance]:
        return await self._commit(
            "accept_together", lambda: messages.accept_together(self._tables, inputs, dedupes=self._dedupes)
        )

    async def refuse(self, route: str, origin: Origin, finding: Finding, at: datetime) -> str:
        return await self._commit("refuse", lambda: messages.refuse(self._tables, route, origin, finding, at))

    async def count_refused(self, since: datetime) -> int:
        return messages.count_refused(self._tables, since)

    async def knows_arrival(self, route: str, arrival_key: str) -> bool:
        return bool(self._tables.arrivals.get((route, arrival_key)))

    async def message(self, message_id: str) -> Message:
        return messages.message_record(self._tables, message_id).view

    async def body(self, message_id: str) -> AsyncIterator[bytes]:
        whole = messages.message_record(self._tables, message_id).body
        if whole is None:
            raise UnknownError(f"message {message_id} has no body (any more)")
        for start in range(0, len(whole), PIECE_BYTES):
            yield whole[start : start + PIECE_BYTES]

    async def messages(
        self,
        *,
        route: str | None = None,
        states: Sequence[MessageState] = (),
        before_sequence: int | None = None,
        limit: int = 100,
    ) -> list[Message]:
        return messages.listed(self._tables, route, states, before_sequence, limit)

    async def ids_beginning(self, beginning: str, limit: int = 100) -> list[str]:
        return names.ids_beginning(self._tables, beginning, limit)

    async def ids_bearing(self, name: str, reference: str | None, since: int, before: int) -> list[str]:
        return names.ids_bearing(self._tables, name, reference, since, before)

    async def next_to_translate(self, route: str, *, urgent: bool, limit: int = 1) -> list[Message]:
        return messages.next_to_translate(self._tables, route, urgent, limit)

    async def routes_to_translate(self) -> list[tuple[str, bool]]:
        return messages.routes_to_translate(self._tables)

    # -- planning --------------------------------------------------------------------------

    async def begin_translation(self, message_id: str, config_revision: int) -> Message:
        return await self._commit(
            "begin_translation",
            lambda: messages.begin_translation(self._tables, message_id, config_revision),
        )

    async def begin_together(
        self, message_ids: Sequence[str], config_revision: int
    ) -> list[tuple[Message, bytes | None]]:
        return await self._commit(
            "begin_together",
            lambda: messages.begin_together(self._tables, message_ids, config_revision, PIECE_BYTES),
        )

    async def facts(
        self,
        order_keys: Sequence[str],
        document_keys: Sequence[str],
        order_numbers: Sequence[str],
        control_keys: Sequence[str] = (),
    ) -> Facts:
        return orders.facts(
            self._tables, order_keys, document_keys, order_numbers, control_keys, dedupes=self._dedupes
        )

    async def plan(self, plan: Plan, now: datetime) -> Planned | Moved:
        return await self._commit(
            "plan", lambda: planning.plan(self._tables, plan, now, dedupes=self._dedupes)
        )

    async def plan_together(self, plans: Sequence[Plan], now: datetime) -> list[Planned | Moved]:
        return await self._commit(
            "plan_together",
            lambda: planning.plan_together(self._tables, plans, now, dedupes=self._dedupes),
        )

    async def awaiting(self, now: datetime, limit: int = 100) -> list[DocumentView]:
        return planning.awaiting(self._tables, now, limit)

    async def plan_awaited(
        self,
        message_id: str,
        document: DocumentPlan,
        deliveries: Sequence[DeliveryPlan],
        expected: Expected,
        now: datetime,
        aliases: Mapping[str, Sequence[Alias]] = NO_ALIASES,
    ) -> bool:
        return await self._commit(
            "plan_awaited",
            lambda: planning.plan_awaited(
                self._tables, message_id, document, deliveries, expected, now, aliases, dedupes=self._dedupes
            ),
        )

    # -- delivery --------------------------------------------------------------------------

    async def claim(
        self, worker: str, wants: Sequence[Want], lease_s: float, now: datetime, monotonic: float
    ) -> list[ClaimedDelivery]:
        return await self._commit(
            "claim", lambda: delivering.claim(self._tables, worker, wants, lease_s, now, monotonic)
        )

    async def claim_one(
        self, delivery_id: str, worker: str, lease_s: float, now: datetime, monotonic: float
    ) -> ClaimedDelivery | None:
        return await self._commit(
            "claim_one",
            lambda: delivering.claim_one(self._tables, delivery_id, worker, lease_s, now, monotonic),
        )

    async def attempt_started(self, claim: Claim, request: Request, now: datetime) -> None:
        await self._commit(
            "attempt_started", lambda: delivering.attempt_started(self._tables, claim, request, now)
        )

    async def still_mine(self, claim: Claim, monotonic: float) -> bool:
        return delivering.still_mine(self._tables, claim, monotonic)

    async def renew(self, claim: Claim, lease_s: float, monotonic: float) -> Claim:
        return await self._commit("renew", lambda: delivering.renew(self._tables, claim, lease_s, monotonic))

    async def settle(self, claim: Claim, settled: Settled, now: datetime) -> None:
        await self._commit("settle", lambda: delivering.settle(self._tables, claim, settled, now))

    async def step_done(self, claim: Claim, result: StepResult, now: datetime) -> None:
        await self._commit("step_done", lambda: delivering.step_done(self._tables, claim, result))

    async def unsent_calls(self, limit: int = 1_000) -> list[tuple[str, str]]:
        return views.unsent_calls(self._tables, limit)

    async def next_due(self, targets: Sequence[str]) -> datetime | None:
        return delivering.next_due(self._tables, targets)

    async def deliveries(
        self,
        *,
        message_id: str | None = None,
        order_key: str | None = None,
        target: str | None = None,
        states: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[DeliveryView]:
        return views.deliveries(self._tables, message_id, order_key, target, states, limit)

    async def documents(
        self, *, message_id: str | None = None, order_key: str | None = None, limit: int = 1_000
    ) -> list[DocumentView]:
        return views.documents(self._tables, message_id, order_key, limit)
