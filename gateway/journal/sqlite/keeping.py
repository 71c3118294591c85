"""The half of the journal that is not about messages on their way: orders, settings, people, retention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from adapters.base import Alias, Lease
from gateway.journal.moves import Move, MoveBegin, MoveState, Recalled
from gateway.journal.sqlite import (
    audit_log,
    comparisons,
    controls,
    ledger,
    moving,
    overdue,
    people,
    retention,
    settings,
    sources,
)
from gateway.journal.sqlite.comparing import Comparing
from gateway.journal.types import (
    AuditEntry,
    CrosswalkRow,
    DeliveryPlan,
    ExceptionItem,
    LedgerEntry,
    Overdue,
    RolledBack,
    StageState,
)


class Keeping(Comparing):
    """See ``gateway.journal.base.Journal``; the operations stand in the modules named here."""

    # -- orders ----------------------------------------------------------------------------

    async def import_orders(
        self,
        entries: Sequence[LedgerEntry],
        aliases: Mapping[str, Sequence[str]],
        who: str,
        why: str,
        now: datetime,
    ) -> int:
        return await self._write(ledger.import_orders, entries, aliases, who, why, now)

    async def orders(
        self, *, side: str | None = None, route: str | None = None, limit: int = 1_000
    ) -> list[LedgerEntry]:
        return await self._read(ledger.orders, side, route, limit)

    async def open_entries(
        self, *, route: str | None = None, after: str = "", limit: int = 1_000
    ) -> list[LedgerEntry]:
        return await self._read(ledger.open_entries, route, after, limit)

    async def open_orders(self, route: str) -> Mapping[str, int]:
        return await self._read(ledger.open_orders, route)

    async def close_orders(self, order_keys: Sequence[str], who: str, why: str, now: datetime) -> int:
        return await self._write(ledger.close_orders, tuple(order_keys), who, why, now)

    async def aliases(
        self, order_key: str, target: str | None = None
    ) -> tuple[tuple[str, str, str, str], ...]:
        return await self._read(ledger.alias_rows, order_key, target)

    # -- moving orders ---------------------------------------------------------------------

    async def ask_moves(self, moves: Sequence[Move], who: str, why: str, now: datetime) -> int:
        return await self._write(moving.ask_moves, moves, who, why, now)

    async def agree_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        return await self._write(moving.agree_moves, move_ids, who, why, now)

    async def drop_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        return await self._write(moving.drop_moves, move_ids, who, why, now)

    async def moves(
        self,
        *,
        states: Sequence[MoveState] = (),
        batch: str | None = None,
        order_key: str | None = None,
        limit: int = 1_000,
    ) -> list[Move]:
        return await self._read(moving.moves, states, batch, order_key, limit)

    async def moves_due(self, limit: int = 100) -> list[Move]:
        return await self._read(moving.moves_due, limit)

    async def begin_move(self, begin: MoveBegin, now: datetime) -> str | None:
        return await self._write(moving.begin_move, begin, now)

    async def close_moved(self, move_id: str, delivery: DeliveryPlan, now: datetime) -> bool:
        return await self._write(moving.close_moved, move_id, delivery, now)

    async def finish_move(
        self, move_id: str, aliases: Sequence[Alias], now: datetime, left: str | None = None
    ) -> bool:
        return await self._write(moving.finish_move, move_id, aliases, now, left)

    async def end_move(self, move_id: str, outcome: str, now: datetime) -> bool:
        return await self._write(moving.end_move, move_id, outcome, now)

    async def recall(self, route: str, side: str, who: str, why: str, now: datetime) -> Recalled:
        return await self._write(moving.recall, route, side, who, why, now)

    # -- counters, stages, configuration, crosswalks ---------------------------------------

    async def next_control_number(self, emitter: str, kind: str, lowest: int, highest: int) -> int:
        return await self._write(settings.next_control_number, emitter, kind, lowest, highest)

    async def load_configuration(self, text: str, sha256: str, who: str, now: datetime) -> int:
        return await self._write(settings.load_configuration, text, sha256, who, now)

    async def configuration(self, revision: int) -> str:
        return await self._read(settings.configuration, revision)

    async def stages(self) -> Mapping[str, StageState]:
        # Each acceptance and each decision asks. Who owns the file is the only one to change them, and a
        # decision upon stages that moved is refused when it is planned.
        if self._stages is not None:
            return self._stages
        changes = self._stage_changes
        found = MappingProxyType(await self._read(settings.stages))
        if self._writing is not None and changes == self._stage_changes:
            self._stages = found
        return found

    async def declare_stages(self, declared: Mapping[str, tuple[str, str]], now: datetime) -> None:
        with self._changing_stages():
            await self._write(settings.declare_stages, declared, now)

    async def set_stage(
        self, route: str, expected: str, stage: str, share_percent: str, who: str, why: str, now: datetime
    ) -> StageState:
        with self._changing_stages():
            return await self._write(settings.set_stage, route, expected, stage, share_percent, who, why, now)

    @contextmanager
    def _changing_stages(self) -> Iterator[None]:
        """Forget the stages before and after they change: what was read meanwhile may be either."""
        self._forget_stages()
        try:
            yield
        finally:
            self._forget_stages()

    def _forget_stages(self) -> None:
        self._stages, self._stage_changes = None, self._stage_changes + 1

    async def load_crosswalk(
        self, table: str, rows: Sequence[CrosswalkRow], who: str, why: str, now: datetime
    ) -> int:
        return await self._write(settings.load_crosswalk, table, rows, who, why, now)

    async def crosswalk_version(self, table: str) -> int:
        return await self._read(settings.crosswalk_version, table)

    async def crosswalk(self, table: str) -> tuple[int, list[CrosswalkRow]]:
        return await self._read(settings.crosswalk, table)

    async def mark_unacknowledged(self, now: datetime) -> int:
        if not await self._read(controls.is_any_due, now):
            return 0
        return await self._write(controls.mark_unacknowledged, now)

    # -- people ----------------------------------------------------------------------------

    async def exceptions(self, *, route: str | None = None, limit: int = 1_000) -> list[ExceptionItem]:
        return await self._read(people.exceptions, route, limit)

    async def exception_counts(self, route: str) -> Mapping[tuple[str, ...], int]:
        return await self._read(people.exception_counts, route)

    async def retry(self, exception_id: str, who: str, why: str, now: datetime) -> str:
        return await self._write(people.retry, exception_id, who, why, now)

    async def resolve(self, exception_id: str, resolution: str, who: str, why: str, now: datetime) -> None:
        await self._write(people.resolve, exception_id, resolution, who, why, now)

    async def replay(self, message_id: str, *, resend: bool, who: str, why: str, now: datetime) -> int:
        return await self._write(people.replay, message_id, resend, who, why, now)

    async def overdue(
        self, now: datetime, untranslated_before: datetime, limit: int = 1_000
    ) -> list[Overdue]:
        return await self._read(overdue.overdue, now, untranslated_before, limit)

    async def rolled_back(self) -> list[RolledBack]:
        return await self._read(overdue.rolled_back)

    async def alarm_sent(self, about: Sequence[Overdue | RolledBack], now: datetime) -> None:
        await self._write(overdue.alarm_sent, about, now)

    async def acknowledge_alarm(self, subject: str, who: str, why: str, now: datetime) -> int:
        return await self._write(overdue.acknowledge, subject, who, why, now)

    async def audit(self, *, limit: int = 1_000) -> list[AuditEntry]:
        return await self._read(audit_log.newest, limit)

    async def append_audit(
        self, who: str, action: str, subject: str, detail: Mapping[str, str], why: str, now: datetime
    ) -> AuditEntry:
        return await self._write(audit_log.append, now, who, action, subject, detail, why)

    async def verify_audit(self) -> str | None:
        # The heads first: whatever is committed after this look cannot be missing from the log.
        return await self._read(lambda db: audit_log.fault(db, self._anchor.heads()))

    # -- retention -------------------------------------------------------------------------

    async def prune(
        self,
        now: datetime,
        bodies_before: datetime,
        keys_before: datetime,
        orders_before: datetime,
        limit: int,
    ) -> int:
        """See ``Journal.prune``; every batch is a transaction of its own, others go between."""
        forgotten = 0
        for operation, before in (
            (retention.prune_bodies, bodies_before),
            (retention.prune_keys, keys_before),
            (retention.prune_orders, orders_before),
            (comparisons.prune, keys_before),
        ):
            while forgotten < limit:
                batch = min(retention.BATCH, limit - forgotten)
                done = await self._write(operation, before, batch)
                forgotten += done
                if done < batch:
                    break
        await self._write(retention.prune_seen, now, limit)
        return forgotten

    # -- source memory ---------------------------------------------------------------------

    async def remember_once(
        self, scope: str, key: str, content_hash: str, expires_at: datetime
    ) -> Literal["new", "same", "different"]:
        return await self._write(
            sources.remember_once, scope, key, content_hash, expires_at, self._clock.now()
        )

    async def lease(self, scope: str, key: str, owner: str, duration_s: float) -> Lease | None:
        return await self._write(sources.lease, scope, key, owner, duration_s, self._clock.now())

    async def release(self, lease: Lease) -> bool:
        return await self._write(sources.release, lease, self._clock.now())

    async def cursor(self, scope: str) -> str | None:
        return await self._read(sources.cursor, scope)

    async def set_cursor(self, scope: str, value: str, expected: str | None) -> bool:
        return await self._write(sources.set_cursor, scope, value, expected)
