"""The journal in memory: every method one step of plain dictionaries, in the words of the contract.

The object is the disk: it outlives a simulated crash of everything around it. Nothing here reads a
clock (source memory apart), draws a number or runs in a thread, so a seeded history repeats exactly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from adapters.base import Clock, Finding, Lease, Origin, Request, StepResult
from gateway.journal.base import UnknownError
from gateway.journal.memory import (
    audit,
    delivering,
    messages,
    orders,
    overdue,
    people,
    planning,
    retention,
    settings,
    source_memory,
    views,
)
from gateway.journal.memory.records import Tables
from gateway.journal.types import (
    Acceptance,
    Arrival,
    AuditEntry,
    Claim,
    ClaimedDelivery,
    CrosswalkRow,
    DeliveryPlan,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    ExceptionItem,
    Expected,
    Facts,
    LedgerEntry,
    Message,
    MessageState,
    Moved,
    Overdue,
    Plan,
    Planned,
    Settled,
    StageState,
    Want,
)

PIECE_BYTES = 256 * 1024

Result = TypeVar("Result")
OnCommit = Callable[[str, Literal["before", "after"]], Awaitable[None]]


class MemoryJournal:
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

    async def _commit(self, name: str, change: Callable[[], Result]) -> Result:
        if self.on_commit is None:
            return change()
        await self.on_commit(name, "before")
        result = change()
        await self.on_commit(name, "after")
        return result

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

    async def refuse(self, route: str, origin: Origin, finding: Finding, at: datetime) -> str:
        return await self._commit("refuse", lambda: messages.refuse(self._tables, route, origin, finding, at))

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

    async def facts(
        self, order_keys: Sequence[str], document_keys: Sequence[str], order_numbers: Sequence[str]
    ) -> Facts:
        return orders.facts(self._tables, order_keys, document_keys, order_numbers, dedupes=self._dedupes)

    async def plan(self, plan: Plan, now: datetime) -> Planned | Moved:
        return await self._commit(
            "plan", lambda: planning.plan(self._tables, plan, now, dedupes=self._dedupes)
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
    ) -> bool:
        return await self._commit(
            "plan_awaited",
            lambda: planning.plan_awaited(
                self._tables, message_id, document, deliveries, expected, now, dedupes=self._dedupes
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

    # -- orders ----------------------------------------------------------------------------

    async def import_orders(
        self,
        entries: Sequence[LedgerEntry],
        aliases: Mapping[str, Sequence[str]],
        who: str,
        why: str,
        now: datetime,
    ) -> int:
        return await self._commit(
            "import_orders",
            lambda: orders.import_orders(self._tables, entries, aliases, who, why, now),
        )

    async def orders(
        self, *, side: str | None = None, route: str | None = None, limit: int = 1_000
    ) -> list[LedgerEntry]:
        return orders.listed(self._tables, side, route, limit)

    async def open_orders(self, route: str) -> Mapping[str, int]:
        return orders.open_orders(self._tables, route)

    async def close_order(self, order_key: str, now: datetime) -> None:
        await self._commit("close_order", lambda: orders.close_order(self._tables, order_key, now))

    async def aliases(self, order_key: str) -> tuple[tuple[str, str, str, str], ...]:
        return orders.alias_rows(self._tables, order_key)

    # -- counters, stages, configuration ---------------------------------------------------

    async def next_control_number(self, emitter: str, kind: str, lowest: int, highest: int) -> int:
        return await self._commit(
            "next_control_number",
            lambda: settings.next_control_number(self._tables, emitter, kind, lowest, highest),
        )

    async def load_configuration(self, text: str, sha256: str, who: str, now: datetime) -> int:
        return await self._commit(
            "load_configuration",
            lambda: settings.load_configuration(self._tables, text, sha256, who, now),
        )

    async def configuration(self, revision: int) -> str:
        return settings.configuration(self._tables, revision)

    async def stages(self) -> Mapping[str, StageState]:
        return dict(self._tables.stages)

    async def declare_stages(self, declared: Mapping[str, tuple[str, str]], now: datetime) -> None:
        await self._commit("declare_stages", lambda: settings.declare_stages(self._tables, declared, now))

    async def set_stage(
        self, route: str, expected: str, stage: str, share_percent: str, who: str, why: str, now: datetime
    ) -> StageState:
        return await self._commit(
            "set_stage",
            lambda: settings.set_stage(self._tables, now, who, why, route, expected, stage, share_percent),
        )

    # -- people ----------------------------------------------------------------------------

    async def exceptions(self, *, route: str | None = None, limit: int = 1_000) -> list[ExceptionItem]:
        return people.exceptions(self._tables, route, limit)

    async def retry(self, exception_id: str, who: str, why: str, now: datetime) -> str:
        return await self._commit("retry", lambda: people.retry(self._tables, exception_id, who, why, now))

    async def resolve(self, exception_id: str, resolution: str, who: str, why: str, now: datetime) -> None:
        await self._commit(
            "resolve", lambda: people.resolve(self._tables, exception_id, resolution, who, why, now)
        )

    async def replay(self, message_id: str, *, resend: bool, who: str, why: str, now: datetime) -> int:
        return await self._commit(
            "replay", lambda: people.replay(self._tables, message_id, resend, who, why, now)
        )

    async def overdue(
        self, now: datetime, untranslated_before: datetime, limit: int = 1_000
    ) -> list[Overdue]:
        return overdue.overdue(self._tables, now, untranslated_before, limit)

    async def alarm_sent(self, overdue: Sequence[Overdue], now: datetime) -> None:
        await self._commit("alarm_sent", lambda: _alarm_sent(self._tables, overdue, now))

    async def acknowledge_alarm(self, message_id: str, who: str, why: str, now: datetime) -> int:
        return await self._commit(
            "acknowledge_alarm", lambda: overdue.acknowledge(self._tables, message_id, who, why, now)
        )

    async def audit(self, *, limit: int = 1_000) -> list[AuditEntry]:
        return audit.newest(self._tables, limit)

    async def append_audit(
        self, who: str, action: str, subject: str, detail: Mapping[str, str], why: str, now: datetime
    ) -> AuditEntry:
        return await self._commit(
            "append_audit", lambda: audit.append(self._tables, now, who, action, subject, detail, why)
        )

    async def verify_audit(self) -> str | None:
        return audit.fault(self._tables)

    # -- crosswalks ------------------------------------------------------------------------

    async def load_crosswalk(
        self, table: str, rows: Sequence[CrosswalkRow], who: str, why: str, now: datetime
    ) -> int:
        return await self._commit(
            "load_crosswalk",
            lambda: settings.load_crosswalk(self._tables, table, rows, who, why, now),
        )

    async def crosswalk(self, table: str) -> tuple[int, list[CrosswalkRow]]:
        version, rows = self._tables.crosswalks.get(table, (0, ()))
        return version, list(rows)

    # -- retention -------------------------------------------------------------------------

    async def prune(self, now: datetime, bodies_before: datetime, keys_before: datetime, limit: int) -> int:
        return await self._commit(
            "prune", lambda: retention.prune(self._tables, bodies_before, keys_before, limit)
        )

    # -- source memory ---------------------------------------------------------------------

    async def remember_once(
        self, scope: str, key: str, content_hash: str, expires_at: datetime
    ) -> Literal["new", "same", "different"]:
        return await self._commit(
            "remember_once",
            lambda: source_memory.remember_once(
                self._tables, scope, key, content_hash, expires_at, self._clock.now()
            ),
        )

    async def lease(self, scope: str, key: str, owner: str, duration_s: float) -> Lease | None:
        return await self._commit(
            "lease",
            lambda: source_memory.lease(self._tables, scope, key, owner, duration_s, self._clock.now()),
        )

    async def release(self, lease: Lease) -> bool:
        return await self._commit(
            "release", lambda: source_memory.release(self._tables, lease, self._clock.now())
        )

    async def cursor(self, scope: str) -> str | None:
        return self._tables.cursors.get(scope)

    async def set_cursor(self, scope: str, value: str, expected: str | None) -> bool:
        return await self._commit(
            "set_cursor", lambda: source_memory.set_cursor(self._tables, scope, value, expected)
        )


_alarm_sent = overdue.alarm_sent
