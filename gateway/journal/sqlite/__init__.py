"""The durable journal of one machine: SQLite, natural group commit, encryption at rest."""

from gateway.journal.sqlite.cipher import JournalKeyError
from gateway.journal.sqlite.journal import SqliteJournal
from gateway.journal.sqlite.opening import JournalInUseError

__all__ = ["JournalInUseError", "JournalKeyError", "SqliteJournal"]
