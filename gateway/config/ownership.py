"""Who does what with an order while both systems live, and who owns what is shared."""

from __future__ import annotations

from datetime import date
from typing import Literal

from adapters.base.settings import Settings
from gateway.stage import Stage

Where = Literal["legacy", "cloud", "owner"]
Holder = Literal["legacy", "cloud", "order"]

ENTITIES = ("suppliers", "items", "budgets", "approvals", "order_status")
PHASES = (Stage.LEGACY, Stage.SHADOW, Stage.CANARY, Stage.CLOUD, Stage.RETIRED)


class Receiving(Settings):
    """Where goods are received."""

    at: Where
    """`owner`: each side receives its own orders; `legacy` or `cloud`: that side receives all of them."""

    back_sync: str | None = None
    """Route by which receipts of the other side reach the system that owns the order."""


class Matching(Settings):
    """Where invoices are matched."""

    at: Where
    """`owner`: on the side of their order; `legacy` or `cloud`: there, whoever owns the order."""


NO_STOCK = "none"


class Ownership(Settings):
    """What a route declares before its first canary; `check` refuses the canary otherwise."""

    receiving: Receiving | None = None
    """Where goods are received, and how the owning system hears of it."""

    matching: Matching | None = None
    """Where invoices are matched."""

    on_order: str | None = None
    """Route that tells the other side what is on order: needed where stock or par replenishment may move.
    `none`: no such order comes by this route."""


class CutOver(Settings):
    """From when on a legal entity's invoices belong to the cloud ERP."""

    legal_entity: str | None = None
    """Identifier of the bill-to or the buyer. Without it: every one that has no rule of its own."""

    cut_over: date
    """The first invoice date that is the cloud ERP's."""


class Invoices(Settings):
    """Who takes an invoice that is of both sides or of none: it is never split."""

    owners: tuple[CutOver, ...] = ()
    """By legal entity and date. An invoice that no rule is for waits for a person."""

    desk: str = "accounts_payable"
    """Who looks at those."""


class Phases(Settings):
    """Who owns an entity in each stage; one that is not named is as the one before it."""

    legacy: Holder
    """In stage legacy: `legacy`, `cloud`, or `order` for whoever owns the order."""

    shadow: Holder | None = None
    """In stage shadow."""

    canary: Holder | None = None
    """In stage canary."""

    cloud: Holder | None = None
    """In stage cloud."""

    retired: Holder | None = None
    """In stage retired."""

    def by_stage(self) -> dict[str, str]:
        """Give the owner of every stage."""
        found: dict[str, str] = {}
        owner: str = self.legacy
        for stage in PHASES:
            owner = getattr(self, stage.value) or owner
            found[stage.value] = owner
        return found


class Owners(Settings):
    """One owner per entity and stage. What another side sends of it is parked: it would be undone again."""

    suppliers: Phases | None = None
    """Suppliers and their sites."""

    items: Phases | None = None
    """The item master."""

    budgets: Phases | None = None
    """Budgets and what is encumbered."""

    approvals: Phases | None = None
    """Approval decisions."""

    order_status: Phases | None = None
    """What has become of an order."""

    def declared(self) -> dict[str, dict[str, str]]:
        """Give what is declared: entity -> stage -> owner."""
        found = {name: getattr(self, name) for name in ENTITIES}
        return {name: phases.by_stage() for name, phases in found.items() if phases is not None}
