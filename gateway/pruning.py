"""Old bodies, keys and orders leave the journal in small batches, as the configuration of now says."""

from __future__ import annotations

from collections.abc import Callable

from adapters.base import Clock
from gateway.config import Configuration
from gateway.journal.base import Journal, JournalBusyError

EVERY_S = 60.0
BATCH = 500
PAUSE_S = 0.1  # between the batches of one round: messages come first


class PruneLoop:
    """Prunes until it is cancelled."""

    def __init__(self, journal: Journal, configuration: Callable[[], Configuration], clock: Clock) -> None:
        self._journal = journal
        self._configuration = configuration
        self._clock = clock

    async def run(self) -> None:
        """Prune until cancelled. Errors: JournalError."""
        while True:
            now, retention = self._clock.now(), self._configuration().gateway.retention
            try:
                done = await self._journal.prune(
                    now, now - retention.bodies, now - retention.keys, now - retention.orders, BATCH
                )
            except JournalBusyError:
                done = 0
            await self._clock.sleep(EVERY_S if done < BATCH else PAUSE_S)
