"""The journal in memory: the twin of the durable one, for simulation, rehearsal and tests."""

from gateway.journal.memory.journal import MemoryJournal

__all__ = ["MemoryJournal"]
