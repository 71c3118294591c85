"""The durable journal: SQLite in WAL mode, flushed on every commit, one writer thread, one reader thread.

The methods here only choose the thread; what they write stands in the modules beside this one, as
functions of a ``Database``. Reads never wait for the disk and never delay an acceptance.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from adapters.base import Alias, Finding, Origin, Request, StepResult
from gateway.journal.base import JournalError
from gateway.journal.sqlite import (
    attempts,
    bodies,
    claims,
    documents,
    ledger,
    messages,
    planning,
    settings,
    views,
)
from gateway.journal.sqlite.keeping import Keeping
from gateway.journal.sqlite.receiving import Receipt, check_announced, pieces_of
from gateway.journal.sqlite.store import READ_ONLY
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


class SqliteJournal(Keeping):
    """The contract of ``gateway.journal.base.Journal`` in one file. Made by ``open`` or ``open_readonly``."""

    # -- life ------------------------------------------------------------------------------

    async def bind_environment(self, environment: str) -> None:
        await self._write(settings.bind_environment, environment)

    async def recover(self, now: datetime) -> int:
        return await self._write(attempts.recover, now)

    # -- messages --------------------------------------------------------------------------

    async def accept(self, arrival: Arrival, body: bytes | AsyncIterator[bytes]) -> Acceptance:
        if not isinstance(body, bytes):
            return await self._receive(arrival, body)
        sha256 = hashlib.sha256(body).hexdigest()
        check_announced(arrival, sha256, len(body))
        return await self._write(messages.accept, arrival, sha256, len(body), body)

    async def accept_together(self, inputs: Sequence[tuple[Arrival, bytes]]) -> list[Acceptance]:
        hashed = [(arrival, hashlib.sha256(body).hexdigest(), body) for arrival, body in inputs]
        for arrival, sha256, body in hashed:
            check_announced(arrival, sha256, len(body))
        return await self._write(messages.accept_together, hashed)

    async def _receive(self, arrival: Arrival, stream: AsyncIterator[bytes]) -> Acceptance:
        """Write a stream piece by piece, staged, then the message; a short one in one transaction."""
        if self._writing is None:
            raise JournalError(READ_ONLY)
        owner, receipt, last = messages.body_owner(arrival.message_id), Receipt(), b""
        body_id = next(self._database.body_ids)
        try:
            async for piece in pieces_of(stream):
                if receipt.size_bytes:
                    await self._write(bodies.stage_piece, owner, body_id, receipt.pieces - 1, last)
                receipt.add(piece)
                last = piece
            check_announced(arrival, receipt.sha256, receipt.size_bytes)
            if receipt.pieces <= 1:
                return await self._write(messages.accept, arrival, receipt.sha256, receipt.size_bytes, last)
            await self._write(bodies.stage_piece, owner, body_id, receipt.pieces - 1, last)
            return await self._write(messages.accept, arrival, receipt.sha256, receipt.size_bytes, body_id)
        except BaseException:
            if receipt.pieces:
                self._writing.post(partial(bodies.drop_staged, self._database, body_id))
            raise

    async def refuse(self, route: str, origin: Origin, finding: Finding, at: datetime) -> str:
        return await self._write(messages.refuse, route, origin, finding, at)

    async def count_refused(self, since: datetime) -> int:
        return await self._read(messages.count_refused, since)

    async def knows_arrival(self, route: str, arrival_key: str) -> bool:
        return await self._read(messages.knows_arrival, route, arrival_key)

    async def message(self, message_id: str) -> Message:
        return await self._read(messages.message, message_id)

    async def body(self, message_id: str) -> AsyncIterator[bytes]:
        body_id, first, is_whole = await self._read(messages.body_beginning, message_id)
        if first is not None:
            yield first
        if is_whole:  # nearly every body: one look
            return
        owner, number = messages.body_owner(message_id), 1
        while (piece := await self._read(bodies.read_piece, owner, body_id, number)) is not None:
            yield piece
            number += 1

    async def messages(
        self,
        *,
        route: str | None = None,
        states: Sequence[MessageState] = (),
        before_sequence: int | None = None,
        limit: int = 100,
    ) -> list[Message]:
        return await self._read(messages.messages, route, states, before_sequence, limit)

    async def ids_beginning(self, beginning: str, limit: int = 100) -> list[str]:
        return await self._read(messages.ids_beginning, beginning, limit)

    async def ids_bearing(self, name: str, reference: str | None, since: int, before: int) -> list[str]:
        return await self._read(messages.ids_bearing, name, reference, since, before)

    async def next_to_translate(self, route: str, *, urgent: bool, limit: int = 1) -> list[Message]:
        return await self._read(messages.next_to_translate, route, urgent, limit)

    async def routes_to_translate(self) -> list[tuple[str, bool]]:
        return await self._read(messages.routes_to_translate)

    # -- planning --------------------------------------------------------------------------

    async def begin_translation(self, message_id: str, config_revision: int) -> Message:
        return await self._write(messages.begin_translation, message_id, config_revision)

    async def begin_together(
        self, message_ids: Sequence[str], config_revision: int
    ) -> list[tuple[Message, bytes | None]]:
        return await self._write(messages.begin_together, message_ids, config_revision)

    async def facts(
        self,
        order_keys: Sequence[str],
        document_keys: Sequence[str],
        order_numbers: Sequence[str],
        control_keys: Sequence[str] = (),
    ) -> Facts:
        return await self._read(ledger.facts, order_keys, document_keys, order_numbers, control_keys)

    async def plan(self, plan: Plan, now: datetime) -> Planned | Moved:
        return await self._write(planning.plan, plan, now)

    async def plan_together(self, plans: Sequence[Plan], now: datetime) -> list[Planned | Moved]:
        return await self._write(planning.plan_together, plans, now)

    async def awaiting(self, now: datetime, limit: int = 100) -> list[DocumentView]:
        return await self._read(documents.awaiting, now, limit)

    async def plan_awaited(
        self,
        message_id: str,
        document: DocumentPlan,
        deliveries: Sequence[DeliveryPlan],
        expected: Expected,
        now: datetime,
        aliases: Mapping[str, Sequence[Alias]] = NO_ALIASES,
    ) -> bool:
        return await self._write(
            planning.plan_awaited, message_id, document, deliveries, expected, now, aliases
        )

    # -- delivery --------------------------------------------------------------------------

    async def claim(
        self, worker: str, wants: Sequence[Want], lease_s: float, now: datetime, monotonic: float
    ) -> list[ClaimedDelivery]:
        return await self._write(claims.claim, worker, wants, lease_s, now, monotonic)

    async def claim_one(
        self, delivery_id: str, worker: str, lease_s: float, now: datetime, monotonic: float
    ) -> ClaimedDelivery | None:
        return await self._write(claims.claim_one, delivery_id, worker, lease_s, now, monotonic)

    async def attempt_started(self, claim: Claim, request: Request, now: datetime) -> None:
        await self._write(attempts.attempt_started, claim, request, now)

    async def still_mine(self, claim: Claim, monotonic: float) -> bool:
        return await self._read(claims.still_mine, claim, monotonic)

    async def renew(self, claim: Claim, lease_s: float, monotonic: float) -> Claim:
        return await self._write(claims.renew, claim, lease_s, monotonic)

    async def settle(self, claim: Claim, settled: Settled, now: datetime) -> None:
        await self._write(attempts.settle, claim, settled, now)

    async def step_done(self, claim: Claim, result: StepResult, now: datetime) -> None:
        await self._write(attempts.step_done, claim, result)

    async def unsent_calls(self, limit: int = 1_000) -> list[tuple[str, str]]:
        return await self._read(views.unsent_calls, limit)

    async def next_due(self, targets: Sequence[str]) -> datetime | None:
        return await self._read(claims.next_due, targets)

    async def deliveries(
        self,
        *,
        message_id: str | None = None,
        order_key: str | None = None,
        target: str | None = None,
        states: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[DeliveryView]:
        return await self._read(views.deliveries, message_id, order_key, target, states, limit)

    async def documents(
        self, *, message_id: str | None = None, order_key: str | None = None, limit: int = 1_000
    ) -> list[DocumentView]:
        return await self._read(documents.documents, message_id, order_key, limit)
