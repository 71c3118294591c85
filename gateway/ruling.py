"""By what a set is decided, and what sets decided before it in the same chunk have changed already. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.base import Alias, Finding, Level, Verdict
from canonical.document import CanonicalDocument
from gateway.correspondence import ReturnsTo
from gateway.journal.types import Acknowledged, Facts, LedgerEntry
from gateway.naming import Keyed, orders_named
from gateway.program import Program
from gateway.stage import OrderFacts, Stage

NO_ORDER = "a set without a document cannot open an order"


@dataclass(frozen=True, slots=True)
class Ruling:
    """By what a set is decided: its route's program, and the stage of the route that decides."""

    program: Program
    stage: Stage
    share: Decimal
    returns_to: ReturnsTo = lambda route: None  # where acknowledgments of what a route received go


Rulings = Callable[[str], Ruling]  # by set type


@dataclass(slots=True)
class Seen:
    """What this chunk itself adds to the facts: two sets of one chunk may name the same order."""

    ledger: dict[str, LedgerEntry]
    documents: dict[str, tuple[str, int, str, datetime]]  # document key -> message id, index, hash, since
    opened: list[LedgerEntry] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    aliases: dict[str, tuple[Alias, ...]] = field(default_factory=dict)


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Give the verdict that the worst finding asks for."""
    levels = {finding.level for finding in findings}
    if Level.REJECTED in levels:
        return Verdict.REJECTED
    return Verdict.ACCEPTED_WITH_ERRORS if Level.ERROR in levels else Verdict.ACCEPTED


def entries_of(each: Keyed, facts: Facts, seen: Seen) -> list[LedgerEntry]:
    """Give the ledger entries of all orders that a set names."""
    return [seen.ledger[key] for key in orders_named(each, facts) if key in seen.ledger]


def document_of(each: Keyed) -> CanonicalDocument:
    """Give the document of a set that may open an order. Errors: ValueError where it has none."""
    if (document := each.document) is None:
        raise ValueError(NO_ORDER)
    return document


def facts_of_order(each: Keyed) -> OrderFacts:
    """Give what stages may look at in a set that may open an order. Errors: ValueError where it cannot."""
    if each.brief is None or each.brief.order is None:
        raise ValueError(NO_ORDER)
    return each.brief.order
