"""What the journal in memory keeps beside messages: orders, settings, what people do, source memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from adapters.base import Alias, Clock, Lease
from gateway.journal.memory import audit, controls, moving, orders, people, retention, settings, source_memory
from gateway.journal.memory import overdue as late  # parameters have the module's own name
from gateway.journal.memory.comparing import Comparing
from gateway.journal.memory.records import Tables
from gateway.journal.moves import Move, MoveBegin, MoveState, Recalled
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

Result = TypeVar("Result")
OnCommit = Callable[[str, Literal["before", "after"]], Awaitable[None]]


class Keeping(Comparing):
    """The half of the contract that follows "orders"; ``MemoryJournal`` adds the other."""

    _tables: Tables
    _clock: Clock
    on_commit: OnCommit | None

    async def _commit(self, name: str, change: Callable[[], Result]) -> Result:
        """Make one change, whole or not at all, between the two phases of ``on_commit``."""
        if self.on_commit is None:
            return change()
        await self.on_commit(name, "before")
        result = change()
        await self.on_commit(name, "after")
        return result

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

    async def open_entries(
        self, *, route: str | None = None, after: str = "", limit: int = 1_000
    ) -> list[LedgerEntry]:
        return orders.open_entries(self._tables, route, after, limit)

    async def open_orders(self, route: str) -> Mapping[str, int]:
        return orders.open_orders(self._tables, route)

    async def close_orders(self, order_keys: Sequence[str], who: str, why: str, now: datetime) -> int:
        return await self._commit(
            "close_orders", lambda: orders.close_orders(self._tables, order_keys, who, why, now)
        )

    async def aliases(
        self, order_key: str, target: str | None = None
    ) -> tuple[tuple[str, str, str, str], ...]:
        return orders.alias_rows(self._tables, order_key, target)

    # -- moving orders ---------------------------------------------------------------------

    async def ask_moves(self, moves: Sequence[Move], who: str, why: str, now: datetime) -> int:
        return await self._commit("ask_moves", lambda: moving.ask_moves(self._tables, moves, who, why, now))

    async def agree_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        return await self._commit(
            "agree_moves", lambda: moving.agree_moves(self._tables, move_ids, who, why, now)
        )

    async def drop_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        return await self._commit(
            "drop_moves", lambda: moving.drop_moves(self._tables, move_ids, who, why, now)
        )

    async def moves(
        self,
        *,
        states: Sequence[MoveState] = (),
        batch: str | None = None,
        order_key: str | None = None,
        limit: int = 1_000,
    ) -> list[Move]:
        return moving.moves(self._tables, states, batch, order_key, limit)

    async def moves_due(self, limit: int = 100) -> list[Move]:
        return moving.moves_due(self._tables, limit)

    async def begin_move(self, begin: MoveBegin, now: datetime) -> str | None:
        return await self._commit("begin_move", lambda: moving.begin_move(self._tables, begin, now))

    async def close_moved(self, move_id: str, delivery: DeliveryPlan, now: datetime) -> bool:
        return await self._commit(
            "close_moved", lambda: moving.close_moved(self._tables, move_id, delivery, now)
        )

    async def finish_move(
        self, move_id: str, aliases: Sequence[Alias], now: datetime, left: str | None = None
    ) -> bool:
        return await self._commit(
            "finish_move", lambda: moving.finish_move(self._tables, move_id, aliases, now, left)
        )

    async def end_move(self, move_id: str, outcome: str, now: datetime) -> bool:
        return await self._commit("end_move", lambda: moving.end_move(self._tables, move_id, outcome, now))

    async def recall(self, route: str, side: str, who: str, why: str, now: datetime) -> Recalled:
        return await self._commit("recall", lambda: moving.recall(self._tables, route, side, who, why, now))

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

    async def mark_unacknowledged(self, now: datetime) -> int:
        return await self._commit(
            "mark_unacknowledged", lambda: controls.mark_unacknowledged(self._tables, now)
        )

    # -- people ----------------------------------------------------------------------------

    async def exceptions(self, *, route: str | None = None, limit: int = 1_000) -> list[ExceptionItem]:
        return people.exceptions(self._tables, route, limit)

    async def exception_counts(self, route: str) -> Mapping[tuple[str, ...], int]:
        return people.exception_counts(self._tables, route)

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
        return late.overdue(self._tables, now, untranslated_before, limit)

    async def rolled_back(self) -> list[RolledBack]:
        return late.rolled_back(self._tables)

    async def alarm_sent(self, about: Sequence[Overdue | RolledBack], now: datetime) -> None:
        await self._commit("alarm_sent", lambda: late.alarm_sent(self._tables, about, now))

    async def acknowledge_alarm(self, subject: str, who: str, why: str, now: datetime) -> int:
        return await self._commit(
            "acknowledge_alarm", lambda: late.acknowledge(self._tables, subject, who, why, now)
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

    async def crosswalk_version(self, table: str) -> int:
        return self._tables.crosswalks.get(table, (0, ()))[0]

    async def crosswalk(self, table: str) -> tuple[int, list[CrosswalkRow]]:
        version, rows = self._tables.crosswalks.get(table, (0, ()))
        return version, list(rows)

    # -- retention -------------------------------------------------------------------------

    async def prune(
        self,
        now: datetime,
        bodies_before: datetime,
        keys_before: datetime,
        orders_before: datetime,
        limit: int,
    ) -> int:
        return await self._commit(
            "prune",
            lambda: retention.prune(self._tables, now, bodies_before, keys_before, orders_before, limit),
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
