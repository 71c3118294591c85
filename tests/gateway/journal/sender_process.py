"""A process that is killed: 32 senders accept messages in a journal and tell each acknowledgment on stdout.

Run as ``python sender_process.py STORE ROUND``; it prints ``ok <message id>`` once a message is durable.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.journal.sqlite import SqliteJournal
from tests.gateway.journal.builders import arrival

SENDERS = 32


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


def body_of(message_id: str) -> bytes:
    return message_id.encode() * 300


async def main(store: Path, number: int) -> None:
    journal = await SqliteJournal.open(store, clock=RealClock())
    await asyncio.gather(*(send(journal, f"r{number}-s{sender}") for sender in range(SENDERS)))


async def send(journal: SqliteJournal, sender: str) -> None:
    for number in range(1_000_000):
        message_id = f"{sender}-{number}"
        await journal.accept(arrival(message_id, key=message_id), body_of(message_id))
        os.write(1, f"ok {message_id}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
