"""Lanes: per target and order key, deliveries in the order of their documents; only heads are sent.

A delivery counts in ``waits_for`` the lanes in which another stands before it. The count is kept when
a delivery enters or leaves, so that ``claim`` never looks at one that has to wait.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.journal.sqlite.database import Database

INDEX_BITS = 20  # up to 1,048,575 documents of a message


def position_of(sequence: int, document_index: int | None) -> int:
    """Give a delivery's place in every lane: by message, then by document."""
    index = -1 if document_index is None else document_index
    return (sequence << INDEX_BITS) + index + 1


def overtaken_order(db: Database, target: str, lanes: Sequence[str], position: int) -> str | None:
    """Give the order of which a later document was already attempted or done at the target."""
    for order_key in lanes:
        attempted = db.value("lane.mark", (target, order_key))
        if attempted is not None and attempted > position:
            return order_key
    return None


def enter(db: Database, number: int, target: str, lanes: Sequence[str], position: int) -> int:
    """Put a delivery into its lanes; give how many of them another holds.

    Whoever held a lane and now stands behind waits; where it was leased and had sent nothing, its
    lease ends.
    """
    waits_for = 0
    for order_key in lanes:
        earlier, next_number = _neighbours(db, number, target, order_key, position)
        if earlier is not None:
            waits_for += 1
        elif next_number is not None:
            db.run("lane.block", (next_number,))
        db.run("lane.enter", (target, order_key, position, number))
    return waits_for


def leave(db: Database, number: int, target: str, lanes: Sequence[str], position: int) -> None:
    """Take a finished delivery out of its lanes and let the next ones come up."""
    for order_key in lanes:
        db.run("lane.leave", (target, order_key, position, number))
        earlier, next_number = _neighbours(db, number, target, order_key, position)
        if earlier is None and next_number is not None:
            db.run("lane.unblock", (next_number,))


def mark_attempted(db: Database, target: str, lanes: Sequence[str], position: int) -> None:
    """Note how far the target has been asked, or is done, in each lane."""
    for order_key in lanes:
        db.run("lane.set_mark", (target, order_key, position))


def _neighbours(
    db: Database, number: int, target: str, order_key: str, position: int
) -> tuple[int | None, int | None]:
    place = (target, order_key, position, number)
    row = db.row("lane.neighbours", place + place)
    return (None, None) if row is None else (row[0], row[1])
