"""What a plan was decided upon, as it stands now. Looked up before anything of the plan is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from gateway.journal.sqlite.database import Database
from gateway.journal.types import Expected, LedgerEntry

NO_KEYS = (None,) * 5


class Standing(NamedTuple):
    """How an order stands in the ledger. ``is_moved``: it came to its side by a move."""

    revision: int
    side: str
    is_moved: int


@dataclass(slots=True)
class Ground:
    """What stands now of all that an ``Expected`` names; None where nothing does.

    ``stages``: revisions by route. ``documents`` and ``controls``: the message that holds the key.
    """

    configuration: str | None
    stages: dict[str, int | None]
    orders: dict[str, Standing | None]
    documents: dict[str, str | None]
    controls: dict[str, str | None]

    def moved(self, expected: Expected) -> str | None:
        """Say what is no longer as it was seen, or None.

        A message is decoded under the configuration that its translation began with, and decided under
        the current one.
        """
        if self.configuration is not None and int(self.configuration) != expected.config_revision:
            return "config"
        for route, revision in expected.stage_revisions.items():
            if (self.stages[route] or 0) != revision:
                return "stage"
        for order_key, seen in expected.ledger.items():
            if self._revision(order_key) != seen:
                return "ledger"
        for key, holder in self.documents.items():
            if holder != expected.document_keys[key]:
                return "document key"
        for key, holder in self.controls.items():
            if holder != expected.controls[key]:
                return "control number"
        return None

    def splits(self, opens: Iterable[LedgerEntry]) -> bool:
        """Tell whether opening these entries would give an order a second side."""
        entries = ((self.orders[entry.order_key], entry.side) for entry in opens)
        return any(entry is not None and entry.side != side for entry, side in entries)

    def _revision(self, order_key: str) -> int | None:
        entry = self.orders[order_key]
        return None if entry is None else entry.revision


def ground_of(db: Database, expected: Expected, opens: Iterable[LedgerEntry] = ()) -> Ground:
    """Look up what a plan stands on, one of each kind at a time: most plans are about one document."""
    orders = dict.fromkeys((*expected.ledger, *(entry.order_key for entry in opens)))
    documents, controls = (
        (tuple(expected.document_keys), tuple(expected.controls)) if db.dedupes else ((), ())
    )
    asked = list(zip_longest(expected.stage_revisions, orders, documents, controls[::2], controls[1::2]))
    ground = Ground(None, {}, {}, {}, {})
    for keys in asked or [NO_KEYS]:
        route, order_key, document_key, control, another = keys
        row = db.row("plan.stands_on", keys)
        assert row is not None  # noqa: S101 - it asks no table alone
        ground.configuration, stage, entry, holder, holders = row[0], row[1], row[2:5], row[5], row[6:]
        if route is not None:
            ground.stages[route] = stage
        if order_key is not None:
            ground.orders[order_key] = None if entry[0] is None else Standing(*entry)
        if document_key is not None:
            ground.documents[document_key] = holder
        if control is not None:
            ground.controls[control] = holders[0]
        if another is not None:
            ground.controls[another] = holders[1]
    return ground


def standing(db: Database, order_key: str) -> Standing | None:
    """Give how an order stands in the ledger, if it does."""
    row = db.row("order.standing", (order_key,))
    return None if row is None else Standing(*row)
