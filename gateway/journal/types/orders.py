"""Orders: ledger entries, their names, and what waits for one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from adapters.base import AliasKind
from gateway.journal.types.states import Side, Transmitter


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Which side owns an order, and who transmits it. Opened once, by an originating document.

    ``revision`` grows with every change; a plan made against another one is refused.
    """

    order_key: str
    side: Side
    transmitter: Transmitter
    route: str
    stage: str  # the stage that decided, or "imported", "placed_by_phone", "moved"
    reason: str  # the rule that decided, in words
    opened_at: datetime
    message_id: str | None = None
    closed_at: datetime | None = None
    revision: int = 1
    moving_to: Side | None = (
        None  # it is on its way there: nothing new of it is decided before it has arrived
    )
    is_divided: bool = False  # the side it was on before received goods that are not invoiced yet


MOVED = "moved"  # the stage of an entry whose order was moved from one side to the other
PHONED = "placed_by_phone"  # the stage of an entry that nothing had opened before a person rang the supplier
_PHONED_BECAUSE = "placed by phone, reference "


def phoned_because(reference: str) -> str:
    """Give the reason of an entry whose order a person has placed with the supplier by phone."""
    return f"{_PHONED_BECAUSE}{reference}"


def was_phoned(entry: LedgerEntry) -> bool:
    """Tell whether a person placed an order by phone, and nothing was decided about it since."""
    return entry.reason.startswith(_PHONED_BECAUSE)


class Naming(NamedTuple):
    """In whose numbering a number names an order. ``target``: the endpoint that told it, "" for nobody's."""

    kind: AliasKind
    target: str = ""


def naming_counts(target: str, tellers: Collection[str]) -> bool:
    """Tell whether a name that ``target`` told counts where only ``tellers`` do; nobody's always counts."""
    return not tellers or not target or target in tellers


@dataclass(frozen=True, slots=True)
class AwaitedOrder:
    """A follow-on of which orders are not known yet; re-decided when one appears, or at ``until``.

    ``order_numbers``: names by which an alias may come to know one; ``order_keys``: those of the orders
    themselves. ``tellers``: whose names count, endpoints of one tenant; empty: everybody's.
    """

    order_numbers: tuple[str, ...]
    until: datetime
    order_keys: tuple[str, ...] = ()
    tellers: tuple[str, ...] = ()
