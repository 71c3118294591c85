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


def enter(
    db: Database, number: int, target: str, lanes: Sequence[str], position: int
) -> tuple[int, str | None]:
    """Put a delivery into its lanes; give how many of them another holds, and the order that overtook it.

    Whoever held a lane and now stands behind waits; where it was leased and had sent nothing, its
    lease ends. Overtaken: a later document of the order was already attempted or done at the target.
    """
    waits_for, overtaken = 0, None
    for order_key in lanes:
        place = (target, order_key, position, number)
        attempted, earlier, next_number = db.row("lane.place", place) or (None, None, None)
        if overtaken is None and attempted is not None and attempted > position:
            overtaken = order_key
        if earlier is not None:
            waits_for += 1
        elif next_number is not None:
            db.run("lane.block", (next_number,))
        db.run("lane.enter", place)
    return waits_for, overtaken


def leave(db: Database, number: int, target: str, lanes: Sequence[str], position: int) -> None:
    """Take a finished delivery out of its lanes and let the next ones come up."""
    for order_key in lanes:
        place = (target, order_key, position, number)
        db.run("lane.leave", place)
        _, earlier, next_number = db.row("lane.place", place) or (None, None, None)
        if earlier is None and next_number is not None:
            db.run("lane.unblock", (next_number,))


def mark_attempted(db: Database, target: str, lanes: Sequence[str], position: int) -> None:
    """Note how far the target has been asked, or is done, in each lane."""
    for order_key in lanes:
        db.run("lane.set_mark", (target, order_key, position))
