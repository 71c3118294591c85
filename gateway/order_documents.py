"""What the journal has of an order, as it counts now: what was taken, without the gateway's own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from adapters.base import Verdict
from canonical.document import CanonicalDocument
from canonical.key_rules import KeyRules
from canonical.keys import order_key_of
from canonical.lines import FollowOnLine
from canonical.registry import parse_document
from gateway.journal.types import DocumentView


def standing(views: Iterable[DocumentView], own_messages: Collection[str]) -> list[DocumentView]:
    """Give the documents of an order that count: of each message's last plan, taken, parked by nobody.

    ``own_messages``: those that moves of this order made; they say nothing new.
    """
    views = [view for view in views if view.message_id not in own_messages]
    newest: dict[str, int] = {}
    for view in views:
        newest[view.message_id] = max(view.generation, newest.get(view.message_id, 0))
    return [
        view
        for view in views
        if view.generation == newest[view.message_id]
        and view.plan.side is not None
        and view.plan.repeats is None
        and not view.plan.is_parked
        and view.plan.verdict is not Verdict.REJECTED
    ]


def canonical_of(views: Sequence[DocumentView]) -> list[CanonicalDocument]:
    """Give documents as they were read; those whose content retention has taken are left out."""
    return [parse_document(view.plan.canonical) for view in views if view.plan.canonical]


def about(
    order_key: str, numbers: Collection[str], rules: KeyRules
) -> Callable[[CanonicalDocument, FollowOnLine], bool | None]:
    """Give what tells whether a line of a document is about one order; None where nobody can tell.

    ``numbers``: further names of the order.
    """

    def is_this(document: CanonicalDocument, line: FollowOnLine) -> bool | None:
        if line.order is None:
            return True if len(document.named_orders) <= 1 else None
        named = [number.number for number in line.order.numbers]
        if any(number in numbers for number in named):
            return True
        buyer = getattr(document, "buyer", None)
        return line.order.number is not None and order_key_of(line.order.number, rules, buyer) == order_key

    return is_this
