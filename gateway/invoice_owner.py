"""Who takes an invoice that belongs to no side as a whole. Pure.

An invoice is never split. Where its lines are on both sides, on none, or on one side before and on the other
after a move, it goes to whoever is declared for its legal entity, by its date; else a person must look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from canonical.invoice import Invoice
from gateway.journal.types import Side


@dataclass(frozen=True, slots=True)
class InvoiceOwner:
    """Who takes a legal entity's invoices: legacy those dated before the cut-over, the cloud ERP all others.

    ``legal_entity`` None: of every legal entity that has no rule of its own.
    """

    legal_entity: str | None
    cut_over: date


def owner_of(owners: Sequence[InvoiceOwner], invoice: Invoice) -> tuple[Side, str] | None:
    """Give the side that is declared to take an invoice and why, or None."""
    if invoice.invoiced is None:
        return None
    names = {
        identifier.value
        for party in (invoice.bill_to, invoice.buyer)
        if party is not None
        for identifier in party.identifiers
    }
    own = [each for each in owners if each.legal_entity in names]
    general = [each for each in owners if each.legal_entity is None]
    for rule in (*own, *general):
        side = Side.LEGACY if invoice.invoiced.date < rule.cut_over else Side.CLOUD
        entity = rule.legal_entity or "every legal entity"
        return side, f"declared for {entity}: cut-over {rule.cut_over:%Y-%m-%d}"
    return None
