"""One connection to the file, as the operations see it: named statements, bodies' cipher, counters.

It opens nothing and commits nothing; ``opening.py`` makes it, the threads of ``threads.py`` drive it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import count
from typing import Any

import apsw

from gateway.journal.sqlite.cipher import NO_KEY, Cipher, open_note, seal_note
from gateway.journal.sqlite.named_sql import load_statements

SQL = load_statements()
# Without a key nothing is sealed: each call back into Python from a statement would cost half a microsecond.
SQL_UNSEALED = {name: re.sub(r"\b(?:sealed|opened)\(([^()]+)\)", r"\1", text) for name, text in SQL.items()}

Row = tuple[Any, ...]  # columns in the order of the statement; STRICT tables keep their types


class Database:
    """A connection with what operations need beside it.

    ``audit_head`` is set by an operation that writes an audit entry, and read (then cleared) by the
    writer, which anchors it after the commit. Ids come from counters in memory: the writer is alone,
    and a gap after a roll-back means nothing.
    """

    def __init__(self, connection: apsw.Connection, cipher: Cipher, *, dedupes: bool = True) -> None:
        self.connection = connection
        self.cipher = cipher
        self.dedupes = dedupes
        self.audit_head: tuple[int, str] | None = None
        self.body_ids = count(1)
        self.delivery_numbers = count(1)
        # One for all statements, each of which is read to its end at once: a new one would cost half as much.
        self._cursor = connection.cursor()
        self._sql = SQL_UNSEALED if cipher.key_id == NO_KEY else SQL
        # Notes (findings, reasons, outcomes) are text beside the bodies, and quote what they are about.
        connection.create_scalar_function("sealed", partial(seal_note, cipher), 1)
        connection.create_scalar_function("opened", partial(open_note, cipher), 1)

    def start_counters(self) -> None:
        """Go on counting after the highest ids in the file."""
        self.body_ids = count((self.value("body.last") or 0) + 1)
        self.delivery_numbers = count((self.value("delivery.last") or 0) + 1)

    def run(self, name: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement that gives no rows."""
        self._cursor.execute(self._sql[name], parameters)

    def run_many(self, name: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters, which asks the file for nothing itself."""
        self._cursor.executemany(self._sql[name], parameters)

    def changed(self, name: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and give how many rows it changed."""
        self._cursor.execute(self._sql[name], parameters)
        return self.connection.changes()

    def row(self, name: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Give the first row, or None; the statement gives few."""
        # All of them: a statement that is left half read would hold its look at the file.
        rows = self._cursor.execute(self._sql[name], parameters).fetchall()
        return rows[0] if rows else None

    def rows(self, name: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Give all rows."""
        return self._cursor.execute(self._sql[name], parameters).fetchall()

    def value(self, name: str, parameters: Sequence[Any] = ()) -> Any:
        """Give the first column of the first row, or None."""
        rows = self._cursor.execute(self._sql[name], parameters).fetchall()
        return rows[0][0] if rows else None
