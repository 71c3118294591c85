"""What a stage may look at in an order: its words by dimension. Pure.

The words are the document's own codes, as sent. A word that only the header says holds for every
line; where lines say different ones, all of them count, and a selection must cover them all.
"""

from __future__ import annotations

from collections.abc import Iterable

from canonical.document import CanonicalDocument
from canonical.purchase_order import PurchaseOrder
from canonical.requisition import Requisition
from canonical.values import Party
from gateway.stage import Dimension, OrderFacts

# What a line may say of it. In most orders the header says it for all: no line is looked through then.
_LINE_WORDS = frozenset(
    {"facility", "inventory_location", "supplier", "category", "line_class", "stock", "ship_to"}
)


def order_facts(order_key: str, document: CanonicalDocument) -> OrderFacts:
    """Give the words that selections and pins are matched against; none of a document that opens no order."""
    if not isinstance(document, PurchaseOrder | Requisition):
        return OrderFacts(order_key, {})
    lines = [line for line in document.lines if not _LINE_WORDS.isdisjoint(line.model_fields_set)]
    places = (document.ship_to, *(line.ship_to for line in lines))
    facilities = _either(
        (document.facility, *(line.facility for line in lines)),
        tuple(name for place in places for name in _names(place)),
    )
    words: dict[Dimension, Iterable[str | None]] = {
        "facility": facilities,
        "location": (document.inventory_location, *(line.inventory_location for line in lines)),
        "supplier": (*_names(document.seller), *(name for line in lines for name in _names(line.supplier))),
        "category": (line.category for line in lines),
        "line_class": (line.line_class for line in lines),
        "order_type": (document.order_type,),
        "stock": (line.stock for line in lines),
    }
    return OrderFacts(
        order_key,
        {name: frozenset(word for word in each if word) for name, each in words.items()},
        is_placed=isinstance(document, PurchaseOrder) and document.already_placed,
    )


def _names(party: Party | None) -> tuple[str, ...]:
    return tuple(identifier.value for identifier in party.identifiers) if party else ()


def _either(words: tuple[str | None, ...], otherwise: tuple[str, ...]) -> tuple[str | None, ...]:
    return words if any(words) else otherwise
