"""What a person may mean by a word: messages, and the orders where these were meant.

The journal has ids and numbers of orders in indexes. Other names have none, since every arrival would pay
for it: the newest messages are gone through for them, in short reads, so that nobody else waits long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.journal.base import Journal

BEGINNING_MIN = 8  # characters of a message's id: "m", the day's six digits, and one of its own
SHOWN_MAX = 20
LOOKED_THROUGH_MAX = 1_000_000  # messages
STRETCH = 500  # messages, in one read; each may have thousands of deliveries

# As connectors write it (`erp.connector.references`), in one ERP with a mark of the content behind it.
_REFERENCE = re.compile(r"([A-Z2-7]{12,26})(?:\.[0-9a-f]{12})?")

UNDERSTOOD = (
    f"a message's id, or its first {BEGINNING_MIN} characters or more",
    "a delivery's or an exception's id",
    "any number of an order, or its key",
    "our reference in the ERP (12 characters or more), or the number that the ERP gave",
    "a correlation id",
    "the file, path or database row that it came as",
    "its arrival key, or the last part of that",
    "the SHA-256 of its bytes, or 16 digits or more of it",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The messages that a word means. ``orders``: keys, where orders were meant.

    ``is_cut``: by a name that many messages bear; these are the newest of them.
    """

    message_ids: tuple[str, ...]
    orders: tuple[str, ...] = ()
    is_cut: bool = False

    @property
    def is_choice(self) -> bool:
        """Tell whether a name means several messages, which have nothing else in common."""
        return len(self.message_ids) > 1 and not self.orders


def message_of(thing_id: str) -> str:
    """Give the id of the message that a message, a set or a delivery belongs to, by that one's id."""
    return thing_id.partition("/")[0].partition(".")[0]


async def find_named(journal: Journal, word: str) -> Subject:
    """Find messages by the beginning of an id, or by a name without an index; newest first."""
    found = await journal.ids_beginning(word, SHOWN_MAX + 1) if len(word) >= BEGINNING_MIN else []
    if not found:
        found = await _look_through(journal, word)
    name = word.rpartition("/")[2]
    if not found and name not in ("", word):  # a path as a shell completes it, from wherever the person is
        found = await _look_through(journal, name)
    return Subject(tuple(found[:SHOWN_MAX]), is_cut=len(found) > SHOWN_MAX)


async def _look_through(journal: Journal, word: str) -> list[str]:
    newest = await journal.messages(limit=1)
    before = newest[0].sequence + 1 if newest else 0
    oldest = max(0, before - LOOKED_THROUGH_MAX)
    reference = _REFERENCE.fullmatch(word)
    found: list[str] = []
    while before > oldest and len(found) <= SHOWN_MAX:
        since = max(oldest, before - STRETCH)
        found += await journal.ids_bearing(word, reference[1] if reference else None, since, before)
        before = since
    return found


def nothing_found(word: str) -> str:
    """Say that a word means nothing here, and what is understood."""
    return (
        f"'{word}' is no message, delivery or order that is known here. Understood are: "
        f"{'; '.join(UNDERSTOOD)}. The last four, and references, are looked for in the newest "
        f"{LOOKED_THROUGH_MAX:,} messages"
    )
