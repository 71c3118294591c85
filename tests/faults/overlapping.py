"""Twelve users who change the same rows at once, hold transactions open, and think better of some."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from tests.adapters.db_triggers.servers import Database

KEYS = 41
HOLD_S = 0.02
ROLL_BACKS = 0.1

State = tuple[str, int]  # a row's key and its revision


@dataclass
class Writers:
    """Overlapping writers of the table `stock`; `committed` is what they know to be in the database.

    SQLite has one writer at a time: one task, which holds nothing open.
    """

    database: Database
    seed: int = 1
    committed: list[State] = field(default_factory=list)
    rolled_back: int = 0

    async def write(self, rows: int, *, writers: int = 12) -> None:
        """Commit at least so many changes."""
        if self.database.kind == "sqlite":
            writers = 1
        engine = create_async_engine(
            self.database.url,
            poolclass=NullPool,
            **(
                {"connect_args": {"timeout": 20}}
                if self.database.kind == "sqlite"
                else {"isolation_level": "READ COMMITTED"}
            ),
        )
        await self._first_rows(engine)
        await asyncio.gather(*(self._writer(engine, number, rows) for number in range(writers)))
        await engine.dispose()

    async def _first_rows(self, engine: AsyncEngine) -> None:
        async with engine.begin() as connection:
            for number in range(KEYS):
                key = f"K{number:02}"
                await connection.execute(text("insert into stock (no, qty) values (:key, 0)"), {"key": key})
                self.committed.append((key, 0))

    async def _writer(self, engine: AsyncEngine, number: int, rows: int) -> None:
        chance = random.Random(self.seed * 1_000 + number)
        async with engine.connect() as connection:
            while len(self.committed) < rows:
                keys = sorted(chance.sample(range(KEYS), chance.choice((1, 1, 1, 2, 3))))
                made: list[State] = []
                try:
                    for key in keys:
                        made.append(await _change(connection, f"K{key:02}"))
                        if self.database.kind != "sqlite":
                            await asyncio.sleep(chance.uniform(0, HOLD_S))
                    if chance.random() < ROLL_BACKS:
                        await connection.rollback()
                        self.rolled_back += 1
                        continue
                    await connection.commit()
                except DBAPIError:  # a deadlock's victim, as users are now and then
                    await connection.rollback()
                    continue
                self.committed += made
                if self.database.kind == "sqlite":  # others get the file between two transactions
                    await asyncio.sleep(chance.uniform(0, HOLD_S / 4))


async def _change(connection: object, key: str) -> State:
    execute = connection.execute  # type: ignore[attr-defined]
    change = "update stock set qty = qty + 1, note = 'change' where no = :key"
    await execute(text(change), {"key": key})
    found = await execute(text("select qty from stock where no = :key"), {"key": key})
    return key, int(found.scalar())


def faults(committed: Iterable[State], arrived: Sequence[State]) -> dict[str, list[State]]:
    """Give what was lost, what came twice, what never was, and what came before an older state of its row."""
    expected = set(committed)
    seen: set[State] = set()
    newest: dict[str, int] = defaultdict(lambda: -1)
    found: dict[str, list[State]] = defaultdict(list)
    for state in arrived:
        key, revision = state
        if state in seen:
            found["twice"].append(state)
        elif state not in expected:
            found["never committed"].append(state)
        elif revision < newest[key]:
            found["inverted"].append(state)
        seen.add(state)
        newest[key] = max(newest[key], revision)
    found["lost"] = sorted(expected - seen)
    return {name: states for name, states in found.items() if states}
