"""What arrives is accepted: written to the journal first, and its source settled afterwards."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence

from adapters.base import (
    Clock,
    DecodeError,
    Finding,
    Format,
    Inbound,
    Position,
    Refused,
    Rng,
    Settlement,
    Taken,
)
from gateway.crosswalk import CodeTableCache
from gateway.journal.base import Journal, JournalBusyError, JournalError
from gateway.journal.types import Acceptance, Arrival, ArrivalKind, MessageState
from gateway.program import Program, ProgramSource
from gateway.stage import Stage
from gateway.stragglers import is_answered_otherwise, only_new_orders, too_late

SMALL_BODY_BYTES = 1024 * 1024
HEAD_BYTES = 4096


class Arrivals:
    """Takes inputs. ``accepted`` is called whenever there may be something to translate."""

    def __init__(
        self,
        journal: Journal,
        programs: ProgramSource,
        formats: Callable[[str], Format],
        tables: CodeTableCache,
        clock: Clock,
        rng: Rng,
        accepted: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._programs = programs
        self._formats = formats
        self._tables = tables
        self._clock = clock
        self._rng = rng
        self._accepted = accepted

    async def take(self, inbound: Inbound) -> Acceptance | None:
        """Accept one input and settle its source; None where it was refused.

        Errors: JournalError (nothing was acknowledged), JournalBusyError (try again).
        """
        programs = self._programs(None)
        program = programs.routes[inbound.route]
        try:
            head, rest = await _head_of(inbound.body)
            refusal = await self._refusal(program, inbound, head, is_whole=rest is None)
            if refusal is not None:
                await self._refuse(inbound, refusal)
                return None
            acceptance = await self._accepted_as(program, programs.revision, inbound, head, rest)
        except DecodeError as error:  # the source found, reading the body, that it cannot be taken
            await self._refuse(inbound, Refused(error.finding))
            return None
        # The commit stands before we settle: a crash here makes the sender send again, and accept()
        # recognises it. The other order would lose the message for good.
        await inbound.settle(_settlement(acceptance))
        return acceptance

    async def take_together(self, inbounds: Sequence[Inbound]) -> None:
        """Take small inputs that need no order among each other by one commit, as ``take`` does each.

        Errors: as ``take``. What one does wrong keeps no other from being taken.
        """
        programs = self._programs(None)
        stages = await self._journal.stages()
        taken: list[tuple[Inbound, Arrival, bytes]] = []
        for inbound in inbounds:
            program = programs.routes[inbound.route]
            if (state := stages.get(program.route)) is not None and state.stage == Stage.RETIRED:
                await self.take(inbound)
                continue
            try:
                head, rest = await _head_of(inbound.body)
                if rest is not None:
                    acceptance = await self._accepted_as(program, programs.revision, inbound, head, rest)
                    await inbound.settle(_settlement(acceptance))
                    continue
            except DecodeError as error:
                await self._refuse(inbound, Refused(error.finding))
                continue
            arrival = self._arrival(program, programs.revision, inbound, head, self._names(), is_whole=True)
            taken.append((inbound, arrival, head))
        if taken:
            await self._accept_all(taken)

    async def _refusal(
        self, program: Program, inbound: Inbound, head: bytes, *, is_whole: bool
    ) -> Refused | None:
        """Refuse what a retired route gets over a connection, or in a file of nothing but new orders.

        Not what came before: its sender gets the answer to that, and orders nothing anew by another way.
        """
        if program.follows is not None:
            return None
        state = (await self._journal.stages()).get(program.route)
        if state is None or state.stage != Stage.RETIRED:
            return None
        key = _arrival_key(inbound, self._formats(program.format_name), head)
        if key is not None and await self._journal.knows_arrival(program.route, key):
            return None
        orders = 1
        if inbound.origin.transport != "http":
            orders = await self._late_orders(program, inbound, head) if is_whole else 0
        if not orders:
            return None
        return Refused(too_late(inbound.origin.name or program.route, orders), status=410)

    async def _late_orders(self, program: Program, inbound: Inbound, head: bytes) -> int:
        """Count the orders of a file that holds nothing else; 0 where it is taken, and judged set by set."""
        if is_answered_otherwise(program):
            return 0
        arrival = self._arrival(program, 0, inbound, head, ("", ""), is_whole=True)
        programs = self._programs(None)
        return await only_new_orders(head, arrival, programs, self._formats, self._tables, self._journal)

    async def _accept_all(self, taken: Sequence[tuple[Inbound, Arrival, bytes]]) -> None:
        """Accept by one commit and settle; where one keeps it from being, one by one."""
        try:
            acceptances = await self._journal.accept_together([(arrival, head) for _, arrival, head in taken])
        except (JournalError, JournalBusyError):
            raise
        except Exception:
            if len(taken) == 1:
                raise
            alone = (self._accept_all([each]) for each in taken)
            for failure in await asyncio.gather(*alone, return_exceptions=True):
                if failure is not None:
                    raise failure from None
            return
        self._accepted()
        for (inbound, _, _), acceptance in zip(taken, acceptances, strict=True):
            await inbound.settle(_settlement(acceptance))

    async def _refuse(self, inbound: Inbound, refusal: Refused) -> None:
        await self._journal.refuse(inbound.route, inbound.origin, refusal.finding, self._clock.now())
        await inbound.settle(refusal)

    async def _accepted_as(
        self,
        program: Program,
        revision: int,
        inbound: Inbound,
        head: bytes,
        rest: AsyncIterator[bytes] | None,
    ) -> Acceptance:
        arrival = self._arrival(program, revision, inbound, head, self._names(), is_whole=rest is None)
        acceptance = await self._journal.accept(arrival, head if rest is None else _joined(head, rest))
        self._accepted()
        return acceptance

    def _names(self) -> tuple[str, str]:
        """Give a message id, which begins with the day, and a correlation id."""
        day, token = self._clock.now(), self._rng.token()
        date = f"{day.year % 100:02}{day.month:02}{day.day:02}"  # strftime takes three times as long
        return f"m{date}{token}", f"c{token}"

    def _arrival(
        self,
        program: Program,
        revision: int,
        inbound: Inbound,
        head: bytes,
        names: tuple[str, str],
        *,
        is_whole: bool,
    ) -> Arrival:
        body_format = self._formats(program.format_name)
        return Arrival(
            message_id=names[0],
            route=program.route,
            arrival_key=_arrival_key(inbound, body_format, head),
            partner=inbound.partner or program.partner,
            sha256=hashlib.sha256(head).hexdigest() if is_whole else "",
            size_bytes=len(head) if is_whole else 0,
            origin=inbound.origin,
            correlation_id=inbound.correlation_id or names[1],
            accepted_at=self._clock.now(),
            is_urgent=program.is_urgent or body_format.is_urgent(head[:HEAD_BYTES]),
            config_revision=revision,
        )


def _settlement(acceptance: Acceptance) -> Settlement:
    is_parked_conflict = acceptance.conflicts_with is not None and acceptance.state is MessageState.PARKED
    if acceptance.kind is not ArrivalKind.CONFLICT and not is_parked_conflict:
        return Taken(acceptance.message_id, is_repeat=acceptance.kind is ArrivalKind.SAME)
    finding = Finding(
        code="ARRIVAL-CONFLICT",
        at=Position(acceptance.message_id),
        text=f"message {acceptance.conflicts_with} came with the same identity and other bytes; both "
        f"are kept, this one parked as {acceptance.message_id}: give it an identity of its own if it is new",
        facts={"message_id": acceptance.message_id},
    )
    return Refused(finding, status=409)


def _arrival_key(inbound: Inbound, body_format: Format, head: bytes) -> str | None:
    if inbound.origin.facts.get("identity") == "control_numbers":
        return body_format.identity(head[:HEAD_BYTES])
    return inbound.arrival_key


async def _head_of(body: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """Read a small body whole; of a large one give the head and the rest."""
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size > SMALL_BODY_BYTES:
            return b"".join(pieces), body
    return b"".join(pieces), None


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in rest:
        yield piece
