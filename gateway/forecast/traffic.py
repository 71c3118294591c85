"""Which messages a plan replays: those of the last days, oldest first, within bounds.

What moves of orders made is no traffic: it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.journal.base import Journal
from gateway.journal.types import Message, MessageState
from gateway.order_mover import TRANSPORT as MOVE

PAGE = 500
BYTES_MAX = 512 * 1024 * 1024  # of all bodies together; they are in memory while they are replayed


@dataclass(frozen=True, slots=True)
class Traffic:
    """The window. ``refused``: inputs that were refused before acceptance, of which no bytes are kept.

    ``is_cut``: there was more than the limits allow; the newest are here.
    """

    since: datetime
    messages: tuple[Message, ...]
    refused: int = 0
    is_cut: bool = False


async def recorded_traffic(
    journal: Journal, since: datetime, limit: int, route: str | None = None
) -> Traffic:
    """Give the newest messages accepted since then, at most ``limit``, in the order of their acceptance."""
    found: list[Message] = []
    refused, size_bytes, before = 0, 0, None
    while page := await journal.messages(route=route, before_sequence=before, limit=PAGE):
        for message in page:
            if message.accepted_at < since:
                return Traffic(since, tuple(reversed(found)), refused)
            if message.origin.transport == MOVE:
                continue  # the gateway's own: nobody sent it, and no configuration would have it arrive
            if message.state is MessageState.REFUSED and not message.size_bytes:
                refused += 1
                continue
            size_bytes += message.size_bytes
            if len(found) >= limit or size_bytes > BYTES_MAX:
                return Traffic(since, tuple(reversed(found)), refused, is_cut=True)
            found.append(message)
        before = page[-1].sequence
    return Traffic(since, tuple(reversed(found)), refused)
