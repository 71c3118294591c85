"""Which side takes an order: the strangler table as a pure function.

Stages belong to routes that originate orders. The first document of an order opens its ledger
entry; everything later about that order follows the entry, whatever the stage has become. A
percentage is a salted hash of the order key against a rising threshold, so raising it moves no
order back.
"""

from __future__ import annotations

from gateway.stage.deciding import ask, decide, follow, placed_by_phone, transmitter_of
from gateway.stage.people import known_to_us, left_behind, number_clash, unknown_order, unsplit
from gateway.stage.rules import Decision, Dimension, Form, Intent, OrderFacts, RouteRule, Stage
from gateway.stage.selection import NEVER_BY_PERCENTAGE, pinned_by, takes_cloud

__all__ = [
    "NEVER_BY_PERCENTAGE",
    "Decision",
    "Dimension",
    "Form",
    "Intent",
    "OrderFacts",
    "RouteRule",
    "Stage",
    "ask",
    "decide",
    "follow",
    "known_to_us",
    "left_behind",
    "number_clash",
    "pinned_by",
    "placed_by_phone",
    "takes_cloud",
    "transmitter_of",
    "unknown_order",
    "unsplit",
]
