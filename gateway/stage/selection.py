"""Which orders a canary takes: a growing share of its selection, and none that is pinned. Pure."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from gateway.stage.rules import OrderFacts, RouteRule

NEVER_BY_PERCENTAGE = frozenset({"stock", "consignment", "blanket", "release", "standing", "replenishment"})
"""Order types and stock classes that a percentage never selects: stock levels, consigned goods and
running contracts live in one system as a whole, so a share of their orders would split them."""


def takes_cloud(order_key: str, share_percent: Decimal, salt: str = "") -> bool:
    """Tell whether a percentage selects an order: true for a set of orders that only grows with the share."""
    digest = hashlib.sha256(f"{salt}|{order_key}".encode()).digest()
    threshold = int(share_percent * (1 << 64) / 100)
    return int.from_bytes(digest[:8]) < threshold


def pinned_by(rule: RouteRule, order: OrderFacts) -> str | None:
    """Say which pin keeps an order on legacy, or None."""
    for dimension, words in rule.pin_legacy.items():
        if found := order.words.get(dimension, frozenset()) & words:
            return f"{dimension} {'/'.join(sorted(found))}"
    return None


def selected(rule: RouteRule, share_percent: Decimal, order: OrderFacts) -> str | None:
    """Say by what a canary takes an order, or None where it stays on legacy."""
    if pinned_by(rule, order) is not None:
        return None
    if not rule.select or share_percent <= 0:
        return None
    for dimension, words in rule.select.items():
        found = order.words.get(dimension, frozenset())
        if not found or not found <= words:  # every line must be inside the selection
            return None
    chosen = ", ".join(f"{dimension} {'/'.join(sorted(words))}" for dimension, words in rule.select.items())
    if share_percent >= 100:
        return f"selected by {chosen}"
    kinds = order.words.get("stock", frozenset()) | order.words.get("order_type", frozenset())
    if kinds & NEVER_BY_PERCENTAGE or not takes_cloud(order.order_key, share_percent, rule.salt):
        return None
    return f"selected by {chosen} and {share_percent} %"
