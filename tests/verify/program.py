"""`verify`: one program that says which of the gateway's promises were not kept.

Used by the seeded simulation, the kill -9 tests and the power-loss tests alike, after the gateway
has come to rest. It believes nobody: what senders were told is checked against the journal, and the
journal against what the targets' own witnesses saw. Source of I1 to I7: the project's test plan.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.journal.base import Journal
from tests.verify import acceptance, delivering, ordering, resting
from tests.verify.evidence import History, TargetLedger, Violation
from tests.verify.records import read_records


async def verify(history: History, journal: Journal, ledgers: Sequence[TargetLedger]) -> list[Violation]:
    """Give every violation found, in a stable order.

    I1 an acknowledged message is in the journal with identical bytes; an unknown one at most once.
    I2 each ends in exactly one way: delivered once, parked where people see it, or an explained repeat.
    I3 one live document per document key over all targets; one transmission per order.
    I4 a target commits each order's documents in the order of their acceptance.
    I5 the lineage is complete: message, documents, decisions, deliveries, attempts, outcome.
    I6 nothing was acknowledged that the journal does not find.
    I7 an order's documents are all on the side of its ledger entry.
    DRAIN nothing is left half done. AUDIT the chain holds.
    """
    records = await read_records(journal, ledgers)
    return [
        *acceptance.violations(history, records),
        *delivering.violations(history, records),
        *ordering.violations(records),
        *resting.violations(records),
    ]
