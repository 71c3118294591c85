"""The loop that delivers: claims what each target can take and has each delivery taken as far as it goes.

How one delivery goes is ``delivering.py``'s affair.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from adapters.base import Clock, Rng
from adapters.base.ending import ended
from adapters.base.waking import woken_within
from gateway.delivering import BUSY_S, Compared, Means, deliver_once
from gateway.destination import Destination
from gateway.erp.limits import Work
from gateway.journal.base import Journal, JournalBusyError, StaleClaimError
from gateway.journal.hurry import unhurried
from gateway.journal.types import ClaimedDelivery, Settled, Want
from gateway.proven_times import ProvenTimes
from gateway.shadowing import is_behind

__all__ = ["DeliveryWorker", "Destination"]

log = logging.getLogger("legacy_bridge.delivery")

IDLE_S = 5.0  # how long the loop sleeps at most; a wake-up or a due time ends it sooner


class DeliveryWorker:
    """The loop around ``deliver_once``: claims what each target can take, urgent first."""

    def __init__(  # noqa: PLR0913  what one loop is made of; only the wiring makes one
        self,
        journal: Journal,
        destinations: Callable[[], Mapping[str, Destination]],
        clock: Clock,
        rng: Rng,
        *,
        name: str,
        lease_s: float = 60.0,
        gather_s: float = 0.0,
        settled: Callable[[ClaimedDelivery, Settled], None] = lambda claimed, settled: None,
        compared: Compared | None = None,
    ) -> None:
        """``gather_s``: for shadows alone, which let live work go first.

        What there is comes together for so long, to be claimed in one go: each claim is a commit.
        """
        self._journal = journal
        self._destinations = destinations
        self._clock = clock
        self._name = name
        self._lease_s = lease_s
        self._gather_s = gather_s
        self._settled = settled
        self._compared = compared
        self._means = Means(journal, clock, rng, lease_s, ProvenTimes(clock))
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._is_behind = False  # what was claimed last has waited long enough
        self._is_backlogged = False  # there was as much to claim as there was room

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. Errors: JournalError, which must end the process."""
        try:
            while True:
                self._wake.clear()
                destinations = self._destinations()
                claimed = await self._claim(destinations)
                for each in claimed:
                    # The destination that had a slot for it: a reload may have taken it away meanwhile.
                    self._begin(each, destinations[each.target])
                self._raise_failures()
                if not claimed:
                    await self._pause()
                    await self._gather()
        finally:
            await self._end()

    def stop_claiming(self) -> None:
        """Begin nothing new."""
        self._is_stopping = True

    async def drain(self) -> None:
        """Wait for what is under way; nothing new is claimed."""
        while running := [task for task in self._under_way if not task.done()]:
            await asyncio.wait(running)

    async def _end(self) -> None:
        """Cancel what is under way and wait until it is: nothing writes any more once ``run`` has ended."""
        await ended(*self._under_way)
        self._under_way.clear()

    async def _claim(self, destinations: Mapping[str, Destination]) -> list[ClaimedDelivery]:
        wants: list[Want] = []
        if self._is_stopping:
            return []
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for name, destination in destinations.items():
            slots, urgent_slots = destination.health.slots(monotonic)
            if slots or urgent_slots:
                wants.append(Want(name, slots, urgent_slots))
        if not wants:
            return []
        try:
            claim = self._journal.claim(self._name, wants, self._lease_s, now, monotonic)
            claimed = await unhurried(claim, unless=self._is_hurried)
        except JournalBusyError:
            log.warning("delivery.journal_busy claimed again later")
            await self._clock.sleep(BUSY_S)
            return []
        self._is_behind = any(is_behind(each.accepted_at, now) for each in claimed)
        if room := sum(want.slots for want in wants):
            self._is_backlogged = len(claimed) >= room
        return claimed

    @property
    def _is_hurried(self) -> bool:
        return self._is_behind or not self._gather_s

    def _begin(self, claimed: ClaimedDelivery, destination: Destination) -> None:
        work = destination.health.started(self._clock.monotonic(), is_urgent=claimed.is_urgent)
        task = asyncio.get_running_loop().create_task(self._deliver(claimed, destination, work))
        self._under_way.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            destination.health.ended(work)
            if done.cancelled() or done.exception() is None:
                self._under_way.discard(done)  # a failed one stays, for the loop to raise
            self._wake.set()

        task.add_done_callback(ended)

    async def _deliver(self, claimed: ClaimedDelivery, destination: Destination, work: Work) -> None:
        delivering = deliver_once(claimed, destination, self._means, work, compared=self._compared)
        try:
            is_hurried = claimed.role != "shadow" or is_behind(claimed.accepted_at, self._clock.now())
            settled = await unhurried(delivering, unless=is_hurried)
        except StaleClaimError:
            log.warning(
                "delivery.claim_lost delivery=%s target=%s", claimed.claim.delivery_id, claimed.target
            )
            return
        self._settled(claimed, settled)

    def _raise_failures(self) -> None:
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                raise error

    async def _pause(self) -> None:
        destinations = self._destinations()
        monotonic = self._clock.monotonic()
        # What is due at a target that takes nothing now wakes nobody: its health says when it will.
        open_now = [name for name, each in destinations.items() if sum(each.health.slots(monotonic))]
        due_at = await self._next_due([] if self._is_stopping else open_now)
        changes = (each.health.next_change(monotonic) for each in destinations.values())
        pauses = [IDLE_S, *(change - monotonic for change in changes if change is not None)]
        if due_at is not None:
            pauses.append((due_at - self._clock.now()).total_seconds())
        await woken_within(self._clock, self._wake, max(min(pauses), 0.005))

    async def _gather(self) -> None:
        if self._gather_s and not self._is_backlogged:
            await self._clock.sleep(self._gather_s)

    async def _next_due(self, targets: list[str]) -> datetime | None:
        if not targets:
            return None
        try:
            next_due = self._journal.next_due(targets)
            return await unhurried(next_due, unless=self._is_hurried)
        except JournalBusyError:
            return self._clock.now() + timedelta(seconds=BUSY_S)
