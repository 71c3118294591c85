"""A journal in memory that knows what was before the traffic which is replayed on it.

Orders, documents, control numbers and names from before the window count as they stand in the real
journal; those that the window's own messages made are decided anew. They are looked up when they are
asked for, so that any configuration may name whatever it wants. The real journal is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.base import Alias, Clock
from gateway.journal.base import Journal
from gateway.journal.memory import MemoryJournal, orders
from gateway.journal.memory.records import ControlRecord, DocumentKey, MessageRecord
from gateway.journal.types import CrosswalkRow, Facts, KnownControl

NUMBERS_PER_MESSAGE = 64  # control numbers that one message's envelopes of ours may use


class ReplayJournal(MemoryJournal):
    """See above. ``window``: ids of the messages that are replayed."""

    def __init__(self, past: Journal, window: frozenset[str], *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._past = past
        self._window = window
        self._asked: tuple[set[str], ...] = (set(), set(), set(), set())
        self._sent_before: dict[str, KnownControl] = {}
        self._base, self._given = 0, 0

    def numbering(self, position: int) -> None:
        """Number the envelopes of one message by its place alone.

        One message more or less in one of two runs would otherwise renumber, and so change, all later ones.
        """
        self._base, self._given = position * NUMBERS_PER_MESSAGE, 0

    async def next_control_number(self, emitter: str, kind: str, lowest: int, highest: int) -> int:
        number = lowest + (self._base + self._given) % max(highest - lowest + 1, 1)
        self._given += 1
        return number

    async def crosswalk_version(self, table: str) -> int:
        return await self._past.crosswalk_version(table)

    async def crosswalk(self, table: str) -> tuple[int, list[CrosswalkRow]]:
        return await self._past.crosswalk(table)

    async def facts(
        self,
        order_keys: Sequence[str],
        document_keys: Sequence[str],
        order_numbers: Sequence[str],
        control_keys: Sequence[str] = (),
    ) -> Facts:
        asked = (order_keys, document_keys, order_numbers, control_keys)
        new = [
            [key for key in keys if key not in known] for keys, known in zip(asked, self._asked, strict=True)
        ]
        if any(new):
            await self._learn(await self._past.facts(*new))
            for keys, known in zip(new, self._asked, strict=True):
                known.update(keys)
        found = await super().facts(order_keys, document_keys, order_numbers, control_keys)
        before = {key: self._sent_before[key] for key in control_keys if key in self._sent_before}
        return replace(found, controls={**found.controls, **before}) if before else found

    async def _learn(self, found: Facts) -> None:
        tables = self._tables
        for key, entry in found.ledger.items():
            if entry.message_id not in self._window and key not in tables.ledger:
                tables.ledger[key] = entry
                tables.ledger_revisions[key] = entry.revision
        for key, known in found.documents.items():
            if known.message_id not in self._window:
                holder = DocumentKey(known.message_id, known.index, known.content_hash, 1, known.since)
                tables.document_keys.setdefault(key, holder)
        for number, named in found.resolved.items():
            for key, namings in named.items():
                told = [Alias(kind, number, target=target or None) for kind, target in sorted(namings)]
                orders.add_aliases(tables, key, told)
        for key, control in found.controls.items():
            await self._learn_control(key, control)

    async def _learn_control(self, key: str, control: KnownControl) -> None:
        """Keep what was sent as it was recorded: the acknowledgments of the window quote those numbers."""
        if control.delivery_id is not None:
            self._sent_before[key] = control
        elif control.message_id not in self._window:
            brought = MessageRecord(await self._past.message(control.message_id), None)
            self._tables.controls.setdefault(key, ControlRecord(brought, control.is_taken, None, None))
            self._sent_before[key] = control
